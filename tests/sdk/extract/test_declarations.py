"""
This module tests declarations: what they spell, and that a wrong one fails at once.
"""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from otel_confidence.errors import ConfigurationError
from otel_confidence.sdk.extract import (
    AnomalyScore,
    BinaryScore,
    Ensemble,
    Extracted,
    Interval,
    Judge,
    Logits,
    Measured,
    PredictionSet,
    Probabilities,
    Reported,
    TokenLogprobs,
    Tolerance,
    Verbalized,
    extractor,
)

NESTED = {
    "result": {"scores": [0.25, 0.75], "two words": 0.5, "max": 0.125, "7": 1.0, 7: 0.0},
    "rows": [{"c": 0.25, "l": "a"}, {"c": 0.5, "l": "b"}],
    "frame": pd.DataFrame({"c": [0.25, 0.5], "l": ["a", "b"]}, index=[8, 9]),
}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("result.scores[0]", 0.25),
        ("result.scores[-1]", 0.75),
        ("result[two words]", 0.5),
        ("result['two words']", 0.5),
        ('result["max"]', 0.125),
        ('result["7"]', 1.0),
        ("result[7]", 0.0),
        ("rows[1].c", 0.5),
        ("frame[0].c", 0.25),
        ("frame.c[1]", 0.5),
    ],
)
def test_a_path_leads_to_a_number(path: str, expected: float) -> None:
    """
    Names, indices, positions of pandas and quoted keys lead to the number.
    """
    assert expected == extractor(path)(NESTED).confidence


@pytest.mark.parametrize(
    ("confidence", "label"),
    [("rows[*].c", "rows[*].l"), ("frame[*].c", "frame.l"), ("frame.c[*]", "frame[*].l")],
)
def test_a_star_makes_a_batch(confidence: str, label: str) -> None:
    """
    A star takes every element, be it of a list, a frame's rows or a column.
    """
    found = extractor(confidence, label=label)(NESTED)

    assert ([0.25, 0.5], ["a", "b"]) == (np.asarray(found.confidence).tolist(), found.label)


@pytest.mark.parametrize(
    "path", ["result.none", "result.scores[9]", "rows[x]", "none[*].c", "result.scores.c"]
)
def test_a_path_that_ends_early_is_counted(path: str) -> None:
    """
    A path that leads nowhere leaves one prediction without confidence.
    """
    found = extractor(path)(NESTED)

    assert (None, {"confidence_missing": 1}) == (found.confidence, found.rejected)


def test_looking_makes_no_entry() -> None:
    """
    Looking for a key in a defaultdict leaves it as it was.
    """
    result: defaultdict[str, float] = defaultdict(float)

    extractor("confidence", label="label")(result)

    assert {} == result


def test_a_fault_of_the_users_own_passes() -> None:
    """
    What the user's callable or property raises is not hidden by the extractor.
    """
    with pytest.raises(ZeroDivisionError):
        extractor(lambda result: 1 / result)(0)


@pytest.mark.parametrize(
    ("text", "declaration"),
    [
        ("proba.margin", Probabilities("proba", reduce="margin")),
        ("out.probs[dog]", Probabilities("out.probs", reduce="dog")),
        ("out[0].logits.entropy", Logits("out[0].logits", reduce="entropy")),
        ("a.token_logprobs.min", TokenLogprobs("a.token_logprobs", reduce="min")),
        ("a.logprobs.content.joint", TokenLogprobs("a.logprobs.content", reduce="joint")),
        ("members.std", Ensemble(uncertainty="std")),
        ("scores.max", Probabilities("scores")),
        ("max", Probabilities(".")),
        ("interval", Interval()),
    ],
)
def test_a_text_spells_a_declaration(text: str, declaration: Any) -> None:
    """
    A text and the object it stands for read alike.
    """
    results: list[Any] = [
        {"proba": [0.5, 0.25, 0.25]},
        {"out": {"probs": {"dog": 0.25, "cat": 0.75}}},
        {"out": [{"logits": [1.0, 2.0]}]},
        {"a": {"token_logprobs": [-0.5, -0.25], "logprobs": {"content": [{"logprob": -0.5}]}}},
        {"members": [[0.5, 0.5], [0.25, 0.75]]},
        {"scores": [0.25, 0.75]},
        [0.25, 0.75],
        {"interval": (1, 2)},
    ]

    spelled = [extractor(text)(result) for result in results]

    assert [extractor(declaration)(result) for result in results] == spelled
    assert any(found.confidence is not None for found in spelled)


@pytest.mark.parametrize(
    ("declare", "right"),
    [
        pytest.param(lambda: extractor(""), "names joined by dots", id="an empty path"),
        pytest.param(lambda: extractor("a..b"), "names joined by dots", id="two dots"),
        pytest.param(lambda: extractor("a."), "names joined by dots", id="a dot at the end"),
        pytest.param(lambda: extractor("a[0"), "names joined by dots", id="an open bracket"),
        pytest.param(lambda: extractor("a b"), "names joined by dots", id="a blank"),
        pytest.param(lambda: extractor("proba.mean"), "max, margin, entropy", id="a reduction"),
        pytest.param(lambda: extractor("prediction_set"), "alpha=0.1", id="a set without alpha"),
        pytest.param(lambda: extractor(object()), "such as Probabilities", id="an object"),  # type: ignore[arg-type]  # wrong on purpose
        pytest.param(lambda: extractor(Logits), "not the class Logits", id="a class"),
        pytest.param(lambda: extractor(True), r"within 0\.\.1", id="a boolean"),
        pytest.param(lambda: extractor(1.5), r"within 0\.\.1", id="a number outside"),
        pytest.param(lambda: extractor("c", label=3), "a path", id="a label that is no place"),  # type: ignore[arg-type]  # wrong on purpose
        pytest.param(lambda: extractor("proba", scale="percent"), "plain number", id="a scale"),
        pytest.param(lambda: extractor("c", scale="promille"), "percent", id="an unknown scale"),
        pytest.param(lambda: extractor("c", scale=(5, 1)), "lowest, highest", id="ends reversed"),
        pytest.param(lambda: extractor("c", out_of_range="drop"), '"clip"', id="a policy"),  # type: ignore[arg-type]  # wrong on purpose
        pytest.param(lambda: extractor("c", uncertainty="sigma"), "Measured", id="no method"),
        pytest.param(lambda: extractor("c", uncertainty="proba.max"), "Measured", id="a maximum"),
        pytest.param(lambda: extractor("c", uncertainty=Logits()), "entropy or margin", id="none"),
        pytest.param(lambda: extractor("c", uncertainty=len), "Measured", id="a callable"),  # type: ignore[arg-type]  # wrong on purpose
        pytest.param(lambda: extractor("c", tolerance=-1), "positive", id="a negative tolerance"),
        pytest.param(Tolerance, "positive", id="no tolerance"),
        pytest.param(lambda: Reported("c", source="gut"), "judge", id="an unknown source"),
        pytest.param(lambda: Logits(temperature=0), "positive number", id="no temperature"),
        pytest.param(lambda: Logits(temperature=float("nan")), "positive", id="a NaN temperature"),
        pytest.param(lambda: Probabilities(reduce=0.5), "or a class", id="a reduction of a number"),  # type: ignore[arg-type]  # wrong on purpose
        pytest.param(lambda: Probabilities(reduce="x", classes=["a"]), "among", id="no such class"),
        pytest.param(lambda: Probabilities(reduce=1, classes=[]), "a list", id="no classes"),
        pytest.param(
            lambda: Probabilities(reduce="entropy", independent=True), "no entropy", id="no sum"
        ),
        pytest.param(lambda: BinaryScore(threshold=1.0), "between 0 and 1", id="a threshold"),
        pytest.param(lambda: BinaryScore(classes=("a",)), "pair", id="one class"),  # type: ignore[arg-type]  # wrong on purpose
        pytest.param(lambda: PredictionSet(alpha=1.0), "between 0 and 1", id="alpha of one"),
        pytest.param(lambda: PredictionSet(alpha=0.1, classes=[]), "empty", id="a set of nothing"),
        pytest.param(Judge, r"scale=\(1, 5\)", id="a judge without scale"),
        pytest.param(lambda: Interval(lower="a"), "upper=", id="half an interval"),
        pytest.param(lambda: Interval(widest=0), "positive", id="no width"),
        pytest.param(lambda: Interval(source="gut"), "conformal", id="an interval's source"),
        pytest.param(AnomalyScore, "training data", id="no reference"),
        pytest.param(
            lambda: AnomalyScore(reference=[1.0], stranger="up"),  # type: ignore[arg-type]  # wrong on purpose
            '"lower"',
            id="no direction",
        ),
        pytest.param(lambda: Verbalized(words={"sure": 2}), r"within 0\.\.1", id="a word above"),
        pytest.param(lambda: Measured("c", method="sigma"), "std", id="an unknown method"),
        pytest.param(lambda: Ensemble(uncertainty="var"), "std", id="an unknown spread"),  # type: ignore[arg-type]  # wrong on purpose
        pytest.param(lambda: TokenLogprobs(reduce="max"), "perplexity", id="a token reduction"),  # type: ignore[arg-type]  # wrong on purpose
    ],
)
def test_a_wrong_declaration_says_what_would_be_right(
    declare: Callable[[], object], right: str
) -> None:
    """
    A wrong declaration fails when it is declared, with a sentence that helps.
    """
    with pytest.raises(ConfigurationError, match=right):
        declare()


@pytest.mark.parametrize("method", ["std", "interval_width"])
def test_an_uncertainty_is_measured(method: str) -> None:
    """
    A stated uncertainty is taken with its method, and what is none is left out.
    """
    extract = extractor("c", uncertainty=Measured("u", method=method))

    one = extract({"c": 0.5, "u": 3})
    none = extract({"c": 0.5, "u": -1.0})

    assert (3.0, method) == (one.uncertainty, one.method)
    assert (None, "") == (none.uncertainty, none.method)


def test_a_path_may_end_in_its_method() -> None:
    """
    A path whose last name is an uncertainty's method needs no more words.
    """
    found = extractor("c", uncertainty="posterior.std")({"c": 0.5, "posterior": {"std": 0.25}})

    assert (0.25, "std") == (found.uncertainty, found.method)


@pytest.mark.parametrize(
    ("labels", "label", "rejected"),
    [
        pytest.param(np.array([3, 4]), [3, 4], {}, id="an array"),
        pytest.param(pd.Series(["a", "b"]), ["a", "b"], {}, id="a series"),
        pytest.param(("a", "b"), ["a", "b"], {}, id="a tuple"),
        pytest.param(None, None, {}, id="none"),
        pytest.param(["a"], None, {"label_mismatch": 2}, id="too few"),
        pytest.param("ab", None, {"label_mismatch": 2}, id="a text of as many letters"),
    ],
)
def test_labels_of_a_batch(labels: Any, label: Any, rejected: dict[str, int]) -> None:
    """
    A batch takes as many labels as it has predictions, as Python's own values.
    """
    found = extractor("proba", label="y")({"proba": np.full((2, 2), 0.5), "y": labels})

    assert (label, rejected) == (found.label, dict(found.rejected))


def test_a_batch_of_one_is_one_prediction() -> None:
    """
    One row of a matrix and its one label are a single prediction.
    """
    found = extractor("proba", label="y")({"proba": np.array([[0.25, 0.75]]), "y": np.array([7])})

    assert Extracted(0.75, 7, "probability", batch=True) == found
    assert int is type(found.label)
