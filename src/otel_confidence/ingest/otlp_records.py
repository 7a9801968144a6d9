"""
This module turns OTLP spans and log records into spans and events.
"""

from collections.abc import Iterable
from typing import Final

from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.logs.v1 import logs_pb2
from opentelemetry.proto.trace.v1 import trace_pb2

from otel_confidence.conventions import EVENT_NAME
from otel_confidence.ingest.limits import Limits, Refusals, Refused
from otel_confidence.ingest.values import text, texts
from otel_confidence.points import Batch, Event, Span, SpanEvent, SpanLink

_LAST_NS: Final = (1 << 63) - 1
_KINDS: Final = ("", "internal", "server", "client", "producer", "consumer")
_STATUSES: Final = ("unset", "ok", "error")


class RecordsDecoding:
    """
    One request of spans or of log records on its way into a batch.
    """

    def __init__(self, limits: Limits, *, now_s: float) -> None:
        self.batch = Batch()
        self.refusals = Refusals()
        self._limits = limits
        self._now_s = now_s

    def add_spans(self, resources: Iterable[trace_pb2.ResourceSpans]) -> None:
        """
        Add the spans of these resources.
        """
        for resource in resources:
            here = texts(resource.resource.attributes)
            for span in (span for scope in resource.scope_spans for span in scope.spans):
                try:
                    self._room(len(self.batch.spans), here)
                    self.batch.spans.append(self._span(span, here))
                except Refused as refused:  # noqa: PERF203  the others are kept
                    self.refusals.add(f"span {span.name[:200]!r}", refused)

    def add_logs(self, resources: Iterable[logs_pb2.ResourceLogs]) -> None:
        """
        Add the log records of these resources.
        """
        for resource in resources:
            here = texts(resource.resource.attributes)
            for record in (log for scope in resource.scope_logs for log in scope.log_records):
                try:
                    self._room(len(self.batch.events), here)
                    self.batch.events.append(self._event(record, here))
                except Refused as refused:  # noqa: PERF203  the others are kept
                    self.refusals.add(f"log record {record.event_name[:200]!r}", refused)

    def _room(self, count: int, resource: dict[str, str]) -> None:
        if count >= self._limits.points:
            raise Refused("too_many_points", f"more than {self._limits.points} records")
        self._limits.check_attributes(resource)

    def _attributes(self, pairs: Iterable[KeyValue]) -> dict[str, str]:
        attributes = texts(pairs)
        self._limits.check_attributes(attributes)
        return attributes

    def _span(self, span: trace_pb2.Span, resource: dict[str, str]) -> Span:
        if len(span.trace_id) != 16 or not any(span.trace_id):  # noqa: PLR2004  by OTLP
            raise Refused("invalid_id", f"trace id {span.trace_id.hex()!r} is not 16 bytes")
        if len(span.span_id) != 8 or not any(span.span_id):  # noqa: PLR2004  by OTLP
            raise Refused("invalid_id", f"span id {span.span_id.hex()!r} is not 8 bytes")
        self._limits.check_time(span.end_time_unix_nano, self._now_s)
        if not span.start_time_unix_nano <= span.end_time_unix_nano:
            raise Refused("invalid_time", "the span ends before it starts")
        self._limits.check_time(span.start_time_unix_nano, self._now_s)
        return Span(
            trace_id=span.trace_id.hex(),
            span_id=span.span_id.hex(),
            parent_id=span.parent_span_id.hex() if any(span.parent_span_id) else "",
            name=span.name[: self._limits.label_value_bytes],
            kind=_named(_KINDS, span.kind),
            start_ns=span.start_time_unix_nano,
            end_ns=span.end_time_unix_nano,
            status=_named(_STATUSES, span.status.code),
            status_message=span.status.message[: self._limits.attribute_bytes],
            attributes=self._attributes(span.attributes),
            resource=resource,
            events=tuple(self._span_event(event) for event in span.events),
            links=tuple(self._span_link(link) for link in span.links),
        )

    def _span_event(self, event: trace_pb2.Span.Event) -> SpanEvent:
        time_ns = min(event.time_unix_nano, _LAST_NS)
        return SpanEvent(time_ns, event.name, self._attributes(event.attributes))

    def _span_link(self, link: trace_pb2.Span.Link) -> SpanLink:
        attributes = self._attributes(link.attributes)
        return SpanLink(link.trace_id.hex(), link.span_id.hex(), attributes)

    def _event(self, record: logs_pb2.LogRecord, resource: dict[str, str]) -> Event:
        time_ns = record.time_unix_nano or record.observed_time_unix_nano
        time_ns = time_ns or int(self._now_s * 1e9)
        self._limits.check_time(time_ns, self._now_s)
        body = text(record.body)
        if len(body) > self._limits.body_bytes:
            raise Refused(
                "body_too_long", f"the body has more than {self._limits.body_bytes} bytes"
            )
        attributes = self._attributes(record.attributes)
        return Event(
            time_ns=time_ns,
            name=record.event_name or attributes.get(EVENT_NAME.name, ""),
            severity=record.severity_number,
            severity_text=record.severity_text,
            body=body,
            trace_id=record.trace_id.hex() if any(record.trace_id) else "",
            span_id=record.span_id.hex() if any(record.span_id) else "",
            attributes=attributes,
            resource=resource,
        )


def _named(names: tuple[str, ...], number: int) -> str:
    return names[number] if 0 <= number < len(names) else names[0]
