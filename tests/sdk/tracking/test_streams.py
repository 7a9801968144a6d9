"""This module checks that streams are followed to their end, whichever it is."""

import asyncio
import contextvars
import gc
import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from opentelemetry.trace import get_current_span

from otel_confidence.testing import Capture

MODEL = {"ml.model.name": "m", "ml.model.version": "1"}
SURE = {"confidence": 0.9, "label": "cat"}


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


@pytest.mark.parametrize("end", ["exhaustion", "break", "error", "dropped", "never started"])
def test_a_stream_is_recorded_once_however_it_ends(telemetry: Capture, end: str) -> None:
    """
    Whether read to its end, left, failed or dropped, a started stream is recorded exactly once.
    """

    @telemetry.track_confidence(model="m", confidence="confidence")
    def stream() -> Iterator[dict[str, Any]]:
        yield SURE
        yield SURE
        if end == "error":
            raise KeyError

    def consume() -> None:
        items = stream()
        if end != "never started":
            next(items)
        if end == "exhaustion":
            list(items)
        if end == "break":
            items.close()  # type: ignore[attr-defined]  # an iterator that is a generator
        if end == "error":
            with pytest.raises(KeyError):
                list(items)

    consume()
    gc.collect()

    made = 0 if end in {"error", "never started"} else 1
    assert made == telemetry.value("ml.predictions")
    assert ({"KeyError": 1} if end == "error" else {}) == telemetry.errors_by_type()
    assert 0 == telemetry.value("ml.prediction.active")
    assert (0 if end == "never started" else 1) == len(telemetry.spans())


@pytest.mark.parametrize("end", ["exhaustion", "break", "error", "dropped", "never started"])
async def test_an_async_stream_is_recorded_once_however_it_ends(
    telemetry: Capture, end: str, caplog: pytest.LogCaptureFixture
) -> None:
    """
    The same holds for asynchronous streams, and nothing is logged about contexts.
    """

    @telemetry.track_confidence(model="m", confidence="confidence")
    async def stream() -> AsyncIterator[dict[str, Any]]:
        yield SURE
        await asyncio.sleep(0)
        yield SURE
        if end == "error":
            raise KeyError

    async def consume() -> None:
        items: Any = stream()
        if end != "never started":
            await anext(items)
        if end == "exhaustion":
            assert [SURE] == [item async for item in items]
        if end == "break":
            await items.aclose()
        if end == "error":
            with pytest.raises(KeyError):
                [item async for item in items]

    await consume()
    gc.collect()
    await _until(lambda: 0 == telemetry.value("ml.prediction.active"))

    made = 0 if end in {"error", "never started"} else 1
    assert made == telemetry.value("ml.predictions")
    assert ({"KeyError": 1} if end == "error" else {}) == telemetry.errors_by_type()
    assert [] == caplog.records


def test_an_async_stream_outlived_by_no_loop_is_recorded(telemetry: Capture) -> None:
    """
    A stream whose event loop was closed under it is recorded when it is dropped.
    """

    @telemetry.track_confidence(model="m", confidence="confidence")
    async def stream() -> AsyncIterator[dict[str, Any]]:
        yield SURE
        yield SURE

    loop = asyncio.new_event_loop()
    items: Any = stream()
    loop.run_until_complete(anext(items))
    loop.close()
    del items
    gc.collect()

    assert 1 == telemetry.value("ml.predictions")
    assert 0 == telemetry.value("ml.prediction.active")


async def test_a_stream_cancelled_in_its_step_is_no_error(
    telemetry: Capture, caplog: pytest.LogCaptureFixture
) -> None:
    """
    A task cancelled while it waits for the next item is accounted for as cancelled.
    """

    @telemetry.track_confidence(model="m", confidence="confidence")
    async def stream() -> AsyncIterator[dict[str, Any]]:
        yield SURE
        await asyncio.Event().wait()

    async def consume() -> None:
        async for _ in stream():
            pass

    task = asyncio.ensure_future(consume())
    await _until(lambda: 1 == telemetry.value("ml.prediction.active"))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert {"cancelled": 1} == telemetry.dropped()
    assert 0 == telemetry.value("ml.predictions")
    assert 0 == telemetry.value("ml.prediction.active")
    assert [] == caplog.records


def test_items_of_a_stream_are_counted(telemetry: Capture) -> None:
    """
    The span says how many items a stream gave, also when it was left early.
    """

    @telemetry.track_confidence(model="m", confidence="confidence")
    def stream() -> Iterator[dict[str, Any]]:
        yield SURE
        yield SURE
        yield SURE

    list(stream())
    left: Any = stream()
    next(left)
    next(left)
    left.close()

    items = [(span.attributes or {})["ml.prediction.stream.items"] for span in telemetry.spans()]
    assert [3, 2] == items


def test_spans_between_the_items_belong_to_the_consumer(telemetry: Capture) -> None:
    """
    What the consumer does between two items is no child of the stream; what the stream does, is.
    """

    @telemetry.track_confidence(model="m", confidence="confidence")
    def stream() -> Iterator[dict[str, Any]]:
        for _ in range(2):
            with telemetry.tracer.start_as_current_span("step"):
                pass
            yield SURE

    for _ in stream():
        with telemetry.tracer.start_as_current_span("consumer"):
            pass
    (followed,) = telemetry.spans("predict m")
    assert followed.context is not None

    assert [None, None] == [span.parent for span in telemetry.spans("consumer")]
    assert {followed.context.span_id} == {
        span.parent.span_id if span.parent else 0 for span in telemetry.spans("step")
    }


def test_a_stream_belongs_to_where_it_was_made(telemetry: Capture) -> None:
    """
    A stream made under a span and consumed in another thread is a child of that span.
    """

    @telemetry.track_confidence(model="m", confidence="confidence")
    def stream() -> Iterator[dict[str, Any]]:
        yield SURE

    with telemetry.tracer.start_as_current_span("request"):
        items = stream()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(list, items).result()
    (request,) = telemetry.spans("request")
    (followed,) = telemetry.spans("predict m")

    assert request.context is not None
    assert followed.parent is not None
    assert request.context.span_id == followed.parent.span_id


async def test_a_stream_read_by_many_tasks_leaks_no_span(telemetry: Capture) -> None:
    """
    Each step may run in another task, in a context of its own: no span stays current in any.
    """

    @telemetry.track_confidence(model="m", confidence="confidence")
    async def stream() -> AsyncIterator[dict[str, Any]]:
        for _ in range(3):
            await asyncio.sleep(0)
            yield SURE

    items: Any = stream()
    for _ in range(3):
        context = contextvars.copy_context()
        task = context.run(asyncio.ensure_future, anext(items))
        await task
        assert not context.run(get_current_span).is_recording()
    with pytest.raises(StopAsyncIteration):
        await anext(items)

    assert 1 == telemetry.value("ml.predictions")


def test_streams_keep_their_name(telemetry: Capture) -> None:
    """
    The generator object is named like the function that made it.
    """

    @telemetry.track_confidence(model="m", confidence="confidence")
    def stream() -> Iterator[dict[str, Any]]:
        yield SURE

    made: Any = stream()

    assert inspect.isgenerator(made)
    assert ("stream", stream.__qualname__) == (made.__name__, made.__qualname__)


async def _until(condition: Callable[[], bool]) -> None:
    """
    Let the loop turn until something is so, a minute at most.
    """
    deadline = asyncio.get_running_loop().time() + 60
    while not condition() and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110  no event tells
        await asyncio.sleep(0)
