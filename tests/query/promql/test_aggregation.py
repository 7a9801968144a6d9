"""
This module tests aggregations over series against values worked by hand.
"""

import math

import numpy as np
import pytest
from tests.query.promql.series import Prom, every

from otel_confidence.errors import QueryError

NAN, INF = math.nan, math.inf
FOUR = {
    'm{a="x",b="1"}': [(0, 1.0)],
    'm{a="x",b="2"}': [(0, 3.0)],
    'm{a="y",b="1"}': [(0, 6.0)],
    'm{a="y",b="2"}': [(0, 2.0)],
}


@pytest.mark.parametrize(
    ("name", "whole", "x"),
    [
        ("sum", 12.0, 4.0),
        ("avg", 3.0, 2.0),
        ("min", 1.0, 1.0),
        ("max", 6.0, 3.0),
        ("count", 4.0, 2.0),
        ("group", 1.0, 1.0),
        ("stdvar", 3.5, 1.0),
        ("stddev", math.sqrt(3.5), 1.0),
    ],
)
def test_aggregations_of_all_and_by_a_label(name: str, whole: float, x: float) -> None:
    """
    Each aggregation of 1, 3, 6 and 2, and of the pairs that one label makes.
    """
    prom = Prom(FOUR)

    assert {"{}": pytest.approx(whole)} == prom.at(0, f"{name}(m)")
    assert pytest.approx(x) == prom.at(0, f"{name} by (a) (m)")['{a="x"}']
    assert pytest.approx(x) == prom.at(0, f"{name}(m) without (b)")['{a="x"}']


def test_grouping_by_a_label_that_is_not_there() -> None:
    """
    Series without the label form the group without it; the name can be grouped by.
    """
    prom = Prom(FOUR)

    assert {"{}": 12.0} == prom.at(0, "sum by (nothing) (m)")
    assert {"m": 12.0} == prom.at(0, "sum by (__name__) (m)")
    assert set(FOUR) == {f"m{key}" for key in prom.at(0, "sum without () (m)")}


def test_nan_and_infinities() -> None:
    """
    NaN spoils sums and spreads, but is the largest or smallest only where it is alone.
    """
    prom = Prom({'m{i="1"}': [(0, NAN)], 'm{i="2"}': [(0, 5.0)], 'm{i="3"}': [(0, INF)]})

    assert math.isnan(prom.value(0, "sum(m)"))
    assert 5.0 == prom.value(0, "min(m)")
    assert INF == prom.value(0, "max(m)")
    assert math.isnan(prom.value(0, 'max(m{i="1"})'))
    assert math.isnan(prom.value(0, 'stddev(m{i="3"})'))
    assert 5.0 == prom.value(0, 'quantile(1, m{i!="3"})')
    assert math.isnan(prom.value(0, 'quantile(0, m{i!="3"})'))


def test_groups_come_and_go_with_their_series() -> None:
    """
    Over a range a group has a value only where one of its series has.
    """
    prom = Prom({'m{a="x"}': every(300, 1.0, None, 3.0), 'm{a="y"}': every(300, None, 2.0, 4.0)})

    assert {
        '{a="x"}': [(0.0, 1.0), (600.0, 3.0)],
        '{a="y"}': [(300.0, 2.0), (600.0, 4.0)],
    } == prom.over("sum by (a) (m)", 0, 600, 300)
    assert [(0.0, 1.0), (300.0, 1.0), (600.0, 2.0)] == prom.over("count(m)", 0, 600, 300)["{}"]


def test_topk_keeps_labels_and_orders_an_instant() -> None:
    """
    The largest come first, under their own names and labels; within groups if asked.
    """
    prom = Prom(FOUR)

    assert [6.0, 3.0] == list(prom.at(0, "topk(2, m)").values())
    assert [1.0, 2.0] == list(prom.at(0, "bottomk(2, m)").values())
    assert {'m{a="x",b="2"}': 3.0, 'm{a="y",b="1"}': 6.0} == prom.at(0, "topk by (a) (1, m)")
    assert 4 == len(prom.at(0, "topk(1e9, m)"))
    assert {} == prom.at(0, "topk(0.5, m)")


def test_topk_takes_nan_only_to_fill_up() -> None:
    """
    NaN counts as smaller than everything for topk and as larger for bottomk.
    """
    prom = Prom({'m{i="1"}': [(0, NAN)], 'm{i="2"}': [(0, -5.0)]})

    assert {'m{i="2"}': -5.0} == prom.at(0, "topk(1, m)")
    assert {'m{i="2"}': -5.0} == prom.at(0, "bottomk(1, m)")
    assert ['m{i="2"}', 'm{i="1"}'] == list(prom.at(0, "topk(2, m)"))


def test_topk_over_a_range_chooses_anew_at_every_step() -> None:
    """
    Each step has its own largest series.
    """
    prom = Prom({"a": every(60, 1.0, 9.0), "b": every(60, 5.0, 2.0)})

    assert {"a": [(60.0, 9.0)], "b": [(0.0, 5.0)]} == prom.over(
        'topk(1, {__name__=~"a|b"})', 0, 60, 60
    )


@pytest.mark.parametrize(
    ("k", "message"),
    [("NaN", "Parameter value is NaN"), ("1e300", "overflows int64"), ("Inf", "overflows int64")],
)
def test_topk_refuses_what_is_no_number_of_series(k: str, message: str) -> None:
    """
    K must be a 64-bit integer.
    """
    with pytest.raises(QueryError, match=message):
        Prom(FOUR).at(0, f"topk({k}, m)")
    with pytest.raises(QueryError, match=message):
        Prom(FOUR).at(0, f"topk({k}, nothing)")


@pytest.mark.parametrize("q", [0.0, 0.1, 0.5, 0.75, 1.0])
def test_quantiles_are_numpys(q: float) -> None:
    """
    The quantile over series is the linear one that numpy computes.
    """
    expected = float(np.quantile([1.0, 3.0, 6.0, 2.0], q))

    assert expected == pytest.approx(Prom(FOUR).value(0, f"quantile({q}, m)"), rel=1e-14)


def test_parameters_may_change_with_time() -> None:
    """
    The parameter of an aggregation is evaluated at every step.
    """
    prom = Prom({"a": every(60, 1.0, 1.0), "b": every(60, 5.0, 5.0), "q": every(60, 0.0, 1.0)})

    points = prom.over('quantile(scalar(q), {__name__=~"a|b"})', 0, 60, 60)["{}"]

    assert [(0.0, 1.0), (60.0, 5.0)] == points


def test_count_values_writes_values_into_a_label() -> None:
    """
    Each different value is counted, in Prometheus's spelling, also per group.
    """
    prom = Prom(
        {
            'm{a="x",i="1"}': [(0, 1.0)],
            'm{a="x",i="2"}': [(0, 1.0)],
            'm{a="y",i="1"}': [(0, 0.5)],
            'm{a="y",i="2"}': [(0, INF)],
        }
    )

    assert {'{v="1"}': 2.0, '{v="0.5"}': 1.0, '{v="+Inf"}': 1.0} == prom.at(
        0, 'count_values("v", m)'
    )
    assert 2.0 == prom.at(0, 'count_values by (a) ("v", m)')['{a="x",v="1"}']
    assert {'{a="x",v="1"}', '{a="y",v="+Inf"}', '{a="y",v="0.5"}'} == set(
        prom.at(0, 'count_values without (i) ("v", m)')
    )


def test_expected_calibration_error_is_a_query() -> None:
    """
    ECE and Brier score of two bins come out as computed by hand from additive counters.

    Bin 0.5: 10 predictions, confidence 4, 5 correct. Bin 1: 30, 27, 24. ECE = (1 + 3) / 40.
    """
    bins = {"0.5": (10.0, 4.0, 5.0, 2.5), "1.0": (30.0, 27.0, 24.0, 4.5)}
    names = ("predictions", "confidence", "correct", "squared_error")
    series = {
        f'ml_calibration_{name}_total{{ml_model_name="m",ml_calibration_bin="{edge}",i="{i}"}}': (
            every(1800, 0.0, value / 2)
        )
        for edge, values in bins.items()
        for name, value in zip(names, values, strict=True)
        for i in ("1", "2")
    }
    prom = Prom(series)
    by = "sum by (ml_model_name, ml_calibration_bin)"
    total = "sum by (ml_model_name) (increase(ml_calibration_predictions_total[1h]))"
    ece = (
        f"sum by (ml_model_name) (abs({by} (increase(ml_calibration_confidence_total[1h])) - "
        f"{by} (increase(ml_calibration_correct_total[1h])))) / {total}"
    )
    brier = f"sum by (ml_model_name) (increase(ml_calibration_squared_error_total[1h])) / {total}"

    assert {'{ml_model_name="m"}': pytest.approx(0.1, rel=1e-12)} == prom.at(1800, ece)
    assert {'{ml_model_name="m"}': pytest.approx(7 / 40, rel=1e-12)} == prom.at(1800, brier)
