"""
This module reduces many runs of samples at once: windows of a range, members of a group.

Sums are compensated as Prometheus compensates them (Neumaier 1974) and in the same order, so that
results agree to the last bit wherever the order is the same.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from otel_confidence.query.promql.frames import Bools, Floats, Ints

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

    def scan(self) -> "Scan":
        """
        The runs from the longest to the shortest, to be walked side by side.
        """
        order = np.argsort(-self.counts, kind="stable")
        return Scan(self, order, self.low[order], -self.counts[order])


@dataclass(frozen=True, slots=True)
class Scan:
    """
    A walk along all runs at once; in its order those that still go on come first.
    """

    runs: Segments
    order: Ints
    low: Ints
    lengths: Ints
    """The runs' lengths, negative, so that they ascend."""

    def __iter__(self) -> Iterator[tuple[slice, Ints]]:
        longest = -int(self.lengths[0]) if len(self.lengths) else 0
        for position in range(longest):
            if position % 64 == 0:
                self.runs.check()
            active = int(np.searchsorted(self.lengths, -position, side="left"))
            yield slice(active), self.low[:active] + position

    def zeros(self) -> Floats:
        """
        A zero for each run.
        """
        return np.zeros(len(self.order))

    def restored(self, results: Floats) -> Floats:
        """
        Results of the walk in the order of the runs.
        """
        restored = np.empty(len(results))
        restored[self.order] = results
        return restored


def add(increment: Floats, total: Floats, compensation: Floats) -> tuple[Floats, Floats]:
    """
    One step of a compensated sum: the new total and the new compensation.

    What an addition loses is computed without a branch (Knuth's TwoSum), with the same result.
    """
    new = total + increment
    part = new - total
    compensation = compensation + ((total - (new - part)) + (increment - part))
    if not np.isfinite(new).all():
        compensation = np.where(np.isinf(new), 0.0, compensation)
    return new, compensation


def sums(runs: Segments) -> Floats:
    """
    The sum of each run.
    """
    exact = _whole_number_sums(runs)
    if exact is not None:
        return exact
    scan = runs.scan()
    total, compensation = scan.zeros(), scan.zeros()
    for active, where in scan:
        total[active], compensation[active] = add(
            runs.values[where], total[active], compensation[active]
        )
    return scan.restored(np.where(np.isinf(total), total, total + compensation))


def means(runs: Segments) -> Floats:
    """
    The mean of each run: its sum by its length or, where that overflows, an incremental mean.
    """
    exact = _whole_number_sums(runs)
    if exact is not None:
        return exact / runs.counts
    scan = runs.scan()
    total, compensation = scan.zeros(), scan.zeros()
    overflown = np.zeros(len(runs), dtype=np.bool_)
    for count, (active, where) in enumerate(scan, start=1):
        values = runs.values[where]
        after = add(values, total[active], compensation[active])
        first = np.isinf(after[0]) & ~overflown[active] & (count > 1)
        if first.any() or overflown[active].any():
            before = total[active], compensation[active]
            after, overflown[active] = _incremental(
                count, values, before, after, (first, overflown[active])
            )
        total[active], compensation[active] = after
    counts = -scan.lengths
    plain = total / counts + compensation / counts
    return scan.restored(np.where(overflown, total + compensation, plain))


Sum = tuple[Floats, Floats]
"""A total and its compensation."""


def _incremental(
    count: int, values: Floats, before: Sum, after: Sum, state: tuple[Bools, Bools]
) -> tuple[Sum, Bools]:
    first, overflown = state
    previous = max(count - 1, 1)
    mean, carried = (np.where(first, each / previous, each) for each in before)
    share = (count - 1) / count
    updated = add(values / count, share * mean, share * carried)
    which = overflown | first
    return (np.where(which, updated[0], after[0]), np.where(which, updated[1], after[1])), which


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
    scan = runs.scan()
    mean, mean_carry, spread, spread_carry = (scan.zeros() for _ in range(4))
    for count, (active, where) in enumerate(scan, start=1):
        values = runs.values[where]
        delta = values - (mean[active] + mean_carry[active])
        mean[active], mean_carry[active] = add(delta / count, mean[active], mean_carry[active])
        increment = delta * (values - (mean[active] + mean_carry[active]))
        spread[active], spread_carry[active] = add(increment, spread[active], spread_carry[active])
    return scan.restored((spread + spread_carry) / -scan.lengths)


def variances_across(runs: Segments) -> Floats:
    """
    The population variance of each run (Welford 1962), as aggregations over series compute it.
    """
    scan = runs.scan()
    mean, spread = scan.zeros(), scan.zeros()
    for count, (active, where) in enumerate(scan, start=1):
        values = runs.values[where]
        if count == 1:
            mean[active] = values
            spread[active] = np.where(np.isfinite(values), 0.0, np.nan)
            continue
        delta = values - mean[active]
        mean[active] += delta / count
        spread[active] += delta * (values - mean[active])
    return scan.restored(spread / -scan.lengths)


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
