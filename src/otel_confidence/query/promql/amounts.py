"""
This module reads the numbers, durations and times that stand in an expression.
"""

import math
from typing import Final, Literal

from otel_confidence.query.literals import LARGEST, NANOSECONDS, duration_of, number_of
from otel_confidence.query.numbers import decimal
from otel_confidence.query.promql.cursor import Cursor
from otel_confidence.query.promql.nodes import Node, Number
from otel_confidence.query.promql.tokens import DURATION, FAULT, NUMBER, Token

EXPECTED: Final = "number, duration, or step()"
"""What messages say should be here where a duration should."""
_ARITHMETIC: Final = frozenset({"+", "-", "*", "/", "%", "^"})
_OF_DURATIONS: Final = frozenset({"min", "max", "step"})
_FARTHEST_MS: Final = 1 << 62
"""Times beyond this are as far as this: no sample is there, and sums with it stay in 64 bits."""
_FARTHEST: Final = 2.0**63


def number(cursor: Cursor) -> Number:
    """
    The number or duration here.
    """
    token = cursor.take()
    if token.kind == DURATION:
        return Number(token.start, _duration(cursor, token) / NANOSECONDS, is_duration=True)
    try:
        return Number(token.start, number_of(token.text))
    except ValueError as error:
        reason = f"error parsing number: strconv.ParseFloat: {error}"
        raise cursor.fault(token.start, reason) from error


def _duration(cursor: Cursor, token: Token) -> int:
    try:
        return duration_of(token.text)
    except ValueError as error:
        raise cursor.fault(token.start, str(error)) from error


def positive(cursor: Cursor, context: str, expected: str) -> int:
    """
    A duration in brackets, in nanoseconds.
    """
    start = cursor.token.start
    value = signed_duration(cursor, context, expected)
    if cursor.token.kind in _ARITHMETIC:
        raise cursor.fault(start, "arithmetic in durations is experimental and not supported")
    if cursor.token.kind == FAULT:
        cursor.unexpected()
    if value <= 0:
        raise cursor.fault(start, "duration must be greater than 0")
    return nanoseconds(value)


def signed_duration(cursor: Cursor, context: str, expected: str) -> float:
    """
    A duration that may have signs before it, in seconds.
    """
    start, sign = cursor.token.start, _sign(cursor)
    if cursor.token.kind in _OF_DURATIONS or cursor.token.kind == "(":
        shown = "arithmetic" if cursor.token.kind == "(" else f"{cursor.token.kind}()"
        raise cursor.fault(
            cursor.token.start, f"{shown} in durations is experimental and not supported"
        )
    if cursor.token.kind not in (NUMBER, DURATION):
        cursor.unexpected(context, expected)
    if context != "offset":
        start = cursor.token.start  # Prometheus names the number there, and here its sign
    value = number(cursor).value
    if abs(value) > LARGEST / NANOSECONDS:
        raise cursor.fault(start, "duration out of range")
    return sign * value


def _sign(cursor: Cursor) -> int:
    sign = 1
    while cursor.token.kind in ("+", "-"):
        sign = -sign if cursor.take().kind == "-" else sign
    return sign


def moment(cursor: Cursor, node: Node) -> int | Literal["start", "end"]:
    """
    What stands after an ``@``.
    """
    if cursor.token.kind in ("start", "end"):
        kind: Literal["start", "end"] = "start" if cursor.take().kind == "start" else "end"
        cursor.required("(", "@", "timestamp")
        cursor.required(")", "@", "timestamp")
        return kind
    sign = cursor.take().kind if cursor.token.kind in ("+", "-") else "+"
    if cursor.token.kind not in (NUMBER, DURATION):
        cursor.unexpected("@", "timestamp")
    seconds = number(cursor).value * (-1 if sign == "-" else 1)
    if not math.isfinite(seconds) or abs(seconds) >= _FARTHEST:
        shown = f"{seconds:f}" if math.isfinite(seconds) else decimal(seconds)
        raise cursor.fault(node.start, f"timestamp out of bounds for @ modifier: {shown}")
    if abs(seconds) * 1000 >= _FARTHEST:
        return -_FARTHEST_MS  # as the conversion of Go's float64 has it
    return max(-_FARTHEST_MS, min(_FARTHEST_MS, _rounded(seconds * 1000)))


def nanoseconds(seconds: float) -> int:
    """
    A duration in whole nanoseconds.
    """
    if math.isnan(seconds):
        return -LARGEST - 1  # what the conversion of Go's float64 gives
    return max(-LARGEST - 1, min(LARGEST, _rounded(seconds * NANOSECONDS)))


def _rounded(value: float) -> int:
    return int(math.copysign(math.floor(abs(value) + 0.5), value))
