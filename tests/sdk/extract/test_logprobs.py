"""
This module tests token log-probabilities in the shapes that language models' clients return.
"""

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from otel_confidence.sdk.extract import TokenLogprobs, extractor

TOKENS: list[dict[str, Any]] = [
    {
        "token": "Pa", "logprob": -0.1, "bytes": [80, 97],
        "top_logprobs": [{"token": "Pa", "logprob": -0.1}, {"token": "Ly", "logprob": -3.0}],
    },
    {
        "token": "ris", "logprob": -0.5, "bytes": None,
        "top_logprobs": [{"token": "ri", "logprob": -1.0}],
    },
]  # fmt: skip


def _objects(value: Any) -> Any:
    """
    The same reply as objects with attributes, as the client's own models are.
    """
    if isinstance(value, dict):
        return SimpleNamespace(**{key: _objects(item) for key, item in value.items()})
    return [_objects(item) for item in value] if isinstance(value, list) else value


def _response(*choices: list[dict[str, Any]]) -> dict[str, Any]:
    return {"id": "x", "choices": [{"index": 0, "logprobs": {"content": c}} for c in choices]}


@pytest.mark.parametrize(
    ("reduce", "expected"),
    [
        ("mean", math.exp(-0.3)),
        ("perplexity", 1.0 / math.exp(0.3)),
        ("min", math.exp(-0.5)),
        ("joint", math.exp(-0.6)),
        ("first", math.exp(-0.1)),
        ("mean_probability", (math.exp(-0.1) + math.exp(-0.5)) / 2),
    ],
)
@pytest.mark.parametrize("convert", [dict, _objects], ids=["dicts", "objects"])
def test_every_reduction_of_a_chat_completion(reduce: str, expected: float, convert: Any) -> None:
    """
    A chat completion is reduced as declared, its parts being dicts or objects.
    """
    found = extractor(f"choices[0].logprobs.{reduce}")(convert(_response(TOKENS)))

    assert found.confidence == pytest.approx(expected, abs=1e-15)
    assert "logprob" == found.source


def test_alternatives_give_the_entropy() -> None:
    """
    The alternatives, the token's own and what is left are one distribution, as scipy has it.
    """
    found = extractor("choices[0].logprobs.min", uncertainty="choices[0].logprobs.entropy")(
        _response(TOKENS)
    )

    rows = [[math.exp(-0.1), math.exp(-3.0)], [math.exp(-1.0), math.exp(-0.5)]]
    whole = [[*row, max(1.0 - sum(row), 0.0)] for row in rows]
    expected = np.mean([stats.entropy(row) / math.log(3) for row in whole])
    assert found.uncertainty == pytest.approx(float(expected), abs=1e-12)
    assert "entropy" == found.method


@pytest.mark.parametrize(
    "result",
    [
        pytest.param({"token_logprobs": [-0.25, -0.75]}, id="a list of numbers"),
        pytest.param({"token_logprobs": [None, -0.25, -0.75]}, id="an echoed first token"),
        pytest.param({"token_logprobs": (-0.25, -0.75)}, id="a tuple"),
        pytest.param({"token_logprobs": np.array([-0.25, -0.75], np.float32)}, id="an array"),
        pytest.param(
            {"token_logprobs": np.ma.array([-0.25, -0.75, 0.0], mask=[False, False, True])},
            id="a padded array",
        ),
        pytest.param({"token_logprobs": {"token_logprobs": [-0.25, -0.75]}}, id="completions"),
        pytest.param([-0.25, -0.75], id="the result itself"),
    ],
)
def test_numbers_in_every_holder(result: Any) -> None:
    """
    Log-probabilities are found in lists, tuples, arrays and the older completions' shape.
    """
    found = extractor("token_logprobs.mean")(result)

    assert math.exp(-0.5) == found.confidence


def test_several_choices_are_a_batch() -> None:
    """
    Each choice of a reply is one prediction.
    """
    response = _response(TOKENS, TOKENS[:1])

    starred = extractor("choices[*].logprobs.joint")(response)
    whole = extractor(TokenLogprobs(".", reduce="joint"))(response)

    expected = [math.exp(-0.6), math.exp(-0.1)]
    assert expected == pytest.approx(np.asarray(starred.confidence).tolist())
    assert expected == pytest.approx(np.asarray(whole.confidence).tolist())


@pytest.mark.parametrize("rows", [[[-0.25], [-0.5, -1.0]], np.array([[-0.25, -0.25], [-0.75] * 2])])
def test_rows_of_numbers_are_a_batch(rows: Any) -> None:
    """
    A list of lists or a matrix has one prediction in each row.
    """
    found = extractor("token_logprobs.mean")(rows)

    assert (2, [math.exp(-0.25), math.exp(-0.75)]) == (
        found.size, np.asarray(found.confidence).tolist(),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        pytest.param([], "confidence_missing", id="no tokens"),
        pytest.param(None, "confidence_missing", id="not asked for"),
        pytest.param({"content": None}, "confidence_missing", id="no content"),
        pytest.param([-0.1, float("nan")], "invalid_value", id="no number"),
        pytest.param([0.9, 0.8], "out_of_range", id="probabilities"),
        pytest.param(["-0.1"], "wrong_type:list", id="texts"),
        pytest.param("-0.1", "wrong_type:str", id="a text"),
        pytest.param(-0.1, "wrong_type:float", id="a number"),
    ],
)
def test_what_is_no_log_probability_is_refused(value: Any, reason: str) -> None:
    """
    A value without log-probabilities is counted under its reason.
    """
    assert {reason: 1} == extractor("logprobs")({"logprobs": value}).rejected


def test_tokens_without_alternatives_have_no_entropy() -> None:
    """
    The entropy is missing where the alternatives were not asked for.
    """
    assert {"confidence_missing": 1} == extractor("logprobs.entropy")([{"logprob": -0.1}]).rejected


def test_an_impossible_token_leaves_no_confidence() -> None:
    """
    A log-probability of minus infinity makes the whole text impossible.
    """
    assert 0.0 == extractor("token_logprobs.joint")([-0.5, float("-inf")]).confidence
