"""
This module tests functions of single values, labels and times against values worked by hand.
"""

import math
from datetime import datetime, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.query.promql.series import Prom, every

from otel_confidence.errors import QueryError
from otel_confidence.query.promql import dates
from otel_confidence.query.promql.functions import MATHEMATICS

NAN, INF = math.nan, math.inf
G = {'g{a="x"}': [(0, -2.5)], 'g{a="y"}': [(0, 7.0)]}


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("abs(g)", [2.5, 7.0]),
        ("ceil(g)", [-2.0, 7.0]),
        ("floor(g)", [-3.0, 7.0]),
        ("round(g)", [-2.0, 7.0]),
        ("round(g, 5)", [-0.0, 5.0]),
        ("round(g, 0.2)", [-2.4, 7.0]),
        ("sgn(g)", [-1.0, 1.0]),
        ("clamp(g, -1, 5)", [-1.0, 5.0]),
        ("clamp_min(g, 0)", [0.0, 7.0]),
        ("clamp_max(g, 0)", [-2.5, 0.0]),
        ("ln(g)", [NAN, math.log(7)]),
        ("sqrt(g)", [NAN, math.sqrt(7)]),
        ("deg(rad(g))", [-2.5, 7.0]),
        ("acosh(g)", [NAN, math.acosh(7)]),
    ],
)
def test_mathematics(call: str, expected: list[float]) -> None:
    """
    Each value is computed by itself, and the name goes.
    """
    found = Prom(G).at(0, call)

    assert ['{a="x"}', '{a="y"}'] == list(found)
    assert expected == pytest.approx(list(found.values()), nan_ok=True)


@pytest.mark.parametrize("name", sorted(set(MATHEMATICS) & set(dir(math))))
def test_mathematics_is_that_of_the_standard_library(name: str) -> None:
    """
    Functions that Python has too agree with it at 1.
    """
    expected = getattr(math, name)(1.0) if name != "atanh" else INF

    assert expected == pytest.approx(Prom({}).value(0, f"{name}(vector(1))"))


def test_clamp_with_crossed_bounds_has_no_result() -> None:
    """
    Bounds that cross leave nothing.
    """
    assert {} == Prom(G).at(0, "clamp(g, 5, 1)")


def test_scalar_vector_and_time() -> None:
    """
    One series makes a scalar, several make NaN; a scalar makes a series without labels.
    """
    prom = Prom({**G, "one": [(0, 3.0)]})

    assert 3.0 == prom.value(0, "scalar(one)")
    assert math.isnan(prom.value(0, "scalar(g)"))
    assert math.isnan(prom.value(0, "scalar(nothing)"))
    assert {"{}": 3.0} == prom.at(0, "vector(scalar(one))")
    assert 12.5 == prom.value(12.5, "time()")
    assert math.pi == prom.value(0, "pi()")


def test_timestamp_is_the_samples_own() -> None:
    """
    A selector's timestamp is its sample's; a computed value's is that of the evaluation.
    """
    prom = Prom({"g": [(7.25, 1.0)]})

    assert 7.25 == prom.value(60, "timestamp(g)")
    assert 7.25 == prom.value(70, "timestamp(g offset 10s)")
    assert 60.0 == prom.value(60, "timestamp(g + 0)")


def test_absent_names_what_was_asked_for() -> None:
    """
    What is not there becomes a one with the labels the selector fixes; what is there, nothing.
    """
    prom = Prom(G)

    assert {} == prom.at(0, "absent(g)")
    assert {'{a="z",b="q"}': 1.0} == prom.at(0, 'absent(g{a="z",b="q",c=~"r"})')
    assert {"{}": 1.0} == prom.at(0, "absent(sum(nothing))")
    assert {"{}": 1.0} == prom.at(0, 'absent(g{a="1",a=~".+"})')
    assert [300.0] == [at for at, _ in prom.over('absent(g{a="x"})', 0, 300, 300)['{a="x"}']]


def test_sorting_orders_an_instant_with_nan_last() -> None:
    """
    Values ascend or descend; NaN is last either way.
    """
    prom = Prom({**G, 'g{a="n"}': [(0, NAN)], 'g{a="z"}': [(0, 1.0)]})

    assert ["x", "z", "y", "n"] == [key[-3] for key in prom.at(0, "sort(g)")]
    assert ["y", "z", "x", "n"] == [key[-3] for key in prom.at(0, "sort_desc(g)")]


@pytest.mark.parametrize(
    ("template", "pattern", "expected"),
    [
        ("$1", "(.*)-(.*)", "web"),
        ("${2}x$1", "(.*)-(.*)", "1xweb"),
        ("$2x", "(.*)-(.*)", None),
        ("$name", "(?P<name>[a-z]+).*", "web"),
        ("$$1", ".*", "$1"),
        ("all", ".*", "all"),
        ("$1", "we", "web-1"),
        ("", ".*", None),
        ("$9", ".*", None),
    ],
)
def test_label_replace(template: str, pattern: str, expected: str | None) -> None:
    """
    A label is set from groups of a pattern that matches as a whole, or stays as it is.
    """
    prom = Prom({'g{src="web-1",dst="web-1"}': [(0, 1.0)]})

    (found,) = prom.at(0, f'label_replace(g, "dst", "{template}", "src", "{pattern}")')

    assert found == (f'g{{dst="{expected}",src="web-1"}}' if expected else 'g{src="web-1"}')


def test_label_replace_may_rename_and_must_not_merge() -> None:
    """
    The name can be set; series that become equal at the same time are refused.
    """
    prom = Prom(G)

    assert {'h{a="x"}', 'h{a="y"}'} == set(
        prom.at(0, 'label_replace(g, "__name__", "h", "a", ".*")')
    )
    with pytest.raises(QueryError, match="same labelset"):
        prom.at(0, 'label_replace(g, "a", "", "a", ".*")')


def test_label_replace_knows_re2() -> None:
    """
    Patterns are RE2's: classes by name work, what would backtrack for ever does not exist.
    """
    prom = Prom({'g{src="été"}': [(0, 1.0)]})

    assert "été" in next(iter(prom.at(0, r'label_replace(g, "d", "$1", "src", "(\\pL+)")')))
    with pytest.raises(QueryError, match="invalid regular expression"):
        prom.at(0, r'label_replace(g, "d", "$1", "src", "(a)\\1")')


def test_label_join() -> None:
    """
    Labels are joined in the order given, missing ones as empty.
    """
    prom = Prom({'g{a="1",b="2"}': [(0, 1.0)]})

    assert {'g{a="1",b="2",c="2-1-"}'} == set(
        prom.at(0, 'label_join(g, "c", "-", "b", "a", "none")')
    )
    assert {'g{b="2"}'} == set(prom.at(0, 'label_join(g, "a", "")'))


@given(st.integers(-(2**40), 2**40))
def test_the_calendar_is_that_of_the_standard_library(seconds: int) -> None:
    """
    Each part of a date agrees with Python's, leap years and times before 1970 among them.
    """
    seconds = max(min(seconds, 253_402_300_799), -62_135_596_800)
    moment = datetime.fromtimestamp(0, timezone.utc).replace(tzinfo=None)
    moment = moment + np.timedelta64(seconds, "s").astype("timedelta64[s]").item()
    given_time = np.array([seconds])

    assert moment.year == dates.year(given_time)[0]
    assert moment.month == dates.month(given_time)[0]
    assert moment.day == dates.day_of_month(given_time)[0]
    assert moment.timetuple().tm_yday == dates.day_of_year(given_time)[0]
    assert moment.isoweekday() % 7 == dates.day_of_week(given_time)[0]
    assert (moment.hour, moment.minute) == (
        dates.hour(given_time)[0],
        dates.minute(given_time)[0],
    )


def test_dates_of_now_and_of_values() -> None:
    """
    Without an argument a date function reads the evaluation time, else each value.
    """
    prom = Prom({"leap": [(0, 951_782_400.0)], "never": [(0, NAN)]})

    assert 29.0 == prom.value(0, "days_in_month(leap)")
    assert 29.0 == prom.value(0, "day_of_month(leap)")
    assert 1.0 == prom.value(3600, "hour()")
    assert 4.0 == prom.value(0, "day_of_week()")
    assert 292_277_026_596.0 == prom.value(0, "year(never)")


def test_names_and_labels_may_be_any_text() -> None:
    """
    Quoted names and labels select, group and match like others.
    """
    prom = Prom({'{"my.metric","label.é"="ü"}': every(10, 1.0, 2.0)})

    assert 2.0 == prom.value(10, '{"my.metric"}')
    assert 2.0 == prom.value(10, '{"my.metric", "label.é"=~"ü|u"}')
    assert {'{label.é="ü"}': 2.0} == prom.at(10, 'sum by ("label.é") ({"my.metric"})')


def test_the_date_of_now_counts_seconds_towards_1970() -> None:
    """
    A part of a second before 1970 belongs to its first second, as in Prometheus.
    """
    ask = "year() * 100 + minute()"

    assert {"{}": 197_000.0} == Prom({}).at(-0.001, ask)
    assert {"{}": 196_959.0} == Prom({}).at(-1, ask)
