"""
This module tests prediction intervals, prediction sets, tolerances and anomaly scores.
"""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from otel_confidence.sdk.extract import (
    AnomalyScore,
    Interval,
    PredictionSet,
    Tolerance,
    covers,
    extractor,
    within,
)


@pytest.mark.parametrize(
    "declared",
    [
        pytest.param((Interval(widest=10.0), {"interval": (2.0, 4.0)}), id="a pair"),
        pytest.param((Interval(widest=10.0), {"interval": [2, 4]}), id="a list"),
        pytest.param((Interval(widest=10), {"interval": {"lower": 2, "upper": 4}}), id="ends"),
        pytest.param((Interval(lower="lo", upper="hi", widest=10), {"lo": 2, "hi": 4}), id="apart"),
        pytest.param(("interval", {"interval": (9.0, 11.0)}), id="relative to the middle"),
        pytest.param((Interval(value="y"), {"interval": (0, 2), "y": -10.0}), id="to the value"),
    ],
)
def test_one_less_the_relative_width(declared: tuple[Any, Any]) -> None:
    """
    A width of a fifth leaves four fifths of confidence, wherever the ends are.
    """
    declaration, result = declared

    found = extractor(declaration)(result)

    assert found.confidence == pytest.approx(0.8)
    assert found.uncertainty == pytest.approx(0.2)
    assert ("interval_width", "heuristic") == (found.method, found.source)


def test_intervals_of_a_batch() -> None:
    """
    Columns of ends are a batch whose ends and values are kept for the truth.
    """
    result = {"lo": np.array([1.0, 5.0, 0.0]), "hi": np.array([3.0, 4.0, np.nan]), "y": [2, 4, 1]}

    found = extractor(Interval(lower="lo", upper="hi", value="y", widest=4.0), tolerance=0.5)(
        result
    )

    np.testing.assert_array_equal(np.asarray(found.confidence), [0.5, np.nan, np.nan])
    assert {"invalid_interval": 1, "invalid_value": 1} == found.rejected
    assert [2.0, 4.0, 1.0] == found.label
    assert [0.5] * 3 == np.asarray(found.tolerance).tolist()
    assert found.interval is not None
    np.testing.assert_array_equal(np.asarray(found.interval[0]), result["lo"])


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        pytest.param((3, 1), "invalid_interval", id="ends the wrong way round"),
        pytest.param((float("nan"), 1), "invalid_value", id="no number"),
        pytest.param((0, float("inf")), "invalid_value", id="open upwards"),
        pytest.param(None, "confidence_missing", id="nothing"),
        pytest.param([1, 2, 3], "confidence_missing", id="three ends"),
        pytest.param("1-2", "wrong_type:str", id="a text"),
    ],
)
def test_what_is_no_interval_is_refused(value: Any, reason: str) -> None:
    """
    A value that is no interval is counted under its reason and kept from the truth.
    """
    found = extractor("interval")({"interval": value})

    assert ({reason: 1}, None) == (found.rejected, found.interval)


def test_an_interval_around_zero_leaves_no_confidence() -> None:
    """
    Relative to a value of zero every width is too wide, and a point is certain.
    """
    extract = extractor("interval")

    assert (0.0, 1.0) == (extract([(-1, 1)]).confidence, extract([(0, 0)]).confidence)


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.floats(0.01, 10.0))
def test_a_tolerance_is_numpys_isclose(value: float, truth: float, relative: float) -> None:
    """
    The larger of both parts is the tolerance, and closeness is numpy's without the sum.
    """
    found = extractor("c", label="y", tolerance=Tolerance(absolute=0.5, relative=relative))(
        {"c": 1, "y": value}
    )

    expected = max(0.5, relative * abs(value))
    assert expected == found.tolerance
    assert bool(np.isclose(truth, value, rtol=0.0, atol=expected)) == within(value, truth, expected)


def test_no_truth_is_within_a_tolerance() -> None:
    """
    A truth that is no number is never right, and a label that is none has no tolerance.
    """
    assert not within(1.0, float("nan"), 5.0)
    assert extractor("c", label="y", tolerance=0.5)({"c": 1, "y": "cat"}).tolerance is None


@pytest.mark.parametrize(
    ("value", "confidence", "label", "size"),
    [
        pytest.param({"cat"}, 0.9, "cat", 1.0, id="one label"),
        pytest.param(["cat", "dog"], 0.45, None, 2.0, id="two labels"),
        pytest.param(frozenset(), 0.0, None, 0.0, id="an empty set"),
        pytest.param((1, 2, 3), pytest.approx(0.3), None, 3.0, id="three labels"),
        pytest.param(np.array([False, True, False]), 0.9, 1, 1.0, id="booleans"),
        pytest.param(np.array([4, 7]), 0.45, None, 2.0, id="an array of labels"),
    ],
)
def test_prediction_sets(value: Any, confidence: Any, label: Any, size: float) -> None:
    """
    The coverage shared among the labels of a set is the confidence, and its size the uncertainty.
    """
    found = extractor(PredictionSet(alpha=0.1))({"prediction_set": value})

    assert (confidence, label, "conformal") == (found.confidence, found.label, found.source)
    assert (size, "set_size") == (found.uncertainty, found.method)


def test_prediction_sets_of_a_batch() -> None:
    """
    Booleans by row and a list of sets are the same batch.
    """
    flags = np.array([[True, False], [True, True], [False, False]])
    extract = extractor(PredictionSet(".", alpha=0.1, classes=["cat", "dog"]))

    by_row, by_set = extract(flags), extract([{"cat"}, ["cat", "dog"], set()])

    assert [["cat"], ["cat", "dog"], []] == by_row.prediction_set == by_set.prediction_set
    assert [0.9, 0.45, 0.0] == np.asarray(by_row.confidence).tolist()
    assert ["cat", None, None] == by_row.label


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        pytest.param(["fox"], "unknown_class", id="a label of no class"),
        pytest.param("cat", "wrong_type:str", id="a text"),
        pytest.param(np.array([True]), "wrong_type:ndarray", id="booleans of too few classes"),
        pytest.param(None, "confidence_missing", id="nothing"),
    ],
)
def test_what_is_no_prediction_set_is_refused(value: Any, reason: str) -> None:
    """
    A value that is no set of the declared classes is counted under its reason.
    """
    extract = extractor(PredictionSet(alpha=0.1, classes=["cat", "dog"]))

    assert {reason: 1} == extract({"prediction_set": value}).rejected


def test_conformal_sets_cover_as_declared_and_pick_as_sure() -> None:
    """
    Split-conformal sets cover 1 - alpha, and a label drawn from them is right as often as stated.
    """
    random = np.random.default_rng(4)
    probabilities = random.dirichlet(np.full(4, 0.5), 8000)
    truths = np.array([random.choice(4, p=row) for row in probabilities])
    scores = 1.0 - probabilities[np.arange(4000), truths[:4000]]
    cut = np.quantile(scores, 0.9 * 4001 / 4000, method="higher")

    found = extractor(PredictionSet(".", alpha=0.1))(1.0 - probabilities[4000:] <= cut)

    pairs = list(zip(found.prediction_set, truths[4000:].tolist(), strict=True))
    covered = np.mean([covers(labels, truth) for labels, truth in pairs])
    drawn = np.mean([covers(labels, truth) / max(len(labels), 1) for labels, truth in pairs])
    assert covered == pytest.approx(0.9, abs=0.02)
    assert drawn == pytest.approx(float(np.nanmean(np.asarray(found.confidence))), abs=0.03)


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=50), st.floats(-6, 6))
def test_anomaly_scores_are_scipys_rank(reference: list[float], score: float) -> None:
    """
    The share of the reference at least as strange is scipy's percentile from above.
    """
    higher = extractor(AnomalyScore(reference=reference))(score).confidence
    lower = extractor(AnomalyScore(reference=reference, stranger="lower"))(score).confidence

    count = len(reference)
    above = 1.0 - stats.percentileofscore(reference, score, kind="strict") / 100.0
    below = stats.percentileofscore(reference, score, kind="weak") / 100.0
    assert higher == pytest.approx((1 + count * above) / (1 + count))
    assert lower == pytest.approx((1 + count * below) / (1 + count))


def test_anomaly_scores_of_a_batch() -> None:
    """
    A vector of scores is a batch, and a score that is no number is counted.
    """
    found = extractor(AnomalyScore(reference=[1.0, 2.0, 3.0]))(np.array([0.0, 2.5, 9.0, np.nan]))

    np.testing.assert_array_equal(np.asarray(found.confidence), [1.0, 0.5, 0.25, np.nan])
    assert {"invalid_value": 1} == found.rejected
