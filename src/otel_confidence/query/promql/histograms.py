"""
This module reads quantiles and shares out of classic histograms.

Counts are interpolated linearly within a bucket, as ``histogram_quantile`` and
``histogram_fraction`` are documented to do.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from otel_confidence.points import Labels
from otel_confidence.query.literals import float_of
from otel_confidence.query.promql.frames import Bools, Floats, Frame, Ints, united, without_name
from otel_confidence.query.promql.labels import dropping

BUCKET_LABEL = "le"
NEGLIGIBLE = 1e-12
"""A relative difference between neighboring buckets below this is taken for rounding."""
SMALLEST_NORMAL = float(np.finfo(np.float64).tiny)

Estimate = Callable[["Buckets"], Floats]


@dataclass(frozen=True, slots=True)
class Buckets:
    """
    Several histograms with the same bounds: cumulative counts, a row a bound, a column each.
    """

    bounds: Floats
    counts: Floats
    steps: Ints
    """Which step each column belongs to."""


def bound_of(labels: Labels) -> float | None:
    """
    The upper bound that a bucket's labels state, if they do.
    """
    try:
        return float_of(dict(labels).get(BUCKET_LABEL, ""))
    except ValueError:
        return None


def over_histograms(frame: Frame, estimate: Estimate) -> Frame:
    """
    One estimate for each histogram and step that has any bucket.
    """
    rows: dict[Labels, list[tuple[float, int]]] = defaultdict(list)
    for row, labels in enumerate(frame.labels):
        bound = bound_of(labels)
        if bound is not None:
            rows[dropping(labels, frozenset({BUCKET_LABEL}))].append((bound, row))
    layouts: dict[tuple[float, ...], list[tuple[Labels, list[int]]]] = defaultdict(list)
    for labels, members in rows.items():
        members.sort()
        bounds = tuple(bound for bound, _ in members)
        layouts[bounds].append((labels, [row for _, row in members]))
    parts = [
        _estimated(frame, np.array(bounds), members, estimate)
        for bounds, members in layouts.items()
    ]
    return united(_stacked(parts, frame.present.shape[1])).occupied()


def _stacked(parts: list[Frame], steps: int) -> Frame:
    return Frame(
        [without_name(labels) for part in parts for labels in part.labels],
        np.concatenate([np.empty((0, steps)), *(part.values for part in parts)]),
        np.concatenate([np.empty((0, steps), bool), *(part.present for part in parts)]),
    )


def _estimated(
    frame: Frame, bounds: Floats, members: list[tuple[Labels, list[int]]], estimate: Estimate
) -> Frame:
    rows = np.array([rows for _, rows in members])
    steps = frame.present.shape[1]
    counts = frame.values[rows].transpose(1, 0, 2).reshape(len(bounds), -1)
    present = frame.present[rows].transpose(1, 0, 2).reshape(len(bounds), -1)
    result = np.full(counts.shape[1], np.nan)
    for pattern, columns in _patterns(present):
        buckets = Buckets(bounds[pattern], counts[np.ix_(pattern, columns)], columns % steps)
        result[columns] = estimate(_coalesced(buckets))
    shape = (len(members), steps)
    return Frame(
        [labels for labels, _ in members],
        result.reshape(shape),
        present.any(axis=0).reshape(shape),
    )


def _patterns(present: Bools) -> Iterator[tuple[Ints, Ints]]:
    packed = np.packbits(present, axis=0).T
    kinds, which = np.unique(packed, axis=0, return_inverse=True)
    for kind in range(len(kinds)):
        columns = np.flatnonzero(which.ravel() == kind)
        pattern = np.flatnonzero(present[:, columns[0]])
        if len(pattern):
            yield pattern, columns


def _coalesced(buckets: Buckets) -> Buckets:
    starts = np.flatnonzero(np.append(True, buckets.bounds[1:] != buckets.bounds[:-1]))
    if len(starts) == len(buckets.bounds):
        return buckets
    counts = np.add.reduceat(buckets.counts, starts, axis=0)
    return Buckets(buckets.bounds[starts], counts, buckets.steps)


def quantile(buckets: Buckets, q: Floats, *, forced: Callable[[], None] | None = None) -> Floats:
    """
    The q-quantile of each histogram.

    Args:
        buckets: The histograms.
        q: A share for each step; below 0 gives -Inf, above 1 +Inf, NaN NaN.
        forced: Called when a bucket held fewer than the one below it and was taken for as full.
    """
    share = q[buckets.steps]
    inside = _quantile_inside(buckets, share, forced)
    result = np.where(share < 0, -np.inf, np.where(share > 1, np.inf, inside))
    return np.where(np.isnan(share), np.nan, result)


def _quantile_inside(buckets: Buckets, q: Floats, forced: Callable[[], None] | None) -> Floats:
    bounds, columns = buckets.bounds, np.arange(buckets.counts.shape[1])
    last = len(bounds) - 1
    if last < 1 or bounds[last] != np.inf:
        return np.full(len(columns), np.nan)
    counts, fell = _monotonic(buckets.counts)
    observations = counts[last]
    if forced is not None and (fell & (q >= 0) & (q <= 1) & (observations != 0)).any():
        forced()
    rank = q * observations
    bucket = _first_reaching(counts[:last], rank)
    below = np.maximum(bucket - 1, 0)
    start = np.where(bucket > 0, bounds[below], 0.0)
    before = np.where(bucket > 0, counts[below, columns], 0.0)
    end = bounds[np.minimum(bucket, last - 1)]
    inner = start + (end - start) * ((rank - before) / (counts[bucket, columns] - before))
    result = np.where((bucket == 0) & (bounds[0] <= 0), bounds[0], inner)
    result = np.where(bucket == last, bounds[last - 1], result)
    return np.where(observations == 0, np.nan, result)


def _first_reaching(counts: Floats, rank: Floats) -> Ints:
    low = np.zeros(len(rank), dtype=np.int64)
    high = np.full(len(rank), len(counts), dtype=np.int64)
    columns = np.arange(len(rank))
    while (low < high).any():
        middle = np.minimum((low + high) // 2, len(counts) - 1)
        open_ = low < high
        reaches = counts[middle, columns] >= rank
        high = np.where(open_ & reaches, middle, high)
        low = np.where(open_ & ~reaches, middle + 1, low)
    return low


def _monotonic(counts: Floats) -> tuple[Floats, Bools]:
    fixed: Floats = counts.copy()
    fell = np.zeros(counts.shape[1], dtype=np.bool_)
    previous = counts[0]
    for row in range(1, len(counts)):
        current = counts[row]
        same = (current == previous) | _almost_equal(previous, current)
        lower = ~same & (current < previous)
        previous = np.where(same | lower, previous, current)
        fixed[row], fell = previous, fell | lower
    return fixed, fell


def _almost_equal(a: Floats, b: Floats) -> Bools:
    size, difference = np.abs(a) + np.abs(b), np.abs(a - b)
    tiny = (a == 0) | (b == 0) | (size < SMALLEST_NORMAL)
    near = difference / np.minimum(size, np.finfo(np.float64).max) < NEGLIGIBLE
    equal = np.where(tiny, difference < NEGLIGIBLE * SMALLEST_NORMAL, near)
    both: Bools = np.isnan(a) & np.isnan(b)
    return equal | both


def fraction(buckets: Buckets, lower: Floats, upper: Floats) -> Floats:
    """
    The share of each histogram's observations between two values.
    """
    low, high = lower[buckets.steps], upper[buckets.steps]
    bounds, total = buckets.bounds, buckets.counts[-1]
    if bounds[-1] != np.inf:
        return np.full(len(total), np.nan)
    between = (_rank_at(buckets, high) - _rank_at(buckets, low)) / total
    result = np.where(low >= high, 0.0, between)
    return np.where((total == 0) | np.isnan(low) | np.isnan(high), np.nan, result)


def _rank_at(buckets: Buckets, value: Floats) -> Floats:
    rank = np.zeros(len(value))
    result = np.full(len(value), np.nan)
    found = np.zeros(len(value), dtype=np.bool_)
    start = -np.inf if buckets.bounds[0] <= 0 else 0.0
    for end, count in zip(buckets.bounds.tolist(), buckets.counts, strict=True):
        at_start = ~found & (start >= value)
        within = ~found & (start < value) & (end > value)
        inside = rank + (count - rank) * (value - start) / (end - start)
        result = np.where(at_start, rank, result)
        result = np.where(within, count if start == -np.inf else inside, result)
        found |= at_start | within
        rank, start = count, end
    total = buckets.counts[-1]
    return np.where(~found | (result > total), total, result)
