"""
This module tests how numbers and times are written.
"""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_confidence.query.numbers import decimal, general, json_number, json_time


@pytest.mark.parametrize(
    ("value", "plain", "in_json"),
    [
        (0.0, "0", "0"),
        (-0.0, "-0", "-0"),
        (1.0, "1", "1"),
        (0.1, "0.1", "0.1"),
        (1e-6, "0.000001", "0.000001"),
        (1.5e-7, "0.00000015", "1.5e-07"),
        (1e21, "1000000000000000000000", "1e+21"),
        (1e20, "100000000000000000000", "100000000000000000000"),
        (-2.5e-10, "-0.00000000025", "-2.5e-10"),
        (math.nan, "NaN", "NaN"),
        (math.inf, "+Inf", "+Inf"),
        (-math.inf, "-Inf", "-Inf"),
    ],
)
def test_spellings(value: float, plain: str, in_json: str) -> None:
    """
    Labels have plain decimals; the API has an exponent for very small and very large numbers.
    """
    assert (plain, in_json) == (decimal(value), json_number(value))


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_spellings_are_exact(value: float) -> None:
    """
    What is written reads back as the same number.
    """
    assert value == float(decimal(value)) == float(json_number(value))


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [(0, "0"), (1500, "1.500"), (1_800_000_000_001, "1800000000.001"), (-1500, "-1.500")],
)
def test_times(milliseconds: int, text: str) -> None:
    """
    Times are seconds, with three decimals where there are milliseconds.
    """
    assert text == json_time(milliseconds)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2.0, "2"),
        (-0.0001, "-0.0001"),
        (-1e-05, "-1e-05"),
        (123456.5, "123456.5"),
        (1234567.0, "1.234567e+06"),
        (1e22, "1e+22"),
        (math.inf, "+Inf"),
        (math.nan, "NaN"),
    ],
)
def test_numbers_in_messages(value: float, text: str) -> None:
    """
    Messages have an exponent from a million on and below a ten-thousandth.
    """
    assert text == general(value)
