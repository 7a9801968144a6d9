"""
This module tests what the engine answers as a whole: kinds, times, order, limits, refusals.
"""

import itertools

import pytest
from tests.query.promql.series import STALE, Memory, Prom, every

from otel_confidence.errors import QueryError
from otel_confidence.query.promql import Engine, Limits

UP = {'up{job="a"}': every(15, *[1.0] * 41), 'up{job="b"}': every(15, *[0.0] * 41)}


def test_instant_vector_carries_the_evaluation_time() -> None:
    """
    An instant vector's samples bear the time asked for, not the time they were taken.
    """
    answer = Prom(UP).engine.query("up", at=607.5)

    assert "vector" == answer.kind
    assert [[607_500], [607_500]] == [each.times_ms.tolist() for each in answer.series]


def test_scalar_and_string_answers() -> None:
    """
    A number answers as a scalar, a text as a string.
    """
    engine = Prom({}).engine

    scalar = engine.query("1 + 2", at=5)
    string = engine.query('"hello"', at=5)

    assert ("scalar", [3.0]) == (scalar.kind, scalar.series[0].values.tolist())
    assert ("string", "hello") == (string.kind, string.text)


def test_a_range_selector_answers_with_its_own_samples() -> None:
    """
    A range at the top gives the stored samples after the window's start up to its end.
    """
    answer = Prom(UP).engine.query('up{job="a"}[30s]', at=60)

    assert "matrix" == answer.kind
    assert [45_000, 60_000] == answer.series[0].times_ms.tolist()


def test_query_range_evaluates_from_start_to_end_inclusive() -> None:
    """
    A range is evaluated at the start, then every step, the end included when a step meets it.
    """
    assert [0.0, 20.0, 40.0] == [t for t, _ in Prom(UP).over("sum(up)", 0, 40, 20)["{}"]]
    assert [0.0, 20.0] == [t for t, _ in Prom(UP).over("sum(up)", 0, 39.999, 20)["{}"]]


def test_a_sample_stands_for_five_minutes_and_no_longer() -> None:
    """
    A value is seen until just before its sample is five minutes old.
    """
    prom = Prom({"x": [(0, 7.0)]})

    assert {"x": 7.0} == prom.at(299.999, "x")
    assert {} == prom.at(300, "x")


def test_a_staleness_marker_ends_a_series_at_once() -> None:
    """
    From its staleness marker on a series is absent, until a new sample.
    """
    prom = Prom({"x": [(0, 1.0), (15, STALE), (60, 2.0)]})

    assert {"x": 1.0} == prom.at(14.999, "x")
    assert {} == prom.at(15, "x")
    assert {} == prom.at(59, "x")
    assert {"x": 2.0} == prom.at(60, "x")


def test_other_nans_are_values() -> None:
    """
    A NaN that is no staleness marker is shown as NaN.
    """
    assert "nan" == str(Prom({"x": [(0, float("nan"))]}).value(10, "x"))


def test_offset_and_at_move_the_time_looked_at() -> None:
    """
    ``offset`` looks back (or ahead) and ``@`` looks at a fixed time, in either order.
    """
    prom = Prom({"x": every(10, 0.0, 1.0, 2.0, 3.0, 4.0)})

    assert 1.0 == prom.value(40, "x offset 30s")
    assert 3.0 == prom.value(20, "x offset -10s")
    assert 2.0 == prom.value(40, "x @ 20")
    assert 1.0 == prom.value(40, "x @ 20 offset 10s")
    assert 1.0 == prom.value(40, "x offset 10s @ 20")
    assert [(0.0, 4.0), (20.0, 4.0)] == prom.over("x @ end()", 0, 40, 20)["x"][:2]
    assert [(20.0, 2.0), (40.0, 2.0)] == prom.over("x @ start()", 20, 40, 20)["x"]


def test_too_many_steps_are_refused() -> None:
    """
    More than 11,000 steps are a bad request.
    """
    with pytest.raises(QueryError, match="exceeded maximum resolution of 11,000") as caught:
        Prom(UP).over("up", 0, 11_001, 1)

    assert ("bad_data", 400) == (caught.value.kind, caught.value.status)


@pytest.mark.parametrize("step", [0, -1, 0.0004])
def test_steps_below_a_millisecond_are_refused(step: float) -> None:
    """
    A step of zero, less, or less than a millisecond is a bad request.
    """
    with pytest.raises(QueryError, match="zero or negative query resolution"):
        Prom(UP).over("up", 0, 10, step)


def test_an_end_before_the_start_is_refused() -> None:
    """
    A range that ends before it starts is a bad request.
    """
    with pytest.raises(QueryError, match="end timestamp must not be before start"):
        Prom(UP).over("up", 10, 0, 1)


def test_ranges_of_ranges_are_refused() -> None:
    """
    Only scalars and instant vectors can be evaluated over a range.
    """
    with pytest.raises(QueryError, match='invalid expression type "range vector"'):
        Prom(UP).over("up[5m]", 0, 10, 1)


def test_too_many_samples_stop_a_query() -> None:
    """
    A query that would hold more samples than allowed is stopped as an execution error.
    """
    with pytest.raises(QueryError, match="too many samples") as caught:
        Prom(UP, Limits(max_samples=50)).at(600, "sum_over_time(up[10m])")

    assert ("execution", 422) == (caught.value.kind, caught.value.status)


def test_the_time_limit_stops_a_query() -> None:
    """
    A query past its deadline ends with a timeout.
    """
    ticks = itertools.count()
    engine = Engine(Memory(UP), limits=Limits(timeout_s=1.5), clock=lambda: float(next(ticks)))

    with pytest.raises(QueryError, match="timed out") as caught:
        engine.query("sum(up) + sum(up) + sum(up)", at=60)

    assert ("timeout", 503) == (caught.value.kind, caught.value.status)


@pytest.mark.parametrize(
    ("expr", "message"),
    [
        ("sum(up", "1:7: parse error: unclosed left parenthesis"),
        ("up +\n nope(up)", '2:2: parse error: unknown function with name "nope"'),
        ("rate(up)", '1:6: parse error: expected type range vector in call to function "rate"'),
        ("topk(1, limitk(1, up))", "1:9: parse error: limitk.. is experimental"),
        ("mad_over_time(up[5m])", "1:1: parse error: mad_over_time.. is experimental"),
        ("info(up)", "1:1: parse error: info.. is experimental"),
        ("up[5m] smoothed", "1:1: parse error: smoothed modifier is experimental"),
        ("up[5m + 1m]", "1:4: parse error: arithmetic in durations is experimental"),
        ("up offset (5m)", "1:12: parse error: arithmetic in durations is experimental"),
        ("up[max(5m, step()) * 2]", "1:8: parse error: arithmetic in durations is experimental"),
        ("rate(up[5m:-step()])", "11:18: duration must be greater than 0"),
        (f"up offset {'max(1m, ' * 99}", "a duration that is nested more than 20 deep"),
        (f"up offset {'-' * 99}step()", "a duration that is nested more than 20 deep"),
        ('up{a="b" or c="d"}', '1:10: parse error: unexpected identifier "or" in label matching'),
        ("histogram_avg(up)", "histogram_avg.. works on native histograms"),
        ("{}", "1:1: parse error: vector selector must contain at least one non-empty matcher"),
        ('{"é"} + up{a=~"*"}', "1:13: parse error: invalid regular expression"),
        ("", "no expression found"),
        ("up + 1" + "0" * 400, "1:6: parse error: error parsing number.*value out of range"),
        ("up offset 300y", "1:11: parse error: duration out of range"),
        ("up @ 1e19", "1:1: parse error: timestamp out of bounds"),
    ],
)
def test_what_cannot_be_answered_is_refused_with_its_place(expr: str, message: str) -> None:
    """
    Wrong or unsupported expressions are bad requests that say what is wrong and where.
    """
    with pytest.raises(QueryError, match=message) as caught:
        Prom(UP).at(60, expr)

    assert ("bad_data", 400) == (caught.value.kind, caught.value.status)


def test_equal_series_after_dropping_the_name_are_refused() -> None:
    """
    An operation that would leave two series with the same labels is an execution error.
    """
    prom = Prom({'a{x="1"}': [(0, 1.0)], 'b{x="1"}': [(0, 2.0)]})

    with pytest.raises(QueryError, match="vector cannot contain metrics with the same labelset"):
        prom.at(10, '{x="1"} * 2')
