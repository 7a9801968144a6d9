"""
This module reads the series that selectors ask for and lays them on the times of evaluation.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Protocol, runtime_checkable

import numpy as np

from otel_confidence.points import Labels, Matcher, Selection
from otel_confidence.query.promql.frames import Grid, Ints

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
MILLISECOND = timedelta(milliseconds=1)


class Source(Protocol):
    """
    Where samples are kept; :class:`otel_confidence.store.Store` is one.
    """

    def select(
        self, matchers: Sequence[Matcher], start_ms: int, end_ms: int, *, max_samples: int = ...
    ) -> list[Selection]:
        """
        The series that meet all conditions, with their samples after ``start_ms`` to ``end_ms``.
        """
        ...


@runtime_checkable
class Dropping(Protocol):
    """
    A source that drops old samples now and then; :class:`otel_confidence.store.Store` is one.
    """

    def generation(self, check: Callable[[], None]) -> int:
        """
        A number that is another one after samples were dropped.
        """
        ...


@dataclass(frozen=True, slots=True)
class Span:
    """
    The first and last time of a query, which ``start()`` and ``end()`` stand for.
    """

    start_ms: int
    end_ms: int


def milliseconds(duration: timedelta | None) -> int:
    """
    A duration in whole milliseconds, none being zero.
    """
    if duration is None:
        return 0
    whole = abs(duration) // MILLISECOND
    return whole if duration >= timedelta() else -whole


def fixed_time(at: Any, span: Span) -> int | None:
    """
    The time that an ``@`` modifier fixes, in milliseconds; none without one.
    """
    if at is None:
        return None
    match str(at.type).rpartition(".")[2]:
        case "Start":
            return span.start_ms
        case "End":
            return span.end_ms
        case _:
            return int((at.at - EPOCH) / MILLISECOND + 0.5)


def references(node: Any, grid: Grid, span: Span) -> Ints:
    """
    The time each step looks at, after ``@`` and ``offset``.
    """
    fixed = fixed_time(node.at, span)
    times = grid.times if fixed is None else np.full(len(grid), fixed, dtype=np.int64)
    return times - milliseconds(node.offset)


def sorted_by_labels(selections: Sequence[Selection]) -> list[Selection]:
    """
    Series in the order of their labels, which makes every answer reproducible.
    """

    def key(selection: Selection) -> Labels:
        return selection.labels

    return sorted(selections, key=key)
