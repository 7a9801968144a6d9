"""
This module tests what is found when nothing is declared, and what is not guessed.
"""

from enum import Enum
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import pytest

from otel_confidence.sdk.extract import extractor


class Animal(Enum):
    """
    Labels as an enumeration.
    """

    CAT = 1


_REPLY = {"choices": [{"logprobs": {"content": [{"token": "a", "logprob": 0.0}]}}]}


@pytest.mark.parametrize(
    ("result", "confidence", "label", "source"),
    [
        pytest.param({"confidence": 0.5, "label": "a"}, 0.5, "a", "reported", id="named fields"),
        pytest.param(SimpleNamespace(confidence=0.5), 0.5, None, "reported", id="an attribute"),
        pytest.param(("a", 0.5), 0.5, "a", "reported", id="a text and a float"),
        pytest.param((3, np.float32(0.5)), 0.5, 3, "reported", id="an index and a numpy float"),
        pytest.param((Animal.CAT, 0.5), 0.5, Animal.CAT, "reported", id="a member and a float"),
        pytest.param(
            {"proba": [0.25, 0.75], "label": 7}, 0.75, 7, "probability", id="named probabilities"
        ),
        pytest.param(_REPLY, 1.0, None, "logprob", id="a reply with log-probabilities"),
        pytest.param(np.array([0.25, 0.75]), 0.75, None, "probability", id="a distribution"),
        pytest.param([0.25, 0.75], 0.75, None, "probability", id="a listed distribution"),
        pytest.param(np.array([[0.25, 0.75]]), 0.75, None, "probability", id="one row"),
        pytest.param({"a": 0.25, "b": 0.75}, 0.75, "b", "probability", id="class to probability"),
        pytest.param(np.eye(3, dtype=np.float32)[0], 1.0, None, "probability", id="saturated"),
    ],
)
def test_an_unmistakable_shape_is_found(
    result: Any, confidence: float, label: Any, source: str
) -> None:
    """
    A documented shape is found without a declaration.
    """
    found = extractor()(result)

    assert (confidence, label, source) == (found.confidence, found.label, found.source)


@pytest.mark.parametrize(
    ("result", "confidences", "labels"),
    [
        pytest.param(np.array([[0.25, 0.75], [0.5, 0.5]]), [0.75, 0.5], None, id="a matrix"),
        pytest.param(
            [{"confidence": 0.25, "label": "x"}, {"confidence": 0.5}], [0.25, 0.5], ["x", None],
            id="records",
        ),
    ],
)  # fmt: skip
def test_an_unmistakable_batch_is_found(result: Any, confidences: Any, labels: Any) -> None:
    """
    A matrix of distributions or a list of records is a batch.
    """
    found = extractor()(result)

    assert (confidences, labels) == (np.asarray(found.confidence).tolist(), found.label)


@pytest.mark.parametrize(
    "result",
    [
        pytest.param(None, id="nothing"),
        pytest.param(0.5, id="a bare number"),
        pytest.param("cat", id="a text"),
        pytest.param((0.25, 0.75), id="a pair of floats"),
        pytest.param(("cat", 1), id="a text and an integer"),
        pytest.param(("cat", 1.5), id="a text and a float outside"),
        pytest.param([0, 1], id="integers"),
        pytest.param([0.25, 0.5], id="floats of another sum"),
        pytest.param([1.0], id="a single float"),
        pytest.param(np.array([0.33, 0.33, 0.33]), id="rounded floats"),
        pytest.param(np.array([1.5, -0.5]), id="floats outside that sum to one"),
        pytest.param({"score": 0.9, "label": "cat"}, id="a score"),
        pytest.param([], id="an empty list"),
        pytest.param({}, id="an empty dict"),
        pytest.param({"choices": [{"logprobs": None}]}, id="a reply without log-probabilities"),
        pytest.param(object(), id="an object"),
        pytest.param(MagicMock(), id="a mock that has every attribute"),
        pytest.param((p for p in [0.5]), id="a generator"),
    ],
)
def test_a_doubtful_shape_is_not_guessed(result: Any) -> None:
    """
    When in doubt no confidence is found, one prediction counts, and the reason is said.
    """
    found = extractor()(result)

    assert (None, 1, {"confidence_missing": 1}) == (found.confidence, found.size, found.rejected)


@pytest.mark.parametrize(
    ("stated", "reason"),
    [("high", "wrong_type:str"), (85, "out_of_range"), ([0.9], "wrong_type:list")],
)
def test_a_named_confidence_is_never_reinterpreted(stated: Any, reason: str) -> None:
    """
    What is called confidence and is none is refused, though other rules would fit.
    """
    found = extractor()({"confidence": stated, "proba": [0.5, 0.5]})

    assert {reason: 1} == found.rejected


def test_a_declared_label_goes_with_a_found_confidence() -> None:
    """
    A label may be declared alone, the confidence being found.
    """
    found = extractor(label="answer")({"confidence": 0.5, "answer": "yes", "label": "no"})

    assert (0.5, "yes") == (found.confidence, found.label)
