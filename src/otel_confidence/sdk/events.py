"""
This module emits events: log records with an event name.
"""

from collections.abc import Mapping
from typing import Final

from opentelemetry._logs import Logger, SeverityNumber
from opentelemetry.context import Context
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    TraceFlags,
    set_span_in_context,
)

from otel_confidence import conventions as c
from otel_confidence.outcomes import id_text
from otel_confidence.records import Link

Value = str | bool | int | float

_SEVERITIES: Final = {"INFO": SeverityNumber.INFO, "WARN": SeverityNumber.WARN,
                      "ERROR": SeverityNumber.ERROR}  # fmt: skip


def emit(
    logger: Logger,
    event: c.Event,
    attributes: Mapping[str, Value],
    *,
    time_s: float,
    context: Context | None = None,
) -> None:
    """
    Emit one event, its name also as an attribute because Loki drops the record's own.
    """
    logger.emit(
        timestamp=int(time_s * 1e9),
        context=context,
        severity_number=_SEVERITIES[event.severity],
        severity_text=event.severity,
        body=event.about,
        attributes={c.EVENT_NAME.name: event.name, **attributes},
        event_name=event.name,
    )


def context_of(link: Link) -> Context | None:
    """
    A context that places an event in the trace of an earlier prediction.
    """
    if not link.trace_id:
        return None
    return set_span_in_context(NonRecordingSpan(_place(link)), Context())


def link(span: Span, to: Link, prediction_id: int) -> None:
    """
    Link what runs now to the prediction it is about.
    """
    if span.is_recording() and to.trace_id and span.get_span_context().span_id != to.span_id:
        span.add_link(_place(to), {c.PREDICTION_ID.name: id_text(prediction_id)})


def _place(link: Link) -> SpanContext:
    flags = TraceFlags(TraceFlags.SAMPLED if link.sampled else TraceFlags.DEFAULT)
    return SpanContext(link.trace_id, link.span_id, is_remote=True, trace_flags=flags)
