"""
This module holds what templates work on: Go's kinds of values, as text, as truth, compared.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any, Final

from otel_confidence.errors import TemplateError

_LEAST: Final = -4
_MOST: Final = 6
"""The powers of ten between which a shortest number is written without an exponent."""
_NS: Final = 1_000_000_000


class Texts(dict[str, str]):
    """
    Texts by name, such as labels; one that is missing is empty.
    """


@dataclass(frozen=True, slots=True)
class Record:
    """
    Named values that belong together.
    """

    type: str
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Time:
    """
    A moment in UTC, to the millisecond.
    """

    time_ms: int

    @property
    def moment(self) -> datetime:
        """
        The same as Python has it.
        """
        seconds, rest = divmod(self.time_ms, 1000)
        try:
            found = datetime.fromtimestamp(seconds, timezone.utc)
        except (OverflowError, OSError, ValueError) as error:
            raise TemplateError(f"the time {seconds} s is out of range") from error
        return found.replace(microsecond=rest * 1000)

    def __str__(self) -> str:
        rest = self.time_ms % 1000
        fraction = f".{rest:03d}".rstrip("0") if rest else ""
        return f"{self.moment:%Y-%m-%d %H:%M:%S}{fraction} +0000 UTC"


@dataclass(frozen=True, slots=True)
class Duration:
    """
    A length of time, to the nanosecond.
    """

    nanoseconds: int

    @property
    def seconds(self) -> float:
        """
        The same in seconds.
        """
        return self.nanoseconds / _NS

    def __str__(self) -> str:
        size, sign = abs(self.nanoseconds), "-" if self.nanoseconds < 0 else ""
        if size < _NS:
            return sign + _below_a_second(size)
        minutes, left = divmod(size, 60 * _NS)
        seconds = _trimmed(Decimal(left) / _NS) + "s"
        hours, minutes = divmod(minutes, 60)
        if hours:
            return f"{sign}{hours}h{minutes}m{seconds}"
        return f"{sign}{minutes}m{seconds}" if minutes else f"{sign}{seconds}"


def _below_a_second(size: int) -> str:
    if size == 0:
        return "0s"
    for unit, scale in (("ms", 1_000_000), ("µs", 1_000)):
        if size >= scale:
            return _trimmed(Decimal(size) / scale) + unit
    return f"{size}ns"


def _trimmed(number: Decimal) -> str:
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def type_of(value: Any) -> str:
    """
    The name that Go has for a value's type.
    """
    if isinstance(value, Record):
        return value.type
    names = {
        bool: "bool", int: "int", float: "float64", str: "string", Texts: "map[string]string",
        dict: "map[string]interface {}", list: "template.queryResult", Time: "*time.Time",
        Duration: "*time.Duration", type(None): "nil",
    }  # fmt: skip
    return names.get(type(value), type(value).__name__)


def is_true(value: Any) -> bool:
    """
    Whether a value holds in an ``if``: it is neither zero, nor empty, nor nothing.
    """
    return True if isinstance(value, (Record, Time, Duration)) else bool(value)


def text_of(value: Any) -> str:
    """
    A value as a template writes it.
    """
    return "<no value>" if value is None else shown(value)


def shown(value: Any) -> str:
    """
    A value as ``%v`` shows it.
    """
    if value is None or isinstance(value, bool):
        return {None: "<nil>", True: "true", False: "false"}[value]
    if isinstance(value, float):
        return float_text(value)
    if isinstance(value, dict):
        return f"map[{' '.join(f'{key}:{shown(value[key])}' for key in sorted(value))}]"
    if isinstance(value, list):
        return f"[{' '.join(map(shown, value))}]"
    if isinstance(value, Record):
        return f"{{{' '.join(map(shown, value.fields.values()))}}}"
    return str(value)


def not_finite(value: float) -> str:
    """
    How Go writes a number that is not finite; empty for one that is.
    """
    if math.isnan(value):
        return "NaN"
    return ("+Inf" if value > 0 else "-Inf") if math.isinf(value) else ""


def float_text(value: float) -> str:
    """
    The shortest text of a number, with an exponent below 1e-4 and from a million on.
    """
    if strange := not_finite(value):
        return strange
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    power = len(digits) - 1 + int(exponent)
    if value != 0 and not _LEAST <= power < _MOST:
        text = "".join(map(str, digits))
        fraction = f".{text[1:]}" if len(text) > 1 else ""
        return (
            f"{'-' if sign else ''}{text[0]}{fraction}e{'-' if power < 0 else '+'}{abs(power):02d}"
        )
    return format(Decimal(repr(value)), "f").removesuffix(".0")


def equal(left: Any, right: Any) -> bool:
    """
    Whether two values are equal.

    Raises:
        TemplateError: They are of kinds that cannot be compared.
    """
    if left is None or right is None:
        return left is right
    if _kind(left) != _kind(right):
        raise TemplateError("incompatible types for comparison")
    return bool(left == right)


def less(left: Any, right: Any) -> bool:
    """
    Whether one value is less than another.

    Raises:
        TemplateError: They have no order.
    """
    if _kind(left) != _kind(right):
        raise TemplateError("incompatible types for comparison")
    if isinstance(left, bool):
        raise TemplateError("invalid type for comparison")
    return bool(left < right)


def _kind(value: Any) -> type:
    if not isinstance(value, (bool, int, float, str)):
        raise TemplateError("invalid type for comparison")
    return type(value)
