"""
This module describes one feature of a reference: its bins, and how many values each of them held.
"""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

from otel_confidence.conventions import FEATURE_STATE, OTHER
from otel_confidence.errors import ConfigurationError

VALID, MISSING, INVALID, OUTLIER, UNSEEN = FEATURE_STATE.values
NO_BIN: Final = ""
"""The bin of a value that has none: it is missing or invalid."""
UNBOUNDED: Final = "+Inf"
"""The last bin of a numeric feature."""
NAME_LIMIT: Final = 128
"""Longest name of a feature, characters."""


class Cell(NamedTuple):
    """
    What one counter counts: values of a feature that fell into a bin, in a state.
    """

    bin: str
    state: str


@dataclass(frozen=True, slots=True)
class NumericFeature:
    """
    Numbers, in bins ``(previous edge, edge]`` that held nearly equal shares of the reference.

    Raises:
        ConfigurationError: the parts don't fit together.
    """

    name: str
    edges: tuple[float, ...]
    """Upper edges of all bins but the last, which is unbounded."""
    counts: tuple[int, ...]
    """How many values of the reference fell into each bin."""
    low: float
    """Values below are outliers."""
    high: float
    """Values above are outliers."""
    missing: int = 0
    invalid: int = 0

    def __post_init__(self) -> None:
        check_name(self.name)
        check_counts(self.name, len(self.edges) + 1, self.counts, self.missing, self.invalid)
        if not all(map(math.isfinite, (*self.edges, self.low, self.high))):
            raise ConfigurationError(f"feature {self.name!r}: edges and bounds must be finite")
        if not self.edges or any(a >= b for a, b in pairwise(self.edges)) or self.low > self.high:
            raise ConfigurationError(f"feature {self.name!r}: edges must ascend, got {self.edges}")

    @property
    def bins(self) -> tuple[str, ...]:
        """
        The bins' names: their upper edges.
        """
        return (*map(str, self.edges), UNBOUNDED)

    @property
    def total(self) -> int:
        """
        How many values the reference had, missing and invalid ones among them.
        """
        return sum(self.counts) + self.missing + self.invalid

    @property
    def cells(self) -> tuple[Cell, ...]:
        """
        Everything a value can be: valid in each bin, an outlier in an outer one, or without a bin.
        """
        outliers = Cell(self.bins[0], OUTLIER), Cell(self.bins[-1], OUTLIER)
        return (*(Cell(name, VALID) for name in self.bins), *outliers, *_WITHOUT_BIN)

    @property
    def shares(self) -> tuple[float, ...]:
        """
        The reference's share of each cell, together 1; it has no outliers of itself.
        """
        counted = (*self.counts, 0, 0, self.missing, self.invalid)
        return tuple(count / self.total for count in counted)


@dataclass(frozen=True, slots=True)
class CategoricalFeature:
    """
    Categories: the most frequent with a bin each, the others together in one.

    Raises:
        ConfigurationError: the parts don't fit together.
    """

    name: str
    categories: tuple[str, ...]
    """Those with a bin of their own, the most frequent first."""
    counts: tuple[int, ...]
    """How many values of the reference each of them had."""
    others: tuple[str, ...] = ()
    """The reference's remaining categories, sorted; a category in neither list is unseen."""
    other: int = 0
    """How many values the others had together."""
    missing: int = 0
    invalid: int = 0

    def __post_init__(self) -> None:
        check_name(self.name)
        more = (self.other, self.missing, self.invalid)
        check_counts(self.name, len(self.categories), self.counts, *more)
        known = (*self.categories, *self.others)
        if not all(isinstance(each, str) and each.isprintable() and each for each in known):
            raise ConfigurationError(f"feature {self.name!r}: categories must be printable texts")
        if len(set(known)) < len(known) or OTHER in self.categories:
            raise ConfigurationError(f"feature {self.name!r}: a category stands there twice")

    @property
    def bins(self) -> tuple[str, ...]:
        """
        The bins' names: the categories, and one for whatever else there is.
        """
        return (*self.categories, OTHER)

    @property
    def total(self) -> int:
        """
        How many values the reference had, missing and invalid ones among them.
        """
        return sum(self.counts) + self.other + self.missing + self.invalid

    @property
    def cells(self) -> tuple[Cell, ...]:
        """
        Everything a value can be: valid in each bin, unseen in that of the others, without a bin.
        """
        return (*(Cell(name, VALID) for name in self.bins), Cell(OTHER, UNSEEN), *_WITHOUT_BIN)

    @property
    def shares(self) -> tuple[float, ...]:
        """
        The reference's share of each cell, together 1; it has nothing unseen in itself.
        """
        counted = (*self.counts, self.other, 0, self.missing, self.invalid)
        return tuple(count / self.total for count in counted)


Feature = NumericFeature | CategoricalFeature

_WITHOUT_BIN: Final = (Cell(NO_BIN, MISSING), Cell(NO_BIN, INVALID))


def check_name(name: object) -> None:
    """
    A feature's name stands on metrics, so it is a printable text of bounded length.

    Raises:
        ConfigurationError: it is none.
    """
    if not isinstance(name, str) or not name.isprintable() or not 0 < len(name) <= NAME_LIMIT:
        raise ConfigurationError(
            f"a feature's name must be a printable text of 1 to {NAME_LIMIT} characters, "
            f"got {str(name)[:NAME_LIMIT]!r}"
        )


def check_counts(name: str, bins: int, counts: tuple[int, ...], *more: int) -> None:
    """
    Counts are whole and not negative, one for each bin.

    Raises:
        ConfigurationError: they are not.
    """
    if any(type(count) is not int or count < 0 for count in (*counts, *more)):
        raise ConfigurationError(f"feature {name!r}: counts must be whole numbers from 0")
    if len(counts) != bins:
        raise ConfigurationError(f"feature {name!r}: {bins} bins, but {len(counts)} counts")
    if not sum((*counts, *more)):
        raise ConfigurationError(f"feature {name!r}: all counts are 0")
