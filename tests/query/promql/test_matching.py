"""
This module tests binary operators and how series find each other.
"""

import math

import pytest
from tests.query.promql.series import Prom, every

from otel_confidence.errors import QueryError

NAN, INF = math.nan, math.inf
REQUESTS = {
    'errors{code="404",method="get"}': [(0, 24.0)],
    'errors{code="500",method="get"}': [(0, 12.0)],
    'errors{code="500",method="post"}': [(0, 6.0)],
    'requests{method="get",team="a"}': [(0, 600.0)],
    'requests{method="post",team="b"}': [(0, 120.0)],
    'requests{method="del",team="a"}': [(0, 30.0)],
}


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        ("7 + 2", 9.0),
        ("7 - 2 * 3", 1.0),
        ("7 / 2", 3.5),
        ("-7 % 3", -1.0),
        ("5.5 % -2", 1.5),
        ("2 ^ 3 ^ 2", 512.0),
        ("-2 ^ 2", -4.0),
        ("1 atan2 -1", 3 * math.pi / 4),
        ("1 / 0", INF),
        ("-1 / 0", -INF),
        ("0 / 0", NAN),
        ("1 % 0", NAN),
        ("NaN ^ 0", 1.0),
        ("1 == bool 1", 1.0),
        ("NaN == bool NaN", 0.0),
        ("NaN != bool NaN", 1.0),
        ("2 > bool 3", 0.0),
        ("1h30m", 5400.0),
        ("0x1F", 31.0),
        ("-Inf", -INF),
    ],
)
def test_scalars(expr: str, expected: float) -> None:
    """
    Operators on numbers follow IEEE 754 and the documented precedence.
    """
    assert expected == pytest.approx(Prom({}).value(0, expr), nan_ok=True)


def test_one_to_one_needs_equal_labels() -> None:
    """
    Without modifiers series match by all labels but the name, which the result loses.
    """
    prom = Prom({'a{i="1"}': [(0, 6.0)], 'a{i="2"}': [(0, 8.0)], 'b{i="1"}': [(0, 3.0)]})

    assert {'{i="1"}': 2.0} == prom.at(0, "a / b")
    assert {'a{i="1"}': 6.0} == prom.at(0, "a > b")
    assert {'{i="1"}': 1.0} == prom.at(0, "a > bool b")


def test_one_to_one_on_and_ignoring() -> None:
    """
    ``on`` keeps the labels named, ``ignoring`` the others.
    """
    prom = Prom(REQUESTS)

    ratio = 'errors{code="500"} / ignoring (code, team) requests'
    assert {'{method="get"}': 0.02, '{method="post"}': 0.05} == prom.at(0, ratio)
    assert {'{method="get"}': 0.02, '{method="post"}': 0.05} == prom.at(
        0, 'errors{code="500"} / on (method) requests'
    )


def test_many_to_one_keeps_the_many_sides_labels() -> None:
    """
    ``group_left`` lets several series meet one, and takes over the labels named.
    """
    prom = Prom(REQUESTS)
    expected = {
        '{code="404",method="get",team="a"}': 0.04,
        '{code="500",method="get",team="a"}': 0.02,
        '{code="500",method="post",team="b"}': 0.05,
    }

    assert expected == prom.at(0, "errors / on (method) group_left (team) requests")
    assert [25.0, 50.0, 20.0] == list(
        prom.at(0, "requests / on (method) group_right () errors").values()
    )


@pytest.mark.parametrize(
    ("expr", "message"),
    [
        (
            "errors / on (method) requests",
            "multiple matches for labels: many-to-one matching must be explicit",
        ),
        (
            "requests / on (method) errors",
            r'duplicate series for the match group {method="get"} on the right hand-side.*many-to',
        ),
        (
            "errors / on (method) group_right () requests",
            "on the left hand-side of the operation",
        ),
        (
            "errors + on (method) group_left (code) requests",
            "grouping labels must ensure unique matches",
        ),
        ("requests + on () requests", "many-to-many matching not allowed"),
    ],
)
def test_ambiguous_matches_are_refused(expr: str, message: str) -> None:
    """
    Where it is not clear which series meet, the query is an execution error.
    """
    with pytest.raises(QueryError, match=message) as caught:
        Prom(REQUESTS).at(0, expr)

    assert ("execution", 422) == (caught.value.kind, caught.value.status)


def test_ambiguity_counts_only_where_both_have_values() -> None:
    """
    Series of one label set that follow each other in time match at each step.
    """
    prom = Prom(
        {
            'one{pod="p"}': every(300, 2.0, None),
            'one{pod="q"}': every(300, None, 4.0),
            "many": every(300, 10.0, 20.0),
        }
    )

    points = prom.over("many * on () group_left (pod) one", 0, 300, 300)

    assert {'{pod="p"}': [(0.0, 20.0)], '{pod="q"}': [(300.0, 80.0)]} == points
    assert {"{}": [(0.0, 20.0), (300.0, 80.0)]} == prom.over("many * on () one", 0, 300, 300)


def test_sets() -> None:
    """
    ``and`` keeps, ``unless`` removes, ``or`` completes, by the labels that must agree.
    """
    prom = Prom(REQUESTS)

    assert {'requests{method="get",team="a"}', 'requests{method="post",team="b"}'} == set(
        prom.at(0, "requests and on (method) errors")
    )
    assert {'requests{method="del",team="a"}'} == set(
        prom.at(0, "requests unless on (method) errors")
    )
    assert 4 == len(prom.at(0, "errors or on (method) requests"))
    assert {} == prom.at(0, "requests and errors")
    assert 3 == len(prom.at(0, "requests unless nothing"))


def test_comparisons_with_a_scalar_choose_series() -> None:
    """
    A comparison keeps what holds, with the series' own value on either side.
    """
    prom = Prom(REQUESTS)

    assert {'requests{method="get",team="a"}': 600.0} == prom.at(0, "requests > 500")
    assert {'requests{method="get",team="a"}': 600.0} == prom.at(0, "500 < requests")
    assert [0.0, 1.0, 0.0] == list(prom.at(0, "requests > bool 500").values())
    assert {'{method="get",team="a"}': 599.0} == prom.at(0, "(requests > 500) - 1")


def test_unary_minus_drops_the_name() -> None:
    """
    The negative of a metric is no longer that metric.
    """
    assert {'{method="del",team="a"}': -30.0} == Prom(REQUESTS).at(0, '-requests{method="del"}')
