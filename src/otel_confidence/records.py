"""
This module holds what a program reports: frozen records that check themselves once, at birth.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from otel_confidence import conventions as c
from otel_confidence.decisions import EVERYTHING, Decisions
from otel_confidence.errors import InvalidRecord

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NOTHING: Final[Mapping[str, int]] = MappingProxyType({})
_SOURCES: Final = frozenset(("", *c.SOURCE.values))


@dataclass(frozen=True, slots=True)
class Link:
    """
    Where in a trace something happened; zeros where it was not traced.
    """

    trace_id: int = 0
    span_id: int = 0
    sampled: bool = False


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
        confidence = self.confidence
        if type(confidence) is float and not 0 <= confidence <= 1:
            raise InvalidRecord(f"confidence must be within 0..1, got {confidence!r}")
        if self.size < 0 or self.duration_s < 0:
            raise InvalidRecord(f"size and duration must not be negative: {self.size}")
        if self.source not in _SOURCES:
            raise InvalidRecord(f"source must be one of {c.SOURCE.values}, got {self.source!r}")


@dataclass(frozen=True, slots=True)
class Failure:
    """
    A call that should have predicted and ended in an exception, or was cancelled.
    """

    model: str
    version: str = ""
    error_type: str = ""
    cancelled: bool = False
    """Whether it was told to stop, which is no error."""
    duration_s: float = 0.0


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
        if self.confidence is not None and not 0 <= self.confidence <= 1:
            raise InvalidRecord(f"confidence must be within 0..1, got {self.confidence!r}")
        if self.correct is not None and not 0 <= self.correct <= 1:
            raise InvalidRecord(f"correct must be within 0..1, got {self.correct!r}")
        if self.delay_s < 0:
            raise InvalidRecord(f"delay_s must not be negative, got {self.delay_s!r}")


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

    def __post_init__(self) -> None:
        if not 0 <= self.score <= 1:
            raise InvalidRecord(
                f"score must be within 0..1, got {self.score!r} (a scale of five? (n - 1) / 4)"
            )
        for name, attribute in (("type", c.FEEDBACK_TYPE), ("source", c.FEEDBACK_SOURCE)):
            if getattr(self, name) not in attribute.values:
                raise InvalidRecord(
                    f"{name} must be one of {attribute.values}, got {getattr(self, name)!r}"
                )


Record = Prediction | Failure | Outcome | Feedback
"""Anything ``Telemetry.emit()`` takes."""
