"""
This module reads a confidence that the result states as a number.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from otel_confidence import conventions
from otel_confidence.errors import ConfigurationError
from otel_confidence.sdk.extract import arrays
from otel_confidence.sdk.extract.batches import Reader, collected
from otel_confidence.sdk.extract.extracted import CONFIDENCE_MISSING, NOTHING, Extracted, rejection
from otel_confidence.sdk.extract.paths import NOWHERE, Many
from otel_confidence.sdk.extract.places import Place, finder
from otel_confidence.sdk.extract.scales import Ends, Policy, Scale, scale_of


@dataclass(frozen=True, slots=True)
class Reported:
    """
    A confidence that the result states as a number.

    Args:
        at: where the number is; a callable may answer with an array of shape [n] for a batch.
        scale: ``"unit"`` for 0..1, ``"percent"`` for 0..100, or the two ends.
        out_of_range: ``"reject"`` a number outside, or ``"clip"`` it; both are counted.
        source: what it is, where that is known: a value of ``conventions.SOURCE``.
    """

    at: Place = "."
    scale: str | Ends = "unit"
    out_of_range: Policy = "reject"
    source: str = "reported"

    def __post_init__(self) -> None:
        self.reader()
        if self.source not in conventions.SOURCE.values:
            raise ConfigurationError(
                f"source must be one of {', '.join(conventions.SOURCE.values)}, got {self.source!r}"
            )

    method = ""
    """It finds no uncertainty."""

    def reader(self) -> Reader:
        """
        The function from a result to what was found.
        """
        find = finder(self.at)
        scale = scale_of(self.scale, self.out_of_range)
        source = self.source
        computed = callable(self.at)
        one = scale.one

        def read(result: Any) -> Extracted:
            value = find(result)
            if type(value) is not float:
                if value is NOWHERE:
                    return rejection(CONFIDENCE_MISSING, source)
                if isinstance(value, Many):
                    return column(value, scale, source)
                if computed and arrays.is_array(value):
                    return _vector(value, scale, source)
            confidence, reason = one(value)
            return Extracted(confidence, None, source, rejected={reason: 1} if reason else NOTHING)

        return read


def column(rows: Many, scale: Scale, source: str) -> Extracted:
    """
    A batch of n numbers that lie in n rows.
    """
    if not rows:
        return rejection(CONFIDENCE_MISSING, source)
    rejected: Counter[str] = Counter()
    confidences = np.full(len(rows), np.nan)
    for position, row in enumerate(rows):
        confidence, reason = scale.one(None if row is NOWHERE else row)
        if reason:
            rejected[reason] += 1
        if confidence is not None:
            confidences[position] = confidence
    return collected(confidences, source, rejected=dict(rejected))


def _vector(value: Any, scale: Scale, source: str) -> Extracted:
    array = arrays.floats(value)
    if array is None or array.ndim != 1:
        confidence, reason = scale.one(value)
        return Extracted(confidence, None, source, rejected={reason: 1} if reason else NOTHING)
    if not array.size:
        return rejection(CONFIDENCE_MISSING, source)
    confidences, rejected = scale.many(array)
    return collected(confidences, source, rejected=rejected)
