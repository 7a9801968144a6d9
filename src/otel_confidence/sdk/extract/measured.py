"""
This module declares an uncertainty that the result states as a number.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from otel_confidence import conventions
from otel_confidence.errors import ConfigurationError
from otel_confidence.sdk.extract.batches import Reader, known
from otel_confidence.sdk.extract.extracted import Extracted
from otel_confidence.sdk.extract.intervals import cells, only
from otel_confidence.sdk.extract.places import Place, finder


@dataclass(frozen=True, slots=True)
class Measured:
    """
    An uncertainty that the result states: any finite number from 0, or n of them for a batch.

    Args:
        at: where it is.
        method: what it is: a value of ``conventions.UNCERTAINTY_METHOD``.
    """

    at: Place
    method: str

    def __post_init__(self) -> None:
        finder(self.at)
        known_methods = conventions.UNCERTAINTY_METHOD.values
        if self.method not in known_methods:
            raise ConfigurationError(
                f"method must be one of {', '.join(known_methods)}, got {self.method!r}"
            )

    source = ""
    """It finds no confidence."""

    def reader(self) -> Reader:
        """
        The function from a result to an uncertainty; it finds no confidence.
        """
        find = finder(self.at)
        return lambda result: self._read(find(result))

    def _read(self, value: Any) -> Extracted:
        numbers = cells(value)
        if numbers is None or not numbers.size:
            return Extracted()
        sound = np.where(np.isfinite(numbers) & (numbers >= 0.0), numbers, np.nan)
        return Extracted(size=len(sound), uncertainty=only(sound, known), method=self.method)
