"""
This module computes the PromQL of drift and compares it with numpy over the same counts.
"""

from collections.abc import Mapping, Sequence
from itertools import accumulate

import numpy as np
import pytest
from tests.query.promql.series import Memory

from otel_confidence import expressions
from otel_confidence.conventions import CONFIDENCE_EDGES
from otel_confidence.query.promql import Engine
from otel_confidence.stats import drift

MODEL = 'ml_model_name="m", ml_model_version="1"'
FEATURE = f'{MODEL}, ml_feature_name="size"'
BINS = ("1.5", "2.5", "+Inf")
Points = list[tuple[float, float]]


def counter(count: float) -> Points:
    """
    A counter that stood at zero through one window and grew within the next by so much.
    """
    return [(at, 0.0 if at <= 3600 else count) for at in range(0, 7201, 60)]


def gauge(value: float) -> Points:
    """
    A gauge that was reported once, and is gone by now.
    """
    return [(4000.0, value)]


def size_series(
    reference: Sequence[float], current: Sequence[float], missing: float = 0
) -> dict[str, Points]:
    """
    The series of one feature; two replicas publish the reference and share the counts.
    """
    series: dict[str, Points] = {}
    for replica in ("a", "b"):
        here = f'{FEATURE}, instance="{replica}"'
        for bin_, p, q in zip(BINS, reference, current, strict=True):
            valid = f'{here}, ml_feature_bin="{bin_}", ml_feature_value_state="valid"'
            series[f"ml_reference_feature_ratio{{{valid}}}"] = gauge(p)
            series[f"ml_feature_values_total{{{valid}}}"] = counter(q / 2)
        gone = f'{here}, ml_feature_value_state="missing"'
        series[f"ml_reference_feature_ratio{{{gone}}}"] = gauge(1 - sum(reference))
        series[f"ml_feature_values_total{{{gone}}}"] = counter(missing / 2)
        # An outlier belongs to the last bin, beside its valid values.
        outlier = f'{here}, ml_feature_bin="+Inf", ml_feature_value_state="outlier"'
        series[f"ml_feature_values_total{{{outlier}}}"] = counter(0)
    return series


def confidence_series(
    reference: Sequence[int], current: Sequence[int], edges: Sequence[float] = CONFIDENCE_EDGES
) -> dict[str, Points]:
    """
    The histogram and the reference of confidence, from counts per bucket.
    """
    below, total = list(accumulate(reference)), sum(reference)
    series = {
        f'ml_reference_confidence_ratio{{{MODEL}, ml_reference_edge="{edge}"}}': gauge(n / total)
        for edge, n in zip(CONFIDENCE_EDGES, below, strict=True)
    }
    series |= {
        f'ml_prediction_confidence_bucket{{{MODEL}, le="{edge:g}"}}': counter(n)
        for edge, n in zip(edges, accumulate(current), strict=True)
    }
    every = counter(sum(current))
    series[f'ml_prediction_confidence_bucket{{{MODEL}, le="+Inf"}}'] = every
    series[f"ml_prediction_confidence_count{{{MODEL}}}"] = every
    return series


def value(expression: str, series: Mapping[str, Points]) -> float | None:
    """
    The one value of an expression after two hours, looking back one hour and a minute.
    """
    found = Engine(Memory(series)).query(expression, at=7200.0).series
    assert len(found) <= 1
    return float(found[0].values[0]) if found else None


def test_psi_is_numpys() -> None:
    """
    PSI from counters of two replicas equals PSI of their sums.
    """
    series = size_series([0.5, 0.3, 0.2], [400, 200, 400])

    by_numpy = drift.binned_psi([0.5, 0.3, 0.2], [0.4, 0.2, 0.4])
    assert by_numpy == pytest.approx(value(expressions.psi("61m"), series), rel=1e-9)


def test_empty_bins_count_as_the_floor_on_both_sides() -> None:
    """
    A category the reference never had, and one that no longer comes, stay finite.
    """
    series = size_series([0.0, 0.5, 0.5], [500, 500, 0])

    by_numpy = drift.binned_psi([0.0, 0.5, 0.5], [0.5, 0.5, 0.0])
    assert by_numpy == pytest.approx(value(expressions.psi("61m"), series), rel=1e-9)


def test_a_feature_that_is_gone_drifts() -> None:
    """
    Missing values are a bin of their own, so their coming is seen although no value moved.
    """
    series = size_series([0.5, 0.3, 0.2], [0, 0, 0], missing=1000)

    by_numpy = drift.binned_psi([0.5, 0.3, 0.2, 0], [0, 0, 0, 1])
    assert by_numpy == pytest.approx(value(expressions.psi("61m"), series), rel=1e-9)
    assert by_numpy > 5


def test_too_few_values_have_no_psi() -> None:
    """
    Below the minimum there is no result instead of an unreliable one.
    """
    series = size_series([0.5, 0.3, 0.2], [80, 60, 58])

    assert value(expressions.psi("61m"), series) is None
    assert value(expressions.psi("61m", minimum=190), series) is not None


def test_without_a_reference_there_is_no_drift() -> None:
    """
    Counters alone have no distance from anything.
    """
    series = size_series([0.5, 0.3, 0.2], [400, 200, 400])
    alone = {name: points for name, points in series.items() if "reference" not in name}

    assert value(expressions.psi("61m"), alone) is None


def test_shares_of_states() -> None:
    """
    The share of missing values is told by state.
    """
    series = size_series([0.5, 0.3, 0.2], [300, 200, 400], missing=100)
    found = Engine(Memory(series)).query(expressions.state_shares("61m"), at=7200.0).series
    shares = {dict(s.labels)["ml_feature_value_state"]: float(s.values[0]) for s in found}

    assert {"valid": 0.9, "missing": 0.1, "outlier": 0.0} == pytest.approx(shares)


def test_ks_and_wasserstein_of_confidence_are_numpys() -> None:
    """
    Both distances equal those of the same buckets in numpy.
    """
    generator = np.random.default_rng(0)
    expected = generator.multinomial(5000, generator.dirichlet(np.ones(15))).tolist()
    found = generator.multinomial(3000, generator.dirichlet(np.ones(15))).tolist()
    series = confidence_series(expected, found)

    ks = value(expressions.confidence_ks("61m"), series)
    wasserstein = value(expressions.confidence_wasserstein("61m"), series)
    assert drift.binned_ks(expected, found) == pytest.approx(ks, rel=1e-9)
    assert drift.binned_wasserstein(expected, found, (0, *CONFIDENCE_EDGES)) == pytest.approx(
        wasserstein, rel=1e-9
    )


def test_buckets_of_thresholds_are_left_out() -> None:
    """
    An edge that the reference lacks, such as a threshold of 0.73, changes nothing.
    """
    expected, found = [10] * 15, [300, *[0] * 13, 300]
    edges = sorted([*CONFIDENCE_EDGES, 0.73])
    finer = confidence_series(expected, [300, *[0] * 14, 300], edges)

    for expression in (expressions.confidence_ks, expressions.confidence_wasserstein):
        assert value(expression("61m"), confidence_series(expected, found)) == pytest.approx(
            value(expression("61m"), finer)
        )


def test_few_confidences_have_no_distance() -> None:
    """
    The minimum holds for predictions, too.
    """
    series = confidence_series([10] * 15, [13] * 15)

    assert value(expressions.confidence_ks("61m"), series) is None
    assert value(expressions.confidence_ks("61m", minimum=195), series) == pytest.approx(0)


def test_conditions_choose_a_model() -> None:
    """
    A matcher restricts both the counters and the reference.
    """
    series = size_series([0.5, 0.3, 0.2], [400, 200, 400])

    assert value(expressions.psi("61m", 'ml_model_name="m"'), series) is not None
    assert value(expressions.psi("61m", 'ml_model_name="n"'), series) is None
