"""
This module is what an extractor hands on: confidence, label and uncertainty, each accounted for.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

INVALID_VALUE: Final = "invalid_value"
"""The number is NaN or infinite."""
OUT_OF_RANGE: Final = "out_of_range"
"""The number is finite and outside the declared range."""
OVERFLOW: Final = "overflow"
"""The number is too large for a float."""
MISSING: Final = "confidence_missing"
"""The place is empty, or nothing was declared and the shape is not unmistakable."""
WRONG_TYPE: Final = "wrong_type"
"""The value has another type or shape; the reason goes on with a colon and the type's name."""

NOTHING: Final[Mapping[str, int]] = MappingProxyType({})

Values = float | NDArray[np.float64]
"""A float for one prediction, a vector for a batch."""


@dataclass(frozen=True, slots=True)
class Extracted:
    """
    What was found in the result of one call.
    """

    confidence: Values | None = None
    """Within 0..1: a float for one prediction, shape [n] for a batch with NaN where rejected."""
    label: Any = None
    """The predicted label or value; a sequence of n for a batch; None where unknown."""
    source: str = ""
    """A value of ``conventions.SOURCE``; empty only where nothing was found."""
    size: int = 1
    """How many predictions the call made."""
    uncertainty: Values | None = None
    """How unsure, in the method's own unit; shape [n] for a batch with NaN where unknown."""
    method: str = ""
    """A value of ``conventions.UNCERTAINTY_METHOD``; empty where no uncertainty was found."""
    rejected: Mapping[str, int] = field(default_factory=lambda: NOTHING)
    """Why confidences are missing or were changed: reason to number of predictions."""
    interval: tuple[Values, Values] | None = None
    """Lower and upper end of the prediction interval, in the predicted value's unit."""
    prediction_set: Any = None
    """The labels of a conformal prediction set; a sequence of n sets for a batch."""


def wrong_type(value: object) -> str:
    """
    The reason for a value of another type, its type's name bounded and printable.
    """
    name = type.__getattribute__(type(value), "__name__")
    return f"{WRONG_TYPE}:{name.encode('ascii', 'replace').decode()[:40]}"


def rejection(reason: str, source: str = "", size: int = 1) -> Extracted:
    """
    A result in which no confidence was found, for one reason.
    """
    if size == 1:
        return Extracted(source=source, rejected={reason: 1})
    missing = np.full(size, np.nan)
    return Extracted(confidence=missing, source=source, size=size, rejected={reason: size})
