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
"""The number is finite and outside the declared range; kept at the range's end where clipped."""
OVERFLOW: Final = "overflow"
"""The number is too large for a float."""
CONFIDENCE_MISSING: Final = "confidence_missing"
"""The place is empty, or nothing was declared and the shape is not unmistakable."""
NOT_A_DISTRIBUTION: Final = "not_a_distribution"
"""The values are probabilities one by one, and their sum is not that of a distribution."""
UNKNOWN_CLASS: Final = "unknown_class"
"""The class asked for is not among those that were returned."""
UNKNOWN_WORD: Final = "unknown_word"
"""The words that state the confidence are not among those declared."""
INVALID_INTERVAL: Final = "invalid_interval"
"""The interval's lower end is above its upper end."""
LABEL_MISMATCH: Final = "label_mismatch"
"""A batch came with another number of labels than of predictions; they are left out."""
WRONG_TYPE: Final = "wrong_type"
"""The value has another type or shape; the reason goes on with a colon and the type's name."""

NOTHING: Final[Mapping[str, int]] = MappingProxyType({})
"""No reason at all."""

Values = float | NDArray[np.float64]
"""A float for one prediction, shape [n] for a batch."""

_NAME_LIMIT = 40
_name_of = type.__dict__["__name__"].__get__


@dataclass(frozen=True, slots=True)
class Extracted:
    """
    What was found in the result of one call.
    """

    confidence: Values | None = None
    """Within 0..1: a float for one prediction, shape [n] for a batch with NaN where rejected."""
    label: Any = None
    """The predicted label or value; a list of n for a batch; None where unknown."""
    source: str = ""
    """A value of ``conventions.SOURCE``; empty where nothing was declared and nothing found."""
    size: int = 1
    """How many predictions the call made; a call that returned none counts as one without any."""
    batch: bool = False
    """Whether a batch was returned, be it of one row only."""
    uncertainty: Values | None = None
    """How unsure, in the method's own unit; shape [n] for a batch with NaN where unknown."""
    method: str = ""
    """A value of ``conventions.UNCERTAINTY_METHOD``; empty where no uncertainty was found."""
    rejected: Mapping[str, int] = field(default_factory=lambda: NOTHING)
    """Why confidences are missing or were changed: reason to number of predictions."""
    interval: tuple[Values, Values] | None = None
    """Lower and upper end of the prediction interval, in the predicted value's unit."""
    prediction_set: Any = None
    """The labels of a conformal prediction set; a list of n sets for a batch."""
    tolerance: Values | None = None
    """How far the truth may be from a predicted value that counts as correct, in its unit."""


def complete(fresh: Extracted, **found: Any) -> Extracted:
    """
    Fill in further fields of a result that nobody else holds yet.

    A second frozen instance would cost as much as all the rest of a small extraction.
    """
    for name, value in found.items():
        object.__setattr__(fresh, name, value)
    return fresh


def unsure(fresh: Extracted, values: Values | None, method: str) -> Extracted:
    """
    Fill in an uncertainty, and its method where there is one.
    """
    return complete(fresh, uncertainty=values, method="" if values is None else method)


def wrong_type(value: object) -> str:
    """
    The reason for a value of another type, its type's name bounded and printable.
    """
    name = _name_of(type(value)).encode("ascii", "replace").decode()
    return f"{WRONG_TYPE}:{name[:_NAME_LIMIT]}"


def rejection(reason: str, source: str = "") -> Extracted:
    """
    One prediction in which no confidence was found.
    """
    return Extracted(source=source, rejected={reason: 1})


def reasons(counts: Mapping[str, int]) -> Mapping[str, int]:
    """
    The counts that are not zero.
    """
    return {reason: count for reason, count in counts.items() if count}
