"""This module makes requests of OTLP, and sends them to a Collector."""

import os

import httpx
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from tests.collecting import Collector, now_ns


def text(key: str, value: str) -> KeyValue:
    """An attribute that is text."""
    return KeyValue(key=key, value=AnyValue(string_value=value))


def nested(key: str, count: int) -> KeyValue:
    """An attribute that is a map of that many texts of 1,000 characters."""
    value = AnyValue()
    value.kvlist_value.values.extend(text(f"k{n}", "v" * 1000) for n in range(count))
    return KeyValue(key=key, value=value)


def span(
    name: str, *given: KeyValue, message: str = "", failed: bool = True, took_s: float = 0.0
) -> ExportTraceServiceRequest:
    """One span, in a trace of its own."""
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    resource.resource.attributes.append(text("service.name", "shop"))
    made = Span(
        name=name, trace_id=os.urandom(16), span_id=os.urandom(8), attributes=given,
        start_time_unix_nano=now_ns() - int(took_s * 1e9), end_time_unix_nano=now_ns(),
    )  # fmt: skip
    made.status.message = message
    made.status.code = made.status.STATUS_CODE_ERROR if failed else made.status.STATUS_CODE_OK
    resource.scope_spans.add().spans.append(made)
    return request


def number(key: str, value: float) -> KeyValue:
    """An attribute that is a number."""
    return KeyValue(key=key, value=AnyValue(double_value=value))


def event(body: str, *given: KeyValue) -> ExportLogsServiceRequest:
    """One event."""
    request = ExportLogsServiceRequest()
    record = request.resource_logs.add().scope_logs.add().log_records.add()
    record.event_name, record.time_unix_nano = "ml.prediction.result", now_ns()
    record.body.string_value = body
    record.attributes.extend(given)
    return request


def gauges(**points: list[KeyValue]) -> ExportMetricsServiceRequest:
    """A gauge of each name, with one point that has these labels."""
    request = ExportMetricsServiceRequest()
    scope = request.resource_metrics.add().scope_metrics.add()
    for name, given in points.items():
        point = scope.metrics.add(name=name).gauge.data_points.add(as_double=1)
        point.time_unix_nano = now_ns()
        point.attributes.extend(given)
    return request


def send(collector: Collector, path: str, request: bytes) -> int:
    """The status of an answer."""
    address = f"http://{collector.http}/v1/{path}"
    headers = {"Content-Type": "application/x-protobuf"}
    return httpx.post(address, content=request, headers=headers, timeout=60).status_code
