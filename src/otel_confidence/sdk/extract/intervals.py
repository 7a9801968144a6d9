"""
This module declares prediction intervals of a regression, and when a predicted value is right.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from otel_confidence import conventions
from otel_confidence.errors import ConfigurationError
from otel_confidence.sdk.extract import arrays
from otel_confidence.sdk.extract.batches import Reader, collected, known
from otel_confidence.sdk.extract.extracted import (
    CONFIDENCE_MISSING,
    INVALID_INTERVAL,
    INVALID_VALUE,
    Extracted,
    complete,
    reasons,
    rejection,
    unsure,
    wrong_type,
)
from otel_confidence.sdk.extract.paths import NOWHERE, Many, follow
from otel_confidence.sdk.extract.places import Place, finder
from otel_confidence.sdk.extract.scales import is_positive, number_of


@dataclass(frozen=True, slots=True)
class Interval:
    """
    Lower and upper end: a pair, ``[n, 2]`` for a batch, or each end at its own place.

    The confidence is 1 less the relative width, and 0 from there on. With ``widest`` the width is
    relative to that, such as the range of the target: the normalized width (PINAW) of Khosravi et
    al. (2011). Without, it is relative to the size of the predicted value, or of the middle. The
    uncertainty is the relative width.

    Args:
        at: where the pair is.
        lower: where the lower end is, in place of ``at``.
        upper: where the upper end is, in place of ``at``.
        value: where the predicted value is; it becomes the label.
        widest: the width that leaves no confidence, in the value's unit.
        source: what the interval comes from: ``"conformal"``, ``"ensemble"`` or ``"heuristic"``.
    """

    at: Place = "interval"
    lower: Place | None = None
    upper: Place | None = None
    value: Place | None = None
    widest: float | None = None
    source: str = "heuristic"

    def __post_init__(self) -> None:
        for place in (self.at, self.lower, self.upper, self.value):
            finder("" if place is None else place)
        if (self.lower is None) != (self.upper is None):
            raise ConfigurationError("an interval needs both ends: give lower= and upper=")
        if self.widest is not None and not is_positive(self.widest):
            raise ConfigurationError(f"widest must be a positive number, got {self.widest!r}")
        if self.source not in conventions.SOURCE.values:
            raise ConfigurationError(
                f"source must be one of {', '.join(conventions.SOURCE.values)}, got {self.source!r}"
            )

    method = "interval_width"
    """The uncertainty it finds, a value of ``conventions.UNCERTAINTY_METHOD``."""

    def reader(self) -> Reader:
        """
        The function from a result to what was found.
        """
        ends_of = self._ends()
        value_of = None if self.value is None else finder(self.value)
        if value_of is None:
            return lambda result: self._read(ends_of(result), None)
        return lambda result: self._read(ends_of(result), value_of(result))

    def _ends(self) -> Callable[[Any], tuple[Any, Any]]:
        if self.lower is not None and self.upper is not None:
            lower_of, upper_of = finder(self.lower), finder(self.upper)
            return lambda result: (lower_of(result), upper_of(result))
        find = finder(self.at)
        return lambda result: _apart(find(result))

    def _read(self, ends: tuple[Any, Any], value: Any) -> Extracted:
        if any(end is NOWHERE or end is None for end in ends):
            return rejection(CONFIDENCE_MISSING, self.source)
        lower, upper = cells(ends[0]), cells(ends[1])
        if lower is None or upper is None or lower.shape != upper.shape:
            return rejection(wrong_type(ends[0] if lower is None else ends[1]), self.source)
        if not lower.size:
            return rejection(CONFIDENCE_MISSING, self.source)
        values = cells(value)
        if values is not None and values.shape != lower.shape:
            return rejection(wrong_type(value), self.source)
        found = self._measure(lower, upper, values)
        batch = number_of(ends[0])[0] is None
        return complete(found, batch=batch, label=_label(values))

    def _measure(
        self, lower: arrays.Floats, upper: arrays.Floats, values: arrays.Floats | None
    ) -> Extracted:
        with np.errstate(all="ignore"):
            size = np.abs((lower + upper) / 2 if values is None else values)
            widest = size if self.widest is None else np.full(len(lower), self.widest)
            width = upper - lower
            relative = np.where(width == 0.0, 0.0, width / widest)
            finite = np.isfinite(width) & np.isfinite(size)
            sound = finite & (width >= 0.0)
            confidences = np.where(sound, np.clip(1.0 - relative, 0.0, 1.0), np.nan)
        counts = {
            INVALID_VALUE: int(np.count_nonzero(~finite)),
            INVALID_INTERVAL: int(np.count_nonzero(finite & ~sound)),
        }
        found = collected(confidences, self.source, rejected=reasons(counts))
        widths = np.where(sound & np.isfinite(relative), relative, np.nan)
        ends = (only(lower), only(upper)) if sound.any() else None
        return complete(unsure(found, only(widths, known), self.method), interval=ends)


def only(column: arrays.Floats, convert: Callable[[Any], Any] = float) -> Any:
    """
    The single cell of one prediction, or the column of a batch.
    """
    return convert(column[0]) if len(column) == 1 else column


def cells(value: Any) -> arrays.Floats | None:
    """
    Shape [n] from a number, a list or an array of numbers; None for everything else.
    """
    number, _ = number_of(value)
    if number is not None:
        return np.array([number])
    array = arrays.floats(list(value) if isinstance(value, Many) else value)
    return array if array is not None and array.ndim == 1 else None


def _label(values: arrays.Floats | None) -> Any:
    if values is None:
        return None
    return float(values[0]) if len(values) == 1 else values.tolist()


def _apart(pair: Any) -> tuple[Any, Any]:
    """
    The two ends of a pair, of ``[n, 2]``, or of what has a ``lower`` and an ``upper``.
    """
    array = arrays.floats(list(pair) if isinstance(pair, Many) else pair)
    if array is not None and array.ndim in (1, 2) and array.shape[-1] == 2:  # noqa: PLR2004  ends
        return array[..., 0], array[..., 1]
    if pair is NOWHERE or pair is None or array is not None:
        return NOWHERE, NOWHERE
    if isinstance(pair, (str, bytes, list, tuple)):
        return pair, pair
    return follow(pair, "lower"), follow(pair, "upper")
