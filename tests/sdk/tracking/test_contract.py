"""This module checks what a caller is owed whatever exporters and exceptions do."""

from collections.abc import Sequence
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult

import otel_confidence as oc
from otel_confidence import conventions
from otel_confidence.testing import Capture


class Refusing(SpanExporter):
    """
    An exporter that raises what it was made with.
    """

    def __init__(self, fault: BaseException) -> None:
        self._fault = fault
        self.asked = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """
        Raise.
        """
        self.asked += len(spans)
        raise self._fault


class Unspeakable(Exception):  # noqa: N818  it is none to tell about
    """
    An exception whose text must not be asked for: it raises, and counts being asked.
    """

    asked = 0

    def __str__(self) -> str:
        type(self).asked += 1
        raise RuntimeError("no text")

    __repr__ = __str__


@pytest.mark.parametrize(
    "fault", [ValueError("exporter"), GeneratorExit(), SystemExit(3)], ids=repr
)
def test_exporter_that_raises_stays_out_of_the_call(fault: BaseException) -> None:
    """
    An exporter that raises while a span ends costs the caller nothing.
    """
    exporter = Refusing(fault)
    traces = TracerProvider()
    traces.add_span_processor(SimpleSpanProcessor(exporter))
    telemetry = oc.Telemetry(MeterProvider([InMemoryMetricReader()]), traces)
    result: dict[str, Any] = {"confidence": 0.9}

    @oc.track_confidence(model="m", confidence="confidence", telemetry=telemetry)
    def classify() -> dict[str, Any]:
        return result

    answered = classify()

    assert result is answered
    assert 1 == exporter.asked
    assert 1 == telemetry.sums.value(conventions.PREDICTIONS)


def test_exception_without_a_text_is_the_callers_own(telemetry: Capture) -> None:
    """
    An exception whose text raises, hangs or is endless passes as it is: nobody asks for its text.
    """
    fault = Unspeakable()

    @telemetry.track_confidence(model="m", confidence="confidence")
    def classify() -> dict[str, Any]:
        raise fault

    with pytest.raises(Unspeakable) as raised:
        classify()

    assert fault is raised.value
    assert 0 == Unspeakable.asked
    assert {"Unspeakable": 1} == telemetry.errors_by_type()
