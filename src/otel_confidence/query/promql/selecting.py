"""
This module reads the series that selectors ask for and lays them on the times of evaluation.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from otel_confidence.points import Labels, Matcher, Selection
from otel_confidence.query.promql.durations import milliseconds
from otel_confidence.query.promql.frames import Grid, Ints
from otel_confidence.query.promql.nodes import Moved


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
    The first and last time of a query, which ``start()`` and ``end()`` stand for, and its step.
    """

    start_ms: int
    end_ms: int
    step_ms: int
    """Zero where it is asked for one time."""


def references(moved: Moved, grid: Grid, span: Span) -> Ints:
    """
    The time each step looks at, after ``@`` and ``offset``.
    """
    match moved.at:
        case None:
            times = grid.times
        case "start":
            times = np.full(len(grid), span.start_ms, dtype=np.int64)
        case "end":
            times = np.full(len(grid), span.end_ms, dtype=np.int64)
        case fixed:
            times = np.full(len(grid), fixed, dtype=np.int64)
    return times - milliseconds(moved.offset, span.step_ms)


def sorted_by_labels(selections: Sequence[Selection]) -> list[Selection]:
    """
    Series in the order of their labels, which makes every answer reproducible.
    """

    def key(selection: Selection) -> Labels:
        return selection.labels

    return sorted(selections, key=key)
