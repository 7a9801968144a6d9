"""
This module makes a probe, one metric, span and event, and sends it by OpenTelemetry's exporters.

A probe leaves no new series behind: its gauge has no attribute at all, and the number that tells
one probe from another is its value. The span and the event are told apart by their trace id.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import requests
from google.protobuf.message import DecodeError
from google.rpc import status_pb2
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import (
    InMemoryLogRecordExporter,
    SimpleLogRecordProcessor,
)
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

from otel_confidence import conventions as c
from otel_confidence.doctor.doors import excerpt, is_here, misnamed, unreachable
from otel_confidence.sdk import events
from otel_confidence.sdk.bounds import Bounded
from otel_confidence.sdk.outages import Outage, listen
from otel_confidence.sdk.responses import ForeignError, part

_EXPORTERS: Final[dict[str, tuple[str, Callable[..., Any]]]] = {
    "metric": ("v1/metrics", OTLPMetricExporter),
    "trace": ("v1/traces", OTLPSpanExporter),
    "event": ("v1/logs", OTLPLogExporter),
}
SIGNALS: Final = tuple(_EXPORTERS)
"""The kinds of a probe."""


@dataclass(frozen=True, slots=True)
class Probe:
    """
    What is sent, and how to find it again.
    """

    time_s: float
    """When it was made, epoch seconds: the gauge's value, and what tells this probe from others."""
    trace_id: str
    """In hexadecimal digits; the event has it too."""
    batches: dict[str, Any]
    """By its signal, what an exporter takes."""


@dataclass(frozen=True, slots=True)
class Answer:
    """
    What the gateway answered to an export.
    """

    status: int
    """The HTTP status; 0 when there was no answer."""
    said: str = ""
    """Its message, or why it cannot be reached."""
    rejected: int = 0
    """How many of the points, spans or records it did not take, although it answered 200."""

    @property
    def accepted(self) -> bool:
        """
        Whether it took everything.
        """
        return self.status == HTTPStatus.OK and not self.rejected


def make(now_s: float) -> Probe:
    """
    A probe.
    """
    time_s = round(now_s, 6)
    resource = Resource({SERVICE_NAME: c.DOCTOR_SERVICE})
    spans, kept = _span(resource)
    place = spans[0].get_span_context()
    context = trace.set_span_in_context(trace.NonRecordingSpan(place))
    logs: Any = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]  # the SDK's
    logger_provider = LoggerProvider(resource, shutdown_on_exit=False)
    logger_provider.add_log_record_processor(SimpleLogRecordProcessor(logs))
    logger = logger_provider.get_logger(c.SCOPE)
    events.emit(logger, c.DOCTOR_PROBE, {}, time_s=time_s, context=context)
    kept.shutdown()
    return Probe(
        time_s,
        trace.format_trace_id(place.trace_id),
        {
            "metric": _gauge(resource, time_s),
            "trace": spans,
            "event": logs.get_finished_logs(),
        },
    )


def _span(resource: Resource) -> tuple[Any, TracerProvider]:
    spans = InMemorySpanExporter()
    provider = TracerProvider(ALWAYS_ON, resource, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(spans))
    # No confidence at all: what is sampled in the stack always keeps what is unsure.
    attributes = {c.CONFIDENCE.name: 0.0}
    provider.get_tracer(c.SCOPE).start_span(c.DOCTOR_SPAN, attributes=attributes).end()
    return spans.get_finished_spans(), provider


def _gauge(resource: Resource, time_s: float) -> Any:
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], resource, shutdown_on_exit=False)
    metric = c.DOCTOR_PROBE_TIME
    gauge = provider.get_meter(c.SCOPE).create_gauge(metric.name, metric.unit, metric.about)
    gauge.set(time_s)
    found = reader.get_metrics_data()
    provider.shutdown()
    return found


def send(probe: Probe, signal: str, gateway: str, *, timeout_s: float) -> Answer:
    """
    Send one signal of the probe to the gateway; a momentary refusal is tried again.

    Args:
        probe: what to send.
        signal: which one of ``SIGNALS``.
        gateway: address of its OTLP door over HTTP, without a path.
        timeout_s: how long to try, seconds.
    """
    path, exporter_class = _EXPORTERS[signal]
    endpoint = f"{gateway.rstrip('/')}/{path}"
    listen(exporter_class.__module__)
    with _Witness() as witness:
        exporter = exporter_class(endpoint=endpoint, timeout=timeout_s, session=witness)
        witness.on_silence = exporter.shutdown
        with Outage(lambda *_: None).watched(endpoint):
            exporter.export(probe.batches[signal])
    return _answer(witness)


class _Witness(requests.Session):
    """
    A session that remembers the last answer, for an exporter tells only of success.
    """

    def __init__(self) -> None:
        super().__init__()
        self.mount("http://", Bounded())
        self.mount("https://", Bounded())
        self.last: requests.Response | None = None
        self.silence = ""
        """Why there was no answer."""
        self.on_silence: Callable[[], object] = lambda: None

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """
        Send, and follow no redirect: telemetry that a login page gets is lost.
        """
        kwargs["allow_redirects"] = False
        if is_here(request.url or ""):
            kwargs["proxies"] = {}
        try:
            self.last = super().send(request, **kwargs)
        except OSError as error:  # whose kind is also a file of certificates that is not there
            lost = not isinstance(error, requests.RequestException) and misnamed(os.environ)
            self.silence = lost or unreachable(error)
            # Where nobody is, trying again is of no use.
            self.on_silence()
            raise
        return self.last


def _answer(witness: _Witness) -> Answer:
    if witness.last is None:
        return Answer(0, witness.silence or "no answer")
    status, kind = witness.last.status_code, witness.last.headers.get("content-type", "")
    try:
        if status != HTTPStatus.OK:
            return Answer(status, excerpt(_status(witness.last)))
        rejected, said = part(witness.last.content, kind)
    except (DecodeError, ForeignError):
        return Answer(0, "it answers 200 with something that is not OTLP")
    return Answer(status, excerpt(said), rejected)


def _status(response: requests.Response) -> str:
    """
    What a refusal says, in the encoding of the request or as text.
    """
    if "protobuf" in response.headers.get("content-type", ""):
        return str(status_pb2.Status.FromString(response.content).message)
    return response.text
