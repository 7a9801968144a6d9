"""
This module computes functions of ranges from roll-ups, where windows begin and end with buckets.

The result is that of the samples themselves: a bucket keeps what its neighbors need to know of it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from otel_confidence.query.promql import segments
from otel_confidence.query.promql.frames import Floats, Frame, Ints
from otel_confidence.query.promql.range_functions import Runs, extrapolation
from otel_confidence.query.promql.segments import Segments
from otel_confidence.query.promql.windows import Cells, Samples, windows_of
from otel_confidence.store.buckets import Buckets
from otel_confidence.store.grids import Steps

_ENDS = ("first", "last")
_TIMES = ("first_time", "last_time")
_COUNTER = ("count", *_ENDS, *_TIMES, "correction")
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "avg_over_time": ("count", "sum", "min"),
    "changes": ("changes", *_ENDS),
    "count_over_time": ("count",),
    "delta": ("count", *_ENDS, *_TIMES),
    "increase": _COUNTER,
    "last_over_time": ("last",),
    "max_over_time": ("max",),
    "min_over_time": ("min",),
    "present_over_time": ("count",),
    "rate": _COUNTER,
    "resets": ("resets", *_ENDS),
    "sum_over_time": ("count", "sum", "min"),
}
"""What each function has to know of a bucket."""
_ADDED = frozenset({"avg_over_time", "sum_over_time"})
_TOLD = 0.01
"""How large a sum must be beside that of the sizes: a million values then cost it 1e-9 at most."""


@dataclass(frozen=True, slots=True)
class _Spans:
    """
    The windows that hold any bucket: buckets ``low`` to ``high``, by column.
    """

    cells: Cells
    columns: Mapping[str, Floats]

    def first(self, column: str) -> Floats:
        """
        A column of each window's first bucket.
        """
        found: Floats = self.columns[column][self.cells.low]
        return found

    def last(self, column: str) -> Floats:
        """
        A column of each window's last bucket.
        """
        found: Floats = self.columns[column][self.cells.high - 1]
        return found

    def total(self, values: Floats) -> Floats:
        """
        The sum of something over each window's buckets.
        """
        return segments.sums(self._runs(values))

    def between(self, values: Floats) -> Floats:
        """
        The sum of something over each window's buckets but the first.
        """
        several = np.flatnonzero(self.cells.high > self.cells.low + 1)
        totals = np.zeros(len(self.cells.low))
        if len(several):
            low, high = self.cells.low[several] + 1, self.cells.high[several]
            totals[several] = segments.sums(Segments(values, low, high))
        return totals

    def previous(self) -> Floats:
        """
        The last value of the bucket before each.
        """
        last = self.columns["last"]
        return np.concatenate((last[:1], last[:-1]))

    def _runs(self, values: Floats) -> Segments:
        return Segments(values, self.cells.low, self.cells.high, self.cells.windows.check)

    def least(self) -> Floats:
        """
        The smallest value in each window.
        """
        return segments.minima(self._runs(self.columns["min"]))

    def largest(self) -> Floats:
        """
        The largest value in each window.
        """
        return segments.maxima(self._runs(self.columns["max"]))


def computed(
    function: str, buckets: Buckets, steps: Steps, check: Callable[[], None]
) -> Frame | None:
    """
    A function's values at every step; None where digits could be lost on the way.
    """
    columns = buckets.columns
    ends = steps.start_ms + np.arange(steps.count, dtype=np.int64) * steps.step_ms
    some = next(iter(columns.values())).astype(np.float64)
    samples = Samples(buckets.labels, buckets.ends_ms, some, buckets.offsets)
    many = max(1, len(buckets.labels) * steps.count)
    (windows,) = windows_of(
        samples, ends=ends, steps=ends, range_ms=steps.window_ms, check=check, cells=many
    )
    spans = _Spans(windows.at_least(1), columns)
    if function in _ADDED and not _addable(spans):
        return None
    if "correction" in columns and not np.isfinite(_grown(spans, counter=True)).all():
        return None
    return _FUNCTIONS[function](spans)


def _addable(spans: _Spans) -> bool:
    """
    Whether every window's sum has its digits, in whatever order it is made.

    The error of a sum grows with the sum of the sizes (Higham 2002, 4.2), which what is below zero
    can make no larger than the sum and twice that.
    """
    if not np.isfinite(spans.columns["sum"]).all():
        return False
    sums, counts = (spans.total(spans.columns[column]) for column in ("sum", "count"))
    sizes = sums - 2 * counts * np.minimum(spans.least(), 0.0)
    return bool((np.abs(sums) >= _TOLD * sizes).all())


def _rate(spans: _Spans) -> Frame:
    seconds = spans.cells.windows.range_ms / 1000
    return _extrapolated(spans, counter=True, seconds=seconds)


def _increase(spans: _Spans) -> Frame:
    return _extrapolated(spans, counter=True)


def _delta(spans: _Spans) -> Frame:
    return _extrapolated(spans, counter=False)


def _extrapolated(spans: _Spans, *, counter: bool, seconds: float = 1.0) -> Frame:
    cells = spans.cells
    counts = spans.total(spans.columns["count"])
    change = _grown(spans, counter=counter)
    runs = Runs(_ints(spans.first("first_time")), _ints(spans.last("last_time")),
                spans.first("first"), _ints(counts))  # fmt: skip
    ends, range_ms = cells.windows.ends[cells.step], cells.windows.range_ms
    factor = extrapolation(runs, change, ends, range_ms, counter=counter) / seconds
    values, present = np.full(cells.present.shape, np.nan), cells.present.copy()
    values[cells.present], present[cells.present] = change * factor, counts > 1
    return Frame(cells.windows.labels, values, present).occupied()


def _grown(spans: _Spans, *, counter: bool) -> Floats:
    grown: Floats = spans.last("last") - spans.first("first")
    return grown + _corrections(spans) if counter else grown


def _corrections(spans: _Spans) -> Floats:
    inside, before = spans.columns["correction"], spans.previous()
    fell = spans.columns["first"] < before
    corrections: Floats = spans.first("correction") + spans.between(
        inside + np.where(fell, before, 0.0)
    )
    return corrections


def _ints(numbers: Floats) -> Ints:
    return numbers.astype(np.int64)


def _changes(spans: _Spans) -> Frame:
    first, before = spans.columns["first"], spans.previous()
    changed = (first != before) & ~(np.isnan(first) & np.isnan(before))
    inside = spans.columns["changes"]
    return spans.cells.frame(spans.first("changes") + spans.between(inside + changed))


def _resets(spans: _Spans) -> Frame:
    fell = spans.columns["first"] < spans.previous()
    inside = spans.columns["resets"]
    return spans.cells.frame(spans.first("resets") + spans.between(inside + fell))


def _mean(spans: _Spans) -> Frame:
    sums, counts = (spans.total(spans.columns[column]) for column in ("sum", "count"))
    return spans.cells.frame(sums / counts)


_FUNCTIONS: Mapping[str, Callable[[_Spans], Frame]] = {
    "avg_over_time": _mean,
    "changes": _changes,
    "count_over_time": lambda spans: spans.cells.frame(spans.total(spans.columns["count"])),
    "delta": _delta,
    "increase": _increase,
    "last_over_time": lambda spans: spans.cells.frame(spans.last("last")),
    "max_over_time": lambda spans: spans.cells.frame(spans.largest()),
    "min_over_time": lambda spans: spans.cells.frame(spans.least()),
    "present_over_time": lambda spans: spans.cells.frame(np.ones(len(spans.cells.low))),
    "rate": _rate,
    "resets": _resets,
    "sum_over_time": lambda spans: spans.cells.frame(spans.total(spans.columns["sum"])),
}
