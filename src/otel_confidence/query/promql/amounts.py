"""
This module reads the numbers, durations and times that stand in an expression.
"""

import math
from dataclasses import replace
from typing import Final, Literal

from otel_confidence.errors import QueryError
from otel_confidence.query.literals import LARGEST, NANOSECONDS, duration_of, number_of
from otel_confidence.query.numbers import decimal
from otel_confidence.query.promql.cursor import Cursor
from otel_confidence.query.promql.durations import Duration, Measure, Number
from otel_confidence.query.promql.faults import bad_data
from otel_confidence.query.promql.nodes import Node
from otel_confidence.query.promql.tokens import DURATION, FAULT, NUMBER, Token

EXPECTED: Final = "number, duration, or step()"
"""What messages say should be here where a duration should."""
_ARITHMETIC: Final = frozenset({"+", "-", "*", "/", "%", "^"})
_EXPERIMENTAL: Final = "arithmetic in durations is experimental and not supported"
OFFSET: Final = "offset"
MAX_MEASURES: Final = 20
"""How deep ``min()`` and ``max()`` may lie within each other."""
_FARTHEST_MS: Final = 1 << 62
"""Times beyond this are as far as this: no sample is there, and sums with it stay in 64 bits."""
_FARTHEST: Final = 2.0**63


def number(cursor: Cursor) -> Number:
    """
    The number or duration here.
    """
    token = cursor.take()
    if token.kind == DURATION:
        return Number(token.start, _nanoseconds_of(cursor, token) / NANOSECONDS, is_duration=True)
    try:
        return Number(token.start, number_of(token.text))
    except ValueError as error:
        reason = f"error parsing number: strconv.ParseFloat: {error}"
        raise cursor.fault(token.start, reason) from error


def _nanoseconds_of(cursor: Cursor, token: Token) -> int:
    try:
        return duration_of(token.text)
    except ValueError as error:
        raise cursor.fault(token.start, str(error)) from error


def positive(cursor: Cursor, context: str, expected: str) -> Duration:
    """
    A duration in brackets; whether one made of the query's step is above zero is known later.
    """
    made = duration(cursor, context, expected)
    _refuse_arithmetic(cursor, made)
    if cursor.token.kind == FAULT:
        cursor.unexpected()
    if isinstance(made, Measure):
        return made
    if made.value <= 0:
        raise cursor.fault(made.start, "duration must be greater than 0")
    return nanoseconds(made.value)


def offset(cursor: Cursor) -> Duration:
    """
    What stands after ``offset``.
    """
    made = duration(cursor, OFFSET, EXPECTED)
    return made if isinstance(made, Measure) else nanoseconds(made.value)


def duration(cursor: Cursor, context: str, expected: str, level: int = 0) -> Number | Measure:
    """
    A duration that may have signs before it.
    """
    if level > MAX_MEASURES:
        raise _too_deep()
    signs = []
    while cursor.token.kind in ("+", "-"):
        signs.append(cursor.take())
    if cursor.token.kind == "(":
        cursor.take()
        raise cursor.fault(cursor.token.start, _EXPERIMENTAL)
    # Of a number that is too large Prometheus names the sign here, and elsewhere the number.
    named = signs[0].start if context == OFFSET and signs else cursor.token.start
    read = _measure(cursor, context, expected, level)
    made = read or _length(cursor, named, context, expected)
    for sign in reversed(signs):
        made = _signed(cursor, sign, made)
    return made


def _length(cursor: Cursor, named: int, context: str, expected: str) -> Number:
    if cursor.token.kind not in (NUMBER, DURATION):
        cursor.unexpected(context, expected)
    made = number(cursor)
    if abs(made.value) > LARGEST / NANOSECONDS:
        raise cursor.fault(named, "duration out of range")
    return made


def _signed(cursor: Cursor, sign: Token, made: Number | Measure) -> Number | Measure:
    if isinstance(made, Number):
        value = -made.value if sign.kind == "-" else made.value
        return replace(made, value=value, start=sign.start)
    if sign.kind == "+":
        return made
    if made.depth > MAX_MEASURES:
        raise _too_deep()
    return Measure("-", sign.start, cursor.end, (made,))


def _measure(cursor: Cursor, context: str, expected: str, level: int) -> Measure | None:
    if cursor.token.kind not in ("step", "min", "max"):
        return None
    name = cursor.take()
    cursor.required("(", context, expected)
    if name.kind == "step":
        cursor.required(")", context, expected)
        return Measure("step", name.start, cursor.end)
    one = duration(cursor, context, expected, level + 1)
    _refuse_arithmetic(cursor, one)
    cursor.required(",", context, expected)
    other = duration(cursor, context, expected, level + 1)
    _refuse_arithmetic(cursor, other)
    end = cursor.end
    cursor.required(")", context, expected)
    return Measure(name.kind, one.start, end, (one, other))


def _too_deep() -> QueryError:
    return bad_data(f"the query has a duration that is nested more than {MAX_MEASURES} deep")


def _refuse_arithmetic(cursor: Cursor, made: Number | Measure) -> None:
    if cursor.token.kind in _ARITHMETIC:
        raise cursor.fault(made.start, _EXPERIMENTAL)


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
