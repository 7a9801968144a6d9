"""
This module holds the numbers of an expression, and durations made of the step of its query.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from otel_confidence.query.promql.signatures import Kind

_MILLISECOND: Final = 1_000_000
"""Nanoseconds."""
_SECOND_MS: Final = 1000


@dataclass(frozen=True, slots=True)
class Number:
    """
    A number, or a duration as a number of seconds.
    """

    start: int
    value: float
    is_duration: bool = False
    kind: Kind = "scalar"
    fixed: bool = True
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Measure:
    """
    A duration that is known with the query's step: ``step()``, one less, or one of two.
    """

    op: str
    """``step``, ``-``, ``min`` or ``max``."""
    start: int
    end: int
    of: tuple["Number | Measure", ...] = ()
    depth: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "depth", 1 + max((each.depth for each in self.of), default=0))


Duration = int | Measure
"""A duration in nanoseconds, or one made of the query's step."""


def _lesser(one: float, other: float) -> float:
    return math.nan if math.isnan(one) or math.isnan(other) else min(one, other)


def _greater(one: float, other: float) -> float:
    return -_lesser(-one, -other)


_OPERATORS: Final[Mapping[str, Callable[..., float]]] = {
    "-": lambda value: -value,
    "max": _greater,
    "min": _lesser,
}


def seconds(duration: Number | Measure, step_ms: int) -> float:
    """
    A duration in seconds, in a query with this step; the step of an instant query is 0.
    """
    if isinstance(duration, Number):
        return duration.value
    if duration.op == "step":
        return step_ms // _SECOND_MS + step_ms % _SECOND_MS / _SECOND_MS
    return _OPERATORS[duration.op](*(seconds(each, step_ms) for each in duration.of))


def milliseconds(duration: Duration, step_ms: int) -> int:
    """
    A duration in whole milliseconds, the rest cut off.
    """
    if isinstance(duration, Measure):
        value = seconds(duration, step_ms)
        return 0 if math.isnan(value) else int(value * _SECOND_MS)  # as Go converts them
    whole = abs(duration) // _MILLISECOND
    return whole if duration >= 0 else -whole
