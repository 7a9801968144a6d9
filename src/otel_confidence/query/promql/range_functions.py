"""
This module computes the functions of a range: rate and its family, regression, ``*_over_time``.

Definitions follow Prometheus's documentation of query functions and were compared with Prometheus
3.9 value by value.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from otel_confidence.query.promql import segments
from otel_confidence.query.promql.frames import Bools, Floats, Frame, Ints
from otel_confidence.query.promql.segments import Segments, add
from otel_confidence.query.promql.windows import Cells, Windows

RangeFunction = Callable[..., Frame]
EXTRAPOLATION = 1.1
"""A gap up to this many average intervals between window and sample is taken as covered."""


def rate(windows: Windows) -> Frame:
    """
    A counter's increase per second.
    """
    return _extrapolated(windows, counter=True, per_second=True)


def increase(windows: Windows) -> Frame:
    """
    A counter's increase over the window.
    """
    return _extrapolated(windows, counter=True, per_second=False)


def delta(windows: Windows) -> Frame:
    """
    A gauge's difference over the window.
    """
    return _extrapolated(windows, counter=False, per_second=False)


def _extrapolated(windows: Windows, *, counter: bool, per_second: bool) -> Frame:
    cells = windows.at_least(2)
    change = cells.last - cells.first
    if counter:
        change = _with_resets(cells, change)
    factor = _extrapolation(cells, change, counter=counter)
    if per_second:
        factor = factor / (windows.range_ms / 1000)
    return cells.frame(change * factor)


def _with_resets(cells: Cells, change: Floats) -> Floats:
    values = cells.values
    at = 1 + np.flatnonzero(values[1:] < values[:-1])
    fell = np.zeros(len(values) + 1, dtype=np.int64)
    fell[at + 1] = 1
    before = np.cumsum(fell)
    low, high = before[cells.low + 1], before[cells.high]
    corrected: Floats = change.copy()
    some = np.flatnonzero(high > low)
    runs = Segments(values[at - 1], low[some], high[some], cells.windows.check)
    scan = runs.scan()
    some = some[scan.order]
    for active, where in scan:
        corrected[some[active]] += runs.values[where]
    return corrected


def _extrapolation(cells: Cells, change: Floats, *, counter: bool) -> Floats:
    windows = cells.windows
    ends = windows.ends[cells.step]
    runs = Runs(
        first_times=cells.times[cells.low],
        last_times=cells.times[cells.high - 1],
        first=cells.first,
        counts=cells.high - cells.low,
    )
    return extrapolation(runs, change, ends, windows.range_ms, counter=counter)


@dataclass(frozen=True, slots=True)
class Runs:
    """
    What extrapolation asks of the samples of each window.
    """

    first_times: Ints
    last_times: Ints
    first: Floats
    counts: Ints


def extrapolation(
    runs: Runs, change: Floats, ends: Ints, range_ms: int, *, counter: bool
) -> Floats:
    """
    By how much a change between two samples grows when taken over the whole window.

    A window counts as covered up to an edge that is near its samples; a counter is not taken to
    have begun below zero.
    """
    sampled = (runs.last_times - runs.first_times) / 1000
    average = sampled / (runs.counts - 1)
    to_start = (runs.first_times - (ends - range_ms)) / 1000
    to_end = (ends - runs.last_times) / 1000
    threshold = average * EXTRAPOLATION
    to_start = np.where(to_start >= threshold, average / 2, to_start)
    if counter:
        grows = (change > 0) & (runs.first >= 0)
        to_zero = np.where(grows, sampled * (runs.first / change), to_start)
        to_start = np.where(to_zero < to_start, to_zero, to_start)
    to_end = np.where(to_end >= threshold, average / 2, to_end)
    factor: Floats = (sampled + to_start + to_end) / sampled
    return factor


def irate(windows: Windows) -> Frame:
    """
    A counter's increase per second between the last two samples.
    """
    cells = windows.at_least(2)
    last, before = cells.last, cells.values[cells.high - 2]
    change = np.where(last < before, last, last - before)
    seconds = (cells.times[cells.high - 1] - cells.times[cells.high - 2]) / 1000
    return cells.frame(change / seconds)


def idelta(windows: Windows) -> Frame:
    """
    A gauge's difference between the last two samples.
    """
    cells = windows.at_least(2)
    return cells.frame(cells.last - cells.values[cells.high - 2])


def changes(windows: Windows) -> Frame:
    """
    How often the value changed.
    """
    values = windows.samples.values
    both_unknown = np.isnan(values[1:]) & np.isnan(values[:-1])
    return _transitions(windows, (values[1:] != values[:-1]) & ~both_unknown)


def resets(windows: Windows) -> Frame:
    """
    How often the value fell.
    """
    values = windows.samples.values
    return _transitions(windows, values[1:] < values[:-1])


def _transitions(windows: Windows, happened: Bools) -> Frame:
    cells = windows.at_least(1)
    running = np.concatenate(([0, 0], np.cumsum(happened)))
    return cells.frame((running[cells.high] - running[cells.low + 1]).astype(np.float64))


def deriv(windows: Windows) -> Frame:
    """
    The slope per second of a least-squares line.
    """
    cells = windows.at_least(2)
    slope, _ = _line(cells, cells.times[cells.low])
    return cells.frame(slope)


def predict_linear(windows: Windows, seconds: Floats) -> Frame:
    """
    The value of a least-squares line so many seconds after the evaluation.
    """
    cells = windows.at_least(2)
    slope, intercept = _line(cells, windows.steps[cells.step])
    return cells.frame(slope * seconds[cells.step] + intercept)


def _line(cells: Cells, origins: Ints) -> tuple[Floats, Floats]:
    scan = cells.segments.scan()
    origins, first = origins[scan.order], cells.first[scan.order]
    moments = [(scan.zeros(), scan.zeros()) for _ in range(4)]
    constant = np.ones(len(first), dtype=np.bool_)
    for active, where in scan:
        x = (cells.times[where] - origins[active]) / 1e3
        y = cells.values[where]
        constant[active] &= (y == first[active]) | (where == scan.low[active])
        for (total, carry), term in zip(moments, (x, y, x * y, x * x), strict=True):
            total[active], carry[active] = add(term, total[active], carry[active])
    x_sum, y_sum, xy_sum, xx_sum = (total + carry for total, carry in moments)
    n = -scan.lengths.astype(np.float64)
    slope = (xy_sum - x_sum * y_sum / n) / (xx_sum - x_sum * x_sum / n)
    intercept = y_sum / n - slope * x_sum / n
    level = np.where(np.isinf(first), np.nan, first)
    slope = np.where(constant, np.where(np.isinf(first), np.nan, 0.0), slope)
    return scan.restored(slope), scan.restored(np.where(constant, level, intercept))


def count_over_time(windows: Windows) -> Frame:
    """
    The number of samples.
    """
    cells = windows.at_least(1)
    return cells.frame((cells.high - cells.low).astype(np.float64))


def present_over_time(windows: Windows) -> Frame:
    """
    One wherever there is any sample.
    """
    cells = windows.at_least(1)
    return cells.frame(np.ones(len(cells.low)))


def last_over_time(windows: Windows) -> Frame:
    """
    The newest value.
    """
    cells = windows.at_least(1)
    return cells.frame(cells.last)


def quantile_over_time(windows: Windows, q: Floats) -> Frame:
    """
    The q-quantile of the values.
    """
    cells = windows.at_least(1)
    return cells.frame(segments.quantiles(cells.segments, q[cells.step]))


def _over_time(reduce: Callable[[Segments], Floats]) -> RangeFunction:
    def function(windows: Windows) -> Frame:
        cells = windows.at_least(1)
        return cells.frame(reduce(cells.segments))

    return function


def _standard_deviations(runs: Segments) -> Floats:
    deviations: Floats = np.sqrt(segments.variances(runs))
    return deviations


RANGE_FUNCTIONS: Mapping[str, RangeFunction] = {
    "avg_over_time": _over_time(segments.means),
    "changes": changes,
    "count_over_time": count_over_time,
    "delta": delta,
    "deriv": deriv,
    "idelta": idelta,
    "increase": increase,
    "irate": irate,
    "last_over_time": last_over_time,
    "max_over_time": _over_time(segments.maxima),
    "min_over_time": _over_time(segments.minima),
    "predict_linear": predict_linear,
    "present_over_time": present_over_time,
    "quantile_over_time": quantile_over_time,
    "rate": rate,
    "resets": resets,
    "stddev_over_time": _over_time(_standard_deviations),
    "stdvar_over_time": _over_time(segments.variances),
    "sum_over_time": _over_time(segments.sums),
}
KEEPS_NAME = frozenset({"last_over_time"})
"""Functions that act like an offset and so keep the metric's name."""
PLAIN_FUNCTIONS: Mapping[str, RangeFunction] = {
    name: function
    for name, function in RANGE_FUNCTIONS.items()
    if name not in {"predict_linear", "quantile_over_time"}
}
"""Functions of a range and nothing else."""
