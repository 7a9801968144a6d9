"""This module checks predictions of many threads, tasks and event loops."""

import asyncio
import contextvars
import gc
import inspect
import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import StatusCode, get_current_span

import otel_confidence as oc
from otel_confidence.testing import Capture

MODEL = {"ml.model.name": "m", "ml.model.version": "1"}
SURE = {"confidence": 0.9, "label": "cat"}


def _span_id(span: ReadableSpan) -> int:
    assert span.context is not None
    found: int = span.context.span_id
    return found


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


async def test_a_timeout_is_a_cancellation(
    telemetry: Capture, caplog: pytest.LogCaptureFixture
) -> None:
    """
    A prediction that took too long and one whose sibling failed are cancelled, no errors.
    """

    @telemetry.track_confidence(model="m", confidence="confidence")
    async def classify() -> dict[str, Any]:
        await asyncio.Event().wait()
        return SURE

    async def fail() -> None:
        raise KeyError

    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(classify(), 0.01)
    sibling = asyncio.ensure_future(classify())
    with pytest.raises(KeyError):
        await asyncio.gather(sibling, fail())
    sibling.cancel()
    await asyncio.wait([sibling])

    assert {"cancelled": 2} == telemetry.dropped()
    assert {} == telemetry.errors_by_type()
    assert {StatusCode.UNSET} == {span.status.status_code for span in telemetry.spans()}
    assert not get_current_span().is_recording()
    assert [] == caplog.records


def test_a_coroutine_dropped_in_its_middle_is_cancelled(
    telemetry: Capture, caplog: pytest.LogCaptureFixture
) -> None:
    """
    A coroutine that nobody resumes is accounted for when it is dropped, and restores the context.
    """

    class Pause:
        def __await__(self) -> Generator[None, None, None]:
            yield

    @telemetry.track_confidence(model="m", confidence="confidence")
    async def classify() -> dict[str, Any]:
        await Pause()
        return SURE

    for run in (contextvars.copy_context().run, lambda step, value: step(value)):
        begun: Any = classify()
        run(begun.send, None)
        del begun
        gc.collect()

    assert {"cancelled": 2} == telemetry.dropped()
    assert 0 == telemetry.value("ml.prediction.active")
    assert not get_current_span().is_recording()
    assert [] == caplog.records


async def test_tasks_and_threads_of_a_loop_keep_the_parent(telemetry: Capture) -> None:
    """
    A prediction in a task, or a thread that asyncio starts, is a child of where it was asked.
    """

    @telemetry.track_confidence(model="m", confidence="confidence")
    def classify() -> dict[str, Any]:
        return SURE

    async def in_a_task() -> None:
        classify()

    with telemetry.tracer.start_as_current_span("request"):
        await asyncio.gather(in_a_task(), in_a_task(), asyncio.to_thread(classify))
    (request,) = telemetry.spans("request")

    assert [_span_id(request)] * 3 == [_parent_id(s) for s in telemetry.spans("predict m")]


def test_threads_of_a_pool_keep_the_parent_when_told(telemetry: Capture) -> None:
    """
    A function bound to the current context makes children in any thread, and leaves nothing there.
    """

    @telemetry.track_confidence(model="m", confidence="confidence")
    def classify(_: int) -> dict[str, Any]:
        return SURE

    with ThreadPoolExecutor(4) as pool:
        with telemetry.tracer.start_as_current_span("request"):
            bound = oc.with_current_context(classify)
            answers = list(pool.map(bound, range(20)))
        left = [pool.submit(get_current_span).result().is_recording() for _ in range(4)]
    (request,) = telemetry.spans("request")

    assert [SURE] * 20 == answers
    assert {_span_id(request)} == {_parent_id(span) for span in telemetry.spans("predict m")}
    assert [False] * 4 == left
    assert inspect.signature(classify) == inspect.signature(bound)


def test_loops_in_two_threads_are_no_trouble(telemetry: Capture) -> None:
    """
    A function tracked once serves event loops of several threads at the same time, totals exact.
    """

    @telemetry.track_confidence(model="m", confidence="confidence")
    async def classify() -> dict[str, Any]:
        await asyncio.sleep(0)
        return SURE

    async def many() -> None:
        await asyncio.gather(*(classify() for _ in range(50)))

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(asyncio.run, many()) for _ in range(4)]:
            done.result()

    assert 200 == telemetry.value("ml.predictions")
    assert 0 == telemetry.value("ml.prediction.active")


def _parent_id(span: ReadableSpan) -> int:
    assert span.parent is not None
    found: int = span.parent.span_id
    return found
