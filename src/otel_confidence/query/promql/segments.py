"""
This module reduces many runs of samples at once: windows of a range, members of a group.

Sums are compensated as Prometheus compensates them (Neumaier's variant of Kahan's summation) and
in the same order, so that results agree to the last bit wherever the order is the same.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from otel_confidence.query.promql.frames import Floats, Ints

EXACT_INTEGERS = 2.0**53
SORT_CELLS = 1 << 22
"""How many cells are sorted at a time: 32 MB."""


def _never() -> None:
    return


@dataclass(frozen=True, slots=True)
class Segments:
    """
    Runs ``values[low:high]``, one for each element of ``low`` and ``high``; none is empty.
    """

    values: Floats
    low: Ints
    high: Ints
    check: Callable[[], None] = _never
    """Called now and then in long computations; raises to stop them."""

    def __len__(self) -> int:
        return len(self.low)

    @property
    def counts(self) -> Ints:
        """
        The length of each run.
        """
        return self.high - self.low

    def positions(self) -> Iterator[tuple[Ints, Ints]]:
        """
        The runs that have a first element and where it is, then those with a second, and so on.
        """
        order = np.argsort(-self.counts, kind="stable")
        low = self.low[order]
        lengths = -self.counts[order]
        for position in range(int(-lengths[0]) if len(lengths) else 0):
            if position % 64 == 0:
                self.check()
            active = int(np.searchsorted(lengths, -position, side="left"))
            yield order[:active], low[:active] + position


def add(increment: Floats, total: Floats, compensation: Floats) -> tuple[Floats, Floats]:
    """
    One step of a compensated sum (Neumaier 1974): the new total and the new compensation.
    """
    new = total + increment
    lost = np.where(
        np.abs(total) >= np.abs(increment), (total - new) + increment, (increment - new) + total
    )
    return new, np.where(np.isinf(new), 0.0, compensation + lost)


def sums(runs: Segments) -> Floats:
    """
    The sum of each run.
    """
    exact = _whole_number_sums(runs)
    if exact is not None:
        return exact
    total = np.full(len(runs), -0.0)
    compensation = np.zeros(len(runs))
    for which, where in runs.positions():
        total[which], compensation[which] = add(
            runs.values[where], total[which], compensation[which]
        )
    return np.where(np.isinf(total), total, total + compensation)


def means(runs: Segments) -> Floats:
    """
    The mean of each run: its sum by its length or, where that overflows, an incremental mean.
    """
    exact = _whole_number_sums(runs)
    if exact is not None:
        return exact / runs.counts
    total, compensation = np.full(len(runs), -0.0), np.zeros(len(runs))
    overflown = np.zeros(len(runs), dtype=np.bool_)
    for count, (which, where) in enumerate(runs.positions(), start=1):
        values, before, carried = runs.values[where], total[which], compensation[which]
        after, carry = add(values, before, carried)
        first = np.isinf(after) & ~overflown[which] & (count > 1)
        before = np.where(first, before / max(count - 1, 1), before)
        carried = np.where(first, carried / max(count - 1, 1), carried)
        incremental = overflown[which] | first
        share = (count - 1) / count
        mean, mean_carry = add(values / count, share * before, share * carried)
        total[which] = np.where(incremental, mean, after)
        compensation[which] = np.where(incremental, mean_carry, carry)
        overflown[which] = incremental
    counts = runs.counts
    return np.where(overflown, total + compensation, total / counts + compensation / counts)


def _whole_number_sums(runs: Segments) -> Floats | None:
    values = runs.values
    if not len(values) or not np.isfinite(values).all() or (values != np.trunc(values)).any():
        return None
    if np.abs(values).sum() >= EXACT_INTEGERS:
        return None
    running = np.concatenate(([0.0], np.cumsum(values)))
    difference: Floats = running[runs.high] - running[runs.low]
    return difference


def maxima(runs: Segments) -> Floats:
    """
    The largest value of each run; NaN only where there is nothing else.
    """
    return _reduced(np.fmax, runs)


def minima(runs: Segments) -> Floats:
    """
    The smallest value of each run; NaN only where there is nothing else.
    """
    return _reduced(np.fmin, runs)


def _reduced(operation: np.ufunc, runs: Segments) -> Floats:
    if not len(runs):
        return np.empty(0)
    bounds = np.column_stack((runs.low, runs.high)).ravel()
    result: Floats = operation.reduceat(np.append(runs.values, np.nan), bounds)[::2]
    return result


def variances(runs: Segments) -> Floats:
    """
    The population variance of each run (Welford 1962, compensated).
    """
    mean, mean_carry = np.zeros(len(runs)), np.zeros(len(runs))
    spread, spread_carry = np.zeros(len(runs)), np.zeros(len(runs))
    for count, (which, where) in enumerate(runs.positions(), start=1):
        values = runs.values[where]
        delta = values - (mean[which] + mean_carry[which])
        mean[which], mean_carry[which] = add(delta / count, mean[which], mean_carry[which])
        increment = delta * (values - (mean[which] + mean_carry[which]))
        spread[which], spread_carry[which] = add(increment, spread[which], spread_carry[which])
    return (spread + spread_carry) / runs.counts


def variances_across(runs: Segments) -> Floats:
    """
    The population variance of each run (Welford 1962), as aggregations over series compute it.
    """
    mean, spread = np.zeros(len(runs)), np.zeros(len(runs))
    for count, (which, where) in enumerate(runs.positions(), start=1):
        values = runs.values[where]
        if count == 1:
            mean[which] = values
            spread[which] = np.where(np.isfinite(values), 0.0, np.nan)
            continue
        delta = values - mean[which]
        mean[which] += delta / count
        spread[which] += delta * (values - mean[which])
    return spread / runs.counts


def quantiles(runs: Segments, q: Floats) -> Floats:
    """
    The q-quantile of each run, interpolated linearly; NaN sorts below every number.

    Args:
        runs: The runs.
        q: One share for each run; below 0 gives -Inf, above 1 +Inf, NaN NaN.
    """
    result = np.empty(len(runs))
    order = np.argsort(runs.counts, kind="stable")
    start = 0
    while start < len(order):
        runs.check()
        stop = _chunk_end(runs.counts[order], start)
        chunk = order[start:stop]
        result[chunk] = _sorted_quantiles(runs, chunk, np.clip(q[chunk], 0, 1))
        start = stop
    result = np.where(q < 0, -np.inf, np.where(q > 1, np.inf, result))
    return np.where(np.isnan(q), np.nan, result)


def _chunk_end(lengths: Ints, start: int) -> int:
    fitting = max(1, SORT_CELLS // int(lengths[start]))
    stop = min(len(lengths), start + fitting)
    while stop > start + 1 and int(lengths[stop - 1]) * (stop - start) > SORT_CELLS:
        stop = start + max(1, (stop - start) // 2)
    return stop


def _sorted_quantiles(runs: Segments, chunk: Ints, q: Floats) -> Floats:
    counts = runs.counts[chunk]
    offsets = np.arange(int(counts.max()))
    inside = offsets < counts[:, None]
    where = np.where(inside, runs.low[chunk][:, None] + offsets, 0)
    table = np.where(inside, runs.values[where], np.inf)
    unknown = np.isnan(table)
    table = np.sort(np.where(unknown, -np.inf, table), axis=1)
    rank = np.where(np.isnan(q), 0.0, q) * (counts - 1)
    lower = np.floor(rank)
    weight = rank - lower
    row = np.arange(len(chunk))
    below = lower.astype(np.int64)
    above = np.minimum(counts - 1, below + 1)
    low, high = table[row, below], table[row, above]
    unknowns = unknown.sum(axis=1)
    low = np.where(below < unknowns, np.nan, low)
    high = np.where(above < unknowns, np.nan, high)
    blend: Floats = low * (1 - weight) + high * weight
    return blend
