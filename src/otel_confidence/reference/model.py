"""
This module holds the reference itself: what is compared with, small enough to lie beside a model.
"""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any, Final

from otel_confidence.errors import ConfigurationError
from otel_confidence.reference.features import Feature

_ID_LIMIT: Final = 64


@dataclass(frozen=True, slots=True)
class Histogram:
    """
    Confidences, counted in bins ``(previous edge, edge]``; 0 falls into the first.
    """

    edges: tuple[float, ...]
    counts: tuple[int, ...]

    def __post_init__(self) -> None:
        whole = all(type(count) is int and count >= 0 for count in self.counts)
        if not whole or len(self.counts) != len(self.edges) or not sum(self.counts):
            raise ConfigurationError("confidence: counts must be whole numbers, one for each edge")
        if any(a >= b for a, b in pairwise((0.0, *self.edges))) or self.edges[-1] != 1:
            raise ConfigurationError(f"confidence: edges must ascend to 1, got {self.edges}")

    @property
    def cumulative(self) -> tuple[float, ...]:
        """
        Share of the confidences up to each edge, the last being 1.
        """
        total = sum(self.counts)
        return tuple(count / total for count in accumulate(self.counts))


@dataclass(frozen=True, slots=True)
class Reference:
    """
    How features, confidences and classes were distributed in data that stands for normal.

    It holds counts in bins, never a row of the data; the names of categories and classes are in it.
    """

    rows: int
    features: tuple[Feature, ...] = ()
    confidence: Histogram | None = None
    classes: tuple[tuple[str, int], ...] = ()
    """Labels and how often each was given, the most frequent first."""
    id: str = field(default="")
    """Names the reference; by default a digest of its content."""

    def __post_init__(self) -> None:
        if type(self.rows) is not int or self.rows < 1:
            raise ConfigurationError(f"rows must be a whole number from 1, got {self.rows!r}")
        if any(not isinstance(k, str) or type(n) is not int or n < 0 for k, n in self.classes):
            raise ConfigurationError("classes must be pairs of a text and a whole number")
        names = [feature.name for feature in self.features]
        if len(set(names)) < len(names):
            raise ConfigurationError(f"two features have one name: {sorted(names)}")
        if not self.id:
            object.__setattr__(self, "id", self._digest())
        if not isinstance(self.id, str) or not self.id.isprintable() or len(self.id) > _ID_LIMIT:
            raise ConfigurationError(
                f"id must be a printable text of at most {_ID_LIMIT} characters, got {self.id!r}"
            )

    @classmethod
    def from_data(
        cls,
        *,
        features: Any = None,
        confidences: Any = None,
        labels: Any = None,
        id: str | None = None,  # noqa: A002  the word users know
        bins: int = 10,
        names: Sequence[str] | None = None,
        categorical: Sequence[str] = (),
    ) -> "Reference":
        """
        Summarize data that stands for normal, such as the validation set a model was accepted on.

        Args:
            features: a DataFrame, a mapping of names to columns, a list of mappings, or with
                ``names`` an array of shape [rows, features].
            confidences: the model's confidences on these rows, within 0..1; NaN where unknown.
            labels: the classes it predicted for these rows.
            id: names the reference; by default a digest of its content.
            bins: how many quantile bins a numeric feature gets.
            names: the features' names, in the array's order.
            categorical: features whose numbers are codes of categories.

        Raises:
            ConfigurationError: data that can't be summarized; the message names the feature.
        """
        from otel_confidence.reference.summaries import summarize  # numpy, only needed here

        return summarize(
            features=features, confidences=confidences, labels=labels, id=id or "", bins=bins,
            names=names, categorical=categorical,
        )  # fmt: skip

    @classmethod
    def load(cls, path: "str | os.PathLike[str]") -> "Reference":
        """
        Read what ``save()`` wrote.

        Raises:
            ConfigurationError: no such file, no reference, or one of another format version.
        """
        from otel_confidence.reference.files import read

        return read(Path(path))

    def save(self, path: "str | os.PathLike[str]") -> None:
        """
        Write a JSON file, the same text for the same reference; an existing one is replaced whole.
        """
        from otel_confidence.reference.files import write

        write(self, Path(path))

    def feature(self, name: str) -> Feature:
        """
        The feature of that name.

        Raises:
            KeyError: there is none.
        """
        return {feature.name: feature for feature in self.features}[name]

    def _digest(self) -> str:
        from otel_confidence.reference.files import text_of

        content = text_of(replace(self, id="-"))
        return hashlib.sha256(content.encode()).hexdigest()[:16]
