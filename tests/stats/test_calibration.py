"""
This module tests calibration against scikit-learn, hand-worked numbers and what must always hold.
"""

from fractions import Fraction
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from otel_confidence.conventions import CALIBRATION_EDGES
from otel_confidence.stats import calibration

Sample = tuple[NDArray[np.float64], NDArray[np.float64]]

_predictions = st.lists(
    st.tuples(st.floats(0.0, 1.0), st.sampled_from([0.0, 1.0])), min_size=1, max_size=60
)


@pytest.fixture(name="sample")
def _sample() -> Sample:
    random = np.random.default_rng(7)
    confidences = random.beta(4.0, 2.0, 5000)
    return confidences, (random.random(5000) < confidences**2).astype(np.float64)


def _columns(predictions: list[tuple[float, float]]) -> Sample:
    columns = np.array(predictions)
    return columns[:, 0], columns[:, 1]


@pytest.mark.parametrize(
    ("confidence", "edge"),
    [
        pytest.param(0.0, 0.1, id="nothing falls into the first bin"),
        pytest.param(0.1, 0.1, id="an edge belongs to the bin it closes"),
        pytest.param(np.nextafter(0.1, 1.0), 0.2, id="the next float above belongs to the next"),
        pytest.param(0.3, 0.3, id="0.3 as written is the edge"),
        pytest.param(0.1 + 0.2, 0.4, id="0.1 + 0.2 is above 0.3"),
        pytest.param(0.7 + 0.1, 0.8, id="0.7 + 0.1 is below 0.8"),
        pytest.param(3 * 0.2, 0.7, id="three fifths by multiplication are above 0.6"),
        pytest.param(float(np.float32(0.9)), 0.9, id="0.9 in float32 is below 0.9"),
        pytest.param(float(np.float32(0.3)), 0.4, id="0.3 in float32 is above 0.3"),
        pytest.param(5e-324, 0.1, id="the smallest float is in the first bin"),
        pytest.param(1.0, 1.0, id="certainty closes the last bin"),
    ],
)
def test_a_confidence_falls_into_the_bin_closed_on_the_right(
    confidence: float, edge: float
) -> None:
    """
    Bins are open below and closed above, compared exactly, one by one and in a vector.
    """
    one = calibration.bin_of(confidence)
    many = calibration.bin_index([confidence, confidence])

    assert edge == CALIBRATION_EDGES[one]
    assert [one, one] == many.tolist()


@given(st.floats(0.0, 1.0))
def test_bins_agree_with_exact_fractions(confidence: float) -> None:
    """
    A confidence lies above its bin's lower edge and up to its upper one in exact arithmetic.
    """
    index = calibration.bin_of(confidence)

    lower = Fraction(CALIBRATION_EDGES[index - 1]) if index else Fraction(-1)
    assert lower < Fraction(confidence) <= Fraction(CALIBRATION_EDGES[index])


@pytest.mark.parametrize("confidence", [-0.1, 1.0000001, float("nan"), float("inf")])
def test_what_is_no_confidence_has_no_bin(confidence: float) -> None:
    """
    A number outside 0..1 is refused, one by one and in a vector.
    """
    with pytest.raises(ValueError, match=r"within 0\.\.1"):
        calibration.bin_of(confidence)
    with pytest.raises(ValueError, match=r"within 0\.\.1"):
        calibration.bin_index([0.5, confidence])


def test_hand_worked_example() -> None:
    """
    Five predictions worked out on paper give ECE, MCE, Brier score and accuracy.
    """
    of = calibration.bins([0.95, 0.85, 0.85, 0.55, 0.15], [1, 1, 0, 1, 0])

    # Gaps per bin: |0 - .15|, |1 - .55|, |1 - 1.7|, |1 - .95| sum to 1.35.
    assert calibration.expected_calibration_error(of) == pytest.approx(1.35 / 5, abs=1e-12)
    assert calibration.maximum_calibration_error(of) == pytest.approx(0.45, abs=1e-12)
    squares = 0.05**2 + 0.15**2 + 0.85**2 + 0.45**2 + 0.15**2
    assert calibration.brier_score(of) == pytest.approx(squares / 5, abs=1e-12)
    assert calibration.accuracy(of) == pytest.approx(0.6, abs=1e-12)
    assert calibration.expected_accuracy(of) == pytest.approx(0.67, abs=1e-12)
    assert calibration.overconfidence(of) == pytest.approx(0.07, abs=1e-12)


def test_reliability_agrees_with_scikit_learn(sample: Sample) -> None:
    """
    The reliability table has the means and shares of scikit-learn's calibration curve.
    """
    confidences, correct = sample
    shares, means = calibration_curve(correct, confidences, n_bins=10, strategy="uniform")

    rows = calibration.reliability_table(calibration.bins(confidences, correct))

    filled = [row for row in rows if row.predictions]
    assert [row.accuracy for row in filled] == pytest.approx(shares.tolist(), abs=1e-12)
    assert [row.confidence for row in filled] == pytest.approx(means.tolist(), abs=1e-12)


def test_ece_agrees_with_scikit_learns_curve(sample: Sample) -> None:
    """
    ECE is the gap of scikit-learn's curve weighted by the numbers in each bin.
    """
    confidences, correct = sample
    shares, means = calibration_curve(correct, confidences, n_bins=10, strategy="uniform")
    counts = np.histogram(confidences, bins=10, range=(0.0, 1.0))[0]
    weights = counts[counts > 0] / len(confidences)

    of = calibration.bins(confidences, correct)

    expected = float((weights * np.abs(shares - means)).sum())
    assert calibration.expected_calibration_error(of) == pytest.approx(expected, abs=1e-12)
    assert calibration.maximum_calibration_error(of) == pytest.approx(
        float(np.abs(shares - means).max()), abs=1e-12
    )


def test_adaptive_error_agrees_with_scikit_learns_quantile_curve() -> None:
    """
    With as many predictions in each bin the error is the mean gap of scikit-learn's quantiles.
    """
    random = np.random.default_rng(3)
    confidences = random.permutation(np.linspace(0.0005, 0.9995, 1000))
    correct = (random.random(1000) < confidences**3).astype(np.float64)
    shares, means = calibration_curve(correct, confidences, n_bins=10, strategy="quantile")

    found = calibration.adaptive_calibration_error(confidences, correct)

    assert found == pytest.approx(float(np.abs(shares - means).mean()), abs=1e-12)


def test_brier_score_agrees_with_scikit_learn(sample: Sample) -> None:
    """
    The Brier score is scikit-learn's.
    """
    confidences, correct = sample

    found = calibration.brier_score(calibration.bins(confidences, correct))

    assert found == pytest.approx(brier_score_loss(correct, confidences), abs=1e-12)


@given(_predictions, st.integers(0, 60))
def test_bins_add_up(predictions: list[tuple[float, float]], cut: int) -> None:
    """
    Two windows added give the measures of the whole.
    """
    confidences, correct = _columns(predictions)
    first = calibration.bins(confidences[:cut], correct[:cut])
    second = calibration.bins(confidences[cut:], correct[cut:])
    whole = calibration.bins(confidences, correct)

    added = first + second

    assert whole.predictions.tolist() == added.predictions.tolist()
    assert whole.correct.tolist() == added.correct.tolist()
    assert calibration.expected_calibration_error(added) == pytest.approx(
        calibration.expected_calibration_error(whole), abs=1e-12
    )
    assert calibration.brier_score(added) == pytest.approx(
        calibration.brier_score(whole), abs=1e-12
    )


@given(_predictions)
def test_what_holds_of_every_calibration(predictions: list[tuple[float, float]]) -> None:
    """
    ECE lies between the overall gap and MCE, and mean confidence misses accuracy by at most ECE.
    """
    of = calibration.bins(*_columns(predictions))

    ece = calibration.expected_calibration_error(of)
    gap = abs(calibration.accuracy(of) - calibration.expected_accuracy(of))
    assert gap - 1e-12 <= ece <= calibration.maximum_calibration_error(of) + 1e-12
    assert calibration.overconfidence(of) == pytest.approx(
        calibration.expected_accuracy(of) - calibration.accuracy(of), abs=1e-12
    )


@given(_predictions, st.randoms(use_true_random=False), st.integers(1, 12))
def test_order_does_not_matter(
    predictions: list[tuple[float, float]], random: Random, count: int
) -> None:
    """
    Adaptive error and risk-coverage are the same for any order, ties included.
    """
    shuffled = list(predictions)
    random.shuffle(shuffled)

    before, after = _columns(predictions), _columns(shuffled)

    assert calibration.adaptive_calibration_error(*before, count) == pytest.approx(
        calibration.adaptive_calibration_error(*after, count), abs=1e-12
    )
    assert calibration.area_under_risk_coverage(*before) == pytest.approx(
        calibration.area_under_risk_coverage(*after), abs=1e-12
    )


def test_risk_coverage_by_hand() -> None:
    """
    Four predictions of which the third surest is wrong give its risks and their mean.
    """
    curve = calibration.risk_coverage([0.6, 0.9, 0.8, 0.7], [1, 1, 1, 0])

    assert [0.25, 0.5, 0.75, 1.0] == curve.coverage.tolist()
    assert [0.0, 0.0, pytest.approx(1 / 3), 0.25] == curve.risk.tolist()
    assert calibration.area_under_risk_coverage(
        [0.6, 0.9, 0.8, 0.7], [1, 1, 1, 0]
    ) == pytest.approx((1 / 3 + 1 / 4) / 4)


def test_equal_confidences_share_their_errors() -> None:
    """
    When all are equally sure, the risk is the error rate at every coverage.
    """
    curve = calibration.risk_coverage([0.5] * 4, [1, 0, 0, 1])

    assert [0.5] * 4 == curve.risk.tolist()


@given(_predictions)
def test_the_last_risk_is_the_error_rate(predictions: list[tuple[float, float]]) -> None:
    """
    Keeping everything, the risk is the share of wrong predictions.
    """
    confidences, correct = _columns(predictions)

    risk = calibration.risk_coverage(confidences, correct).risk

    assert float(risk[-1]) == pytest.approx(1.0 - correct.mean(), abs=1e-12)


def test_without_predictions_there_is_no_measure() -> None:
    """
    No prediction gives NaN everywhere, and an empty curve, without a warning.
    """
    of = calibration.bins([], [])

    measures = [
        calibration.expected_calibration_error(of), calibration.maximum_calibration_error(of),
        calibration.brier_score(of), calibration.accuracy(of), calibration.expected_accuracy(of),
        calibration.overconfidence(of), calibration.adaptive_calibration_error([], []),
        calibration.area_under_risk_coverage([], []),
    ]  # fmt: skip
    assert [True] * 8 == [bool(np.isnan(m)) for m in measures]
    assert 10 == sum(np.isnan(row.accuracy) for row in calibration.reliability_table(of))


@pytest.mark.parametrize(
    ("confidences", "correct", "message"),
    [
        pytest.param([0.5], [1, 0], "one length", id="of other lengths"),
        pytest.param([[0.5]], [[1]], "shape", id="of two dimensions"),
        pytest.param([1.5], [1], "within", id="outside the range"),
        pytest.param([0.5], [float("nan")], "within", id="without a truth"),
    ],
)
def test_wrong_columns_are_refused(confidences: object, correct: object, message: str) -> None:
    """
    Columns that do not fit are refused in words.
    """
    with pytest.raises(ValueError, match=message):
        calibration.bins(confidences, correct)  # type: ignore[arg-type]  # wrong on purpose


@pytest.mark.parametrize("edges", [(), (0.5,), (0.5, 0.5, 1.0), (0.0, 1.0), (0.5, 1.1)])
def test_edges_must_rise_to_one(edges: tuple[float, ...]) -> None:
    """
    Edges that leave a confidence without a bin are refused.
    """
    with pytest.raises(ValueError, match="edges must rise"):
        calibration.bins([0.5], [1], edges)


def test_bins_of_other_edges_or_shapes_do_not_mix() -> None:
    """
    Counters of other bins cannot be added, nor sums of another number of bins be taken.
    """
    coarse = calibration.bins([0.5], [1], (0.5, 1.0))

    with pytest.raises(ValueError, match="cannot be added"):
        coarse + calibration.bins([0.5], [1])
    with pytest.raises(ValueError, match="one sum for each"):
        calibration.Bins((0.5, 1.0), np.ones(3), np.ones(2), np.ones(2), np.ones(2))


@pytest.mark.parametrize(
    ("known", "right", "expected"),
    [
        pytest.param(99, 0.2, False, id="one truth too few"),
        pytest.param(100, 0.2, True, id="far too sure"),
        pytest.param(100, 0.6, False, id="what a hundred truths may be by chance"),
        pytest.param(10_000, 0.6, True, id="the same on ten thousand"),
        pytest.param(10_000, 0.67, False, id="tolerated"),
        pytest.param(10_000, 0.9, False, id="better than it claims"),
        pytest.param(0, 0.0, False, id="no truth"),
    ],
)
def test_overconfidence_is_neither_small_nor_chance(
    known: float, right: float, expected: bool
) -> None:
    """
    A confidence of 0.7 is overconfidence where truth is enough and far enough below it.
    """
    column = np.array([float(known)])
    of = calibration.Bins((1.0,), column, 0.7 * column, right * column, column)

    assert expected is calibration.is_overconfident(of)


@pytest.mark.parametrize("size", [100, 1000, 10_000])
def test_noise_bounds_what_chance_makes_of_a_calibrated_model(size: int) -> None:
    """
    The mean calibration error of calibrated samples stays below the noise, and near it at worst.
    """
    random = np.random.default_rng(11)

    def mean_error(sure: NDArray[np.float64]) -> float:
        errors = [
            calibration.expected_calibration_error(
                calibration.bins(sure, (random.random(size) < sure).astype(np.float64))
            )
            for _ in range(200)
        ]
        return float(np.mean(errors))

    noise = calibration.expected_noise(size)

    assert mean_error(random.random(size)) < noise
    assert mean_error(random.beta(8, 2, size)) < noise
    assert mean_error(np.full(size, 0.5)) == pytest.approx(
        calibration.expected_noise(size, 1), rel=0.2
    )
