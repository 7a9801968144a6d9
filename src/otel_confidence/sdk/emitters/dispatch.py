"""
This module finds the emitter of a record.
"""

from collections.abc import Mapping
from typing import Final

from otel_confidence.errors import InvalidRecord
from otel_confidence.records import Failure, Feedback, Outcome, Prediction
from otel_confidence.reports import (
    DataQuality,
    Learning,
    Optimization,
    Performance,
    Resource,
    Usage,
)
from otel_confidence.sdk.emitters import (
    data_quality,
    failures,
    feedback,
    learning,
    optimizations,
    outcomes,
    performance,
    predictions,
    resources,
    usage,
)
from otel_confidence.sdk.emitters.tools import Emitter
from otel_confidence.text import type_name

_EMITTERS: Final[Mapping[type, Emitter]] = {
    Prediction: predictions.emit,
    Failure: failures.emit,
    Outcome: outcomes.emit,
    Feedback: feedback.emit,
    Performance: performance.emit,
    Usage: usage.emit,
    Learning: learning.emit,
    Optimization: optimizations.emit,
    Resource: resources.emit,
    DataQuality: data_quality.emit,
}


def emitter_of(record: object) -> Emitter:
    """
    The emitter of a record's kind, or of the kind it extends.

    Raises:
        InvalidRecord: it is no record.
    """
    return _EMITTERS.get(type(record)) or _of_kind(record)


def _of_kind(record: object) -> Emitter:
    for kind, emitter in _EMITTERS.items():
        if isinstance(record, kind):
            return emitter
    raise InvalidRecord(f"not a record: {type_name(record)}", reason="wrong_type")
