"""This module checks that OTLP spans and log records become spans and events."""

import time
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import SEVERITY_NUMBER_INFO, LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span as OtlpSpan
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from otel_confidence.ingest import otlp
from otel_confidence.ingest.pipeline import Pipeline
from otel_confidence.points import Batch, Event, Span, SpanEvent, SpanLink

NOW_NS = time.time_ns()


def pair(key: str, value: str) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=value))


def traces(*spans: OtlpSpan) -> ExportTraceServiceRequest:
    message = ExportTraceServiceRequest()
    resource = message.resource_spans.add()
    resource.resource.attributes.append(pair("service.name", "s"))
    resource.scope_spans.add().spans.extend(spans)
    return message


def logs(*records: LogRecord) -> ExportLogsServiceRequest:
    message = ExportLogsServiceRequest()
    resource = message.resource_logs.add()
    resource.resource.attributes.append(pair("service.name", "s"))
    resource.scope_logs.add().log_records.extend(records)
    return message


def test_a_span_keeps_its_events_and_links(pipeline: Pipeline, batches: list[Batch]) -> None:
    """
    Ids are hexadecimal, kind and status are words, nested events and links keep attributes.
    """
    event = OtlpSpan.Event(time_unix_nano=NOW_NS, name="note", attributes=[pair("a", "1")])
    link = OtlpSpan.Link(trace_id=b"u" * 16, span_id=b"w" * 8)
    span = OtlpSpan(
        trace_id=b"t" * 16,
        span_id=b"s" * 8,
        parent_span_id=b"p" * 8,
        name="work",
        kind=OtlpSpan.SPAN_KIND_SERVER,
        start_time_unix_nano=NOW_NS - 5,
        end_time_unix_nano=NOW_NS,
        attributes=[pair("k", "v")],
        events=[event],
        links=[link],
        status=Status(code=Status.STATUS_CODE_ERROR, message="no"),
    )

    pipeline.accept(otlp.TRACES, traces(span))

    expected = Span(
        "74" * 16, "73" * 8, "70" * 8, "work", "server", NOW_NS - 5, NOW_NS, "error", "no",
        {"k": "v"}, {"service.name": "s"}, (SpanEvent(NOW_NS, "note", {"a": "1"}),),
        (SpanLink("75" * 16, "77" * 8, {}),),
    )  # fmt: skip
    assert [expected] == batches[0].spans


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"trace_id": b""}, "invalid_id"),
        ({"trace_id": bytes(16)}, "invalid_id"),
        ({"span_id": b"short"}, "invalid_id"),
        ({"end_time_unix_nano": NOW_NS - 10}, "invalid_time"),
        ({"start_time_unix_nano": 0}, "too_old"),
        ({"attributes": [pair(f"k{i}", "v") for i in range(300)]}, "too_many_attributes"),
        ({"attributes": [pair("k", "v" * 70_000)]}, "attribute_too_long"),
    ],
)
def test_a_span_that_cannot_be_kept_is_refused_alone(
    pipeline: Pipeline, batches: list[Batch], changes: dict[str, Any], reason: str
) -> None:
    """
    A damaged span is counted by its reason; its neighbors are kept.
    """
    good: dict[str, Any] = {
        "trace_id": b"t" * 16, "span_id": b"s" * 8, "name": "work",
        "start_time_unix_nano": NOW_NS - 5, "end_time_unix_nano": NOW_NS,
    }  # fmt: skip
    message = traces(OtlpSpan(**good), OtlpSpan(**{**good, **changes}))

    refusals = pipeline.accept(otlp.TRACES, message)

    assert {reason: 1} == dict(refusals.counts)
    assert 1 == len(batches[0].spans)


def test_a_log_record_is_an_event(pipeline: Pipeline, batches: list[Batch]) -> None:
    """
    The event name comes from the record, else from the attribute; the body becomes text.
    """
    body = AnyValue()
    body.kvlist_value.values.append(pair("b", "<"))
    body.kvlist_value.values.add(key="a").value.double_value = 2.0
    first = LogRecord(
        time_unix_nano=NOW_NS, event_name="e", body=body,
        severity_number=SEVERITY_NUMBER_INFO, severity_text="INFO",
        trace_id=b"t" * 16, span_id=b"s" * 8,
    )  # fmt: skip
    second = LogRecord(observed_time_unix_nano=NOW_NS, attributes=[pair("event.name", "f")])

    pipeline.accept(otlp.LOGS, logs(first, second))

    resource = {"service.name": "s"}
    text = '{"a":2,"b":"\\u003c"}'
    assert [
        Event(NOW_NS, "e", 9, "INFO", text, "74" * 16, "73" * 8, {}, resource),
        Event(NOW_NS, "f", 0, "", "", "", "", {"event.name": "f"}, resource),
    ] == batches[0].events


def test_a_body_that_is_too_long_is_refused(pipeline: Pipeline, batches: list[Batch]) -> None:
    """
    A log record beyond the limit is counted, not cut.
    """
    record = LogRecord(time_unix_nano=NOW_NS, body=AnyValue(string_value="x" * 300_000))

    refusals = pipeline.accept(otlp.LOGS, logs(record))

    assert ({"body_too_long": 1}, []) == (dict(refusals.counts), batches)
