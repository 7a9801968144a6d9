"""
This module tests quantiles and fractions of classic histograms against values worked by hand.
"""

import math

import pytest
from tests.query.promql.series import Prom, every

NAN, INF = math.nan, math.inf


def histogram(**counts: float) -> Prom:
    """
    A histogram by its bounds, with underscores for points and ``inf`` for the last.
    """
    bounds = {bound: bound.lstrip("b").replace("_", ".").replace("m", "-") for bound in counts}
    return Prom(
        {
            f'h_bucket{{le="{"+Inf" if bound == "inf" else bounds[bound]}"}}': [(0, count)]
            for bound, count in counts.items()
        }
    )


USUAL = histogram(b0_1=10, b0_5=30, b1=60, inf=100)


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        (0.05, 0.05),
        (0.1, 0.1),
        (0.2, 0.3),
        (0.45, 0.75),
        (0.6, 1.0),
        (0.61, 1.0),
        (1, 1.0),
        (0, 0.0),
        (-0.1, -INF),
        (1.1, INF),
    ],
)
def test_quantiles_are_interpolated_within_a_bucket(q: float, expected: float) -> None:
    """
    Buckets up to 0.1, 0.5, 1 and +Inf with 10, 20, 30 and 40 observations.
    """
    assert expected == pytest.approx(USUAL.value(0, f"histogram_quantile({q}, h_bucket)"))


def test_the_quantile_of_nothing_is_unknown() -> None:
    """
    No observations, no +Inf bucket, or one bucket alone: NaN; no bucket at all: nothing.
    """
    ask = "histogram_quantile(0.5, h_bucket)"

    assert math.isnan(histogram(b1=0, inf=0).value(0, ask))
    assert math.isnan(histogram(b1=4, b2=8).value(0, ask))
    assert math.isnan(histogram(inf=8).value(0, ask))
    assert {} == Prom({'h_bucket{le="x"}': [(0, 1.0)]}).at(0, ask)


def test_negative_bounds() -> None:
    """
    The lowest bucket reaches down to zero, or has only its bound when that isn't positive.
    """
    assert -1.0 == histogram(bm1=10, b1=20, inf=20).value(0, "histogram_quantile(0.2, h_bucket)")
    assert 0.0 == histogram(bm1=10, b1=20, inf=20).value(0, "histogram_quantile(0.75, h_bucket)")


def test_counts_that_fall_are_raised() -> None:
    """
    A bucket below its predecessor is taken to hold as much as that.
    """
    prom = histogram(b1=10, b2=8, b3=20, inf=20)

    assert 2.5 == pytest.approx(prom.value(0, "histogram_quantile(0.75, h_bucket)"))


def test_bounds_spelled_differently_are_one_bucket() -> None:
    """
    Buckets with the same bound in two spellings are added.
    """
    prom = Prom(
        {
            'h_bucket{le="1"}': [(0, 5.0)],
            'h_bucket{le="1.0"}': [(0, 5.0)],
            'h_bucket{le="+Inf"}': [(0, 10.0)],
            'h_bucket{le="Inf"}': [(0, 10.0)],
        }
    )

    assert 1.0 == prom.value(0, "histogram_quantile(0.5, h_bucket)")
    assert 0.5 == prom.value(0, "histogram_quantile(0.25, h_bucket)")


def test_a_broken_bound_is_left_out_with_a_warning() -> None:
    """
    A bucket without a numeric bound does not count, and the answer says so.
    """
    prom = Prom(
        {
            'h_bucket{le="1"}': [(0, 5.0)],
            'h_bucket{le="many"}': [(0, 7.0)],
            'h_bucket{le="+Inf"}': [(0, 10.0)],
        }
    )

    answer = prom.engine.query("histogram_quantile(0.25, h_bucket)", at=0)

    assert [0.5] == [each.values[0] for each in answer.series]
    assert 'malformed value of "many"' in answer.warnings[0]


def test_histograms_are_told_apart_by_their_other_labels() -> None:
    """
    Each label set without ``le`` is a histogram, with its own buckets at each step.
    """
    prom = Prom(
        {
            'h_bucket{job="a",le="1"}': every(60, 4.0, 4.0),
            'h_bucket{job="a",le="2"}': every(60, None, 8.0),
            'h_bucket{job="a",le="+Inf"}': every(60, 8.0, 8.0),
            'h_bucket{job="b",le="3"}': every(60, 9.0, 9.0),
            'h_bucket{job="b",le="+Inf"}': every(60, 9.0, 9.0),
        }
    )

    assert {
        '{job="a"}': [(0.0, 1.0), (60.0, 1.5)],
        '{job="b"}': [(0.0, 2.25), (60.0, 2.25)],
    } == prom.over("histogram_quantile(0.75, h_bucket)", 0, 60, 60)


@pytest.mark.parametrize(
    ("lower", "upper", "expected"),
    [
        ("0", "0.1", 0.1),
        ("0", "0.3", 0.2),
        ("0.3", "0.75", 0.25),
        ("-Inf", "Inf", 1.0),
        ("1", "Inf", 0.4),
        ("0.5", "0.5", 0.0),
        ("1", "0", 0.0),
        ("NaN", "1", NAN),
        ("2", "3", 0.0),
    ],
)
def test_fractions(lower: str, upper: str, expected: float) -> None:
    """
    The share of observations between two values, interpolated; beyond the last bound nothing.
    """
    ask = f"histogram_fraction({lower}, {upper}, h_bucket)"

    assert expected == pytest.approx(USUAL.value(0, ask), nan_ok=True)
