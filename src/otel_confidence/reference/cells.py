"""
This module reads single values: as numbers, as categories, or as neither.
"""

import enum
import hashlib
import numbers
from decimal import Decimal
from typing import Any, Final, Literal

MISSING_TYPES: Final = frozenset(("NAType", "NaTType"))
"""pandas' own missing values, told by name because pandas is not imported."""
CATEGORY_LIMIT: Final = 64
"""Longest category that is kept as it is, characters."""
TEXT_LIMIT: Final = 1024
"""Longest text that is taken for a category at all."""
_BITS: Final = 128
_TIMES: Final = frozenset(("datetime64", "timedelta64"))
"""numpy's times, which would pass for whole numbers."""
NOT_A_NUMBER: Final = float("inf")
"""What stands for a value that is no usable number; infinities are none either."""
ABSENT: Final = float("nan")
"""What stands for a missing number."""

Kind = Literal["missing", "number", "text", "foreign"]


def kind_of(cell: Any) -> Kind:
    """
    What a value is; booleans are numbers, an empty text is missing.
    """
    cell = plain(cell)
    if is_missing(cell):
        return "missing"
    if isinstance(cell, (numbers.Real, Decimal)):
        return "number"
    return "text" if isinstance(cell, str) else "foreign"


def plain(cell: Any) -> Any:
    """
    The value of an enumeration's member, and the scalar in an array of no dimensions.
    """
    if isinstance(cell, enum.Enum):
        return cell.value
    if type(cell).__name__ in _TIMES:
        return cell
    if getattr(cell, "shape", None) == () and callable(getattr(cell, "item", None)):
        return cell.item()
    return cell


def is_missing(cell: Any) -> bool:
    """
    Whether a value stands for none: None, NaN, pandas' NA and NaT, an empty text.
    """
    if cell is None or isinstance(cell, float):
        return cell is None or cell != cell  # noqa: PLR0124  NaN differs from itself
    if isinstance(cell, Decimal):
        return cell.is_nan()
    return type(cell).__name__ in MISSING_TYPES or (
        isinstance(cell, str) and str.__len__(cell) == 0
    )


def number_of(cell: Any) -> float:
    """
    The value as a float, ``ABSENT`` or ``NOT_A_NUMBER``.
    """
    if type(cell) is float or type(cell) is bool:
        return float(cell)
    cell = plain(cell)
    if is_missing(cell):
        return ABSENT
    if not isinstance(cell, (numbers.Real, Decimal)):
        return NOT_A_NUMBER
    try:
        return float(cell)
    except (TypeError, ValueError, ArithmeticError):
        return NOT_A_NUMBER


def category_of(cell: Any) -> str | None:
    """
    The value as a category: empty where it is missing, None where it can't be one.

    Whole numbers are the same category in every type: 4, 4.0 and ``np.int64(4)`` are ``"4"``.
    """
    if type(cell) is not str:
        cell = plain(cell)
        if is_missing(cell):
            return ""
        if isinstance(cell, (numbers.Real, Decimal)) and not isinstance(cell, bool):
            return _number_text(cell)
    if isinstance(cell, str):
        return _category(str.__getitem__(cell, slice(None)))
    return str(cell) if type(cell) is bool else None


def _number_text(number: Any) -> str | None:
    if isinstance(number, int):
        return int.__repr__(number) if int.bit_length(number) <= _BITS else None
    value = number_of(number)
    if value in {NOT_A_NUMBER, -NOT_A_NUMBER}:
        return None
    return str(int(value)) if value.is_integer() else repr(value)


def _category(text: str) -> str | None:
    """
    The text on one line; a long one is cut and ends in a digest of the whole, to stay different.
    """
    if len(text) > TEXT_LIMIT:
        return None
    if not text.isprintable():
        text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    if len(text) <= CATEGORY_LIMIT:
        return text
    digest = hashlib.blake2b(text.encode(), digest_size=4).hexdigest()
    return f"{text[: CATEGORY_LIMIT - len(digest) - 1]}#{digest}"
