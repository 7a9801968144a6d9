"""
This module writes numbers for people to read, as Prometheus's templates do.
"""

import math
from typing import Any, Final

from otel_confidence.alerting.templates.values import Duration, Time, not_finite, type_of
from otel_confidence.errors import TemplateError

_LARGE: Final = ("k", "M", "G", "T", "P", "E", "Z", "Y")
_SMALL: Final = ("m", "u", "n", "p", "f", "a", "z", "y")
_THOUSAND: Final = 1000
_KIBI: Final = 1024
_NS: Final = 1_000_000_000
_LAST_NS: Final = float(2**63)


def number_of(value: Any) -> float:
    """
    A number, or the one that a text spells.

    Raises:
        TemplateError: It is none.
    """
    if isinstance(value, Duration):
        return value.seconds
    if isinstance(value, (bool, type(None))) or not isinstance(value, (int, float, str)):
        raise TemplateError(f"can't convert {type_of(value)} to float")
    try:
        return float(value)
    except ValueError as error:
        raise TemplateError(f"strconv.ParseFloat: parsing {value!r}: invalid syntax") from error


def _four(value: float) -> str:
    return not_finite(value) or f"{value:.4g}"


def humanize(value: float) -> str:
    """
    Four digits and an SI prefix.
    """
    if value == 0 or not math.isfinite(value):
        return _four(value)
    if abs(value) >= 1:
        return _large(value, _THOUSAND, _LARGE)
    return _small(value)


def humanize_1024(value: float) -> str:
    """
    Four digits and a binary prefix.
    """
    if abs(value) <= 1 or not math.isfinite(value):
        return _four(value)
    return _large(value, _KIBI, tuple(f"{prefix.lower() if prefix == 'k' else prefix}i"
                                      for prefix in _LARGE))  # fmt: skip


def _large(value: float, step: int, prefixes: tuple[str, ...]) -> str:
    shown = ""
    for prefix in prefixes:
        if abs(value) < step:
            break
        shown, value = prefix, value / step
    return f"{_four(value)}{shown}"


def _small(value: float) -> str:
    shown = ""
    for prefix in _SMALL:
        if abs(value) >= 1:
            break
        shown, value = prefix, value * _THOUSAND
    return f"{_four(value)}{shown}"


def humanize_duration(value: float) -> str:
    """
    Days, hours, minutes and seconds; below a minute, seconds with four digits.
    """
    if not math.isfinite(value):
        return _four(value)
    if value == 0:
        return "0s"
    if abs(value) < 1:
        return f"{_small(value)}s"
    sign, size = "-" if value < 0 else "", abs(value)
    minutes, seconds = divmod(int(size), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{sign}{days}d {hours}h {minutes}m {seconds}s"
    if hours:
        return f"{sign}{hours}h {minutes}m {seconds}s"
    return f"{sign}{minutes}m {seconds}s" if minutes else f"{sign}{_four(size)}s"


def humanize_percentage(value: float) -> str:
    """
    A share as a percentage with four digits.
    """
    return f"{_four(value * 100)}%"


def humanize_timestamp(value: float) -> str:
    """
    Epoch seconds as a date and time in UTC.
    """
    return str(time_of(value)) if math.isfinite(value) else _four(value)


def time_of(value: float) -> Time:
    """
    Epoch seconds as a time.

    Raises:
        TemplateError: There is no such time.
    """
    if not math.isfinite(value):
        raise TemplateError("value is NaN or Inf")
    if not -_LAST_NS <= value * _NS <= _LAST_NS:
        raise TemplateError(
            f"{value} cannot be represented as a nanoseconds timestamp since it overflows int64"
        )
    return Time(int(value * _NS) // 1_000_000)


def duration_of(value: float) -> Duration:
    """
    Seconds as a duration.

    Raises:
        TemplateError: It is too long, or no number.
    """
    if not math.isfinite(value) or abs(value * _NS) >= _LAST_NS:
        raise TemplateError(f"{value} s is no duration")
    return Duration(int(value * _NS))
