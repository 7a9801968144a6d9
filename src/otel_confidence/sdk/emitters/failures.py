"""
This module emits failures: calls that should have predicted and ended in an exception.
"""

from opentelemetry.context import Context
from opentelemetry.trace import Span, StatusCode

from otel_confidence import conventions as c
from otel_confidence.records import Failure
from otel_confidence.sdk.emitters.tools import Tools


def emit(tools: Tools, f: Failure, span: Span, context: Context | None) -> None:
    """
    Record one failed call; a canceled one is accounted for and no error.
    """
    signal = "prediction" if f.cancelled else "error"
    tools.recorded(signal)
    if f.cancelled:
        tools.dropped(signal, "cancelled")
        return
    series = tools.model(f.model, f.version)
    error_type = tools.redactor.name(f.error_type)
    kind = series.error_type(error_type)
    if span.is_recording():
        span.set_attribute(c.ERROR_TYPE.name, error_type)
        span.set_status(StatusCode.ERROR, error_type)
    if tools.lost(signal):
        return
    errors = series.errors(kind)
    with tools.sums.lock:
        errors.value += 1
    duration = tools.instruments.histogram(c.PREDICTION_DURATION)
    duration.record(f.duration_s, series.failed_duration(kind), context)
