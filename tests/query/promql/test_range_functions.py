"""
This module tests functions of a range against values worked by hand.
"""

import math

import pytest
from tests.query.promql.series import STALE, Prom, every

from otel_confidence.errors import QueryError

NAN, INF = math.nan, math.inf
REGULAR = {"c_total": every(10, 0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0)}


def test_rate_extrapolates_to_a_window_that_samples_cover() -> None:
    """
    Samples every 10 s within 10 s of both ends stand for the whole window.
    """
    prom = Prom({"c_total": every(10, 100.0, 110.0, 120.0, 130.0, 140.0, 150.0, 160.0)})

    assert 1.0 == pytest.approx(prom.value(60, "rate(c_total[60s])"), rel=1e-15)
    assert 60.0 == pytest.approx(prom.value(60, "increase(c_total[60s])"), rel=1e-15)
    assert 60.0 == pytest.approx(prom.value(60, "delta(c_total[60s])"), rel=1e-15)


def test_windows_are_open_at_the_left() -> None:
    """
    A sample exactly at the window's start does not count, one at its end does.
    """
    prom = Prom(REGULAR)

    assert 6.0 == prom.value(60, "count_over_time(c_total[60s])")
    assert 7.0 == prom.value(60, "count_over_time(c_total[60001ms])")
    assert 5.0 == prom.value(59.999, "count_over_time(c_total[50s])")


def test_rate_extrapolates_half_an_interval_where_a_series_begins_inside() -> None:
    """
    Far from the window's ends a series is taken to reach half an average interval further.

    Samples at 100 and 110 s, window (0, 300]: 10 in 10 s, 5 s more at each side: factor 2.
    """
    prom = Prom({"c_total": [(100, 50.0), (110, 60.0)]})

    assert 20.0 == pytest.approx(prom.value(300, "increase(c_total[300s])"), rel=1e-15)
    assert 20.0 / 300 == pytest.approx(prom.value(300, "rate(c_total[300s])"), rel=1e-15)


def test_rate_does_not_extrapolate_a_counter_below_zero() -> None:
    """
    A counter that began at 1 and rose by 10 in 10 s cannot reach back further than 1 s.
    """
    prom = Prom({"c_total": [(100, 1.0), (110, 11.0)]})

    assert 10.0 * (10 + 1 + 5) / 10 == prom.value(300, "increase(c_total[300s])")
    assert 10.0 * (10 + 5 + 5) / 10 == prom.value(300, "delta(c_total[300s])")


def test_rate_adds_what_was_counted_before_each_reset() -> None:
    """
    After a fall a counter began again at zero: 5 to 20, reset to 3, to 7, reset to 1.
    """
    prom = Prom({"c_total": every(10, 5.0, 20.0, 3.0, 7.0, 1.0, start=10)})

    assert (1 - 5) + 20 + 7 == prom.value(50, "increase(c_total[50s])") / (
        (40 + min(10, 40 * 5 / 23) + 0) / 40
    )
    assert 2.0 == prom.value(50, "resets(c_total[50s])")
    assert 4.0 == prom.value(50, "changes(c_total[50s])")


@pytest.mark.parametrize("function", ["rate", "increase", "delta", "irate", "idelta", "deriv"])
def test_one_sample_has_no_rate(function: str) -> None:
    """
    What needs two samples is absent where a window holds one.
    """
    assert {} == Prom(REGULAR).at(5, f"{function}(c_total[1m])")


def test_irate_and_idelta_look_at_the_last_two_samples() -> None:
    """
    The instant rate is between the last two samples; after a reset the last value counts whole.
    """
    prom = Prom({"c_total": [(0, 7.0), (10, 100.0), (15, 110.0)]})
    fallen = Prom({"c_total": [(0, 100.0), (10, 4.0)]})

    assert 2.0 == prom.value(20, "irate(c_total[1m])")
    assert 10.0 == prom.value(20, "idelta(c_total[1m])")
    assert 0.4 == fallen.value(20, "irate(c_total[1m])")
    assert -96.0 == fallen.value(20, "idelta(c_total[1m])")


def test_staleness_markers_are_no_samples_of_a_window() -> None:
    """
    A window passes over staleness markers.
    """
    prom = Prom({"c_total": [(0, 1.0), (10, STALE), (20, 3.0)]})

    assert 2.0 == prom.value(25, "count_over_time(c_total[1m])")
    assert 4.0 == prom.value(25, "sum_over_time(c_total[1m])")


def test_deriv_and_predict_linear_fit_a_line() -> None:
    """
    Points on a line of slope 0.5 give the slope, and the value the line has later.
    """
    prom = Prom({"g": every(10, 5.0, 10.0, 15.0, 20.0)})

    assert 0.5 == pytest.approx(prom.value(30, "deriv(g[1m])"), rel=1e-12)
    assert 5 + 0.5 * 90 == pytest.approx(prom.value(30, "predict_linear(g[1m], 60)"), rel=1e-12)
    assert 5 + 0.5 * 95 == pytest.approx(prom.value(35, "predict_linear(g[1m], 60)"), rel=1e-12)


def test_a_constant_has_no_slope() -> None:
    """
    A level series predicts itself; a constant infinity predicts nothing.
    """
    assert 0.0 == Prom({"g": every(10, 0.1, 0.1, 0.1)}).value(30, "deriv(g[1m])")
    assert 0.1 == Prom({"g": every(10, 0.1, 0.1)}).value(30, "predict_linear(g[1m], 1e9)")
    assert math.isnan(Prom({"g": every(10, INF, INF)}).value(30, "deriv(g[1m])"))


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("avg_over_time", 3.0),
        ("sum_over_time", 12.0),
        ("min_over_time", 1.0),
        ("max_over_time", 6.0),
        ("count_over_time", 4.0),
        ("last_over_time", 2.0),
        ("present_over_time", 1.0),
        ("stdvar_over_time", 3.5),
        ("stddev_over_time", math.sqrt(3.5)),
        ("changes", 3.0),
        ("resets", 1.0),
    ],
)
def test_over_time(function: str, expected: float) -> None:
    """
    Each reduction of 1, 3, 6, 2.
    """
    prom = Prom({"g": every(10, 1.0, 3.0, 6.0, 2.0)})

    assert expected == pytest.approx(prom.value(30, f"{function}(g[1m])"), rel=1e-15)


@pytest.mark.parametrize(
    ("q", "expected"),
    [("0", 1), ("0.5", 2.5), ("0.9", 5.1), ("1", 6), ("-1", -INF), ("2", INF), ("NaN", NAN)],
)
def test_quantile_over_time(q: str, expected: float) -> None:
    """
    Quantiles of 1, 3, 6, 2 are interpolated; shares outside 0..1 give infinities and a warning.
    """
    prom = Prom({"g": every(10, 1.0, 3.0, 6.0, 2.0)})

    answer = prom.engine.query(f"quantile_over_time({q}, g[1m])", at=30)

    assert expected == pytest.approx(answer.series[0].values[0], nan_ok=True)
    assert (q in ("-1", "2", "NaN")) == bool(answer.warnings)


def test_only_last_over_time_keeps_the_name() -> None:
    """
    The newest value is still that metric; every other function makes something else.
    """
    prom = Prom({'g{a="1"}': every(10, 1.0, 2.0)})

    assert {'g{a="1"}': 2.0} == prom.at(10, "last_over_time(g[1m])")
    assert {'{a="1"}': 2.0} == prom.at(10, "max_over_time(g[1m])")


def test_nan_is_passed_over_by_extremes_and_spoils_sums() -> None:
    """
    The largest of NaN and numbers is a number; a sum with NaN is NaN.
    """
    prom = Prom({"g": every(10, NAN, 3.0, NAN, 2.0), "n": every(10, NAN, NAN)})

    assert 3.0 == prom.value(30, "max_over_time(g[1m])")
    assert 2.0 == prom.value(30, "min_over_time(g[1m])")
    assert math.isnan(prom.value(30, "sum_over_time(g[1m])"))
    assert math.isnan(prom.value(30, "max_over_time(n[1m])"))
    assert 0.0 == prom.value(30, "changes(n[1m])")


def test_sums_are_compensated() -> None:
    """
    A small number survives between two large ones, in windows and across series.
    """
    values = [1e100, 1.0, -1e100, 0.5]
    prom = Prom({"g": every(10, *values)})
    apart = Prom({f'g{{i="{i}"}}': [(0, value)] for i, value in enumerate(values)})

    assert 1.5 == prom.value(30, "sum_over_time(g[1m])")
    assert 0.375 == prom.value(30, "avg_over_time(g[1m])")
    assert 1.5 == apart.value(30, "sum(g)")


def test_averages_do_not_overflow() -> None:
    """
    The mean of numbers whose sum is no longer finite is still their mean.
    """
    large = 1.7e308
    prom = Prom({"g": every(10, large, large, large), "i": every(10, INF, 1.0)})

    assert large == pytest.approx(prom.value(20, "avg_over_time(g[1m])"), rel=1e-15)
    assert INF == prom.value(20, "sum_over_time(g[1m])")
    assert INF == prom.value(20, "avg_over_time(i[1m])")


def test_subqueries_lie_on_multiples_of_their_step() -> None:
    """
    A subquery is evaluated at multiples of its step, the first one after the window's start.
    """
    prom = Prom({"g": every(1, *[float(n) for n in range(121)])})

    stored = prom.engine.query("g[30s:10s]", at=95).series[0]

    assert [70_000, 80_000, 90_000] == stored.times_ms.tolist()
    assert [70.0, 80.0, 90.0] == stored.values.tolist()
    assert 90.0 == prom.value(95, "max_over_time(g[30s:10s])")
    assert 80.0 == prom.value(95, "max_over_time(g[30s:10s] offset 10s)")
    assert 60.0 == prom.value(95, "max_over_time(g[30s:10s] @ 69)")
    assert 60.0 == prom.value(119, "max_over_time(g[1m:])")


def test_subqueries_nest() -> None:
    """
    A function of a range may be looked at over a range again.
    """
    prom = Prom({"c_total": every(10, *[float(n * n) for n in range(31)])})

    highest = prom.value(300, "max_over_time(rate(c_total[1m])[3m:30s])")

    assert highest == prom.value(300, "rate(c_total[1m])")


def test_equal_labels_are_refused_even_at_different_times() -> None:
    """
    A function of a range refuses two series that only differed by name, whenever they were.
    """
    prom = Prom({'a{x="1"}': [(0, 1.0)], 'b{x="1"}': [(1000, 2.0)]})

    with pytest.raises(QueryError, match="same labelset"):
        prom.over('sum_over_time({x="1"}[1m])', 0, 1000, 10)


def test_absent_over_time_names_what_was_asked_for() -> None:
    """
    Where a range has no sample there is a one, with the labels that the selector fixes.
    """
    prom = Prom({'g{a="1"}': every(10, 1.0)})

    assert {} == prom.at(10, "absent_over_time(g[1m])")
    assert {'{a="2"}': 1.0} == prom.at(10, 'absent_over_time(g{a="2",b=~"x.*"}[1m])')
    assert {"{}": 1.0} == prom.at(10, 'absent_over_time(g{a="2",a!="3"}[1m])')
    assert {"{}": 1.0} == prom.at(1000, "absent_over_time((g > 0)[1m:10s])")
