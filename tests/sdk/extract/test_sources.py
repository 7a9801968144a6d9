"""This module checks that a declaration knows its source before anything was predicted."""

from typing import Any

import pytest

from otel_confidence.sdk.extract import (
    AnomalyScore,
    BinaryScore,
    Ensemble,
    Interval,
    Judge,
    Logits,
    PredictionSet,
    Probabilities,
    Reported,
    TokenLogprobs,
    Verbalized,
    Votes,
    extractor,
    source_of,
)


class _Given:
    """A callable that is no declaration."""

    source = "mine"

    def __call__(self, result: float) -> float:
        return result


PROBA = [0.2, 0.8]
CASES: dict[str, tuple[Any, Any]] = {
    "a number": (0.9, None),
    "a path": ("confidence", {"confidence": 0.9}),
    "a callable": (lambda result: result, 0.9),
    "a callable with a source of its own": (_Given(), 1.0),
    "probabilities": ("proba.max", PROBA),
    "a margin": ("proba.margin", PROBA),
    "a class": (Probabilities(reduce=1), PROBA),
    "a binary score": (BinaryScore(), 0.9),
    "a binary logit": (BinaryScore(logits=True), 2.0),
    "logits": ("logits", PROBA),
    "a margin of logits": (Logits(reduce="margin"), PROBA),
    "log-probabilities": (TokenLogprobs(), [-0.1, -0.2]),
    "an ensemble": ("members", [PROBA, PROBA]),
    "an ensemble's margin": (Ensemble(reduce="margin"), [PROBA, PROBA]),
    "votes": (Votes(), ["a", "b"]),
    "a prediction set": (PredictionSet(alpha=0.1), {"a", "b"}),
    "an interval": (Interval(), (1.0, 2.0)),
    "a conformal interval": (Interval(source="conformal"), (1.0, 2.0)),
    "words": (Verbalized(), {"confidence": "high"}),
    "a judge": (Judge(scale=(1, 5)), {"score": 4}),
    "an anomaly score": (AnomalyScore(reference=[1.0, 2.0]), 1.5),
    "a reported heuristic": (Reported(source="heuristic"), 0.9),
}


@pytest.mark.parametrize(("declared", "result"), CASES.values(), ids=CASES)
def test_the_source_is_known_when_declared(declared: Any, result: Any) -> None:
    """
    What a declaration says its source is, is what every result it reads carries.
    """
    assert source_of(declared) == extractor(declared)(result).source
    assert source_of(declared)


def test_nothing_declared_has_no_source_yet() -> None:
    """
    What is found by its shape is known by the result alone.
    """
    assert not source_of(None)
