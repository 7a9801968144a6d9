"""
This module counts the values that models see into a reference's bins: one row, or many at once.

A value never leaves as itself: it becomes the name of a bin that the reference had before.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from otel_confidence.errors import InvalidRecord
from otel_confidence.reference import columns
from otel_confidence.reference.cells import category_of, number_of
from otel_confidence.reference.columns import Column
from otel_confidence.reference.features import CategoricalFeature, Feature, NumericFeature

Counts = NDArray[np.int64]
"""How many values each cell of a feature got, in the order of its ``cells``."""

_QUICK: Final = frozenset((float, int, bool))
_PLAIN: Final = frozenset((str, int, float, type(None)))


Counted = tuple[int, int, int]
"""A feature's place among the counted ones, a cell's place in it, and how many values are there."""


class FeatureCounter:
    """
    Counts values of some features of a reference.

    Args:
        features: those that are counted; what else a row holds is left alone.
        names: all names of the reference in order, for rows that have none.
    """

    def __init__(self, features: Sequence[Feature], names: Sequence[str]) -> None:
        self.features = tuple(features)
        self._names = tuple(names)
        self._places = tuple(_places(feature) for feature in self.features)
        self._find = tuple(place.one for place in self._places)
        self._columns = tuple(self._names.index(feature.name) for feature in self.features)

    def count(self, values: Any) -> list[Counted]:
        """
        Where the values of one row, or of each of many rows, belong.

        One row is a mapping, an object with named fields, a pandas row, or numbers in the
        reference's order. Many rows are whatever ``Reference.from_data()`` takes, and a mapping
        with a column for at least one name; its single values then hold for every row.

        Raises:
            InvalidRecord: it is neither.
        """
        if columns.is_frame(values):
            return self._many(columns.table(values, None))
        if columns.is_named(values):
            return self._named(columns.as_mapping(values))
        if isinstance(values, (list, tuple)):
            return self._listed(values)
        whole = columns.array(values, "features")
        return self._listed(whole) if whole.ndim == 1 else self._many(self._table(whole))

    def _named(self, row: Mapping[str, Any]) -> list[Counted]:
        self._check_names(row)
        held = [row.get(feature.name) for feature in self.features]
        if _PLAIN.issuperset(map(type, held)) or not any(map(columns.is_column, held)):
            return self._one(held)
        return self._broadcast(row)

    def _listed(self, values: Sequence[Any] | Column) -> list[Counted]:
        if len(values) and columns.is_row(values[0]):
            return self._many(self._table(values))
        if len(values) not in {0, len(self._names)}:
            raise InvalidRecord(
                f"a row of {len(values)} values, the reference has {len(self._names)} features"
            )
        return self._one([values[i] for i in self._columns]) if len(values) else []

    def _table(self, rows: Any) -> dict[str, Column]:
        return columns.table(rows, self._names)

    def _check_names(self, held: Mapping[str, Any]) -> None:
        if not any(name in held for name in self._names):
            raise InvalidRecord(f"none of the reference's features {self._names[:5]} is there")

    def _one(self, row: Iterable[Any]) -> list[Counted]:
        return [(i, self._find[i](value), 1) for i, value in enumerate(row)]

    def _broadcast(self, row: Mapping[str, Any]) -> list[Counted]:
        wide = {f.name: row[f.name] for f in self.features if columns.is_column(row.get(f.name))}
        found = columns.table(wide, None)
        rows = len(next(iter(found.values())))
        for name in self._names:
            if name in row and name not in wide:
                found[name] = np.full(rows, row[name], dtype=object)
        return self._many(found)

    def _many(self, table: Mapping[str, Column]) -> list[Counted]:
        self._check_names(table)
        rows = len(next(iter(table.values())))
        absent: Column = np.full(rows, None, dtype=object)
        found = [
            place.many(table.get(feature.name, absent))
            for feature, place in zip(self.features, self._places, strict=True)
        ]
        return [
            (i, cell, count)
            for i, counts in enumerate(found)
            for cell, count in enumerate(counts.tolist())
            if count
        ]


class _Numbers:
    """
    Where numbers belong; cells are the bins, both outlier cells, missing, invalid.
    """

    def __init__(self, feature: NumericFeature) -> None:
        self._edges = feature.edges
        self._low, self._high = feature.low, feature.high
        self._bins = len(feature.bins)

    def one(self, value: Any) -> int:
        number = value if type(value) in _QUICK else number_of(value)
        if self._low <= number <= self._high:
            return bisect_left(self._edges, number)
        number = number_of(number)
        if number != number:  # noqa: PLR0124  NaN differs from itself
            return self._bins + 2
        if number - number != 0:
            return self._bins + 3
        return self._bins if number < self._low else self._bins + 1

    def many(self, values: Column) -> Counts:
        found = columns.numbers(values)
        missing, finite = np.isnan(found), np.isfinite(found)
        cells = np.searchsorted(self._edges, found)
        cells[found < self._low] = self._bins
        cells[found > self._high] = self._bins + 1
        cells[missing] = self._bins + 2
        cells[~finite & ~missing] = self._bins + 3
        return np.bincount(cells, minlength=self._bins + 4)


class _Categories:
    """
    Where categories belong; cells are the bins, that of the others, unseen, missing, invalid.
    """

    def __init__(self, feature: CategoricalFeature) -> None:
        named = len(feature.categories)
        self._cells = dict.fromkeys(feature.others, named)
        self._cells |= {category: i for i, category in enumerate(feature.categories)}
        self._cells[""] = named + 2
        self._unseen, self._invalid = named + 1, named + 3

    def one(self, value: Any) -> int:
        if type(value) is str:
            cell = self._cells.get(value)
            if cell is not None:
                return cell
        category = category_of(value)
        return self._invalid if category is None else self._cells.get(category, self._unseen)

    def many(self, values: Column) -> Counts:
        cells = values.tolist()
        counts = np.zeros(self._invalid + 1, dtype=np.int64)
        # Only plain values may be hashed; equal ones, such as 4 and 4.0, are one category.
        if _PLAIN.issuperset(map(type, cells)):
            for value, count in Counter(cells).items():
                counts[self.one(value)] += count
            return counts
        for value in cells:
            counts[self.one(value)] += 1
        return counts


def _places(feature: Feature) -> "_Numbers | _Categories":
    return _Numbers(feature) if isinstance(feature, NumericFeature) else _Categories(feature)
