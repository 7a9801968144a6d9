"""
This module tests the formulas of uncertainty against scipy and hand-worked numbers.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

from otel_confidence.stats import uncertainty


def _rows(
    *, rows: int = 200, classes: int = 7
) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return np.random.default_rng(11).dirichlet(np.full(classes, 0.3), rows)


@pytest.mark.parametrize("temperature", [0.1, 1.0, 2.5])
def test_softmax_is_scipys(temperature: float) -> None:
    """
    The softmax with a temperature is scipy's of the divided logits.
    """
    logits = np.random.default_rng(5).normal(0.0, 20.0, (100, 9))

    found = uncertainty.softmax(logits, temperature=temperature)

    np.testing.assert_allclose(found, special.softmax(logits / temperature, axis=-1), atol=1e-14)


def test_softmax_neither_overflows_nor_divides_by_nothing() -> None:
    """
    Huge logits stay finite, a class of -inf gets nothing, a row without any class is NaN.
    """
    logits = np.array([[1e300, 0.0], [-1e300, -1e300], [0.0, -np.inf], [-np.inf, -np.inf]])

    found = uncertainty.softmax(logits)

    assert [[1.0, 0.0], [0.5, 0.5], [1.0, 0.0]] == found[:3].tolist()
    assert np.isnan(found[3]).all()


@given(st.lists(st.floats(-1e4, 1e4), min_size=1, max_size=20))
def test_sigmoid_is_scipys(logits: list[float]) -> None:
    """
    The sigmoid is scipy's expit at any size of the logit.
    """
    found = uncertainty.sigmoid(np.array(logits))

    # Below, numbers have fewer digits, and scipy's is 0 where ours is not yet.
    np.testing.assert_allclose(found, special.expit(logits), rtol=1e-14, atol=1e-300)


def test_entropy_is_scipys() -> None:
    """
    Entropy in nats is scipy's, and the normalized one its share of the largest.
    """
    rows = _rows()

    np.testing.assert_allclose(uncertainty.entropy(rows), stats.entropy(rows, axis=1), atol=1e-13)
    np.testing.assert_allclose(
        uncertainty.normalized_entropy(rows), stats.entropy(rows, axis=1, base=7), atol=1e-13
    )


def test_ends_of_the_entropy() -> None:
    """
    Certainty has none, a uniform vector all of it, and one class none.
    """
    rows = np.array([[1.0, 0.0, 0.0, 0.0], [0.25, 0.25, 0.25, 0.25]])

    assert [0.0, 1.0] == uncertainty.normalized_entropy(rows).tolist()
    assert [0.0] == uncertainty.normalized_entropy(np.array([[1.0]])).tolist()


def test_margin_is_the_gap_of_the_two_largest() -> None:
    """
    The margin is the best less the second, nothing for a tie and all of it for one class.
    """
    rows = np.array([[0.2, 0.7, 0.1], [0.45, 0.45, 0.1]])

    assert [pytest.approx(0.5), 0.0] == uncertainty.margin(rows).tolist()
    assert [1.0] == uncertainty.margin(np.array([[1.0]])).tolist()


def test_mutual_information_by_hand() -> None:
    """
    Members that agree share nothing; two that are sure of different classes differ by ln 2.
    """
    agreeing = np.array([[0.7, 0.3], [0.7, 0.3]])
    opposed = np.array([[1.0, 0.0], [0.0, 1.0]])

    assert uncertainty.mutual_information(agreeing) == pytest.approx(0.0, abs=1e-15)
    assert uncertainty.mutual_information(opposed) == pytest.approx(np.log(2.0), abs=1e-15)


def test_mutual_information_is_the_mean_divergence_from_the_mean() -> None:
    """
    It is the mean Kullback-Leibler divergence of the members from their mean, by scipy.
    """
    members = np.random.default_rng(2).dirichlet(np.ones(5), (4, 50))

    found = uncertainty.mutual_information(members)

    divergences = stats.entropy(members, members.mean(axis=0)[None], axis=-1)
    np.testing.assert_allclose(found, divergences.mean(axis=0), atol=1e-13)
