"""
This module tests what becomes of a number: taken, scaled, clipped, or refused with its reason.
"""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from otel_confidence.sdk.extract import Judge, Reported, extractor


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        pytest.param(float("nan"), "invalid_value", id="not a number"),
        pytest.param(float("inf"), "invalid_value", id="infinite"),
        pytest.param(float("-inf"), "invalid_value", id="infinite downwards"),
        pytest.param(Decimal("NaN"), "invalid_value", id="a decimal that is no number"),
        pytest.param(-0.1, "out_of_range", id="below"),
        pytest.param(1.0000001, "out_of_range", id="just above"),
        pytest.param(55, "out_of_range", id="a percentage"),
        pytest.param(10**400, "overflow", id="too large for a float"),
        pytest.param(None, "confidence_missing", id="nothing"),
        pytest.param("0.9", "wrong_type:str", id="a numeric text"),
        pytest.param(b"", "wrong_type:bytes", id="bytes"),
        pytest.param([0.9], "wrong_type:list", id="a list"),
        pytest.param({}, "wrong_type:dict", id="a dict"),
        pytest.param(object(), "wrong_type:object", id="an object"),
        pytest.param(1j, "wrong_type:complex", id="a complex number"),
        pytest.param(True, "wrong_type:bool", id="a boolean"),
        pytest.param(np.bool_(True), f"wrong_type:{np.bool_.__name__}", id="numpy's boolean"),
        pytest.param(np.array([0.9]), "wrong_type:ndarray", id="a vector at a path"),
    ],
)
def test_what_is_no_confidence_is_refused_with_its_reason(value: Any, reason: str) -> None:
    """
    A value that is no confidence is counted under its reason, and the prediction stays one.
    """
    found = extractor("confidence")({"confidence": value})

    assert (None, {reason: 1}, 1) == (found.confidence, dict(found.rejected), found.size)


@pytest.mark.parametrize(
    "value",
    [0, 1, 0.5, Fraction(1, 2), Decimal("0.5"), np.int8(1), np.uint64(0), np.float16(0.5)],
    ids=lambda v: type(v).__name__,
)
def test_every_real_number_becomes_a_float(value: Any) -> None:
    """
    Real numbers of every type are taken, and handed on as Python floats.
    """
    found = extractor("confidence")({"confidence": value})

    assert (float(value), float) == (found.confidence, type(found.confidence))


def test_float32_keeps_its_own_value() -> None:
    """
    A million float32 confidences have the mean that float64 gives them, to 1e-9.
    """
    extract = extractor("confidence")
    one = np.float32(0.93)

    confidence = extract({"confidence": one}).confidence
    batch = extractor(lambda result: result)(np.full(1_000_000, one)).confidence

    assert float(one) == confidence
    assert float(np.asarray(batch).mean()) == pytest.approx(float(one), abs=1e-9)


def test_clipping_keeps_the_prediction_and_is_counted() -> None:
    """
    A clipped number is kept at the end of the range, counted, and never made of NaN.
    """
    extract = extractor("confidence", out_of_range="clip")

    above, below, neither = (extract({"confidence": c}) for c in (1.7, -3, float("nan")))

    assert (1.0, {"out_of_range": 1}) == (above.confidence, above.rejected)
    assert (0.0, {"out_of_range": 1}) == (below.confidence, below.rejected)
    assert (None, {"invalid_value": 1}) == (neither.confidence, neither.rejected)


def test_percent_is_declared_and_not_mixed() -> None:
    """
    On a percent scale 55 is 0.55, 0.55 is half a percent, and 101 is refused.
    """
    extract = extractor("confidence", scale="percent")

    assert [0.55, pytest.approx(0.0055), None] == [
        extract({"confidence": c}).confidence for c in (55, 0.55, 101)
    ]


def test_a_judges_scale_is_brought_onto_zero_to_one() -> None:
    """
    On a scale from 1 to 5 a 4 is three quarters, and 0 and 6 are refused.
    """
    extract = extractor(Judge("score", scale=(1, 5)))

    found = [extract({"score": s}) for s in (1, 4, 5, 0, 6)]
    assert [0.0, 0.75, 1.0, None, None] == [f.confidence for f in found]
    assert {"judge"} == {f.source for f in found}


def test_a_callable_may_answer_for_a_batch() -> None:
    """
    An array from a callable is one confidence for each prediction, each judged by itself.
    """
    found = extractor(np.array)([0.25, 1.5, float("nan"), 1.0])

    assert (4, {"out_of_range": 1, "invalid_value": 1}) == (found.size, found.rejected)
    np.testing.assert_array_equal(np.asarray(found.confidence), [0.25, np.nan, np.nan, 1.0])


def test_a_stated_source_is_kept() -> None:
    """
    Who knows what a number is says so, and it is kept.
    """
    found = extractor(Reported(lambda result: result / 10, source="heuristic"))(7)

    assert (0.7, "heuristic") == (found.confidence, found.source)


def test_a_constant_is_the_confidence_of_every_prediction() -> None:
    """
    A number in place of a path is given to every prediction.
    """
    extract = extractor(0.8, label="answer")

    assert (0.8, "yes") == (extract({"answer": "yes"}).confidence, extract({"answer": "yes"}).label)
