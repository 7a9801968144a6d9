"""
This module tests probabilities: what is sound, what is refused, and how they are reduced.
"""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import special, stats

from otel_confidence.sdk.extract import BinaryScore, Logits, Probabilities, extractor


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        pytest.param([], "confidence_missing", id="no class"),
        pytest.param(np.zeros((0, 3)), "confidence_missing", id="no row"),
        pytest.param(None, "confidence_missing", id="nothing"),
        pytest.param([0.5, float("nan")], "invalid_value", id="a cell that is no number"),
        pytest.param([0.5, float("inf")], "invalid_value", id="an infinite cell"),
        pytest.param([None, 0.5], "invalid_value", id="an empty cell"),
        pytest.param([1.5, -0.5], "out_of_range", id="a cell outside"),
        pytest.param([2.0, -1.0, 0.5], "out_of_range", id="logits"),
        pytest.param([-0.1, -2.3], "out_of_range", id="log-probabilities"),
        pytest.param([0.9, 0.8], "not_a_distribution", id="a sum above one"),
        pytest.param([0.0, 0.0], "not_a_distribution", id="nothing but zeros"),
        pytest.param(0.9, "wrong_type:float", id="a number"),
        pytest.param("0.9", "wrong_type:str", id="a text"),
        pytest.param(["0.1", "0.9"], "wrong_type:list", id="texts"),
        pytest.param([True, False], "wrong_type:list", id="booleans"),
        pytest.param([[0.5, 0.5], [1.0]], "wrong_type:list", id="ragged rows"),
        pytest.param(np.full((1, 1, 1), 1.0), "wrong_type:ndarray", id="three dimensions"),
        pytest.param(np.array([1j]), "wrong_type:ndarray", id="complex numbers"),
        pytest.param(
            np.array([np.complex128(1j), 0.5], dtype=object),
            "wrong_type:ndarray",
            id="a complex number among objects",
        ),
        pytest.param({"a": [0.5], "b": [0.5]}, "wrong_type:dict", id="columns in a mapping"),
    ],
)
def test_what_is_no_distribution_is_refused_with_its_reason(value: Any, reason: str) -> None:
    """
    A value that is no distribution is counted under its reason, as one prediction.
    """
    found = extractor("proba.max")({"proba": value})

    assert (None, {reason: 1}, 1) == (found.confidence, dict(found.rejected), found.size)


def test_one_bad_row_leaves_the_others() -> None:
    """
    Each unsound row of a batch is counted under its own reason, the sound ones are kept.
    """
    nan = float("nan")
    rows = [[0.25, 0.75], [nan, 0.5], [1.5, -0.5], [0.9, 0.9], [0.5, 0.5]]

    found = extractor("proba.max", label="proba.argmax")({"proba": rows})

    np.testing.assert_array_equal(np.asarray(found.confidence), [0.75, nan, nan, nan, 0.5])
    assert {"invalid_value": 1, "out_of_range": 1, "not_a_distribution": 1} == found.rejected
    assert [1, None, 0, 0, 0] == found.label


def test_masked_classes_have_no_probability() -> None:
    """
    A masked class is left out of the row, and a row without any class is refused.
    """
    rows = np.ma.array([[0.25, 0.75], [0.5, 0.5]], mask=[[False, True], [True, True]])

    found = extractor("max")(rows)

    np.testing.assert_array_equal(np.asarray(found.confidence), [0.25, np.nan])


def test_rounding_of_low_precision_is_clipped_and_not_counted() -> None:
    """
    A probability that float32 rounded above one is one.
    """
    found = extractor("max")(np.array([[1.0000001, 0.0], [0.5, 0.5]], dtype=np.float32))

    assert ([1.0, 0.5], {}) == (np.asarray(found.confidence).tolist(), dict(found.rejected))


@pytest.mark.parametrize("declared", ["max", "margin", "entropy"])
@pytest.mark.parametrize("value", [[1.0], [[1.0]], np.array([[1.0]])])
def test_a_single_class_is_certain(declared: str, value: Any) -> None:
    """
    One class alone is certain by every reduction.
    """
    assert 1.0 == extractor(declared)(value).confidence


def test_ties_go_to_the_first_class() -> None:
    """
    Of equally probable classes the first is the label, for one vector as for a batch.
    """
    extract = extractor(Probabilities(".", classes=["cat", "dog"]))

    assert "cat" == extract([0.5, 0.5]).label
    assert ["cat", "dog"] == extract([[0.5, 0.5], [0.25, 0.75]]).label


def test_ten_classes_rounded_to_two_decimals_are_a_distribution() -> None:
    """
    Probabilities rounded for a JSON reply still count as a distribution.
    """
    found = extractor("entropy")([0.33, 0.33, 0.33])

    assert found.confidence is not None


def test_the_head_of_a_longer_list_has_a_maximum_and_no_entropy() -> None:
    """
    Of the top classes alone the maximum is known and the entropy is not.
    """
    top = {"cat": 0.5, "dog": 0.25}

    assert (0.5, "cat") == (extractor("max")(top).confidence, extractor("max")(top).label)
    assert {"not_a_distribution": 1} == extractor("entropy")(top).rejected


def test_independent_classes_need_not_sum_to_one() -> None:
    """
    Classes that do not exclude each other may sum to anything.
    """
    found = extractor(Probabilities(".", independent=True))([0.9, 0.8])

    assert 0.9 == found.confidence


@pytest.mark.parametrize(
    ("declared", "result"),
    [
        pytest.param("proba[dog]", {"proba": {"cat": 0.75, "dog": 0.25}}, id="by key"),
        pytest.param("proba[1]", {"proba": [0.75, 0.25]}, id="by index"),
        pytest.param("proba[-1]", {"proba": [0.75, 0.25]}, id="from the end"),
        pytest.param(
            Probabilities(reduce="dog", classes=["cat", "dog"]), {"proba": [0.75, 0.25]},
            id="by declared name",
        ),
    ],
)  # fmt: skip
def test_a_class_is_named(declared: Any, result: Any) -> None:
    """
    The probability of one class is taken by name or index, and names no label by itself.
    """
    found = extractor(declared)(result)

    assert (0.25, None) == (found.confidence, found.label)


@pytest.mark.parametrize("declared", ["proba[fox]", "proba[7]"])
def test_a_class_that_is_not_there_is_counted(declared: str) -> None:
    """
    A class that was not returned leaves every prediction without confidence.
    """
    one = extractor(declared)({"proba": [0.5, 0.5]})
    many = extractor(declared)({"proba": [[0.5, 0.5]] * 3})

    assert ({"unknown_class": 1}, None) == (one.rejected, one.confidence)
    assert {"unknown_class": 3} == many.rejected


_rows = arrays.arrays(
    np.float64, arrays.array_shapes(min_dims=2, max_dims=2, max_side=12),
    elements=st.floats(1e-3, 1.0),
).map(lambda a: a / a.sum(axis=1, keepdims=True))  # fmt: skip


@given(_rows)
def test_one_by_one_is_the_same_as_together(rows: np.ndarray[Any, Any]) -> None:
    """
    A row alone, as list or array, and the same row in a batch have one confidence and label.
    """
    for declared in ("max", "margin", "entropy"):
        extract = extractor(declared, label="argmax")
        together = extract(np.vstack([rows, rows]))

        alone = [extract(row) for row in rows]
        listed = [extract(row.tolist()).confidence for row in rows]

        expected = np.asarray(together.confidence)[: len(rows)]
        assert [one.confidence for one in alone] == pytest.approx(expected.tolist(), abs=1e-12)
        assert listed == pytest.approx(expected.tolist(), abs=1e-12)
        assert [one.label for one in alone] == together.label[: len(rows)]


@given(_rows)
def test_entropy_and_maximum_are_scipys_and_numpys(rows: np.ndarray[Any, Any]) -> None:
    """
    Confidence by entropy is one less scipy's entropy over that of all classes alike.
    """
    found = extractor("entropy", uncertainty="entropy")(np.vstack([rows, rows]))

    base = rows.shape[1]
    expected = stats.entropy(rows, axis=1) / np.log(base) if base > 1 else np.zeros(len(rows))
    np.testing.assert_allclose(np.asarray(found.uncertainty)[: len(rows)], expected, atol=1e-9)
    np.testing.assert_allclose(
        np.asarray(found.confidence) + np.asarray(found.uncertainty), 1.0, atol=1e-12
    )


@given(
    st.lists(st.floats(-800.0, 800.0), min_size=1, max_size=70), st.sampled_from([0.25, 1.0, 4.0])
)
def test_logits_are_scipys_softmax(logits: list[float], temperature: float) -> None:
    """
    The confidence of logits is the largest of scipy's softmax, short or long, alone or in a batch.
    """
    extract = extractor(Logits(".", temperature=temperature))

    one = extract(logits).confidence
    many = np.asarray(extract([logits, logits]).confidence)

    expected = float(special.softmax(np.array(logits) / temperature).max())
    assert one == pytest.approx(expected, abs=1e-12)
    assert many.tolist() == pytest.approx([expected] * 2, abs=1e-12)


def test_unsound_logits_are_counted() -> None:
    """
    A logit that is infinite upwards or no number has no softmax; one infinite downwards has.
    """
    extract = extractor("logits")

    assert {"invalid_value": 1} == extract([float("inf"), 0.0]).rejected
    assert {"invalid_value": 1} == extract([float("nan"), 0.0]).rejected
    assert 1.0 == extract([float("-inf"), 0.0]).confidence
    assert 0.5 == extract(np.ma.array([9.0, 1.0, 1.0], mask=[True, False, False])).confidence


@pytest.mark.parametrize(
    ("scores", "confidences", "labels"),
    [
        pytest.param(0.25, 0.75, "ham", id="a number"),
        pytest.param(0.75, 0.75, "spam", id="a number above"),
        pytest.param(np.array([0.25, 0.875]), [0.75, 0.875], ["ham", "spam"], id="a vector"),
        pytest.param([[0.25], [0.5]], [0.75, 0.5], ["ham", "spam"], id="one column"),
        pytest.param([[0.75, 0.25], [0.1, 0.9]], [0.75, 0.9], ["ham", "spam"], id="two columns"),
    ],
)
def test_binary_scores_are_sure_of_the_class_decided_on(
    scores: Any, confidences: Any, labels: Any
) -> None:
    """
    From the threshold up the score is the confidence, below it what is left of one.
    """
    found = extractor(BinaryScore(classes=("ham", "spam")))(scores)

    assert (confidences, labels) == (np.asarray(found.confidence).tolist(), found.label)


def test_binary_logits_are_scipys_expit() -> None:
    """
    Single logits are put through the sigmoid, which is scipy's.
    """
    logits = np.array([-1000.0, -2.0, 0.0, 3.0])

    found = extractor(BinaryScore(logits=True, temperature=2.0))(logits)

    positive = special.expit(logits / 2.0)
    np.testing.assert_allclose(
        np.asarray(found.confidence), np.maximum(positive, 1.0 - positive), atol=1e-15
    )


def test_binary_scores_out_of_range_are_counted() -> None:
    """
    Scores outside 0..1 and those that are no number are counted apart.
    """
    found = extractor(BinaryScore())([float("nan"), 2.0, 0.5])

    assert {"invalid_value": 1, "out_of_range": 1} == found.rejected


@pytest.mark.parametrize(
    ("value", "reason"),
    [("0.5", "wrong_type:str"), (True, "wrong_type:bool"), ([], "confidence_missing")],
)
def test_what_is_no_binary_score_is_refused(value: Any, reason: str) -> None:
    """
    A value that is no score is counted under its reason.
    """
    assert {reason: 1} == extractor(BinaryScore())(value).rejected
