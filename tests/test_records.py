"""This module checks records of predictions: plain values, and nothing that would cost a batch."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from otel_confidence.errors import InvalidRecord
from otel_confidence.records import Failure, Feedback, Link, Outcome, Prediction


@pytest.mark.parametrize(
    "confidence", [np.float32(0.5), np.float64(0.5), np.array(0.5)], ids=["f32", "f64", "0-d"]
)
def test_a_number_of_any_library_is_kept_as_a_float(confidence: Any) -> None:
    """
    Exemplars and events carry Python's floats: others fail when they are encoded.
    """
    kept = Prediction("m", confidence=confidence, uncertainty=confidence)

    assert (float, 0.5) == (type(kept.confidence), kept.confidence)
    assert (float, 0.5) == (type(kept.uncertainty), kept.uncertainty)


def test_a_batch_keeps_its_column() -> None:
    """
    A column is taken as it is, NaN where a confidence is unknown.
    """
    column = np.array([0.5, math.nan, 1.0])

    assert Prediction("m", confidence=column, size=3).confidence is column


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: Prediction(""), "missing"),
        (lambda: Prediction(5), "wrong_type"),  # type: ignore[arg-type]
        (lambda: Prediction("m", confidence=math.nan), "invalid_value"),
        (lambda: Prediction("m", confidence=np.array([0.5, 2.0])), "out_of_range"),
        (lambda: Prediction("m", confidence=np.array([[0.5]])), "wrong_type"),
        (lambda: Prediction("m", confidence=np.array(["a"])), "wrong_type"),
        (lambda: Prediction("m", confidence=[0.5]), "wrong_type"),  # type: ignore[arg-type]
        (lambda: Prediction("m", uncertainty=math.inf), "invalid_value"),
        (lambda: Prediction("m", uncertainty=np.array([math.inf])), "out_of_range"),
        (lambda: Prediction("m", size=2**63), "overflow"),
        (lambda: Prediction("m", size=1.5), "wrong_type"),  # type: ignore[arg-type]
        (lambda: Prediction("m", id=2**64), "invalid_value"),
        (lambda: Prediction("m", id=-1), "invalid_value"),
        (lambda: Prediction("m", time_s=-1), "out_of_range"),
        (lambda: Prediction("m", time_s=1e12), "out_of_range"),
        (lambda: Prediction("m", duration_s=math.nan), "invalid_value"),
        (lambda: Prediction("m", method="guess"), "invalid_value"),
        (lambda: Outcome("m", source="\ud800"), "invalid_value"),
        (lambda: Outcome("m", correct=2), "out_of_range"),
        (lambda: Outcome("m", truth=4), "wrong_type"),  # type: ignore[arg-type]
        (lambda: Outcome("m", delay_s=math.inf), "invalid_value"),
        (lambda: Feedback("m", score=1, comment=b"x"), "wrong_type"),  # type: ignore[arg-type]
        (Failure, "missing"),
        (lambda: Failure("m", error_type=KeyError), "wrong_type"),  # type: ignore[arg-type]
        (lambda: Failure("m", recovered="yes"), "invalid_value"),  # type: ignore[arg-type]
        (lambda: Failure("m", impact="huge"), "invalid_value"),
        (lambda: Link(trace_id=2**128), "invalid_value"),
        (lambda: Link(span_id=-1), "invalid_value"),
    ],
)
def test_what_no_exporter_could_carry_is_refused(make: Callable[[], object], reason: str) -> None:
    """
    A record that would fail in export fails when it is made, by itself.
    """
    with pytest.raises(InvalidRecord) as caught:
        make()

    assert reason == caught.value.reason
