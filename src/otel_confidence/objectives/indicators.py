"""
This module holds the indicators: what an objective measures, each with the bounds it needs.

Most count events: a share of calls, predictions, outcomes or judgements is bad. An expected
calibration error, a throughput and a freshness belong to no single event. They are judged once a
minute, and the share of bad minutes is what the budget allows: time slices, in the terms of
Google's Site Reliability Workbook and of OpenSLO.
"""

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal

from otel_confidence import conventions as c
from otel_confidence.errors import ObjectiveError
from otel_confidence.objectives.gathering import check_all
from otel_confidence.objectives.windows import spoken

Arrival = Literal["predictions", "truth", "feedback"]

MIN_EVENTS: Final = 100
"""Events below which a window is not judged unless an objective says otherwise.

From there on the standard error of a share is at most 0.05.
"""
_HOUR_S: Final = 3600.0
_LONGEST_S: Final = 7 * 86400.0


@dataclass(frozen=True, slots=True)
class Availability:
    """
    Share of calls that did not raise.
    """

    kind: ClassVar[str] = "availability"
    subject: ClassVar[str] = "calls"
    sliced: ClassVar[bool] = False
    least: ClassVar[int | None] = MIN_EVENTS
    metrics: ClassVar[tuple[c.Metric, ...]] = (c.PREDICTION_DURATION,)

    def __str__(self) -> str:
        return "do not raise"


@dataclass(frozen=True, slots=True)
class ErrorRate:
    """
    Share of calls without an error, counting reported and recovered errors too.
    """

    severities: tuple[str, ...] = ()
    """Severities that count; all, those of failed calls included, where none is named."""

    kind: ClassVar[str] = "error_rate"
    subject: ClassVar[str] = "calls"
    sliced: ClassVar[bool] = False
    least: ClassVar[int | None] = MIN_EVENTS
    metrics: ClassVar[tuple[c.Metric, ...]] = (c.ERRORS, c.PREDICTION_DURATION)

    def __post_init__(self) -> None:
        for severity in self.severities:
            _one_of("severities", severity, c.ERROR_SEVERITY.values)

    def __str__(self) -> str:
        which = f" of severity {', '.join(self.severities)}" if self.severities else ""
        return f"are without an error{which}"


@dataclass(frozen=True, slots=True)
class Latency:
    """
    Share of the calls that did not raise which took no longer than a bound.
    """

    within_s: float
    """The bound, seconds; an edge of the histogram's buckets."""

    kind: ClassVar[str] = "latency"
    subject: ClassVar[str] = "calls"
    sliced: ClassVar[bool] = False
    least: ClassVar[int | None] = MIN_EVENTS
    metrics: ClassVar[tuple[c.Metric, ...]] = (c.PREDICTION_DURATION,)

    def __post_init__(self) -> None:
        _above_zero("within", self.within_s)

    def __str__(self) -> str:
        return f"end within {spoken(self.within_s)}"


@dataclass(frozen=True, slots=True)
class Confidence:
    """
    Share of predictions whose confidence is at or above a bound.

    Exactly so at 0.6 and 0.9, where the tiers ``medium`` and ``high`` begin. At other bounds the
    histogram decides, and its buckets include their upper edge: a confidence of exactly the bound
    counts as below it.
    """

    at_least: float

    kind: ClassVar[str] = "confidence"
    subject: ClassVar[str] = "predictions"
    sliced: ClassVar[bool] = False
    least: ClassVar[int | None] = MIN_EVENTS
    metrics: ClassVar[tuple[c.Metric, ...]] = (c.PREDICTION_CONFIDENCE, c.PREDICTIONS)

    def __post_init__(self) -> None:
        _share("at_least", self.at_least)

    @property
    def exact(self) -> bool:
        """
        Whether a tier begins at the bound, so that a confidence of exactly that is told apart.
        """
        return self.at_least in (c.LOW_CONFIDENCE, c.HIGH_CONFIDENCE)

    def __str__(self) -> str:
        return f"have a confidence of {self.at_least:g} or more"


@dataclass(frozen=True, slots=True)
class Accuracy:
    """
    Share of the predictions with known truth that were correct, partly right ones in part.
    """

    kind: ClassVar[str] = "accuracy"
    subject: ClassVar[str] = "predictions"
    sliced: ClassVar[bool] = False
    least: ClassVar[int | None] = MIN_EVENTS
    metrics: ClassVar[tuple[c.Metric, ...]] = (c.CALIBRATION_PREDICTIONS,)

    def __str__(self) -> str:
        return "turn out correct"


@dataclass(frozen=True, slots=True)
class Satisfaction:
    """
    Share of judgements above a bound.

    Above and not at: judgements are round numbers, and a bucket includes its upper edge. Name an
    edge below the least score that satisfies.
    """

    above: float
    type: str = ""
    """Only judgements of this type, such as ``overall``."""
    source: str = ""
    """Only judgements of this source, such as ``end_user``."""

    kind: ClassVar[str] = "satisfaction"
    subject: ClassVar[str] = "judgements"
    sliced: ClassVar[bool] = False
    least: ClassVar[int | None] = MIN_EVENTS
    metrics: ClassVar[tuple[c.Metric, ...]] = (c.FEEDBACK_SCORES,)

    def __post_init__(self) -> None:
        check_all(
            lambda: _share("above", self.above),
            lambda: _one_of("type", self.type, ("", *c.FEEDBACK_TYPE.values)),
            lambda: _one_of("source", self.source, ("", *c.FEEDBACK_SOURCE.values)),
        )

    def __str__(self) -> str:
        which = ", ".join(word for word in (self.source, self.type) if word)
        return f"{f'({which}) ' if which else ''}are above {self.above:g}"


@dataclass(frozen=True, slots=True)
class Calibration:
    """
    Share of minutes in which the expected calibration error is at or below a bound.

    A minute without enough outcomes to judge by is left out. A small sample has an expected
    calibration error above zero by chance alone, which ``min_events`` keeps small.
    """

    at_most: float
    over_s: float = _HOUR_S
    """How far each verdict looks back, seconds."""

    kind: ClassVar[str] = "calibration"
    subject: ClassVar[str] = "minutes"
    sliced: ClassVar[bool] = True
    least: ClassVar[int | None] = MIN_EVENTS
    metrics: ClassVar[tuple[c.Metric, ...]] = (c.CALIBRATION_PREDICTIONS,)

    def __post_init__(self) -> None:
        check_all(
            lambda: _share("at_most", self.at_most), lambda: _look_back("over", self.over_s, 60)
        )

    def __str__(self) -> str:
        return f"have a calibration error of at most {self.at_most:g}"


@dataclass(frozen=True, slots=True)
class Throughput:
    """
    Share of minutes with at least so many predictions; none at all is too few.
    """

    per_minute: float
    over_s: float = 300.0
    """How far each verdict looks back, seconds; at least two reports of a program."""

    kind: ClassVar[str] = "throughput"
    subject: ClassVar[str] = "minutes"
    sliced: ClassVar[bool] = True
    least: ClassVar[int | None] = None
    metrics: ClassVar[tuple[c.Metric, ...]] = (c.PREDICTIONS,)

    def __post_init__(self) -> None:
        check_all(
            lambda: _above_zero("per_minute", self.per_minute),
            lambda: _look_back("over", self.over_s, 120),
        )

    def __str__(self) -> str:
        return f"have {self.per_minute:g} predictions or more"


@dataclass(frozen=True, slots=True)
class Freshness:
    """
    Share of minutes in which something had arrived within a time before.
    """

    of: Arrival
    """What must arrive: predictions, their truth, or feedback."""
    within_s: float = _HOUR_S

    kind: ClassVar[str] = "freshness"
    subject: ClassVar[str] = "minutes"
    sliced: ClassVar[bool] = True
    least: ClassVar[int | None] = None
    metrics: ClassVar[tuple[c.Metric, ...]] = (c.PREDICTIONS, c.OUTCOMES, c.FEEDBACK_RESPONSES)

    def __post_init__(self) -> None:
        check_all(
            lambda: _one_of("of", self.of, ("predictions", "truth", "feedback")),
            lambda: _look_back("within", self.within_s, 120),
        )

    def __str__(self) -> str:
        return f"have {self.of} in the {spoken(self.within_s)} before"


Indicator = (
    Availability
    | ErrorRate
    | Latency
    | Confidence
    | Accuracy
    | Satisfaction
    | Calibration
    | Throughput
    | Freshness
)
KINDS: Final[dict[str, type[Indicator]]] = {
    kind.kind: kind
    for kind in (
        Availability, Latency, Confidence, Accuracy, Calibration, Satisfaction, ErrorRate,
        Throughput, Freshness,
    )
}  # fmt: skip
"""Every kind of indicator by its name."""


def _number(field: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ObjectiveError(f"must be a number, got {value!r}", field=field)


def _above_zero(field: str, value: Any) -> None:
    _number(field, value)
    if value <= 0:
        raise ObjectiveError(f"must be above zero, got {value!r}", field=field)


def _share(field: str, value: Any) -> None:
    _number(field, value)
    if not 0 < value < 1:
        hint = " (percent? divide by 100)" if 1 < value < 100 else ""  # noqa: PLR2004  percent
        raise ObjectiveError(
            f"must be within 0..1, ends excluded, got {value!r}{hint}", field=field
        )


def _look_back(field: str, value: Any, least_s: float) -> None:
    _number(field, value)
    if not least_s <= value <= _LONGEST_S or value != int(value):
        raise ObjectiveError(
            f"must be whole seconds within {least_s:g}s..7d, got {value!r}", field=field
        )


def _one_of(field: str, value: Any, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ObjectiveError(
            f"must be one of {', '.join(filter(None, known))}, got {value!r}", field=field
        )
