"""This module checks that no fault of ours, or plugged into us, reaches the program."""

from typing import Any

import pytest
from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import Sampler, SamplingResult

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
