"""
This module emits failures: calls that ended in an exception, and errors that were reported.
"""

from opentelemetry.context import Context
from opentelemetry.trace import Span, StatusCode

from otel_confidence import conventions as c
from otel_confidence.records import Failure
from otel_confidence.sdk.emitters.tools import Tools


def emit(tools: Tools, f: Failure, span: Span, context: Context | None) -> None:
    """
    Record one failure; a canceled call is accounted for and no error.
    """
    signal = "prediction" if f.cancelled else "error"
    tools.recorded(signal)
    if f.cancelled:
        tools.dropped(signal, "cancelled")
        return
    error_type = tools.redactor.name(f.error_type)
    if span.is_recording():
        span.set_attribute(c.ERROR_TYPE.name, error_type)
        span.set_status(StatusCode.ERROR, error_type)
    if tools.lost(signal):
        return
    if f.component or f.severity or f.impact or f.attributes or not f.model:
        _report(tools, f)
    else:
        _measure(tools, f, error_type, context)


def _measure(tools: Tools, f: Failure, error_type: str, context: Context | None) -> None:
    """
    Count a failed call of a model, and how long it took.
    """
    series = tools.model(f.model, f.version)
    kind = series.error_type(error_type)
    errors = series.errors(kind)
    with tools.sums.lock:
        errors.value += 1
    if f.duration_s is not None:
        duration = tools.instruments.histogram(c.PREDICTION_DURATION)
        duration.record(f.duration_s, series.failed_duration(kind), context)
    _recover(tools, f, series.attributes | {c.ERROR_TYPE.name: kind})


def _report(tools: Tools, f: Failure) -> None:
    """
    Count an error of which more is known than its model.
    """
    model = tools.model(f.model, f.version).attributes if f.model else {}
    where = {c.COMPONENT: f.component, c.ERROR_TYPE: f.error_type}
    labels = model | tools.labels.of(where, f.attributes)
    grave = {c.ERROR_SEVERITY.name: f.severity, c.ERROR_IMPACT.name: f.impact}
    tools.sums.add(c.ERRORS, labels | {name: text for name, text in grave.items() if text})
    _recover(tools, f, labels)


def _recover(tools: Tools, f: Failure, labels: dict[str, str]) -> None:
    if f.recovered is None:
        return
    for success in c.RECOVERY_SUCCESS.values:
        attributes = labels | {c.RECOVERY_SUCCESS.name: success}
        hit = success == str(f.recovered).lower()
        tools.sums.add(c.ERROR_RECOVERIES, attributes, int(hit))
