"""
This module brings one number, or a vector of them, onto 0..1: scale, policy and refusal.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from numbers import Real
from typing import Any, Final, Literal

import numpy as np

from otel_confidence.errors import ConfigurationError
from otel_confidence.sdk.extract import arrays
from otel_confidence.sdk.extract.extracted import (
    CONFIDENCE_MISSING,
    INVALID_VALUE,
    OUT_OF_RANGE,
    OVERFLOW,
    reasons,
    wrong_type,
)

Policy = Literal["reject", "clip"]
Ends = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Scale:
    """
    The numbers a confidence is given in, and what becomes of one outside.
    """

    lower: float = 0.0
    upper: float = 1.0
    clip: bool = False

    def one(self, value: Any) -> tuple[float | None, str]:
        """
        The confidence within 0..1, or None; and the reason why it is missing or was changed.
        """
        number, reason = (value, "") if type(value) is float else number_of(value)
        if number is None:
            return None, reason
        if self.lower <= number <= self.upper:
            return (number - self.lower) / (self.upper - self.lower), ""
        if not math.isfinite(number):
            return None, INVALID_VALUE
        if self.clip:
            return (0.0 if number < self.lower else 1.0), OUT_OF_RANGE
        return None, OUT_OF_RANGE

    def many(self, values: arrays.Floats) -> tuple[arrays.Floats, Mapping[str, int]]:
        """
        The same for a vector of shape [n]: NaN where rejected, and reasons with their counts.
        """
        with np.errstate(all="ignore"):
            scaled = (values - self.lower) / (self.upper - self.lower)
        finite = np.isfinite(values)
        outside = finite & ((scaled < 0.0) | (scaled > 1.0))
        kept = np.clip(scaled, 0.0, 1.0) if self.clip else np.where(outside, np.nan, scaled)
        counts = {
            INVALID_VALUE: int(values.size - np.count_nonzero(finite)),
            OUT_OF_RANGE: int(np.count_nonzero(outside)),
        }
        return np.where(finite, kept, np.nan), reasons(counts)


UNIT: Final = Scale()
"""Confidences as they are kept."""


def number_of(value: Any) -> tuple[float | None, str]:
    """
    A Python float for any real number or array of no dimension; else None and the reason.
    """
    if value is None:
        return None, CONFIDENCE_MISSING
    if isinstance(value, (bool, np.bool_)):
        return None, wrong_type(value)
    if isinstance(value, (Real, Decimal)):
        return _float(value)
    array = arrays.floats(value) if arrays.is_array(value) else None
    if array is not None and array.ndim == 0:
        return float(array), ""
    return None, wrong_type(value)


def _float(value: Real | Decimal) -> tuple[float | None, str]:
    try:
        return float(value), ""
    except OverflowError:
        return None, OVERFLOW
    except ValueError:
        return None, INVALID_VALUE


def scale_of(scale: str | Ends, out_of_range: str) -> Scale:
    """
    The scale for a declared name or pair of ends.

    Raises:
        ConfigurationError: the name, the ends or the policy are not what can be declared.
    """
    if out_of_range not in ("reject", "clip"):
        raise ConfigurationError(f'out_of_range must be "reject" or "clip", got {out_of_range!r}')
    clip = out_of_range == "clip"
    if scale == "unit":
        return Scale(clip=clip)
    if scale == "percent":
        return Scale(upper=100.0, clip=clip)
    if isinstance(scale, tuple) and len(scale) == 2 and _ordered(*scale):  # noqa: PLR2004  a pair
        return Scale(float(scale[0]), float(scale[1]), clip=clip)
    raise ConfigurationError(
        'scale must be "unit" (0..1), "percent" (0..100) or a pair (lowest, highest) '
        f"such as (1, 5), got {scale!r}"
    )


def is_positive(value: object) -> bool:
    """
    Whether the value is a finite real number above 0.
    """
    number, _ = number_of(value)
    return number is not None and 0.0 < number < math.inf


def _ordered(lower: object, upper: object) -> bool:
    ends = [number_of(end)[0] for end in (lower, upper)]
    return None not in ends and -math.inf < ends[0] < ends[1] < math.inf  # type: ignore[operator]  # none is None
