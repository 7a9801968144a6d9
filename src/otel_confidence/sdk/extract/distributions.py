"""
This module checks distributions over classes and reduces them to confidence and best class.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from otel_confidence.errors import ConfigurationError
from otel_confidence.sdk.extract import arrays
from otel_confidence.sdk.extract.batches import collected, each
from otel_confidence.sdk.extract.extracted import (
    CONFIDENCE_MISSING,
    INVALID_VALUE,
    NOT_A_DISTRIBUTION,
    NOTHING,
    OUT_OF_RANGE,
    UNKNOWN_CLASS,
    Extracted,
    reasons,
    rejection,
    wrong_type,
)
from otel_confidence.sdk.extract.paths import NOWHERE, Many
from otel_confidence.stats import uncertainty

ROUNDING: Final = 1e-6
"""How far a probability may leave 0..1: rounding in float32; it is clipped and not counted."""
SUM_TOLERANCE: Final = 0.05
"""How far a sum may be from 1: ten classes rounded to two decimals reach it."""
REDUCTIONS: Final = ("max", "margin", "entropy")
UNCERTAIN: Final = ("margin", "entropy")
"""Reductions of which 1 less the confidence is an uncertainty."""

_SHORT: Final = 64
"""Vectors up to this long are reduced faster by Python than by numpy (measured)."""
_NARROW: Final = 64
"""Matrices with up to so many classes are reduced faster with the classes on the first axis."""

Names = Sequence[Any]
Verdict = tuple[NDArray[np.bool_], Mapping[str, int]]


def check_reduction(reduce: object, classes: Names | None) -> None:
    """
    Refuse a reduction that is none, or a class that is not there.

    Raises:
        ConfigurationError: with what would be right.
    """
    if isinstance(reduce, bool) or not isinstance(reduce, (str, int)):
        raise ConfigurationError(
            f"reduce must be one of {', '.join(REDUCTIONS)}, or a class, got {reduce!r}"
        )
    if classes is None or reduce in REDUCTIONS:
        return
    if isinstance(classes, str) or not isinstance(classes, Sequence) or not classes:
        raise ConfigurationError(f"classes must be a list of names, got {classes!r}")
    if position_of(reduce, classes, len(classes)) is None:
        names = list(classes)
        raise ConfigurationError(f"reduce names no class: {reduce!r} is not among {names!r}")


def source_of(source: str, reduce: str | int) -> str:
    """
    The confidence's source: a margin between two classes is one of its own.
    """
    return "margin" if reduce == "margin" else source


class Distribution:
    """
    Reads the probabilities found at a place: one vector, or one row for each prediction.
    """

    def __init__(
        self,
        reduce: str | int,
        source: str,
        *,
        classes: Names | None = None,
        independent: bool = False,
        whole: bool = False,
        convert: Callable[[arrays.Floats], arrays.Floats] | None = None,
        convert_short: Callable[[list[float]], list[float] | None] | None = None,
        masked: float = 0.0,
    ) -> None:
        self.reduce = reduce
        self.source = source_of(source, reduce)
        self.classes = classes
        self.most = math.inf if independent else 1.0 + SUM_TOLERANCE
        self.least = 1.0 - SUM_TOLERANCE if whole or reduce == "entropy" else 0.0
        self.convert = convert
        self.convert_short = convert_short
        self.masked = masked
        self._reduce_short = _SHORT_REDUCTIONS.get(reduce)

    def read(self, value: Any) -> Extracted:
        """
        The confidence of one vector, or of every row of a matrix.
        """
        if type(value) is list:
            found = self._short(value, self.classes)
            if found is not None:
                return found
        if value is NOWHERE or value is None:
            return rejection(CONFIDENCE_MISSING, self.source)
        if isinstance(value, Many):
            return self._rows(value)
        if isinstance(value, Mapping):
            return self._named(value)
        array = arrays.floats(value, masked=self.masked)
        if array is None or array.ndim not in (1, 2):
            return rejection(wrong_type(value), self.source)
        return self.array(array, names_of(value) if self.classes is None else self.classes)

    def array(self, array: arrays.Floats, names: Names | None) -> Extracted:
        """
        The same for numbers of shape [classes] or [n, classes].
        """
        if not array.size:
            return rejection(CONFIDENCE_MISSING, self.source)
        found = self._short(array.tolist(), names) if array.ndim == 1 else None
        if found is not None:
            return found
        with np.errstate(all="ignore"):
            return self._matrix(array if self.convert is None else self.convert(array), names)

    def sound(self, rows: arrays.Floats) -> NDArray[np.bool_]:
        """
        Which rows of shape [..., classes] are distributions, shape [...].
        """
        with np.errstate(all="ignore"):
            valid, _ = self._check(rows.reshape(-1, rows.shape[-1]).T)
        return valid.reshape(rows.shape[:-1])

    def _rows(self, rows: Many) -> Extracted:
        array = arrays.floats(list(rows), masked=self.masked)
        if array is not None and array.ndim == 2:  # noqa: PLR2004  rows of equal length
            return self.array(array, self.classes)
        return each(self.read, rows, self.source)

    def _named(self, value: Mapping[Any, Any]) -> Extracted:
        array = arrays.floats(list(value.values()), masked=self.masked)
        if array is None or array.ndim != 1:
            return rejection(wrong_type(value), self.source)
        return self.array(array, list(value))

    def _short(self, row: list[Any], names: Names | None) -> Extracted | None:
        """
        The common case, one short vector of sound floats; None where the general way must look.
        """
        reduce = self._reduce_short
        if reduce is None or not 0 < len(row) <= _SHORT:
            return None
        for value in row:
            if type(value) is not float:
                return None
        if self.convert_short is not None:
            row = self.convert_short(row) or [math.nan]
        best, total = max(row), sum(row)
        if not (min(row) >= 0.0 and best <= 1.0 and total > 0.0 and self.least <= total):
            return None
        if total > self.most:
            return None
        label = None
        if names is not None and len(names) == len(row):
            label = names[row.index(best)]
        return Extracted(reduce(row, best), label, self.source, rejected=NOTHING)

    def _matrix(self, array: arrays.Floats, names: Names | None) -> Extracted:
        rows, batch = np.atleast_2d(array), array.ndim > 1
        columns = np.ascontiguousarray(rows.T) if rows.shape[1] <= _NARROW else rows.T
        valid, rejected = self._check(columns)
        reduced = self._reduced(columns, names)
        if reduced is None:
            nothing = np.full(len(rows), np.nan)
            counts = {UNKNOWN_CLASS: len(rows)}
            return collected(nothing, self.source, rejected=counts, batch=batch)
        confidences = np.clip(np.where(valid, reduced, np.nan), 0.0, 1.0)
        labels = self._labels(columns, valid, names)
        return collected(confidences, self.source, labels=labels, rejected=rejected, batch=batch)

    def _check(self, columns: arrays.Floats) -> Verdict:
        """
        Which predictions are sound, and why the others are not; columns is [classes, n].
        """
        total = columns.sum(axis=0)
        finite = np.isfinite(total)
        lowest, highest = columns.min(axis=0), columns.max(axis=0)
        within = (lowest >= -ROUNDING) & (highest <= 1.0 + ROUNDING)
        whole = (total > 0.0) & (total >= self.least) & (total <= self.most)
        valid = finite & within & whole
        if valid.all():
            return valid, NOTHING
        counts = {
            INVALID_VALUE: int(np.count_nonzero(~finite)),
            OUT_OF_RANGE: int(np.count_nonzero(finite & ~within)),
            NOT_A_DISTRIBUTION: int(np.count_nonzero(finite & within & ~whole)),
        }
        return valid, reasons(counts)

    def _reduced(self, columns: arrays.Floats, names: Names | None) -> arrays.Floats | None:
        """
        Shape [n] from [classes, n]; None where the class asked for is not there.
        """
        if self.reduce == "max":
            return np.asarray(columns.max(axis=0))
        if self.reduce == "margin":
            return uncertainty.margin(columns.T)
        if self.reduce == "entropy":
            return 1.0 - uncertainty.normalized_entropy(np.maximum(columns.T, 0.0))
        position = position_of(self.reduce, names, len(columns))
        return None if position is None else columns[position]

    def _labels(
        self, columns: arrays.Floats, valid: NDArray[np.bool_], names: Names | None
    ) -> list[Any] | None:
        """
        The best class of each prediction where classes have names; None for an unsound one.
        """
        if names is None or len(names) != len(columns) or self.reduce not in REDUCTIONS:
            return None
        best = columns.argmax(axis=0).tolist()
        return [names[i] if sound else None for i, sound in zip(best, valid.tolist(), strict=True)]


def _short_margin(row: list[float], best: float) -> float:
    return best - sorted(row)[-2] if len(row) > 1 else best


def _short_entropy(row: list[float], best: float) -> float:
    if len(row) == 1 or best == 1.0:
        return 1.0
    nats = sum(p * math.log(p) for p in row if p > 0.0)
    return min(max(1.0 + nats / math.log(len(row)), 0.0), 1.0)


_SHORT_REDUCTIONS: Final[Mapping[str | int, Callable[[list[float], float], float]]] = {
    "max": lambda row, best: best,  # noqa: ARG005  the others need the row
    "margin": _short_margin,
    "entropy": _short_entropy,
}


def names_of(value: Any) -> Names | None:
    """
    The class names that pandas carries: a frame's columns, a series' index unless mere numbers.
    """
    if not hasattr(type(value), "to_numpy"):
        return None
    names = getattr(value, "columns" if hasattr(type(value), "columns") else "index", None)
    if not hasattr(type(names), "tolist") or type(names).__name__ == "RangeIndex":
        return None
    return list(names.tolist())  # type: ignore[union-attr]  # asked for above


def position_of(name: str | int, names: Names | None, size: int) -> int | None:
    """
    Where a class stands on the last axis, by its name or else its index.
    """
    if names is not None and name in names:
        return list(names).index(name)
    if isinstance(name, int) and -size <= name < size:
        return name
    return None
