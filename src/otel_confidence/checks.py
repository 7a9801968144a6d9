"""
This module checks the values of records: each becomes a plain value, or an error says why not.

Nothing of a foreign value is called but what Python's own conversion to a number calls.
"""

import math
from collections.abc import Mapping
from typing import Any, Final

from otel_confidence.conventions import Attribute
from otel_confidence.errors import InvalidRecord

LARGEST: Final = 2**63 - 1
"""The largest integer of OTLP."""
_SHOWN: Final = 60


def number(
    name: str, value: Any, low: float = -math.inf, high: float = math.inf, *, hint: str = ""
) -> float:
    """
    The value as a Python float within its range; numbers of every library are taken, texts are not.

    Raises:
        InvalidRecord: it is none; the message says what would be right.
    """
    if isinstance(value, (str, bytes, bytearray)) or getattr(value, "shape", ()) != ():
        raise _wrong(name, value, _range(low, high), "wrong_type")
    if is_masked(value):
        raise _wrong(name, value, _range(low, high), "invalid_value")
    try:
        found = float(value)
    except OverflowError as error:
        raise _wrong(name, value, _range(low, high), "overflow") from error
    except (TypeError, ValueError) as error:
        raise _wrong(name, value, _range(low, high), "wrong_type") from error
    if not math.isfinite(found):
        raise _wrong(name, value, _range(low, high), "invalid_value")
    if not low <= found <= high:
        raise _wrong(name, found, _range(low, high), "out_of_range", hint)
    return found


def is_masked(value: Any) -> bool:
    """
    Whether a numpy scalar holds nothing: as a float it would be NaN, with a warning.
    """
    return getattr(value, "shape", None) == () and bool(getattr(value, "mask", False))


def optional(
    name: str, value: Any, low: float = -math.inf, high: float = math.inf, *, hint: str = ""
) -> float | None:
    """
    The same where None stands for what is not known.

    Raises:
        InvalidRecord: it is neither None nor such a number.
    """
    return None if value is None else number(name, value, low, high, hint=hint)


def count(name: str, value: Any) -> int:
    """
    The value as a number of things, 0 or more.

    Raises:
        InvalidRecord: it is no whole number, negative, or more than OTLP can carry.
    """
    right = f"a whole number within 0..{LARGEST}"
    try:
        found = int(value.__index__())
    except (AttributeError, TypeError) as error:
        raise _wrong(name, value, right, "wrong_type") from error
    if found > LARGEST:
        raise _wrong(name, value, right, "overflow")
    if found < 0:
        raise _wrong(name, value, right, "out_of_range")
    return found


def text(name: str, value: Any, *, empty: bool = False) -> str:
    """
    The value as a plain text; its length and characters are settled where it is recorded.

    Raises:
        InvalidRecord: it is no text, or empty where something must be said.
    """
    if not isinstance(value, str):
        raise _wrong(name, value, "a text", "wrong_type")
    if not value and not empty:
        raise _wrong(name, value, "a text that is not empty", "missing")
    return value if type(value) is str else str.__getitem__(value, slice(None))


def one_of(name: str, value: Any, attribute: Attribute, *, empty: bool = False) -> str:
    """
    The value as one of those an attribute can take.

    Raises:
        InvalidRecord: it is none of them.
    """
    found = text(name, value, empty=empty)
    if found and found not in attribute.values:
        right = "one of " + ", ".join(attribute.values)
        raise _wrong(name, value, right, "invalid_value")
    return found


def mapping(name: str, value: Any) -> Mapping[Any, Any]:
    """
    A copy of a mapping, so that nobody changes what was recorded.

    Raises:
        InvalidRecord: it is no mapping.
    """
    if not isinstance(value, Mapping):
        raise _wrong(name, value, "a mapping", "wrong_type")
    return dict(value)


def shown(value: Any) -> str:
    """
    A value in a message, short and printable; of a foreign object only its type.

    A long text is not cut but left out: half a secret is none that a redactor would find.
    """
    if isinstance(value, str):
        length = str.__len__(value)
        whole = length <= _SHOWN
        return repr(str.__getitem__(value, slice(None))) if whole else f"a text of {length} letters"
    if value is None or type(value) in {bool, float}:
        return repr(value)
    if type(value) is int and value.bit_length() < _SHOWN * 3:
        return repr(value)
    kind = type.__getattribute__(type(value), "__name__")
    return "a value of type " + repr(kind[:_SHOWN])


def _range(low: float, high: float) -> str:
    if math.isinf(low) and math.isinf(high):
        return "a finite number"
    if math.isinf(high):
        return f"a finite number of at least {low:g}"
    return f"a number within {low:g}..{high:g}"


def _wrong(name: str, value: Any, right: str, reason: str, hint: str = "") -> InvalidRecord:
    more = f" ({hint})" if hint else ""
    return InvalidRecord(f"{name} must be {right}, got {shown(value)}{more}", reason=reason)
