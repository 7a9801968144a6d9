"""This module checks that no fault of ours, or plugged into us, reaches the program."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import Sampler, SamplingResult
from tests.campaigns import hostile_calls

import otel_confidence as oc
from otel_confidence.testing import Capture

MODEL = {"ml.model.name": "m", "ml.model.version": "1"}
SURE = {"confidence": 0.9, "label": "cat"}


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


class Slow:
    """An object whose every text costs a failure."""

    def __getattr__(self, name: str) -> Any:
        raise Broken(name)

    def __str__(self) -> str:
        raise Broken

    def __repr__(self) -> str:
        raise Broken

    def __eq__(self, other: object) -> bool:
        raise Broken

    def __hash__(self) -> int:
        raise Broken


def test_thousands_of_hostile_calls_reach_nobody() -> None:
    """
    Whatever is returned, raised or declared: no exception of ours, no result changed, all counted.
    """
    figures = hostile_calls.run(2_500, seed=20261122)

    assert figures.flawless, figures
    assert 0 == figures.complaints, figures.first


def test_a_hostile_label_is_named_by_its_type(telemetry: Capture) -> None:
    """
    Nothing of a foreign object is called: its type's name stands where its text would.
    """

    @telemetry.track_confidence(model="m", confidence=lambda _: 0.9, label=".")
    def classify() -> Slow:
        return Slow()

    classify()
    (span,) = telemetry.spans()

    assert "Slow" == (span.attributes or {})["ml.prediction.label"]
    assert 1 == telemetry.value("ml.predictions")
    assert oc.last_receipt()


def test_a_raising_label_does_not_cost_the_confidence() -> None:
    """
    Where the label's callable raises, the confidence is on record all the same.
    """
    capture = Capture(oc.Settings())

    @capture.track_confidence(model="m", confidence=".", label=lambda _: _raise())
    def classify() -> float:
        return 0.9

    assert 0.9 == classify()
    assert [0.9] == [point.value for point in capture.points("ml.prediction.confidence")]
    assert {} == capture.dropped()
    assert 1 == capture.value("otel_confidence.internal.errors", error_type="Broken")


@pytest.mark.parametrize("place", ["confidence", "label", "uncertainty", "score"])
def test_a_masked_number_is_unknown_without_a_warning(telemetry: Capture, place: str) -> None:
    """
    A masked scalar of numpy is no number anywhere, and numpy has no reason to warn of it.
    """
    masked: Any = np.ma.masked_array(np.zeros(()), mask=True)
    with telemetry.prediction(model="m") as p:
        p.set(**{"confidence": 0.5, **({} if place == "score" else {place: masked})})
    telemetry.record_feedback(p.receipt, score=masked if place == "score" else 0.5)

    assert ({} if place == "label" else {"invalid_value": 1}) == telemetry.dropped()


@pytest.mark.parametrize(
    "text", [lambda _: "x" * 100_000_000, lambda _: _raise(), lambda _: "\ud800"]
)
def test_the_text_of_an_exception_is_never_asked_for(
    telemetry: Capture, text: Callable[[object], str]
) -> None:
    """
    An exception is recorded by its type alone, and reaches the caller as the same object.
    """
    asked: list[object] = []

    def tell(error: object) -> str:
        asked.append(error)
        return text(error)

    kind = type("Odd", (Exception,), {"__str__": tell, "__repr__": tell})
    error = kind()

    @telemetry.track_confidence(model="m", confidence="confidence")
    def classify() -> None:
        raise error

    with pytest.raises(kind) as caught:
        classify()

    assert error is caught.value
    assert [] == asked
    assert {"Odd": 1} == telemetry.errors_by_type()


def _raise() -> str:
    raise Broken


def test_an_iterator_is_left_to_the_caller(telemetry: Capture) -> None:
    """
    What can be read once only is not read to find a confidence in it.
    """

    @telemetry.track_confidence(model="m", confidence="[*].confidence")
    def classify() -> Iterator[dict[str, float]]:
        return iter([{"confidence": 0.5}])

    assert [{"confidence": 0.5}] == list(classify())
    assert {"confidence_missing": 1} == telemetry.dropped()


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
