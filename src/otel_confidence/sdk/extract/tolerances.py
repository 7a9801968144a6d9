"""
This module says when a predicted number is right: the truth lies within a tolerance of it.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from otel_confidence.errors import ConfigurationError
from otel_confidence.sdk.extract import arrays
from otel_confidence.sdk.extract.extracted import Values
from otel_confidence.sdk.extract.intervals import cells, only
from otel_confidence.sdk.extract.scales import number_of


@dataclass(frozen=True, slots=True)
class Tolerance:
    """
    How far the truth may be from the predicted value: the larger of the two.

    Args:
        absolute: in the value's unit.
        relative: as a share of the predicted value's size, known when it is predicted.
    """

    absolute: float = 0.0
    relative: float = 0.0

    def __post_init__(self) -> None:
        ends = [number_of(share)[0] for share in (self.absolute, self.relative)]
        if not all(end is not None and 0.0 <= end < np.inf for end in ends) or not any(ends):
            raise ConfigurationError(
                "a tolerance needs a positive absolute= or relative= part, "
                f"got absolute={self.absolute!r}, relative={self.relative!r}"
            )

    def around(self, value: Any) -> Values | None:
        """
        The tolerance in the unit of a predicted value, or of each of n; None for no number.
        """
        numbers = cells(value)
        if numbers is None or not numbers.size:
            return None
        with np.errstate(all="ignore"):
            widths: arrays.Floats = np.maximum(self.absolute, self.relative * np.abs(numbers))
        found: Values = only(widths)
        return found


def tolerance_of(declared: float | Tolerance) -> Tolerance:
    """
    The tolerance for a plain number, which is an absolute one.

    Raises:
        ConfigurationError: it is neither.
    """
    return declared if isinstance(declared, Tolerance) else Tolerance(absolute=declared)


def within(value: float, truth: float, tolerance: float) -> bool:
    """
    Whether a predicted value is right; never for NaN.
    """
    return abs(truth - value) <= tolerance
