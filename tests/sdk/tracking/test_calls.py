"""This module checks what one call records and what it leaves untouched."""

import asyncio
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import StatusCode

import otel_confidence as oc
from otel_confidence import conventions
from otel_confidence.sdk.current import used
from otel_confidence.testing import Capture

MODEL = {"ml.model.name": "m", "ml.model.version": "1"}
SURE = {"confidence": 0.9, "label": "cat"}


def _only(spans: list[ReadableSpan]) -> ReadableSpan:
    (span,) = spans
    return span


def _span_id(span: ReadableSpan) -> int:
    assert span.context is not None
    found: int = span.context.span_id
    return found


def test_call_leaves_all_its_signals(telemetry: Capture) -> None:
    """
    One call makes one of each histogram, count, span and result event, linked by ids.
    """

    @telemetry.track_confidence(
        model="m", version="1", confidence="confidence", label="label", threshold=0.7
    )
    def classify() -> dict[str, Any]:
        telemetry.clock.advance(0.25)
        return SURE

    classify()
    (confidence,) = telemetry.points("ml.prediction.confidence")
    (duration,) = telemetry.points("ml.prediction.duration")
    span = _only(telemetry.spans("predict m"))
    (event,) = telemetry.events()

    assert (0.9, 1) == (confidence.value, confidence.count)
    assert MODEL | {
        "ml.prediction.confidence.source": "reported",
        "ml.prediction.decision": "accept",
    } == dict(confidence.attributes)
    assert (0.25, 1, MODEL) == (duration.value, duration.count, duration.attributes)
    assert 1 == telemetry.value(
        "ml.predictions", ml_prediction_decision="accept", ml_prediction_confidence_tier="high"
    )
    assert 1 == telemetry.value("ml.predictions")
    assert {
        **MODEL,
        "ml.prediction.id": f"{1:016x}",
        "ml.prediction.confidence": 0.9,
        "ml.prediction.confidence.source": "reported",
        "ml.prediction.confidence.tier": "high",
        "ml.prediction.decision": "accept",
        "ml.prediction.threshold": 0.7,
        "ml.prediction.label": "cat",
    } == dict(span.attributes or {})
    assert {"event.name": "ml.prediction.result", **(span.attributes or {})} == event.attributes
    assert span.context is not None
    assert (span.context.trace_id, span.context.span_id) == (event.trace_id, event.span_id)
    assert ("ml.prediction.result", "INFO") == (event.name, event.severity)


def test_low_confidence_is_told(telemetry: Capture) -> None:
    """
    A prediction below its threshold abstains and leaves a warning, even when nothing is sampled.
    """
    capture = Capture(oc.Settings(strict=True, event_sample_ratio=0))

    with capture.prediction(model="m", threshold=0.7) as p:
        p.set(confidence=0.69999, label="cat")
    (event,) = capture.events()

    assert ("ml.prediction.low_confidence", "WARN") == (event.name, event.severity)
    assert {"abstain": 1} == capture.by("ml.predictions", "ml.prediction.decision")
    assert [] == telemetry.events()


def test_everything_countable_begins_at_zero(telemetry: Capture) -> None:
    """
    Decorating publishes zero for every decision, tier, outcome and calibration bin of the source.
    """
    telemetry.track_confidence(model="m", confidence="proba.max", threshold=0.7)
    decided = {p.attributes["ml.prediction.decision"] for p in telemetry.points("ml.predictions")}

    assert {"accept", "abstain"} == decided
    assert 2 == len(telemetry.points("ml.prediction.outcomes"))
    for name in ("predictions", "confidence", "correct", "squared_error"):
        bins = telemetry.points(f"ml.calibration.{name}")
        assert [f"{n / 10}" for n in range(1, 11)] == [
            p.attributes["ml.calibration.bin"] for p in bins
        ]
        assert {"probability"} == {p.attributes["ml.prediction.confidence.source"] for p in bins}
        assert {0} == {p.value for p in bins}


def test_bins_of_an_unknown_source_begin_with_the_first_prediction(telemetry: Capture) -> None:
    """
    Where only the result tells the source, its bins stand at zero before any truth can come.
    """
    telemetry.track_confidence(model="m")
    before = telemetry.points("ml.calibration.correct")
    with telemetry.prediction(model="m") as p:
        p.set(confidence=0.5)

    assert [] == before
    assert [0] * 10 == [point.value for point in telemetry.points("ml.calibration.correct")]


def test_late_threshold_is_said_once(telemetry: Capture, caplog: pytest.LogCaptureFixture) -> None:
    """
    A threshold that comes too late to be an edge is named in one warning.
    """
    with telemetry.prediction(model="m") as p:
        p.set(confidence=0.5)
    for _ in range(2):
        telemetry.track_confidence(model="m", threshold=0.73)

    assert ["0.73"] == [str(r.args[0]) for r in caplog.records if isinstance(r.args, tuple)]


def test_result_is_the_very_object(telemetry: Capture) -> None:
    """
    What the function returns is what the caller gets.
    """
    result = dict(SURE)

    @telemetry.track_confidence(model="m", confidence="confidence")
    def classify() -> dict[str, Any]:
        return result

    assert result is classify()


def test_error_keeps_the_users_exception(telemetry: Capture) -> None:
    """
    A failing function raises its own exception and counts one error.
    """
    error = KeyError("x")

    @telemetry.track_confidence(model="m", version="1", confidence="confidence")
    def fail() -> None:
        raise error

    with pytest.raises(KeyError) as caught:
        fail()
    span = _only(telemetry.spans())
    (duration,) = telemetry.points("ml.prediction.duration")

    assert error is caught.value
    assert {"KeyError": 1} == telemetry.errors_by_type()
    assert StatusCode.ERROR is span.status.status_code
    assert "KeyError" == (span.attributes or {})["error.type"]
    assert MODEL | {"error.type": "KeyError"} == duration.attributes
    assert 0 == telemetry.value("ml.predictions")
    assert 0 == telemetry.value("ml.prediction.active")


def test_failed_call_has_no_receipt(telemetry: Capture) -> None:
    """
    After a failed call there is no receipt: not even that of the call before.
    """

    @telemetry.track_confidence(model="m", confidence="confidence")
    def classify(result: dict[str, Any]) -> dict[str, Any]:
        return {"confidence": result["confidence"]}

    classify(SURE)
    before = oc.last_receipt()
    with pytest.raises(KeyError):
        classify({})

    assert before
    assert "" == oc.last_receipt()


def test_error_without_text_keeps_its_place(telemetry: Capture) -> None:
    """
    An exception whose text raises is not replaced by another; its text is never asked for.
    """

    class Mute(Exception):  # noqa: N818
        def __str__(self) -> str:
            raise RuntimeError

        __repr__ = __str__

    with pytest.raises(Mute), telemetry.prediction(model="m"):
        raise Mute

    assert {"Mute": 1} == telemetry.errors_by_type()


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, asyncio.CancelledError])
def test_cancellation_is_no_error(telemetry: Capture, error: type[BaseException]) -> None:
    """
    Being told to stop passes through and is accounted for as cancelled.
    """
    with pytest.raises(error), telemetry.prediction(model="m"):
        raise error

    assert {} == telemetry.errors_by_type()
    assert {"cancelled": 1} == telemetry.dropped()
    assert StatusCode.UNSET is _only(telemetry.spans()).status.status_code


def test_raising_extractor_is_contained() -> None:
    """
    A confidence callable that raises costs the confidence, not the result or the count.
    """
    capture = Capture(oc.Settings())

    def extract(_: object) -> float:
        raise RuntimeError

    @capture.track_confidence(model="m", confidence=extract)
    def classify() -> str:
        return "cat"

    assert "cat" == classify()
    assert 1 == capture.value("ml.predictions")
    assert {"extractor_failed": 1} == capture.dropped()
    assert 1 == capture.value("otel_confidence.internal.errors", error_type="RuntimeError")


def test_duration_leaves_extraction_out(telemetry: Capture) -> None:
    """
    The clock stops when the function returns, before anything is extracted.
    """

    def extract(_: object) -> float:
        telemetry.clock.advance(5)
        return 0.5

    @telemetry.track_confidence(model="m", confidence=extract)
    def classify() -> None:
        telemetry.clock.advance(1)

    classify()

    assert [1] == [p.value for p in telemetry.points("ml.prediction.duration")]


def test_wrong_prediction_is_recorded_elsewhere(caplog: pytest.LogCaptureFixture) -> None:
    """
    Opening a prediction under a wrong name raises nothing: it counts as of another model.
    """
    capture = Capture(oc.Settings())

    with capture.prediction(model="") as p:
        p.set(confidence=0.5)

    assert {"_OTHER": 1} == capture.by("ml.predictions", "ml.model.name")
    assert 1 == len(caplog.records)


def test_nested_predictions_are_child_spans(telemetry: Capture) -> None:
    """
    A prediction made inside another one is its child.
    """
    with telemetry.prediction(model="outer") as outer:
        with telemetry.prediction(model="inner") as inner:
            inner.set(confidence=0.5)
        outer.set(confidence=0.5)
    inner_span, outer_span = telemetry.spans()

    assert inner_span.parent is not None
    assert outer_span.context is not None
    assert outer_span.context.span_id == inner_span.parent.span_id


def test_generative_span_is_annotated(telemetry: Capture) -> None:
    """
    Inside a span of a generative call there is no second span: the first one says it all.
    """
    with (
        telemetry.tracer.start_as_current_span("chat", attributes={"gen_ai.system": "x"}),
        telemetry.prediction(model="m") as p,
    ):
        p.set(confidence=0.5)
    span = _only(telemetry.spans())

    assert "chat" == span.name
    assert 0.5 == (span.attributes or {})["ml.prediction.confidence"]


def test_recording_without_providers_is_silent(recwarn: pytest.WarningsRecorder) -> None:
    """
    Where nothing is configured, tracked code runs, nothing is said, and the ledger knows.
    """
    telemetry = oc.Telemetry()

    @oc.track_confidence(model="m", confidence="confidence", telemetry=telemetry)
    def classify() -> dict[str, Any]:
        return SURE

    assert SURE is classify()
    assert 0 == len(recwarn)
    assert 1 == telemetry.sums.value(conventions.DROPPED, otel_confidence_reason="no_provider")


def test_uncertainty_is_measured(telemetry: Capture) -> None:
    """
    A stated uncertainty is recorded by its method; one that can't be is counted.
    """
    for uncertainty in (0.25, -1, "high"):
        with telemetry.prediction(model="m") as p:
            p.set(confidence=0.5, uncertainty=uncertainty, method="entropy")
    (point,) = telemetry.points("ml.prediction.uncertainty")

    assert (0.25, 1) == (point.value, point.count)
    assert "entropy" == point.attributes["ml.prediction.uncertainty.method"]
    assert {"invalid_value": 2} == telemetry.dropped()


def test_functions_decorated_before_and_after_configuring_work_alike(
    telemetry: Capture, caplog: pytest.LogCaptureFixture
) -> None:
    """
    What was decorated earlier records where it is configured now; after shutdown it just runs.
    """

    @oc.track_confidence(model="m", confidence="confidence")
    def classify() -> dict[str, Any]:
        return SURE

    later = Capture()

    with used(later.telemetry):
        during = classify()
        later.telemetry.closed = True
        after = classify()

    assert [SURE, SURE] == [during, after]
    assert 1 == later.value("ml.predictions")
    assert {"shutdown": 1} == later.dropped()
    assert 0 == telemetry.value("ml.predictions")
    assert [] == caplog.records
