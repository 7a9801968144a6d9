"""
This module has a store compute functions of ranges, from roll-ups where they can stand for samples.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol, runtime_checkable

import numpy as np

from otel_confidence.points import Labels, Matcher
from otel_confidence.query.promql import rolled
from otel_confidence.query.promql.costs import Share
from otel_confidence.query.promql.frames import Frame, empty
from otel_confidence.store.buckets import Buckets
from otel_confidence.store.grids import Cells, Steps
from otel_confidence.store.progress import Rolled
from otel_confidence.store.recent import Laid

_BESIDE_ROLLUPS: Final = 1_000_000
"""Samples: with more of them roll-ups are read in less time (``python -m tests.bench.promql``)."""
_BESIDE_SAMPLES: Final = 9_000_000
"""Samples: more of them would leave other queries no room."""


@runtime_checkable
class Computing(Protocol):
    """
    Where functions of ranges can be computed; :class:`otel_confidence.store.Store` is one.
    """

    def at_hand(
        self, matchers: Sequence[Matcher], start_ms: int, end_ms: int, *, most: int
    ) -> Laid | None:
        """
        The samples of series, where they are in memory and not too many.
        """
        ...

    def grid(
        self, function: str, matchers: Sequence[Matcher], steps: Steps, *, max_cells: int = ...
    ) -> Cells | None:
        """
        A function's values at every step; None where the samples have to be read.
        """
        ...

    def rolled(self, start_ms: int, end_ms: int, step_ms: int, window_ms: int) -> Rolled | None:
        """
        Which roll-ups can stand for the samples of windows; None for none.
        """
        ...

    def buckets(
        self,
        columns: Sequence[str],
        matchers: Sequence[Matcher],
        steps: Steps,
        width_ms: int,
        *,
        max_rows: int = ...,
    ) -> Buckets | None:
        """
        The roll-ups of series; None where reading the samples costs no more.
        """
        ...


@dataclass(frozen=True, slots=True)
class Asked:
    """
    A function, the series it is asked of and its windows.
    """

    function: str
    matchers: tuple[Matcher, ...]
    steps: Steps


def worth(source: Computing, asked: Asked) -> int:
    """
    Up to how many samples in memory it costs less to compute from them than to ask the store.
    """
    steps = asked.steps
    if asked.function in rolled.COLUMNS and source.rolled(
        steps.start_ms, steps.end_ms, steps.step_ms, steps.window_ms
    ):
        return _BESIDE_ROLLUPS
    return _BESIDE_SAMPLES


def computed(
    source: Computing, asked: Asked, most: int, share: Share, check: Callable[[], None]
) -> Frame | None:
    """
    A function's values in the order of the labels; None where the samples have to be read.

    Args:
        source: Where the samples are.
        asked: The function.
        most: How many samples the query may hold.
        share: What it holds so far.
        check: Called now and then; raises to stop.
    """
    frame = _from_rollups(source, asked, most, share, check)
    if frame is None:
        frame = _from_samples(source, asked, most, share)
    return None if frame is None else frame.occupied()


def _from_samples(source: Computing, asked: Asked, most: int, share: Share) -> Frame | None:
    room = most - share.held
    cells = source.grid(asked.function, asked.matchers, asked.steps, max_cells=room)
    if cells is None:
        return None
    share.hold(cells.values.size)
    return _sorted(Frame(cells.labels, cells.values, cells.present))


def _from_rollups(
    source: Computing, asked: Asked, most: int, share: Share, check: Callable[[], None]
) -> Frame | None:
    columns, steps = rolled.COLUMNS.get(asked.function), asked.steps
    if columns is None:
        return None
    found = source.rolled(steps.start_ms, steps.end_ms, steps.step_ms, steps.window_ms)
    if found is None:
        return None
    count = (found.end_ms - steps.start_ms) // steps.step_ms + 1
    head, room = replace(steps, count=count), (most - share.held) // len(columns)
    buckets = source.buckets(columns, asked.matchers, head, found.width_ms, max_rows=room)
    if buckets is None:
        return None
    read = len(buckets.ends_ms) * len(columns)
    share.hold(read + len(buckets.labels) * count)
    frame = rolled.computed(asked.function, buckets, head, check)
    share.release(read)
    if frame is None or count == steps.count:
        return None if frame is None else _sorted(frame)
    start_ms = steps.start_ms + count * steps.step_ms
    tail = replace(steps, start_ms=start_ms, count=steps.count - count)
    rest = _from_samples(source, replace(asked, steps=tail), most, share)
    return None if rest is None else _sorted(_beside(frame, rest, count, tail.count))


def _beside(head: Frame, tail: Frame, before: int, after: int) -> Frame:
    rows: dict[Labels, int] = {}
    for labels in (*head.labels, *tail.labels):
        rows.setdefault(labels, len(rows))
    values = np.full((len(rows), before + after), np.nan)
    present = np.zeros(values.shape, dtype=np.bool_)
    for frame, columns in ((head, slice(before)), (tail, slice(before, None))):
        where = [rows[labels] for labels in frame.labels]
        values[where, columns], present[where, columns] = frame.values, frame.present
    return Frame(list(rows), values, present) if rows else empty(before + after)


def _sorted(frame: Frame) -> Frame:
    return frame.take(sorted(range(len(frame)), key=frame.labels.__getitem__))
