"""
This module cuts series into the windows that range functions look at.

Windows are open on the left and closed on the right, as in Prometheus 3.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from otel_confidence.points import Labels, Selection
from otel_confidence.query.promql.frames import Bools, Floats, Frame, Grid, Ints
from otel_confidence.query.promql.segments import Segments

PORTION_CELLS = 1 << 14
"""How many windows are cut at a time: the 150 bytes of each then stay in a processor's cache."""
STALE_BITS = 0x7FF0000000000002
"""The NaN by which Prometheus marks the end of a series."""


def is_stale(values: Floats) -> Bools:
    """
    Where values are staleness markers.
    """
    stale: Bools = np.ascontiguousarray(values).view(np.uint64) == STALE_BITS
    return stale


@dataclass(frozen=True, slots=True)
class Samples:
    """
    Several series laid end to end: series ``i`` is ``times[offsets[i]:offsets[i + 1]]``.
    """

    labels: list[Labels]
    times: Ints
    values: Floats
    offsets: Ints

    def counts_until(self, marks: Ints) -> Ints:
        """
        For each series and mark, the index after the last sample at or before the mark.

        Args:
            marks: Times in milliseconds, evenly spaced, or all the same.
        """
        series, width = len(self.labels), len(marks) + 1
        if series == 1:
            return np.searchsorted(self.times, marks, side="right").astype(np.int64)[None, :]
        step = int(marks[-1] - marks[0]) // max(1, len(marks) - 1)
        if not step and len(marks) > 1:
            return np.repeat(self.counts_until(marks[:1]), len(marks), axis=1)
        # Each sample counts from the first mark at or after it; the last column is for those after.
        first = np.clip((self.times - marks[0] - 1) // max(1, step) + 1, 0, width - 1)
        owner = np.repeat(np.arange(series) * width, np.diff(self.offsets))
        counts = np.bincount(owner + first, minlength=series * width).reshape(series, width)
        until: Ints = counts[:, :-1].cumsum(axis=1) + self.offsets[:-1, None]
        return until

    def rows(self, start: int, stop: int) -> "Samples":
        """
        Some of the series, one after the other.
        """
        offsets = self.offsets[start : stop + 1]
        inside = slice(int(offsets[0]), int(offsets[-1]))
        labels = self.labels[start:stop]
        return Samples(labels, self.times[inside], self.values[inside], offsets - offsets[0])

    def fresh(self) -> "Samples":
        """
        The same without staleness markers.
        """
        stale = is_stale(self.values)
        if not stale.any():
            return self
        kept_before = np.concatenate(([0], np.cumsum(~stale)))
        return Samples(
            self.labels, self.times[~stale], self.values[~stale], kept_before[self.offsets]
        )


def laid_out(selections: Sequence[Selection]) -> Samples:
    """
    Series as a store returns them, laid end to end.
    """
    lengths = [len(selection.times_ms) for selection in selections]
    return Samples(
        labels=[selection.labels for selection in selections],
        times=np.concatenate([np.empty(0, np.int64), *(each.times_ms for each in selections)]),
        values=np.concatenate([np.empty(0), *(each.values for each in selections)]),
        offsets=np.concatenate(([0], np.cumsum(lengths, dtype=np.int64))).astype(np.int64),
    )


def samples_of(frame: Frame, grid: Grid) -> Samples:
    """
    A frame's values as series with a sample at every step that has one.
    """
    row, step = np.nonzero(frame.present)
    lengths = np.count_nonzero(frame.present, axis=1)
    return Samples(
        labels=frame.labels,
        times=grid.times[step],
        values=frame.values[row, step],
        offsets=np.concatenate(([0], np.cumsum(lengths, dtype=np.int64))).astype(np.int64),
    )


@dataclass(frozen=True, slots=True)
class Windows:
    """
    For each series (rows) and step (columns) the samples ``low`` to ``high`` of one window.
    """

    samples: Samples
    low: Ints
    high: Ints
    ends: Ints
    """When each step's window ends, in milliseconds."""
    steps: Ints
    """When each step is evaluated, in milliseconds; differs from the end by offset and ``@``."""
    range_ms: int
    check: Callable[[], None]

    @property
    def labels(self) -> list[Labels]:
        """
        The labels of each series.
        """
        return self.samples.labels

    @property
    def counts(self) -> Ints:
        """
        How many samples each window holds.
        """
        return self.high - self.low

    def at_least(self, count: int) -> "Cells":
        """
        The windows that hold so many samples.
        """
        enough = self.counts >= count
        step = np.broadcast_to(np.arange(enough.shape[1]), enough.shape)[enough]
        return Cells(self, enough, self.low[enough], self.high[enough], step)


@dataclass(frozen=True, slots=True)
class Cells:
    """
    Those windows, in one line, that hold enough samples for a function.
    """

    windows: Windows
    present: Bools
    low: Ints
    high: Ints
    step: Ints

    @property
    def times(self) -> Ints:
        """
        The times of all samples.
        """
        return self.windows.samples.times

    @property
    def values(self) -> Floats:
        """
        The values of all samples.
        """
        return self.windows.samples.values

    @property
    def first(self) -> Floats:
        """
        The first value of each window.
        """
        first: Floats = self.values[self.low]
        return first

    @property
    def last(self) -> Floats:
        """
        The last value of each window.
        """
        last: Floats = self.values[self.high - 1]
        return last

    @property
    def segments(self) -> Segments:
        """
        The windows as runs of values.
        """
        return Segments(self.values, self.low, self.high, self.windows.check)

    def frame(self, results: Floats) -> Frame:
        """
        One result for each of these windows, back in rows and steps.
        """
        values = np.full(self.present.shape, np.nan)
        values[self.present] = results
        return Frame(self.windows.labels, values, self.present).occupied()


def windows_of(
    samples: Samples,
    *,
    ends: Ints,
    steps: Ints,
    range_ms: int,
    check: Callable[[], None],
    cells: int = PORTION_CELLS,
) -> Iterator[Windows]:
    """
    Cut each series into one window for each end; staleness markers are no samples here.

    The series come in portions, so that what is computed of them stays small; at least one.
    The ends are evenly spaced, or all the same.
    """
    fresh = samples.fresh()
    portion = max(1, cells // max(1, len(ends)))
    for start in range(0, max(1, len(fresh.labels)), portion):
        check()
        part = fresh.rows(start, start + portion)
        yield Windows(
            samples=part,
            low=part.counts_until(ends - range_ms),
            high=part.counts_until(ends),
            ends=ends,
            steps=steps,
            range_ms=range_ms,
            check=check,
        )


def latest(samples: Samples, *, references: Ints, lookback_ms: int) -> tuple[Frame, Ints]:
    """
    Each series' newest sample within the look-back before each reference time, and its time.
    """
    high = samples.counts_until(references)
    found = high > samples.offsets[:-1, None]
    where = np.where(found, high - 1, 0)
    if not len(samples.times):
        where = where[:, :0]
        shape = found.shape
        return Frame(samples.labels, np.full(shape, np.nan), found), np.zeros(shape, np.int64)
    times, values = samples.times[where], samples.values[where]
    present = found & (times > references - lookback_ms) & ~is_stale(values)
    return Frame(samples.labels, values, present), times
