"""
This module holds what an expression evaluates to: series by steps, with absence apart from NaN.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otel_confidence.points import NAME_LABEL, Labels
from otel_confidence.query.promql.faults import DUPLICATE_LABELS, execution

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

METADATA_LABELS = frozenset({NAME_LABEL, "__type__", "__unit__"})
"""Labels that describe the metric and fall away when an operation changes its meaning."""
_LAST_METADATA = max(METADATA_LABELS)


@dataclass(frozen=True, slots=True)
class Grid:
    """
    The times at which an expression is evaluated: ``start_ms``, then every ``step_ms``.
    """

    start_ms: int
    end_ms: int
    step_ms: int

    def __len__(self) -> int:
        return max(0, (self.end_ms - self.start_ms) // self.step_ms + 1)

    @property
    def times(self) -> Ints:
        """
        All evaluation times, in milliseconds.
        """
        return self.start_ms + np.arange(len(self), dtype=np.int64) * self.step_ms

    @property
    def first(self) -> "Grid":
        """
        The grid of the first step alone.
        """
        return Grid(self.start_ms, self.start_ms, self.step_ms)


@dataclass(frozen=True, slots=True)
class Frame:
    """
    An instant vector at every step: one row a series, one column a step.

    A value counts only where ``present`` is true; elsewhere it is arbitrary.
    """

    labels: list[Labels]
    values: Floats
    present: Bools

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def samples(self) -> int:
        """
        How many values there are.
        """
        return int(np.count_nonzero(self.present))

    def take(self, rows: Iterable[int] | Ints) -> "Frame":
        """
        Some rows, in the order given.
        """
        index = np.asarray(rows, dtype=np.int64)
        labels = [self.labels[row] for row in index.tolist()]
        return Frame(labels, self.values[index], self.present[index])

    def occupied(self) -> "Frame":
        """
        The rows that have a value at some step.
        """
        kept = self.present.any(axis=1)
        return self if kept.all() else self.take(np.flatnonzero(kept))

    def relabeled(self, change: Callable[[Labels], Labels]) -> "Frame":
        """
        The same values under changed labels, with rows that became the same series united.
        """
        return united(Frame([change(labels) for labels in self.labels], self.values, self.present))


def empty(steps: int) -> Frame:
    """
    A frame without series.
    """
    return Frame([], np.empty((0, steps)), np.empty((0, steps), dtype=np.bool_))


def stacked(frames: Sequence[Frame]) -> Frame:
    """
    Several frames of the same steps, one below the other.
    """
    if len(frames) == 1:
        return frames[0]
    return Frame(
        [labels for frame in frames for labels in frame.labels],
        np.concatenate([frame.values for frame in frames]),
        np.concatenate([frame.present for frame in frames]),
    )


def without_name(labels: Labels) -> Labels:
    """
    Labels without the metric's name, type and unit.
    """
    return tuple([pair for pair in labels if pair[0] not in METADATA_LABELS])


def unnamed(rows: Sequence[Labels]) -> list[Labels]:
    """
    The labels of many series without their metrics' names, types and units.
    """
    if all(map(_only_name_goes, rows)):
        return [labels[1:] for labels in rows]
    return [without_name(labels) for labels in rows]


def _only_name_goes(labels: Labels) -> bool:
    # Labels are sorted: where the second lies behind all that describe a metric, none follows.
    if len(labels) > 1 and labels[1][0] <= _LAST_METADATA:
        return False
    return bool(labels) and labels[0][0] == NAME_LABEL


def united(frame: Frame) -> Frame:
    """
    Rows of equal labels made one.

    Raises:
        QueryError: Two of them have a value at the same step.
    """
    if len(set(frame.labels)) == len(frame.labels):
        return frame
    rows: dict[Labels, int] = {}
    target = np.array([rows.setdefault(labels, len(rows)) for labels in frame.labels])
    counts = np.zeros((len(rows), frame.present.shape[1]), dtype=np.int64)
    np.add.at(counts, target, frame.present)
    if (counts > 1).any():
        raise execution(DUPLICATE_LABELS)
    values = np.full(counts.shape, np.nan)
    row, step = np.nonzero(frame.present)
    values[target[row], step] = frame.values[row, step]
    return Frame(list(rows), values, counts > 0)


def distinct(frame: Frame) -> Frame:
    """
    The frame itself, when no two rows have equal labels.

    Functions of ranges are stricter than others: equal labels are refused even when the rows
    never have a value at the same step.

    Raises:
        QueryError: Two rows have equal labels.
    """
    if len(set(frame.labels)) != len(frame.labels):
        raise execution(DUPLICATE_LABELS)
    return frame
