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


def test_only_rounding_is_taken_for_equal_counts() -> None:
    """
    A bucket fuller by a billionth is fuller; one fuller by less than a trillionth is not.
    """
    shapes = {
        share: Prom(
            {
                'h_bucket{le="1"}': [(0, 100.0)],
                'h_bucket{le="2"}': [(0, 100.0 * (1 + share))],
                'h_bucket{le="+Inf"}': [(0, 100.0 * (1 + share))],
            }
        ).value(0, "histogram_quantile(1, h_bucket)")
        for share in (1e-9, 1e-13)
    }

    assert {1e-9: 2.0, 1e-13: 1.0} == shapes


@pytest.mark.parametrize(
    ("bounds", "warned"),
    [(("0x1p-2", "1_0", "+Inf"), []), (("\u0661", "1e400", "+Inf"), ["1e400", "\u0661"])],
)
def test_bounds_are_read_as_go_reads_numbers(bounds: tuple[str, ...], warned: list[str]) -> None:
    """
    Hexadecimal floats and underscores are bounds; other alphabets' digits and overflows are not.
    """
    prom = Prom({f'h_bucket{{le="{le}"}}': [(0, 5.0)] for le in bounds})

    said = prom.engine.query("histogram_quantile(0.5, h_bucket)", at=0).warnings

    assert warned == [each.partition('value of "')[2].partition('"')[0] for each in said]


def test_buckets_made_monotonic_are_told_of() -> None:
    """
    That a bucket held fewer than a smaller one is an info about the vector it came in.
    """
    prom = Prom({f'h_bucket{{le="{le}"}}': [(0, n)] for le, n in (("1", 3.0), ("2", 2.0))})
    full = Prom(
        {f'h_bucket{{le="{le}"}}': [(0, n)] for le, n in (("1", 3.0), ("2", 2.0), ("Inf", 5.0))}
    )
    ask = "histogram_quantile(0.5, h_bucket)"

    assert () == prom.engine.query(ask, at=0).warnings
    (info,) = full.engine.query(ask, at=0).warnings
    assert info.startswith("PromQL info: input to histogram_quantile needed to be fixed")
    assert info.endswith("(1:25)")
