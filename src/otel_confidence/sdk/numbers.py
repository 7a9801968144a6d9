"""
This module is the door for single numbers: whatever a user gave becomes a finite float, or nothing.
"""

import math
from typing import Any

from otel_confidence.checks import is_masked


def finite(value: Any) -> float | None:
    """
    The value as a Python float; None for text, arrays, NaN, infinities and what is no number.
    """
    if isinstance(value, (str, bytes, bytearray)) or getattr(value, "shape", ()) != ():
        return None
    if is_masked(value) or _is_complex(value):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _is_complex(value: Any) -> bool:
    # One of numpy's would become a float, with no more than a warning of what it lost.
    return getattr(getattr(value, "dtype", None), "kind", "") == "c"
