"""
This module holds what a program reports: frozen records that check themselves once, at birth.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from otel_confidence import checks
from otel_confidence import conventions as c
from otel_confidence.decisions import EVERYTHING, Decisions
from otel_confidence.errors import InvalidRecord
from otel_confidence.reports import (
    DataQuality,
    Learning,
    Optimization,
    Performance,
    Resource,
    Usage,
)
from otel_confidence.text import clean

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NOTHING: Final[Mapping[str, int]] = MappingProxyType({})
LATEST: Final = checks.LARGEST / 1e9
"""The latest time OTLP can carry, epoch seconds; and the longest duration taken."""
_SOURCES: Final = ("", *c.SOURCE.values)
_METHODS: Final = ("", *c.UNCERTAINTY_METHOD.values)
_IDS: Final = 2**64
_TRACES: Final = 2**128
_LARGEST_FLOAT: Final = sys.float_info.max


@dataclass(frozen=True, slots=True)
class Link:
    """
    Where in a trace something happened; zeros where it was not traced.
    """

    trace_id: int = 0
    span_id: int = 0
    sampled: bool = False

    def __post_init__(self) -> None:
        for name, end in (("trace_id", _TRACES), ("span_id", _IDS)):
            given = getattr(self, name)
            if type(given) is not int or not 0 <= given < end:
                right = f"a whole number of {end.bit_length() - 1} bits"
                raise InvalidRecord(f"{name} must be {right}, got {checks.shown(given)}")


NOWHERE: Final = Link()


@dataclass(frozen=True, slots=True)
class Prediction:
    """
    One call that predicted: one prediction, or a batch of them.
    """

    model: str
    version: str = ""
    confidence: "float | NDArray[np.float64] | None" = None
    """Within 0..1; shape [n] for a batch, NaN where it is unknown."""
    label: Any = None
    """The predicted label or value; a sequence of n for a batch."""
    source: str = ""
    """A value of ``conventions.SOURCE``."""
    size: int = 1
    """How many predictions the call made."""
    uncertainty: "float | NDArray[np.float64] | None" = None
    method: str = ""
    """A value of ``conventions.UNCERTAINTY_METHOD``."""
    decisions: Decisions = EVERYTHING
    """What confidences decide; by default everything is accepted."""
    duration_s: float = 0.0
    time_s: float = 0.0
    """When it was made, epoch seconds."""
    id: int = 0
    """The prediction's id, 64 bits."""
    rejected: Mapping[str, int] = field(default_factory=lambda: NOTHING)
    """Why confidences are missing: reason to number of predictions."""
    tolerance: "float | NDArray[np.float64] | None" = None
    """How far the truth may be from a predicted value that is right, in its unit."""
    interval: "tuple[float | NDArray[np.float64], float | NDArray[np.float64]] | None" = None
    """Lower and upper end of the prediction interval, in the predicted value's unit."""
    prediction_set: Any = None
    """The labels of a prediction set; a sequence of n sets for a batch."""

    def __post_init__(self) -> None:
        if not (type(self.confidence) is float and 0 <= self.confidence <= 1):
            _put(self, "confidence", _measure("confidence", self.confidence, 1))
        if self.uncertainty is not None:
            _put(self, "uncertainty", _measure("uncertainty", self.uncertainty, _LARGEST_FLOAT))
        if not (type(self.size) is int and 0 <= self.size <= checks.LARGEST):
            _put(self, "size", checks.count("size", self.size))
        for name in ("duration_s", "time_s"):
            given = getattr(self, name)
            if not (type(given) is float and 0 <= given < LATEST):
                _put(self, name, checks.number(name, given, 0, LATEST))
        if not (type(self.id) is int and 0 <= self.id < _IDS):
            raise InvalidRecord(
                f"id must be a whole number of 64 bits, got {checks.shown(self.id)}"
            )
        if not (type(self.model) is str and type(self.version) is str and self.model):
            _settle_model(self)
        if self.rejected or type(self.confidence) is not float:
            _settle_unknown(self)
        if self.source not in _SOURCES or self.method not in _METHODS:
            checks.one_of("source", self.source, c.SOURCE, empty=True)
            checks.one_of("method", self.method, c.UNCERTAINTY_METHOD, empty=True)


@dataclass(frozen=True, slots=True)
class Failure:
    """
    A call that should have predicted and ended in an exception, or was cancelled; any other error.
    """

    model: str = ""
    """Empty where it was no model's; a component is named then."""
    version: str = ""
    error_type: str = ""
    cancelled: bool = False
    """Whether it was told to stop, which is no error."""
    duration_s: float | None = None
    """None where nothing was timed."""
    component: str = ""
    """The part of the program that failed."""
    severity: str = ""
    """How grave it was, a value of ``conventions.ERROR_SEVERITY``; empty where it is not said."""
    impact: str = ""
    """Who noticed, a value of ``conventions.ERROR_IMPACT``; empty where it is not said."""
    recovered: bool | None = None
    """Whether the program recovered; None where it did not try."""
    attributes: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("model", "version", "error_type", "component"):
            _put(self, name, checks.text(name, getattr(self, name), empty=True))
        checks.one_of("severity", self.severity, c.ERROR_SEVERITY, empty=True)
        checks.one_of("impact", self.impact, c.ERROR_IMPACT, empty=True)
        _put(self, "duration_s", checks.optional("duration_s", self.duration_s, 0, LATEST))
        if not isinstance(self.recovered, (bool, type(None))):
            raise InvalidRecord(f"recovered must be a bool, got {checks.shown(self.recovered)}")
        if not self.model and not self.component:
            raise InvalidRecord("an error needs a model or a component", reason="missing")
        _put(self, "attributes", checks.mapping("attributes", self.attributes))


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    The truth about an earlier prediction.
    """

    model: str
    version: str = ""
    correct: float | None = None
    """1 right, 0 wrong, between where it is partly right; None where it can't be said."""
    confidence: float | None = None
    """The prediction's, within 0..1."""
    source: str = ""
    truth: str = ""
    """The true label or value, as text."""
    delay_s: float = 0.0
    """From the prediction to this truth; clocks may differ, so never below 0."""
    prediction_id: int = 0
    link: Link = NOWHERE
    """The prediction's place in its trace."""

    def __post_init__(self) -> None:
        _settle_model(self)
        _put(self, "correct", checks.optional("correct", self.correct, 0, 1))
        _put(self, "confidence", checks.optional("confidence", self.confidence, 0, 1))
        _put(self, "delay_s", checks.number("delay_s", self.delay_s, 0, LATEST))
        checks.one_of("source", self.source, c.SOURCE, empty=True)
        _put(self, "truth", checks.text("truth", self.truth, empty=True))


@dataclass(frozen=True, slots=True)
class Feedback:
    """
    What somebody thought of a prediction.
    """

    model: str
    version: str = ""
    score: float = 0.0
    """0 (bad) to 1 (good)."""
    type: str = "overall"
    """What was judged, a value of ``conventions.FEEDBACK_TYPE``."""
    source: str = "end_user"
    """Who judged, a value of ``conventions.FEEDBACK_SOURCE``."""
    comment: str = ""
    prediction_id: int = 0
    link: Link = NOWHERE
    judge: str = ""
    """Which of them judged, where several may; only a digest of it leaves the process."""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _settle_model(self)
        checks.one_of("type", self.type, c.FEEDBACK_TYPE)
        checks.one_of("source", self.source, c.FEEDBACK_SOURCE)
        _put(self, "comment", checks.text("comment", self.comment, empty=True))
        score = checks.number("score", self.score, 0, 1, hint="a scale of five? (n - 1) / 4")
        _put(self, "score", score)
        for name in ("attributes", "metadata"):
            _put(self, name, checks.mapping(name, getattr(self, name)))


Record = (
    Prediction | Failure | Outcome | Feedback
    | Performance | Usage | Learning | Optimization | Resource | DataQuality
)  # fmt: skip
"""Anything ``Telemetry.emit()`` takes."""


def _put(record: object, name: str, value: object) -> None:
    """
    Put a checked value in the place of the one that was given.
    """
    object.__setattr__(record, name, value)


def _settle_unknown(p: Prediction) -> None:
    """
    Settle what stands on metrics of confidences that are missing, and whether any is.
    """
    given = checks.mapping("rejected", p.rejected)
    reasons = {
        clean(checks.text("rejected", reason)): checks.count("rejected", count)
        for reason, count in given.items()
    }
    _put(p, "rejected", reasons)
    rows = getattr(p.confidence, "shape", (p.size,))
    if rows != (p.size,):
        raise InvalidRecord(f"size must be that of the confidences, {rows[0]}, got {p.size}")


def _settle_model(record: Any) -> None:
    _put(record, "model", checks.text("model", record.model))
    _put(record, "version", checks.text("version", record.version, empty=True))


def _measure(name: str, value: Any, high: float) -> Any:
    """
    One number, or a column of them in which NaN stands for what is not known.
    """
    if value is None or not getattr(value, "ndim", 0):
        return checks.optional(name, value, 0, high)
    if value.ndim != 1 or str(value.dtype) != "float64":
        raise InvalidRecord(
            f"{name} must be a number or an array of float64 with the shape [n], got the shape "
            f"{value.shape} of {value.dtype}",
            reason="wrong_type",
        )
    if (value < 0).any() or (value > high).any():
        raise InvalidRecord(f"{name} must be within 0..{high:g} or NaN", reason="out_of_range")
    return value
