"""
This module writes numbers as Prometheus writes them.
"""

import math
from decimal import Decimal

_SMALL, _LARGE = 1e-6, 1e21
_LEAST, _MILLION = 1e-4, 1e6


def decimal(value: float) -> str:
    """
    The shortest exact decimal without an exponent, ``NaN``, ``+Inf`` or ``-Inf``.
    """
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    text = repr(value)
    if "e" in text:
        text = format(Decimal(text), "f")
    return text.removesuffix(".0")


def general(value: float) -> str:
    """
    A number as Go's ``%g`` writes it: a decimal, with an exponent from 1e-5 down and 1e6 up.
    """
    size = abs(value)
    if size == 0 or not math.isfinite(value) or _LEAST <= size < _MILLION:
        return decimal(value)
    digits = format(Decimal(repr(value)).normalize(), "e")
    mantissa, _, exponent = digits.partition("e")
    return _scientific(mantissa, exponent)


def json_number(value: float) -> str:
    """
    A sample's value in the HTTP API: a decimal, with an exponent below 1e-6 and from 1e21 on.
    """
    size = abs(value)
    if size != 0 and math.isfinite(value) and (size < _SMALL or size >= _LARGE):
        mantissa, _, exponent = repr(value).partition("e")
        return _scientific(mantissa.removesuffix(".0"), exponent)
    return decimal(value)


def _scientific(mantissa: str, exponent: str) -> str:
    power = int(exponent)
    return f"{mantissa}e{'-' if power < 0 else '+'}{abs(power):02d}"


def json_time(milliseconds: int) -> str:
    """
    A time in the HTTP API: epoch seconds, with milliseconds where there are any.
    """
    sign, size = ("-", -milliseconds) if milliseconds < 0 else ("", milliseconds)
    seconds, rest = divmod(size, 1000)
    return f"{sign}{seconds}.{rest:03d}" if rest else f"{sign}{seconds}"
