"""
This module aggregates over series: sum, avg, quantile, topk, count_values and their like.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from otel_confidence.points import NAME_LABEL, Labels
from otel_confidence.query.numbers import decimal, general
from otel_confidence.query.promql import segments
from otel_confidence.query.promql.faults import execution, too_many_samples
from otel_confidence.query.promql.frames import Bools, Floats, Frame, Ints
from otel_confidence.query.promql.labels import dropping, keeping, with_label
from otel_confidence.query.promql.segments import Segments

SMALLEST_INTEGER, LARGEST_INTEGER = -(2.0**63), 2.0**63


@dataclass(frozen=True, slots=True)
class Grouping:
    """
    Which labels the results of an aggregation keep.
    """

    without: bool = False
    """Whether ``labels`` are those that go, or those that stay."""
    labels: tuple[str, ...] = ()

    def key(self) -> Callable[[Labels], Labels]:
        """
        What gives the labels that the group of a series has.
        """
        if self.without:
            return partial(dropping, names=frozenset({*self.labels, NAME_LABEL}))
        return partial(keeping, names=frozenset(self.labels))


@dataclass(frozen=True, slots=True)
class Groups:
    """
    The members of each group at each step, as runs in the order of groups, then steps.
    """

    labels: list[Labels]
    rows: Ints
    """For each value in the runs, the row it came from."""
    runs: Segments
    group: Ints
    step: Ints
    steps: int

    def frame(self, results: Floats) -> Frame:
        """
        One result for each run, in rows and steps.
        """
        shape = (len(self.labels), self.steps)
        values, present = np.full(shape, np.nan), np.zeros(shape, dtype=np.bool_)
        values[self.group, self.step] = results
        present[self.group, self.step] = True
        return Frame(self.labels, values, present).occupied()


def grouped(frame: Frame, grouping: Grouping, check: Callable[[], None]) -> Groups:
    """
    Sort a frame's values by group and step, members in the order of the frame.
    """
    numbers: dict[Labels, int] = {}
    keys = map(grouping.key(), frame.labels)
    group = np.array([numbers.setdefault(key, len(numbers)) for key in keys], dtype=np.int64)
    order = np.argsort(group, kind="stable")
    steps = frame.present.shape[1]
    present = frame.present[order].T
    starts = np.searchsorted(group[order], np.arange(len(numbers)))
    counts = np.add.reduceat(present, starts, axis=1, dtype=np.int64).ravel()
    bounds = np.concatenate(([0], np.cumsum(counts)))
    some = np.flatnonzero(counts)
    return Groups(
        labels=list(numbers),
        rows=np.broadcast_to(order, present.shape)[present],
        runs=Segments(frame.values[order].T[present], bounds[some], bounds[some + 1], check),
        group=some % len(numbers),
        step=some // len(numbers),
        steps=steps,
    )


def _standard_deviations(runs: Segments) -> Floats:
    deviations: Floats = np.sqrt(segments.variances_across(runs))
    return deviations


def _means(runs: Segments) -> Floats:
    means: Floats = segments.means(runs) + 0.0  # what Prometheus adds up is never a negative zero
    return means


def _sums(runs: Segments) -> Floats:
    sums: Floats = segments.sums(runs) + 0.0
    return sums


def _ones(runs: Segments) -> Floats:
    return np.ones(len(runs))


def _lengths(runs: Segments) -> Floats:
    return runs.counts.astype(np.float64)


REDUCTIONS: Mapping[str, Callable[[Segments], Floats]] = {
    "avg": _means,
    "count": _lengths,
    "group": _ones,
    "max": segments.maxima,
    "min": segments.minima,
    "stddev": _standard_deviations,
    "stdvar": segments.variances_across,
    "sum": _sums,
}


def quantiles(groups: Groups, q: Floats) -> Frame:
    """
    The q-quantile of each group, with one share for each step.
    """
    return groups.frame(segments.quantiles(groups.runs, q[groups.step]))


def extremes(frame: Frame, groups: Groups, k: Floats, *, largest: bool) -> Frame:
    """
    The k largest or smallest of each group, under their own labels; NaN only to fill up.
    """
    wanted = np.minimum(np.trunc(k), len(frame)).astype(np.int64)[groups.step]
    runs = groups.runs
    owner = np.repeat(np.arange(len(runs)), runs.counts)
    values = runs.values
    order = np.lexsort((-values if largest else values, np.isnan(values), owner))
    rank = np.arange(len(values)) - np.repeat(runs.low, runs.counts)
    chosen = order[rank < wanted[owner]]
    present = np.zeros(frame.present.shape, dtype=np.bool_)
    present[groups.rows[chosen], groups.step[owner[chosen]]] = True
    result = Frame(frame.labels, frame.values, present)
    return result.take(groups.rows[chosen]) if groups.steps == 1 else result.occupied()


def check_count(k: Floats) -> None:
    """
    Make sure that k is a number of series at every step.

    Raises:
        QueryError: It is NaN or no 64-bit integer, and not always below one.
    """
    if k.max() < 1:
        return
    if np.isnan(k).any():
        raise execution("Parameter value is NaN")
    if k.min() <= SMALLEST_INTEGER:
        raise execution(f"Scalar value {general(float(k.min()))} underflows int64")
    if k.max() >= LARGEST_INTEGER:
        raise execution(f"Scalar value {general(float(k.max()))} overflows int64")


def count_values(frame: Frame, grouping: Grouping, label: str, *, max_samples: int) -> Frame:
    """
    How often each value occurs in each group, the value written into a label.

    Raises:
        QueryError: There are too many different values.
    """
    keep = grouping if grouping.without else Grouping(labels=(*grouping.labels, label))
    key_of = keep.key()
    steps = frame.present.shape[1]
    counts: dict[Labels, Floats] = {}
    for labels, values, present in zip(frame.labels, frame.values, frame.present, strict=True):
        for text, where in _occurrences(values, present).items():
            key = key_of(with_label(labels, label, text))
            counts.setdefault(key, np.zeros(steps))[where] += 1
        if len(counts) * steps > max_samples:
            raise too_many_samples()
    table = np.array(list(counts.values())).reshape(len(counts), steps)
    return Frame(list(counts), table, table > 0)


def _occurrences(values: Floats, present: Bools) -> dict[str, list[int]]:
    steps = np.flatnonzero(present).tolist()
    found: dict[str, list[int]] = defaultdict(list)
    for step, value in zip(steps, values[present].tolist(), strict=True):
        found[decimal(value)].append(step)
    return found
