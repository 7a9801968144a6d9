"""
This module tests how numbers, times and addresses are written.
"""

import pytest

from otel_confidence.server import formats

NAN = float("nan")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (formats.percent(0.9376), "93.8\u00a0%"),
        (formats.percent(-1.1234), "\u2212112.3\u00a0%"),
        (formats.points(0.254), "+25.4\u00a0pp"),
        (formats.points(-0.031), "\u22123.1\u00a0pp"),
        (formats.score(0.1234), "0.123"),
        (formats.count(12345.6), "12,346"),
        (formats.duration(0.00052), "520\u00a0µs"),
        (formats.duration(0.25), "250\u00a0ms"),
        (formats.duration(90), "1.5\u00a0min"),
        (formats.duration(0), "0\u00a0µs"),
        (formats.latency(0.000095), "< 100\u00a0µs"),
        (formats.latency(0.25), "250\u00a0ms"),
        (formats.span(0), "now"),
        (formats.span(6000), "1.67\u00a0h"),
        (formats.span(40 * 86_400), "40\u00a0d"),
        (formats.span(1_268.4 * 86_400), "1,268\u00a0d"),
        (formats.span(float("inf")), "never"),
        (formats.ago(100, now=103), "now"),
        (formats.ago(100, now=145), "45\u00a0s ago"),
        (formats.ago(100, now=434), "5\u00a0min ago"),
        (formats.ago(100, now=7500), "2\u00a0h ago"),
        (formats.ago(100, now=200_000), "2\u00a0d ago"),
        (formats.moment(0), "1970-01-01T00:00:00Z"),
        (formats.clock(3661), "01:01:01"),
        (formats.shortened("x" * 500), "x" * 119 + "…"),
        (formats.sparkline([NAN, 1, 2], width=10, height=10), "0.0,9.0 5.0,5.0 10.0,1.0"),
        (formats.sparkline([]), ""),
    ],
)
def test_values_are_written_for_reading(written: str, expected: str) -> None:
    """
    Each kind of value has one way of being written, with its unit.
    """
    assert expected == written


@pytest.mark.parametrize(
    "write",
    [
        formats.percent,
        formats.points,
        formats.score,
        formats.count,
        formats.duration,
        formats.latency,
    ],
)
def test_nothing_is_a_dash(write: object) -> None:
    """
    A missing value is a dash, never ``nan`` or zero.
    """
    assert callable(write)
    assert formats.NOTHING == write(NAN)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("digits", "/models/digits?window=1h"),
        ("a/b", "/models/a%2Fb?window=1h"),
        ("..", "/models/?name=..&window=1h"),
        ("", "/models/?window=1h"),
        ("a\nb", "/models/?name=a%0Ab&window=1h"),
    ],
)
def test_addresses_hold_any_name(name: str, expected: str) -> None:
    """
    A name stands in the path where it can, else in the query.
    """
    assert expected == formats.model_url(name, window="1h", version="")
