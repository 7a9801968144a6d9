"""This module tests what programs can write on a span of ours."""

from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Span, Status, StatusCode

from otel_confidence.sdk.guard import Guard
from otel_confidence.sdk.redaction.redactor import Redactor
from otel_confidence.sdk.redaction.spans import scrubbed
from otel_confidence.settings import Settings

MAIL = "joe@example.org"


class Written:
    """
    A scrubbed span, and what of it was exported.
    """

    def __init__(self, **settings: Any) -> None:
        self._exporter = InMemorySpanExporter()
        self.provider = TracerProvider(shutdown_on_exit=False)
        self.provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.tracer = self.provider.get_tracer("test")
        self.faults: list[tuple[str, str]] = []
        guard = Guard(count=lambda place, error: self.faults.append((place, error)))
        redactor = Redactor(Settings(**settings), guard)
        self.span: Span = scrubbed(self.tracer.start_span("predict m"), redactor, guard)

    def exported(self) -> ReadableSpan:
        self.span.end()
        return self._exporter.get_finished_spans()[-1]


@pytest.fixture(name="written")
def _written() -> Iterator[Written]:
    made = Written()
    yield made
    made.provider.shutdown()


def test_attributes_events_and_links_are_scrubbed(written: Written) -> None:
    """
    Attributes, wherever they are written, lose secrets in names and values.
    """
    written.span.set_attribute("user", MAIL)
    written.span.set_attributes({f"of {MAIL}": 1, "password": "x", "n": 4})
    written.span.add_event(f"asked {MAIL}", {"query": f"?token=abcdef1234&m={MAIL}"})
    written.span.add_link(written.span.get_span_context(), {"of": MAIL})
    written.span.update_name(f"predict {MAIL}")
    span = written.exported()

    assert {
        "user": "[redacted:email]",
        "of [redacted:email]": 1,
        "password": "[redacted:secret]",
        "n": 4,
    } == dict(span.attributes or {})
    assert "asked [redacted:email]" == span.events[0].name
    assert {"query": "?token=[redacted:url_parameter]&m=[redacted:email]"} == dict(
        span.events[0].attributes or {}
    )
    assert {"of": "[redacted:email]"} == dict(span.links[0].attributes or {})
    assert "predict [redacted:email]" == span.name


def test_recorded_exceptions_are_scrubbed(written: Written) -> None:
    """
    An exception that the program records loses its secrets in message, stack trace and status.
    """

    def fail() -> None:
        raise ValueError(f"no such user {MAIL}, password=hunter22")

    try:
        fail()
    except ValueError as error:
        written.span.record_exception(error, {"cause": MAIL})
        written.span.set_status(Status(StatusCode.ERROR, str(error)))
    span = written.exported()
    told = dict(span.events[0].attributes or {})

    assert ("exception", "ValueError") == (span.events[0].name, told["exception.type"])
    assert (
        "no such user [redacted:email], password=[redacted:password]" == (told["exception.message"])
    )
    assert "Traceback (most recent call last):\n" in str(told["exception.stacktrace"])
    assert "test_recorded_exceptions_are_scrubbed" in str(told["exception.stacktrace"])
    assert told["exception.message"] == span.status.description
    assert "hunter22" not in span.to_json()
    assert MAIL not in span.to_json()


def test_use_span_records_a_scrubbed_exception(written: Written) -> None:
    """
    What OpenTelemetry's own ``use_span`` records on the way out is scrubbed too.
    """
    with (
        pytest.raises(KeyError),
        trace.use_span(written.span, record_exception=True, set_status_on_exception=True),
    ):
        raise KeyError(MAIL)
    span = written.exported()

    assert "KeyError: '[redacted:email]'" == span.status.description
    assert MAIL not in span.to_json()


def test_exception_texts_can_be_switched_off() -> None:
    """
    With both off, of an exception only the type leaves.
    """
    written = Written(capture={"exception": False, "stacktrace": False})
    written.span.record_exception(ValueError("x"))
    written.span.set_status(StatusCode.ERROR, "x")
    span = written.exported()

    assert {"exception.type": "ValueError", "exception.escaped": "False"} == dict(
        span.events[0].attributes or {}
    )
    assert (StatusCode.ERROR, None) == (span.status.status_code, span.status.description)


def test_exceptions_with_hostile_texts_are_recorded(written: Written) -> None:
    """
    An exception whose text raises or is endless is recorded, bounded, and raises nothing.
    """

    class RaisingError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    written.span.record_exception(RaisingError())
    written.span.record_exception(ValueError("y" * 10**7))
    span = written.exported()
    first, second = (dict(event.attributes or {}) for event in span.events)

    assert str(first["exception.type"]).endswith("RaisingError")
    assert "exception.message" not in first
    assert [("redaction.exception", "RuntimeError")] == written.faults
    assert 1024 == len(str(second["exception.message"]))
    assert len(str(second["exception.stacktrace"])) <= 16_384


def test_faults_cost_the_attribute_only(written: Written) -> None:
    """
    A value that can't be scrubbed is left out, and nothing reaches the program.
    """

    class Hostile:
        @property
        def shape(self) -> Any:
            raise RuntimeError

    written.span.set_attributes({"x": Hostile()})  # type: ignore[dict-item]
    written.span.set_attribute("y", 1)
    span = written.exported()

    assert {"y": 1} == dict(span.attributes or {})
    assert [("redaction.span", "RuntimeError")] == written.faults


def test_scrubbed_span_is_a_span(written: Written) -> None:
    """
    Code that reads the span, or starts children under it, finds what it expects.
    """
    written.span.set_attribute("n", 1)
    with trace.use_span(written.span, end_on_exit=False):
        child = written.tracer.start_span("child")
        current = trace.get_current_span()

    assert current is written.span
    assert written.span.is_recording()
    assert {"n": 1} == dict(getattr(written.span, "attributes", {}))
    assert written.span.get_span_context() == getattr(child, "parent", None)


def test_unsampled_spans_are_handed_out_as_they_are() -> None:
    """
    A span that records nothing is not wrapped.
    """
    guard = Guard()

    assert trace.INVALID_SPAN is scrubbed(trace.INVALID_SPAN, Redactor(Settings(), guard), guard)
