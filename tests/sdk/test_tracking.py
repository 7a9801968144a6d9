"""This module checks what tracking leaves untouched and what it records."""

import asyncio
import functools
import inspect
import pickle
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import Sampler, SamplingResult
from opentelemetry.trace import StatusCode, get_current_span

import otel_confidence as oc
from otel_confidence import conventions
from otel_confidence.testing import Capture

MODEL = {"ml.model.name": "m", "ml.model.version": "1"}
SURE = {"confidence": 0.9, "label": "cat"}


@oc.track_confidence(model="m", version="1", confidence="confidence")
def at_module_level(x: int, *, y: int = 2) -> dict[str, Any]:
    """Predict."""
    return {"confidence": 0.9, "x": x, "y": y}


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
    Decorating publishes zero for decisions and outcomes; the first prediction, for every bin.
    """

    @telemetry.track_confidence(model="m", confidence="confidence", threshold=0.7)
    def classify() -> dict[str, Any]:
        return SURE

    decided = {p.attributes["ml.prediction.decision"] for p in telemetry.points("ml.predictions")}
    classify()
    bins = telemetry.points("ml.calibration.correct")

    assert {"accept", "abstain"} == decided
    assert 2 == len(telemetry.points("ml.prediction.outcomes"))
    assert [f"{n / 10}" for n in range(1, 11)] == [p.attributes["ml.calibration.bin"] for p in bins]
    assert {0} == {p.value for p in bins}


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


def test_signature_and_pickling_are_kept(telemetry: Capture) -> None:
    """
    A decorated function looks and pickles as before.
    """
    assert "(x: int, *, y: int = 2) -> dict[str, typing.Any]" == str(
        inspect.signature(at_module_level)
    )
    assert ("at_module_level", "Predict.") == (at_module_level.__name__, at_module_level.__doc__)
    assert at_module_level is pickle.loads(pickle.dumps(at_module_level))
    assert {"confidence": 0.9, "x": 1, "y": 3} == at_module_level(1, y=3)
    assert 1 == telemetry.value("ml.predictions")


def test_every_kind_of_method_is_tracked(telemetry: Capture) -> None:
    """
    Methods, class methods, static methods and properties bind as they did.
    """
    track = telemetry.track_confidence(model="m", confidence="confidence")

    class Model:
        @track
        def method(self, x: int) -> dict[str, Any]:
            return {"confidence": 0.5, "self": self, "x": x}

        @track
        @classmethod
        def by_class(cls) -> dict[str, Any]:
            return {"confidence": 0.5, "cls": cls}

        @track
        @staticmethod
        def static(x: int) -> dict[str, Any]:
            return {"confidence": 0.5, "x": x}

        def _latest(self) -> dict[str, Any]:
            return {"confidence": 0.5, "self": self}

        latest: Any = track(property(_latest))

    model = Model()

    assert {"confidence": 0.5, "self": model, "x": 1} == model.method(1)
    assert {"confidence": 0.5, "cls": Model} == Model.by_class()
    assert {"confidence": 0.5, "x": 1} == Model.static(1)
    assert {"confidence": 0.5, "self": model} == model.latest
    assert 4 == telemetry.value("ml.predictions")


def test_any_callable_is_tracked(telemetry: Capture) -> None:
    """
    Partials, builtins, callable objects and coroutine-like ones keep working.
    """

    @dataclass
    class Scorer:
        offset: float

        def __call__(self, x: float) -> float:
            return x + self.offset

    track = telemetry.track_confidence(model="m", confidence=lambda result: result)
    tracked: list[Any] = [track(functools.partial(max, 0.5)), track(abs), track(Scorer(0.25))]

    assert [0.5, 0.25, 0.5] == [call(0.25) for call in tracked]
    assert 3 == telemetry.value("ml.prediction.confidence")


def test_tracking_twice_records_once(telemetry: Capture) -> None:
    """
    A function tracked again for the same model is left as it is.
    """
    track = telemetry.track_confidence(model="m", confidence="confidence")

    def classify() -> dict[str, Any]:
        return SURE

    twice = track(track(classify))

    twice()

    assert 1 == telemetry.value("ml.predictions")


@pytest.mark.parametrize(
    ("declaration", "reason"),
    [
        ({"model": ""}, "model must be"),
        ({"model": 4}, "model must be"),
        ({"model": "m", "version": "a\n"}, "version must be printable"),
        ({"model": "m" * 80}, "at most 76 bytes"),
        ({"model": "m", "threshold": 70}, "threshold must be within"),
        ({"model": "m", "threshold": "0.7"}, "threshold must be within"),
        ({"model": "m", "confidence": object()}, "a declaration must be"),
    ],
)
def test_wrong_declarations_fail_when_decorating(
    telemetry: Capture, declaration: dict[str, Any], reason: str
) -> None:
    """
    What can't work is refused with a sentence before anything runs.
    """
    with pytest.raises(oc.ConfigurationError, match=reason):
        telemetry.track_confidence(**declaration)


def test_wrong_prediction_is_recorded_elsewhere(caplog: pytest.LogCaptureFixture) -> None:
    """
    Opening a prediction under a wrong name raises nothing: it counts as of another model.
    """
    capture = Capture(oc.Settings())

    with capture.prediction(model="") as p:
        p.set(confidence=0.5)

    assert {"_OTHER": 1} == capture.by("ml.predictions", "ml.model.name")
    assert 1 == len(caplog.records)


async def test_coroutines_are_tracked(telemetry: Capture) -> None:
    """
    A coroutine function stays one, its span is current inside, its receipt known after.
    """

    @telemetry.track_confidence(model="m", confidence="confidence")
    async def classify() -> dict[str, Any]:
        await asyncio.sleep(0)
        return {"confidence": 0.5, "span": get_current_span().get_span_context().span_id}

    result = await classify()

    assert inspect.iscoroutinefunction(classify)
    assert _span_id(_only(telemetry.spans())) == result["span"]
    assert oc.last_receipt()


async def test_cancelled_task_is_no_error(telemetry: Capture) -> None:
    """
    A task cancelled while predicting is accounted for as cancelled.
    """

    @telemetry.track_confidence(model="m", confidence="confidence")
    async def classify() -> None:
        await asyncio.Event().wait()

    task = asyncio.ensure_future(classify())
    await asyncio.sleep(0)
    active = telemetry.value("ml.prediction.active")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert 1 == active
    assert {"cancelled": 1} == telemetry.dropped()
    assert 0 == telemetry.value("ml.prediction.active")


def test_generators_are_followed_to_their_end(telemetry: Capture) -> None:
    """
    A stream is active until closed, its duration covers consumption, its last item counts.
    """

    @telemetry.track_confidence(model="m", confidence="confidence")
    def stream() -> Iterator[dict[str, Any]]:
        for confidence in (0.1, 0.5, 0.9):
            yield {"confidence": confidence, "span": get_current_span()}

    items, outside = [], []
    for item in stream():
        telemetry.clock.advance(1)
        items.append(item)
        outside.append(get_current_span().is_recording())
        assert 1 == telemetry.value("ml.prediction.active")
    (confidence,) = telemetry.points("ml.prediction.confidence")

    assert inspect.isgeneratorfunction(stream)
    assert [False] * 3 == outside
    assert all(item["span"] is items[0]["span"] for item in items)
    assert [3] == [p.value for p in telemetry.points("ml.prediction.duration")]
    assert (0.9, 1) == (confidence.value, confidence.count)
    assert 0 == telemetry.value("ml.prediction.active")


def test_generators_pass_everything_through(telemetry: Capture) -> None:
    """
    Values sent, exceptions thrown and the value returned reach the other side.
    """

    @telemetry.track_confidence(model="m", confidence="confidence")
    def stream() -> Any:
        received = yield 1
        try:
            yield received
        except KeyError:
            yield "caught"
        return SURE

    def consume() -> Any:
        return (yield from stream())

    consumer = consume()
    passed = [next(consumer), consumer.send("sent"), consumer.throw(KeyError())]
    with pytest.raises(StopIteration) as end:
        next(consumer)

    assert [1, "sent", "caught"] == passed
    assert SURE is end.value.value
    assert [0.9] == [p.value for p in telemetry.points("ml.prediction.confidence")]


def test_early_end_of_a_stream_is_a_prediction(telemetry: Capture) -> None:
    """
    A consumer that has seen enough makes one prediction; one that never starts makes none.
    """

    @telemetry.track_confidence(model="m", confidence="confidence")
    def stream() -> Iterator[dict[str, Any]]:
        yield SURE
        yield SURE

    stream()
    started = stream()
    next(started)
    started.close()  # type: ignore[attr-defined]  # an iterator that is a generator

    assert 1 == telemetry.value("ml.predictions")
    assert {} == telemetry.errors_by_type()


def test_failing_stream_is_one_error(telemetry: Capture) -> None:
    """
    A stream that fails at its second item raises its own exception and counts one error.
    """

    @telemetry.track_confidence(model="m", confidence="confidence")
    def stream() -> Iterator[dict[str, Any]]:
        yield SURE
        raise KeyError

    with pytest.raises(KeyError):
        list(stream())

    assert {"KeyError": 1} == telemetry.errors_by_type()
    assert 0 == telemetry.value("ml.predictions")


async def test_async_generators_are_followed(telemetry: Capture) -> None:
    """
    An asynchronous stream is followed to its end without its span leaking to the consumer.
    """

    @telemetry.track_confidence(model="m", confidence="confidence")
    async def stream() -> AsyncIterator[dict[str, Any]]:
        for confidence in (0.1, 0.9):
            await asyncio.sleep(0)
            yield {"confidence": confidence, "inside": get_current_span().is_recording()}

    items = [(item["inside"], get_current_span().is_recording()) async for item in stream()]

    assert inspect.isasyncgenfunction(stream)
    assert [(True, False)] * 2 == items
    assert [0.9] == [p.value for p in telemetry.points("ml.prediction.confidence")]


async def test_async_stream_closed_by_another_task(
    telemetry: Capture, caplog: pytest.LogCaptureFixture
) -> None:
    """
    Closing a stream from another task records it once, without a complaint about contexts.
    """
    closed = []

    @telemetry.track_confidence(model="m", confidence="confidence")
    async def stream() -> AsyncIterator[dict[str, Any]]:
        try:
            yield SURE
        finally:
            closed.append(True)

    started: Any = stream()
    await started.__anext__()
    await asyncio.ensure_future(started.aclose())

    assert [True] == closed
    assert 1 == telemetry.value("ml.predictions")
    assert [] == caplog.records


async def test_async_stream_takes_what_is_thrown(telemetry: Capture) -> None:
    """
    An exception thrown into an asynchronous stream arrives inside it.
    """

    @telemetry.track_confidence(model="m", confidence="confidence")
    async def stream() -> Any:
        try:
            yield 1
        except KeyError:
            yield SURE

    started: Any = stream()
    first = await started.asend(None)

    assert 1 == first
    assert SURE is await started.athrow(KeyError())
    with pytest.raises(StopAsyncIteration):
        await started.__anext__()
    assert {} == telemetry.errors_by_type()


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


def test_threads_lose_nothing(telemetry: Capture) -> None:
    """
    Sixteen threads make exact totals, each with its own last receipt.
    """

    @telemetry.track_confidence(model="m", confidence="confidence", label="label")
    def classify(label: int) -> dict[str, Any]:
        return {"confidence": 0.5, "label": label}

    barrier = threading.Barrier(16)

    def work(label: int) -> bool:
        barrier.wait()
        for _ in range(50):
            classify(label)
            oc.record_outcome(oc.last_receipt(), label=label)
        return True

    with ThreadPoolExecutor(16) as pool:
        done = list(pool.map(work, range(16)))

    assert [True] * 16 == done
    assert 800 == telemetry.value("ml.predictions")
    assert {"correct": 800} == telemetry.by("ml.prediction.outcomes", "ml.prediction.outcome")


def test_deep_recursion_still_works(telemetry: Capture) -> None:
    """
    A tracked function may recurse 300 deep within the usual limit of 1,000 frames.
    """

    @telemetry.track_confidence(model="m", confidence="confidence")
    def countdown(n: int) -> dict[str, Any]:
        return countdown(n - 1) if n else SURE

    countdown(300)

    assert 301 == telemetry.value("ml.predictions")


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


class Broken(BaseException):
    """What plugged-in parts raise here."""


class BrokenSampler(Sampler):
    """A sampler that raises."""

    def should_sample(self, *_: Any, **__: Any) -> SamplingResult:
        raise Broken

    def get_description(self) -> str:
        return "broken"


class BrokenProcessor(SpanProcessor):
    """A span processor that raises."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        raise Broken(span, parent_context)

    def on_end(self, span: ReadableSpan) -> None:
        raise Broken(span)


@pytest.mark.parametrize("broken", ["sampler", "processor"])
def test_broken_plugins_leave_the_user_alone(broken: str) -> None:
    """
    A sampler or span processor that raises costs the span; result and metrics stay.
    """
    tracers = TracerProvider(
        sampler=BrokenSampler() if broken == "sampler" else None, shutdown_on_exit=False
    )
    if broken == "processor":
        tracers.add_span_processor(BrokenProcessor())
    capture = Capture(oc.Settings())
    capture.telemetry.bind(capture.meter_provider, tracers)

    @capture.track_confidence(model="m", confidence="confidence")
    def classify() -> dict[str, Any]:
        return SURE

    assert SURE is classify()
    assert 1 == capture.value("ml.prediction.confidence")
    assert 0 == capture.value("ml.prediction.active")
    assert 1 <= capture.value("otel_confidence.internal.errors", error_type="Broken")
