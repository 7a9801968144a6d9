"""
This module tests that numbers, durations and strings are read as Go reads them.
"""

import math

import pytest

from otel_confidence.query.literals import (
    NANOSECONDS,
    duration_of,
    float_of,
    is_text,
    legible,
    number_of,
    quoted,
    unquoted,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0.0),
        ("1_000", 1000.0),
        ("0x1F", 31.0),
        ("0X_1f", 31.0),
        ("017", 15.0),
        ("08", 8.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("1e-400", 0.0),
        ("9223372036854775808", 2.0**63),
        ("inf", math.inf),
    ],
)
def test_numbers_of_expressions(text: str, value: float) -> None:
    """
    Whole numbers may be octal or hexadecimal and have underscores, others are floats.
    """
    assert value == number_of(text)


@pytest.mark.parametrize(
    ("text", "value"), [("0x1p-2", 0.25), ("-1_0.5e1_0", -10.5e10), ("+Inf", math.inf), ("017", 17)]
)
def test_floats(text: str, value: float) -> None:
    """
    Floats may be hexadecimal with an exponent, and are decimal after a zero.
    """
    assert value == float_of(text)


@pytest.mark.parametrize(
    "text",
    ["", " 1", "1 ", "\u0661", "1e400", "-0x1p9999", "0x1", "1__0", "_1", "1_", "+nan", "1e"],
)
def test_what_is_no_float(text: str) -> None:
    """
    Spaces, other alphabets' digits, lone underscores and what overflows are no floats.
    """
    with pytest.raises(ValueError, match=r"invalid syntax|out of range"):
        float_of(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1h30m", 5400),
        ("1y2w3d4h5m6s7ms", 33_019_506.007),
        ("0s", 0),
        ("90m", 5400),
        ("292y", 292 * 365 * 86_400),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    """
    A duration's units go from the largest to the smallest, each at most once.
    """
    assert seconds == duration_of(text) / NANOSECONDS


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not a valid"),
        ("5", "not a valid"),
        ("m", "not a valid"),
        ("1m1h", "not a valid"),
        ("5m5m", "not a valid"),
        ("1q", "unknown unit"),
        ("293y", "out of range"),
        ("292y292y", "not a valid"),
        ("9" * 30 + "ms", "not a valid"),
    ],
)
def test_what_is_no_duration(text: str, reason: str) -> None:
    """
    What Prometheus refuses as a duration is refused for its reason.
    """
    with pytest.raises(ValueError, match=reason):
        duration_of(text)


def test_strings() -> None:
    """
    Escapes mean bytes; those that are no UTF-8 are kept apart, written and shown as such.
    """
    odd = unquoted(r'"\xff\u00e9\n\"\101"')

    assert ('\udcffé\n"A', False, True) == (odd, is_text(odd), is_text("é"))
    assert '\ufffdé\n"A' == legible(odd)
    assert r'"\xffé\n\"A"' == quoted(odd)
    assert r"a\n" == unquoted("`a\\n`")
    assert '"\\u00a0\\x01\\U000e0001"' == quoted("\xa0\x01\U000e0001")
