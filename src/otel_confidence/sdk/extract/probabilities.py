"""
This module reads a probability vector, or a matrix of one row for each prediction.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from otel_confidence.errors import ConfigurationError
from otel_confidence.sdk.extract import arrays, batches
from otel_confidence.sdk.extract.batches import Reader
from otel_confidence.sdk.extract.extracted import (
    INVALID_VALUE,
    MISSING,
    NOTHING,
    OUT_OF_RANGE,
    Extracted,
    rejection,
    wrong_type,
)
from otel_confidence.sdk.extract.paths import MISSING as NOWHERE
from otel_confidence.sdk.extract.paths import Many
from otel_confidence.sdk.extract.places import Place, finder
from otel_confidence.stats import uncertainty

NOT_A_DISTRIBUTION: Final = "not_a_distribution"
"""The values are probabilities one by one, and their sum is not that of a distribution."""
ROUNDING: Final = 1e-6
"""How far a probability may leave 0..1 by rounding in float32; it is clipped and not counted."""
SUM_TOLERANCE: Final = 0.05
"""How far a sum may be from 1: ten classes rounded to two decimals reach it."""
REDUCTIONS: Final = ("max", "margin", "entropy")
_SHORT: Final = 64
"""Vectors up to this long are reduced faster by Python than by numpy (measured: 2 against 9 us)."""


@dataclass(frozen=True, slots=True)
class Probabilities:
    """
    A probability for each class: shape [classes], or [n, classes] for a batch, or class to value.

    Args:
        at: where they are.
        reduce: ``"max"``, ``"margin"`` (best less second), ``"entropy"`` (1 less the normalized
            entropy), or the index or name of one class.
        classes: the names in the order of the last axis; they become the label.
        independent: the classes do not exclude each other, so their sum means nothing.
    """

    at: Place = "proba"
    reduce: str | int = "max"
    classes: Sequence[Any] | None = None
    independent: bool = False

    def __post_init__(self) -> None:
        finder(self.at)
        check_reduction(self.reduce, self.classes)
        if self.independent and self.reduce == "entropy":
            raise ConfigurationError(
                "independent classes form no distribution and have no entropy; "
                'reduce by "max", "margin" or a class'
            )

    def reader(self) -> Reader:
        """
        The function from a result to what was found.
        """
        find = finder(self.at)
        vectors = Distribution(
            self.reduce, "probability", classes=self.classes, independent=self.independent
        )

        def read(result: Any) -> Extracted:
            return vectors.read(find(result))

        return read


def check_reduction(reduce: object, classes: Sequence[Any] | None) -> None:
    """
    Refuse a wrong reduction.

    Raises:
        ConfigurationError: the reduction is none, or names a class that is not there.
    """
    if isinstance(reduce, bool) or not isinstance(reduce, (str, int)):
        raise ConfigurationError(
            f"reduce must be one of {', '.join(REDUCTIONS)}, or a class, got {reduce!r}"
        )
    if classes is None or reduce in REDUCTIONS or reduce in classes:
        return
    if isinstance(reduce, str) or not -len(classes) <= reduce < len(classes):
        raise ConfigurationError(
            f"reduce names no class: {reduce!r} is not among {list(classes)!r}"
        )


class Distribution:
    """
    Reads probabilities once they are found: checks them, reduces them, names the best class.
    """

    def __init__(
        self,
        reduce: str | int,
        source: str,
        *,
        classes: Sequence[Any] | None = None,
        independent: bool = False,
        convert: Callable[[arrays.Floats], arrays.Floats] | None = None,
        blank: float = 0.0,
    ) -> None:
        self.reduce = reduce
        self.source = "margin" if reduce == "margin" else source
        self.classes = classes
        self.most = math.inf if independent else 1.0 + SUM_TOLERANCE
        self.least = 1.0 - SUM_TOLERANCE if reduce == "entropy" else 0.0
        self.convert = convert
        self.blank = blank
        """What a masked class is given: nothing of the probability."""

    def read(self, value: Any) -> Extracted:
        """
        The confidence of one vector, or of every row of a matrix.
        """
        if type(value) is list and self.convert is None and len(value) <= _SHORT:
            found = self._short(value, self.classes)
            if found is not None:
                return found
        if value is NOWHERE or value is None:
            return rejection(MISSING, self.source)
        if isinstance(value, Many):
            return self._rows(value)
        names = self.classes if self.classes is not None else names_of(value)
        if isinstance(value, Mapping):
            value = list(value.values())
        array = arrays.floats(value, masked=self.blank)
        if array is None or array.ndim not in (1, 2):
            return rejection(wrong_type(value), self.source)
        return self._array(array, names)

    def _rows(self, rows: Many) -> Extracted:
        return batches.each(self.read, rows)

    def _array(self, array: arrays.Floats, names: Sequence[Any] | None) -> Extracted:
        if not array.size:
            return rejection(MISSING, self.source)
        if self.convert is not None:
            array = self.convert(array)
        if array.ndim == 1 and array.size <= _SHORT:
            found = self._short(array.tolist(), names)
            if found is not None:
                return found
        return self._matrix(np.atleast_2d(array), names)

    def _short(self, row: list[Any], names: Sequence[Any] | None) -> Extracted | None:
        """
        The common single vector of plain floats; None where the general path must look.
        """
        if self.reduce != "max" or not row or not all(type(p) is float for p in row):
            return None
        best = max(row)
        total = sum(row)
        if not (min(row) >= 0.0 and best <= 1.0 and 0.0 < total <= self.most):
            return None
        label = None
        if names is not None and len(names) == len(row):
            label = names[row.index(best)]
        return Extracted(best, label, self.source)

    def _matrix(self, rows: arrays.Floats, names: Sequence[Any] | None) -> Extracted:
        valid, rejected = self._check(rows)
        rows = np.clip(rows, 0.0, 1.0)
        best = np.where(valid, self._reduced(rows, names), np.nan)
        labels = None
        if names is not None and len(names) == rows.shape[1]:
            labels = [names[i] for i in np.where(valid[:, None], rows, 0.0).argmax(axis=1)]
        if len(rows) > 1:
            return Extracted(best, labels, self.source, len(rows), rejected=rejected)
        confidence = float(best[0]) if valid[0] else None
        return Extracted(confidence, labels and labels[0], self.source, rejected=rejected)

    def _check(self, rows: arrays.Floats) -> tuple[NDArray[np.bool_], Mapping[str, int]]:
        total = rows.sum(axis=1)
        finite = np.isfinite(total)
        within = (rows.min(axis=1) >= -ROUNDING) & (rows.max(axis=1) <= 1.0 + ROUNDING)
        whole = (total > 0.0) & (total >= self.least) & (total <= self.most)
        valid: NDArray[np.bool_] = finite & within & whole
        if valid.all():
            return valid, NOTHING
        counts = {
            INVALID_VALUE: int(np.count_nonzero(~finite)),
            OUT_OF_RANGE: int(np.count_nonzero(finite & ~within)),
            NOT_A_DISTRIBUTION: int(np.count_nonzero(finite & within & ~whole)),
        }
        return valid, {reason: count for reason, count in counts.items() if count}

    def _reduced(self, rows: arrays.Floats, names: Sequence[Any] | None) -> arrays.Floats:
        if self.reduce == "max":
            return np.asarray(rows.max(axis=1))
        if self.reduce == "margin":
            return uncertainty.margin(rows)
        if self.reduce == "entropy":
            return 1.0 - uncertainty.normalized_entropy(rows)
        position = position_of(self.reduce, names, rows.shape[1])
        return rows[:, position] if position is not None else np.full(len(rows), np.nan)


def names_of(value: Any) -> Sequence[Any] | None:
    """
    The class names that the value itself carries: keys, or the columns or index of pandas.
    """
    if isinstance(value, Mapping):
        return list(value)
    for name in ("columns", "index"):
        names = getattr(value, name, None) if hasattr(type(value), "to_numpy") else None
        if names is not None and hasattr(type(names), "tolist"):
            return None if type(names).__name__ == "RangeIndex" else list(names.tolist())
    return None


def position_of(name: str | int, names: Sequence[Any] | None, size: int) -> int | None:
    """
    Where a class stands on the last axis, by its name or else its index.
    """
    if names is not None and name in names:
        return list(names).index(name)
    if isinstance(name, int) and -size <= name < size:
        return name
    return None
