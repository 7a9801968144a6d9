"""
This module computes binary operators between two vectors: which series meet, and as what.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from otel_confidence.points import NAME_LABEL, Labels
from otel_confidence.query.literals import label_name, quoted
from otel_confidence.query.promql.faults import execution
from otel_confidence.query.promql.frames import (
    Bools,
    Floats,
    Frame,
    Ints,
    empty,
    united,
    without_name,
)
from otel_confidence.query.promql.labels import dropping, keeping, with_label
from otel_confidence.query.promql.operators import ARITHMETIC, COMPARISONS

MANY_TO_MANY = "many-to-many matching not allowed: matching labels must be unique on one side"
EXPLICIT = (
    "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)"
)
UNIQUE = "multiple matches for labels: grouping labels must ensure unique matches"


@dataclass(frozen=True, slots=True)
class Matching:
    """
    How the series of two vectors find each other.
    """

    on: bool
    """Whether ``labels`` are those that must agree, or those that need not."""
    labels: tuple[str, ...]
    many: str = ""
    """The side that may have several series for one of the other: left, right or neither."""
    include: tuple[str, ...] = ()
    """Labels taken over from the other side."""

    def key(self) -> Callable[[Labels], Labels]:
        """
        What gives the labels that must be equal for two series to meet.
        """
        if self.on:
            return partial(keeping, names=frozenset(self.labels))
        return partial(dropping, names=frozenset({*self.labels, NAME_LABEL}))


@dataclass(frozen=True, slots=True)
class _Keys:
    left: Ints
    right: Ints
    count: int


def _keys(left: Frame, right: Frame, matching: Matching) -> _Keys:
    numbers: dict[Labels, int] = {}
    sides = [
        np.array(
            [numbers.setdefault(key, len(numbers)) for key in map(matching.key(), frame.labels)],
            dtype=np.int64,
        )
        for frame in (left, right)
    ]
    return _Keys(sides[0], sides[1], len(numbers))


def _counts(keys: Ints, count: int, present: Bools) -> Ints:
    counts = np.zeros((count, present.shape[1]), dtype=np.int64)
    np.add.at(counts, keys, present)
    return counts


def intersection(left: Frame, right: Frame, matching: Matching) -> Frame:
    """
    ``and``: what the left side has wherever the right side has something that matches.
    """
    keys = _keys(left, right, matching)
    met = _counts(keys.right, keys.count, right.present) > 0
    return Frame(left.labels, left.values, left.present & met[keys.left]).occupied()


def difference(left: Frame, right: Frame, matching: Matching) -> Frame:
    """
    ``unless``: what the left side has wherever the right side has nothing that matches.
    """
    keys = _keys(left, right, matching)
    met = _counts(keys.right, keys.count, right.present) > 0
    return Frame(left.labels, left.values, left.present & ~met[keys.left]).occupied()


def union(left: Frame, right: Frame, matching: Matching) -> Frame:
    """
    ``or``: the left side, and of the right side what matches nothing there.
    """
    keys = _keys(left, right, matching)
    met = _counts(keys.left, keys.count, left.present) > 0
    both = Frame(
        [*left.labels, *right.labels],
        np.concatenate((left.values, right.values)),
        np.concatenate((left.present, right.present & ~met[keys.right])),
    )
    return united(both.occupied())


SETS: dict[str, Callable[[Frame, Frame, Matching], Frame]] = {
    "and": intersection,
    "or": union,
    "unless": difference,
}


def between_vectors(
    sign: str, left: Frame, right: Frame, matching: Matching, *, as_bool: bool
) -> Frame:
    """
    An arithmetic operator or a comparison on the series of two vectors that match.

    Raises:
        QueryError: At some step more series match than the operator's modifiers allow.
    """
    if not len(left) or not len(right):
        return empty(left.values.shape[1])
    swapped = matching.many == "right"
    many, one = (right, left) if swapped else (left, right)
    keys = _keys(many, one, matching)
    both = np.logical_and(many.present.any(axis=0), one.present.any(axis=0))
    _refuse_duplicates(one, keys, both, "left" if swapped else "right", matching)
    pairs = _pairs(many, one, keys, matching)
    result = _computed(sign, pairs, swapped=swapped, as_bool=as_bool)
    labels = [
        _result_labels(sign, many.labels[row], included, matching, as_bool=as_bool)
        for row, included in zip(pairs.rows.tolist(), pairs.included, strict=True)
    ]
    _refuse_ambiguity(pairs, labels, keys, matching)
    return united(Frame(labels, result.values, result.present).occupied())


def _refuse_duplicates(one: Frame, keys: _Keys, both: Bools, side: str, matching: Matching) -> None:
    counts = _counts(keys.right, keys.count, one.present & both)
    if counts.max(initial=0) <= 1:
        return
    key, step = (int(index) for index in np.argwhere(counts > 1)[0])
    rows = np.flatnonzero((keys.right == key) & one.present[:, step])[:2]
    second, first = (_written(one.labels[row]) for row in rows.tolist())
    group = _written(matching.key()(one.labels[int(rows[0])]))
    raise execution(
        f"found duplicate series for the match group {group} on the {side} hand-side of the "
        f"operation: [{first}, {second}];{MANY_TO_MANY}"
    )


def _written(labels: Labels) -> str:
    pairs = (f"{label_name(name)}={quoted(value)}" for name, value in labels)
    return f"{{{', '.join(pairs)}}}"


@dataclass(frozen=True, slots=True)
class _Pairs:
    rows: Ints
    """For each pair the row on the side that may be many."""
    many: Floats
    one: Floats
    met: Bools
    included: list[Labels]


def _pairs(many: Frame, one: Frame, keys: _Keys, matching: Matching) -> _Pairs:
    partners: dict[int, dict[Labels, int]] = {}
    merged: dict[tuple[int, Labels], int] = {}
    target = np.empty(len(one), dtype=np.int64)
    for row, key in enumerate(keys.right.tolist()):
        taken = _taken(one.labels[row], matching)
        target[row] = merged.setdefault((key, taken), len(merged))
        partners.setdefault(key, {})[taken] = int(target[row])
    values, present = _merged(one, target, len(merged))
    found = [
        (row, partner, taken)
        for row, key in enumerate(keys.left.tolist())
        for taken, partner in partners.get(key, {}).items()
    ]
    rows = np.array([row for row, _, _ in found], dtype=np.int64)
    others = np.array([partner for _, partner, _ in found], dtype=np.int64)
    met = many.present[rows] & present[others]
    included = [taken for _, _, taken in found]
    return _Pairs(rows, many.values[rows], values[others], met, included)


def _taken(labels: Labels, matching: Matching) -> Labels:
    values = dict(labels)
    return tuple((name, values.get(name, "")) for name in matching.include)


def _merged(one: Frame, target: Ints, count: int) -> tuple[Floats, Bools]:
    values = np.full((count, one.values.shape[1]), np.nan)
    present = np.zeros(values.shape, dtype=np.bool_)
    row, step = np.nonzero(one.present)
    values[target[row], step] = one.values[row, step]
    present[target[row], step] = True
    return values, present


def _computed(sign: str, pairs: _Pairs, *, swapped: bool, as_bool: bool) -> Frame:
    left, right = (pairs.one, pairs.many) if swapped else (pairs.many, pairs.one)
    if sign in ARITHMETIC:
        return Frame([], ARITHMETIC[sign](left, right), pairs.met)
    holds = COMPARISONS[sign](left, right)
    if as_bool:
        return Frame([], holds.astype(np.float64), pairs.met)
    return Frame([], left, pairs.met & holds)


def _result_labels(
    sign: str, labels: Labels, included: Labels, matching: Matching, *, as_bool: bool
) -> Labels:
    if sign in ARITHMETIC:
        labels = without_name(labels)
    if not matching.many:
        named = frozenset(matching.labels)
        labels = keeping(labels, named) if matching.on else dropping(labels, named)
    for name, value in included:
        labels = with_label(labels, name, value)
    return without_name(labels) if as_bool else labels


def _refuse_ambiguity(pairs: _Pairs, labels: list[Labels], keys: _Keys, matching: Matching) -> None:
    groups: dict[tuple[int, Labels], int] = {}
    sides = keys.left[pairs.rows].tolist()
    if matching.many:
        named = [groups.setdefault(pair, len(groups)) for pair in zip(sides, labels, strict=True)]
    else:
        named = [groups.setdefault((side, ()), len(groups)) for side in sides]
    if len(groups) == len(named):
        return
    counts = _counts(np.array(named, dtype=np.int64), len(groups), pairs.met)
    if (counts > 1).any():
        raise execution(UNIQUE if matching.many else EXPLICIT)
