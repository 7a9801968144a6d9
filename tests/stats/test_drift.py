"""
This module compares the distances of distributions with scipy, hand-worked numbers and each other.
"""

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from scipy.spatial import distance

from otel_confidence.stats import drift

Floats = NDArray[np.float64]

few = settings(max_examples=40, deadline=None)
numbers = st.lists(
    st.one_of(st.integers(-5, 5).map(float), st.floats(-1e3, 1e3)), min_size=1, max_size=60
)
counts = st.lists(
    st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=1, max_size=15
).filter(lambda pairs: all(sum(side) for side in zip(*pairs, strict=True)))


def sides(pairs: list[tuple[int, int]]) -> tuple[list[int], list[int]]:
    """
    Counts of the reference and of what is compared with it.
    """
    return [p for p, _ in pairs], [q for _, q in pairs]


@few
@given(numbers, numbers)
def test_ks_is_scipys(reference: list[float], current: list[float]) -> None:
    """
    The exact distance equals scipy's two-sample statistic, ties and all.
    """
    with np.errstate(all="ignore"):  # scipy's p-value of one value each
        found = stats.ks_2samp(reference, current, method="asymp").statistic

    assert found == pytest.approx(drift.ks(reference, current), abs=1e-12)


@few
@given(numbers, numbers)
def test_wasserstein_is_scipys(reference: list[float], current: list[float]) -> None:
    """
    The exact distance equals scipy's, in the values' own unit.
    """
    assert stats.wasserstein_distance(reference, current) == pytest.approx(
        drift.wasserstein(reference, current), rel=1e-9, abs=1e-9
    )


@few
@given(counts)
def test_jensen_shannon_is_scipys(pairs: list[tuple[int, int]]) -> None:
    """
    The distance over bins equals scipy's in base 2.
    """
    reference, current = sides(pairs)

    # scipy takes the root of what rounding may have left of zero, hence the tolerance.
    assert distance.jensenshannon(reference, current, base=2) == pytest.approx(
        drift.binned_jensen_shannon(reference, current), abs=1e-7, nan_ok=False
    )


@few
@given(counts)
def test_psi_is_both_relative_entropies(pairs: list[tuple[int, int]]) -> None:
    """
    PSI equals the sum of scipy's relative entropies of the floored shares in both directions.
    """
    reference, current = sides(pairs)
    p = np.maximum(np.array(reference) / sum(reference), drift.FLOOR)
    q = np.maximum(np.array(current) / sum(current), drift.FLOOR)

    # Unnormalized: sum(p ln(p / q)) is all of it, which scipy.special.rel_entr leaves unscaled.
    both = (p * np.log(p / q)).sum() + (q * np.log(q / p)).sum()
    assert both == pytest.approx(drift.binned_psi(reference, current), abs=1e-12)


def test_psi_by_hand() -> None:
    """
    Half of 0.5 moved to the other bin: 0.25 ln(0.75/0.5) - 0.25 ln(0.25/0.5) = 0.25 ln 3.
    """
    assert 0.25 * math.log(3) == pytest.approx(drift.binned_psi([50, 50], [1, 3]), rel=1e-12)


def test_an_empty_bin_counts_as_the_floor() -> None:
    """
    A bin that the reference lacks adds (q - floor) ln(q / floor), and no infinity.
    """
    found = drift.binned_psi([100, 0], [50, 50])
    by_hand = -0.5 * math.log(0.5) + (0.5 - 1e-4) * math.log(0.5 / 1e-4)

    assert by_hand == pytest.approx(found, rel=1e-12)


def test_ks_and_wasserstein_by_hand() -> None:
    """
    Three of four values moved by one: a quarter and a half of the way apart.
    """
    before, after = [0.0, 1.0, 2.0, 3.0], [1.0, 2.0, 3.0, 3.0]

    assert 0.25 == drift.ks(before, after)
    assert 0.75 == drift.wasserstein(before, after)


def test_disjoint_bins_are_one_apart() -> None:
    """
    Jensen-Shannon in base 2 and KS end at 1.
    """
    assert 1.0 == pytest.approx(drift.binned_jensen_shannon([3, 0], [0, 7]))
    assert 1.0 == drift.binned_ks([3, 0], [0, 7])


@few
@given(counts)
def test_distances_are_symmetric_and_zero_on_themselves(pairs: list[tuple[int, int]]) -> None:
    """
    No side is special, nothing is far from itself, and nothing is negative.
    """
    reference, current = sides(pairs)
    edges = list(range(len(pairs) + 1))

    def wasserstein(a: list[int], b: list[int]) -> float:
        return drift.binned_wasserstein(a, b, edges)

    for measure in (drift.binned_ks, drift.binned_psi, drift.binned_jensen_shannon, wasserstein):
        assert measure(reference, current) == pytest.approx(measure(current, reference), abs=1e-9)
        assert measure(reference, current) >= 0
        assert pytest.approx(0, abs=1e-9) == measure(current, current)


@few
@given(counts, st.integers(1, 1000))
def test_counts_and_shares_give_the_same(pairs: list[tuple[int, int]], factor: int) -> None:
    """
    Only shares matter, so counts of any size and ready shares agree.
    """
    reference, current = sides(pairs)
    shares = np.array(reference) / sum(reference)
    larger = [factor * count for count in current]

    assert drift.binned_psi(reference, current) == pytest.approx(drift.binned_psi(shares, larger))
    assert drift.binned_ks(reference, current) == pytest.approx(drift.binned_ks(shares, larger))


def halves(values: list[float], edges: Floats) -> Floats:
    """
    How many values lie in each bin ``(previous, edge]`` of 0..1.
    """
    return np.histogram(np.negative(values), -edges[::-1])[0][::-1].astype(np.float64)


shares01 = st.lists(st.floats(0, 1), min_size=1, max_size=60)


@few
@given(shares01, shares01)
def test_binned_ks_is_a_lower_bound(reference: list[float], current: list[float]) -> None:
    """
    Binning hides at most the largest share that one bin holds.
    """
    edges = np.linspace(0, 1, 11)
    p, q = halves(reference, edges), halves(current, edges)
    exact, binned = drift.ks(reference, current), drift.binned_ks(p, q)
    hidden = max((p / p.sum()).max(), (q / q.sum()).max())

    assert exact - hidden - 1e-9 <= binned <= exact + 1e-9


@few
@given(shares01, shares01)
def test_binned_wasserstein_is_within_a_bin(reference: list[float], current: list[float]) -> None:
    """
    The trapezoids differ from the exact distance by at most the widest bin.
    """
    edges = np.array([0, 0.05, 0.1, 0.3, 0.6, 0.9, 1.0])
    binned = drift.binned_wasserstein(halves(reference, edges), halves(current, edges), edges)

    assert abs(drift.wasserstein(reference, current) - binned) <= 0.3 + 1e-9


def test_binned_wasserstein_of_uniform_bins_by_hand() -> None:
    """
    All of one bin moved to the next, each spread evenly, travels one bin width.
    """
    assert 0.5 == drift.binned_wasserstein([1, 0], [0, 1], [0, 0.5, 1])


@few
@given(counts.filter(lambda pairs: len(pairs) > 1))
def test_joining_bins_never_adds_distance(pairs: list[tuple[int, int]]) -> None:
    """
    Coarser bins hide drift and never make it up.
    """
    reference, current = sides(pairs)
    joined = [sum(reference[:2]), *reference[2:]], [sum(current[:2]), *current[2:]]

    finer = drift.binned_jensen_shannon(reference, current)
    assert drift.binned_jensen_shannon(*joined) <= finer + 1e-7
    assert drift.binned_ks(*joined) <= drift.binned_ks(reference, current) + 1e-12


def test_raw_and_binned_psi_are_one_number() -> None:
    """
    PSI of values is PSI of their counts in the reference's quantile bins.
    """
    generator = np.random.default_rng(0)
    reference, current = generator.normal(size=1000), generator.normal(0.5, size=700)
    edges = drift.quantile_edges(reference, 10)
    p = [
        ((reference > a) & (reference <= b)).sum()
        for a, b in zip([-np.inf, *edges], [*edges, np.inf], strict=True)
    ]
    q = [
        ((current > a) & (current <= b)).sum()
        for a, b in zip([-np.inf, *edges], [*edges, np.inf], strict=True)
    ]

    assert drift.binned_psi(p, q) == pytest.approx(drift.psi(reference, current), rel=1e-12)
    assert distance.jensenshannon(p, q, base=2) == pytest.approx(
        drift.jensen_shannon(reference, current), rel=1e-9
    )


def test_psi_of_a_normal_shift_is_the_closed_form() -> None:
    """
    Jeffreys' divergence of N(0, 1) and N(m, 1) is m squared; fifty bins come within 3 %.
    """
    reference = stats.norm.ppf((np.arange(200_000) + 0.5) / 200_000)

    assert drift.psi(reference, reference + 0.5, bins=50) == pytest.approx(0.25, rel=0.03)


def test_without_drift_psi_is_what_chance_makes_it() -> None:
    """
    The mean over 2,000 pairs of samples of one distribution is the expected one within 5 %.
    """
    generator = np.random.default_rng(1)
    p, q = (generator.multinomial(n, [0.1] * 10, size=2000) for n in (2000, 500))
    found = np.mean([drift.binned_psi(a, b) for a, b in zip(p, q, strict=True)])

    assert drift.expected_psi(10, 2000, 500) == pytest.approx(found, rel=0.05)


@pytest.mark.parametrize(
    "measure",
    [drift.ks, drift.wasserstein, drift.psi, drift.jensen_shannon],
    ids=lambda m: m.__name__,
)
def test_few_values_have_no_distance(measure: Callable[..., float]) -> None:
    """
    Below the minimum on either side, and without any values, the answer is NaN.
    """
    enough, few = [0.1, 0.2, 0.3], [0.1, 0.2, math.nan]

    assert math.isnan(measure(enough, few, minimum=3))
    assert math.isnan(measure(few, enough, minimum=3))
    assert math.isnan(measure([], enough))
    assert math.isnan(measure([math.nan], enough))
    assert not math.isnan(measure(enough, enough, minimum=3))


def test_few_counts_have_no_distance() -> None:
    """
    The minimum holds for what is compared, also with shares; bins may also be all empty.
    """
    assert math.isnan(drift.binned_psi([500, 500], [99, 100], minimum=200))
    assert not math.isnan(drift.binned_psi([500, 500], [100, 100], minimum=200))
    assert not math.isnan(drift.binned_psi([0.5, 0.5], [100, 100], minimum=200))
    assert math.isnan(drift.binned_ks([0, 0], [1, 2]))


def test_bins_that_differ_are_refused() -> None:
    """
    Counts of different bins can't be compared.
    """
    with pytest.raises(ValueError, match=r"got shapes \(2,\), \(3,\)"):
        drift.binned_psi([1, 2], [1, 2, 3])


@few
@given(numbers, st.integers(1, 12))
def test_edges_part_the_values_into_filled_bins(values: list[float], bins: int) -> None:
    """
    Edges ascend, no bin between them is empty, and there are no more bins than asked for.
    """
    edges = drift.quantile_edges(np.array(values), bins)
    found = np.bincount(np.searchsorted(edges, values), minlength=len(edges) + 1)

    assert list(edges) == sorted(set(edges))
    assert len(edges) < bins or bins == 1
    assert found.all()


def test_continuous_values_fall_into_equal_bins() -> None:
    """
    Ten bins of a thousand different values hold a hundred each.
    """
    values = np.random.default_rng(2).lognormal(size=1000)
    edges = drift.quantile_edges(values, 10)

    assert [100] * 10 == np.bincount(np.searchsorted(edges, values)).tolist()


def test_edges_are_short_and_between_the_values() -> None:
    """
    An edge is no value of the data, so that rounding to half precision leaves each in its bin.
    """
    values = np.array([0.1, 0.1, 0.2, 0.3, 0.3, 0.7])
    edges = drift.quantile_edges(values, 10)

    assert [0.15, 0.25, 0.5] == edges.tolist()
    for kind in (np.float16, np.float32):
        rounded = np.searchsorted(edges, values.astype(kind).astype(np.float64))
        assert np.searchsorted(edges, values).tolist() == rounded.tolist()


def test_a_rare_value_among_two_has_its_own_bin() -> None:
    """
    With as few different values as bins no quantile can swallow one of them.
    """
    assert [0.5] == drift.quantile_edges(np.array([0.0] * 999 + [1.0]), 10).tolist()


def test_neighboring_floats_are_still_parted() -> None:
    """
    Two numbers with nothing between them have the lower one as their edge.
    """
    high = np.nextafter(1.0, 2.0)

    assert [1.0] == drift.quantile_edges(np.array([1.0, high]), 10).tolist()
