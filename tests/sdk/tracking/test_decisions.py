"""This module checks thresholds, decisions and fallbacks."""

import asyncio
import logging
from collections.abc import Iterator
from typing import Any

import pytest

import otel_confidence as oc
from otel_confidence.testing import Capture

UNSURE = {"confidence": 0.4, "label": "cat"}
SURE = {"confidence": 0.9, "label": "dog"}
BY_MODEL = "ml.model.name"


def careful(*_: Any, **__: Any) -> dict[str, Any]:
    """A model that takes its time."""
    return SURE


def unsure(*_: Any, **__: Any) -> dict[str, Any]:
    """A model that is quick."""
    return UNSURE


def _declared(telemetry: Capture, **more: Any) -> Any:
    declared = {"model": "quick", "confidence": "confidence", "threshold": 0.7, **more}
    return telemetry.track_confidence(**declared)


def test_the_fallback_answers_where_confidence_is_low(telemetry: Capture) -> None:
    """
    Below the threshold the caller gets the fallback's answer; both predictions are on record.
    """
    classify = _declared(telemetry, fallback=careful)(unsure)

    answer = classify("image")
    inner, outer = telemetry.spans()

    assert SURE is answer
    assert {"quick": 1, "careful": 1} == telemetry.by("ml.predictions", BY_MODEL)
    assert {"fallback": 1, "accept": 1} == telemetry.by("ml.predictions", "ml.prediction.decision")
    assert ("predict careful", "predict quick") == (inner.name, outer.name)
    assert inner.parent is not None
    assert outer.context is not None
    assert outer.context.span_id == inner.parent.span_id
    assert "fallback" == (outer.attributes or {})["ml.prediction.decision"]
    assert 0 == telemetry.value("ml.prediction.active")


def test_the_receipt_is_of_the_answer_given(telemetry: Capture) -> None:
    """
    The last receipt is that of the prediction the caller got.
    """
    classify = _declared(telemetry, label="label", fallback=careful)(unsure)

    classify()
    telemetry.record_outcome(oc.last_receipt(), label="dog")

    assert {"careful": 1} == telemetry.by("ml.prediction.outcomes", BY_MODEL)
    assert {"correct": 1} == telemetry.by("ml.prediction.outcomes", "ml.prediction.outcome")


def test_a_sure_answer_needs_no_fallback(telemetry: Capture) -> None:
    """
    From the threshold up the fallback is not called.
    """
    classify = _declared(telemetry, fallback=unsure)(careful)

    assert SURE is classify()
    assert {"quick": 1} == telemetry.by("ml.predictions", BY_MODEL)


@pytest.mark.parametrize("confidence", [None, float("nan"), 55, "high"])
def test_an_unknown_confidence_is_not_low(telemetry: Capture, confidence: Any) -> None:
    """
    Where no confidence can be read nothing is guessed: the answer stands, the reason is counted.
    """
    answer = {"confidence": confidence}
    classify = _declared(telemetry, fallback=careful)(lambda: answer)

    assert answer is classify()
    assert {"quick": 1} == telemetry.by("ml.predictions", BY_MODEL)
    assert 1 == sum(telemetry.dropped().values())


def test_a_failing_fallback_leaves_the_unsure_answer(caplog: pytest.LogCaptureFixture) -> None:
    """
    When the fallback raises, the caller gets the unsure answer; the error is recorded, said once.
    """
    capture = Capture(oc.Settings())

    def fail() -> None:
        raise KeyError

    classify = _declared(capture, label="label", fallback=fail)(unsure)
    with caplog.at_level(logging.WARNING):
        answers = [classify(), classify()]
    capture.record_outcome(oc.last_receipt(), label="cat")

    assert [UNSURE, UNSURE] == answers
    assert {"KeyError": 2} == capture.errors_by_type()
    assert {"fail": 2} == capture.by("ml.errors", BY_MODEL)
    assert {"quick": 2} == capture.by("ml.predictions", BY_MODEL)
    assert {"quick": 1} == capture.by("ml.prediction.outcomes", BY_MODEL)
    assert ["the unsure answer was returned: KeyError"] == [
        record.getMessage().split("contained, ")[1] for record in caplog.records
    ]


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_in_the_fallback_passes(
    telemetry: Capture, error: type[BaseException]
) -> None:
    """
    Being told to stop inside the fallback stops the call; the unsure prediction stays on record.
    """

    def stop() -> None:
        raise error

    classify = _declared(telemetry, fallback=stop)(unsure)
    with pytest.raises(error):
        classify()

    assert {"quick": 1} == telemetry.by("ml.predictions", BY_MODEL)
    assert {"cancelled": 1} == telemetry.dropped()
    assert 0 == telemetry.value("ml.prediction.active")


@pytest.mark.parametrize("fallback_awaits", [True, False])
async def test_a_coroutine_falls_back(telemetry: Capture, *, fallback_awaits: bool) -> None:
    """
    A coroutine function falls back to another one, or to a plain function.
    """

    async def quick(_: str) -> dict[str, Any]:
        await asyncio.sleep(0)
        return UNSURE

    async def slow(_: str) -> dict[str, Any]:
        await asyncio.sleep(0)
        return SURE

    classify = _declared(telemetry, fallback=slow if fallback_awaits else careful)(quick)

    assert SURE is await classify("image")
    assert 2 == telemetry.value("ml.predictions")


async def test_a_cancelled_fallback_is_cancelled(telemetry: Capture) -> None:
    """
    A task cancelled while the fallback works is cancelled, not answered.
    """
    begun = asyncio.Event()

    async def quick() -> dict[str, Any]:
        return UNSURE

    async def slow() -> None:
        begun.set()
        await asyncio.Event().wait()

    task = asyncio.ensure_future(_declared(telemetry, fallback=slow)(quick)())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert {"cancelled": 1} == telemetry.dropped()
    assert {"quick": 1} == telemetry.by("ml.predictions", BY_MODEL)


def test_a_method_falls_back_with_its_instance(telemetry: Capture) -> None:
    """
    A method's fallback is called with the same arguments, the instance first.
    """

    class Model:
        def slow(self, x: int) -> tuple[Any, int, float]:
            return self, x, 0.9

        @telemetry.track_confidence(model="quick", confidence="[2]", threshold=0.7, fallback=slow)
        def quick(self, x: int) -> tuple[Any, int, float]:
            return self, x, 0.1

    model = Model()

    assert (model, 4, 0.9) == model.quick(4)


def test_a_tracked_fallback_keeps_its_declaration(telemetry: Capture) -> None:
    """
    A fallback that is tracked already is recorded as it was declared, once; cascades nest.
    """
    last = telemetry.track_confidence(model="last", version="3", confidence="sure")(
        lambda: {"sure": 1.0}
    )
    middle = _declared(telemetry, model="middle", fallback=last)(unsure)
    first = _declared(telemetry, model="first", fallback=middle)(unsure)

    middle_answers = first()

    assert {"sure": 1.0} == middle_answers
    assert {"first": 1, "middle": 1, "last": 1} == telemetry.by("ml.predictions", BY_MODEL)


def test_a_program_falls_back_without_telemetry(telemetry: Capture) -> None:
    """
    What the program answers does not depend on whether anything is recorded.
    """
    telemetry.telemetry.enabled = False
    classify = _declared(telemetry, fallback=careful)(unsure)

    assert SURE is classify()
    assert 0 == telemetry.value("ml.predictions")


def test_rows_of_a_batch_do_not_fall_back(telemetry: Capture) -> None:
    """
    A batch is answered as it is, for it is one answer; its low rows count as abstained.
    """
    rows = [{"confidence": 0.4}, {"confidence": 0.9}]
    classify = _declared(telemetry, confidence="[*].confidence", fallback=careful)(lambda: rows)

    assert rows is classify()
    assert {"abstain": 1, "accept": 1} == telemetry.by("ml.predictions", "ml.prediction.decision")


def test_thresholds_are_bucket_edges(telemetry: Capture) -> None:
    """
    Every threshold declared before the first prediction is an edge of the confidence histogram.
    """
    for threshold in (0.73, 0.42):
        telemetry.track_confidence(model="m", threshold=threshold)
    with telemetry.prediction(model="m", threshold=0.33) as p:
        p.set(confidence=0.5)
    (point,) = telemetry.points("ml.prediction.confidence")

    assert {0.73, 0.42, 0.33, 0.05, 1.0} <= set(point.buckets or {})


def test_several_thresholds_decide(telemetry: Capture) -> None:
    """
    Each decision begins at its own threshold, all of which are bucket edges.
    """
    thresholds = {"accept": 0.91, "escalate": 0.61}

    @telemetry.track_confidence(model="m", confidence=lambda result: result, thresholds=thresholds)
    def classify(confidence: float) -> float:
        return confidence

    for confidence in (0.5, 0.7, 0.95):
        classify(confidence)
    with telemetry.prediction(model="m", thresholds=thresholds) as p:
        p.set(confidence=0.7)
    (abstained, *_) = telemetry.points("ml.prediction.confidence")

    assert {"abstain": 1, "escalate": 2, "accept": 1} == telemetry.by(
        "ml.predictions", "ml.prediction.decision"
    )
    assert {0.61, 0.91} <= set(abstained.buckets or {})
    assert 3 == len(telemetry.events("ml.prediction.low_confidence"))


def _stream() -> Iterator[dict[str, Any]]:
    yield SURE


async def _later() -> dict[str, Any]:
    return SURE


@pytest.mark.parametrize(
    ("function", "declared", "reason"),
    [
        (_stream, {"fallback": careful}, "a stream can't fall back"),
        (unsure, {"fallback": _later}, "can't await its fallback"),
        (unsure, {"fallback": "careful"}, "fallback must be a function"),
        (unsure, {"fallback": careful, "threshold": None}, "needs threshold="),
        (unsure, {"thresholds": {"accept": 0.9}}, "either threshold= or thresholds="),
        (unsure, {"scale": "percents"}, "scale"),
        (unsure, {"out_of_range": "wrap"}, "out_of_range"),
    ],
)
def test_what_can_not_fall_back_is_refused(
    telemetry: Capture, function: Any, declared: dict[str, Any], reason: str
) -> None:
    """
    A declaration that can't work fails when decorating, saying why.
    """
    with pytest.raises(oc.ConfigurationError, match=reason):
        _declared(telemetry, **declared)(function)


def test_percentages_and_clipping_are_declared(telemetry: Capture) -> None:
    """
    A declared scale turns percentages into confidences; what is outside may be clipped.
    """

    @telemetry.track_confidence(
        model="m", confidence="confidence", scale="percent", out_of_range="clip"
    )
    def classify(percent: float) -> dict[str, float]:
        return {"confidence": percent}

    classify(55)
    classify(101)
    (point,) = telemetry.points("ml.prediction.confidence")

    assert (1.55, 2) == (point.value, point.count)
    assert {"out_of_range": 1} == telemetry.dropped()
