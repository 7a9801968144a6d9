"""
This module emits predictions: confidence, decision, duration, uncertainty and their events.
"""

from typing import Any, Final

from opentelemetry.context import Context
from opentelemetry.trace import Span

from otel_confidence import conventions as c
from otel_confidence.records import Prediction
from otel_confidence.sdk import details, events
from otel_confidence.sdk.details import Detail
from otel_confidence.sdk.emitters.tools import Tools
from otel_confidence.sdk.series import ModelSeries, decision_of, tier_of

_IDS: Final = 2**64


def emit(tools: Tools, p: Prediction, span: Span, context: Context | None) -> None:
    """
    Record one prediction or a batch; its metrics, span and events fail apart from each other.
    """
    tools.recorded("prediction", p.size)
    detail = details.of_prediction(p, tools.redactor)
    if not tools.lost("prediction", p.size):
        with tools.guard("emit.metrics"):
            _measure(tools, p, tools.model(p.model, p.version), context)
    with tools.guard("emit.span"):
        if span.is_recording():
            span.set_attributes(detail)
    with tools.guard("emit.event"):
        _tell(tools, p, detail, context)


def _measure(tools: Tools, p: Prediction, series: ModelSeries, context: Context | None) -> None:
    known = _numbers(p.confidence)
    for value in known:
        _measure_confidence(tools, value, p, series, context)
    _account(tools, p, len(known), series)
    duration = tools.instruments.histogram(c.PREDICTION_DURATION)
    duration.record(p.duration_s, series.attributes, context)
    for value in _numbers(p.uncertainty):
        uncertainty = tools.instruments.histogram(c.PREDICTION_UNCERTAINTY)
        uncertainty.record(value, series.uncertainty(p.method), context)


def _measure_confidence(
    tools: Tools, value: float, p: Prediction, series: ModelSeries, context: Context | None
) -> None:
    decision = decision_of(value, p.threshold)
    made = series.predictions(decision, tier_of(value))
    series.bins(p.source)
    with tools.sums.lock:
        made.value += 1
    confidences = tools.instruments.histogram(c.PREDICTION_CONFIDENCE)
    confidences.record(value, series.confidence(p.source, decision), context)


def _account(tools: Tools, p: Prediction, known: int, series: ModelSeries) -> None:
    """
    Balance the ledger: a confidence that was changed, by clipping, is a dropped and a new one.
    """
    tools.recorded("confidence", known + sum(p.rejected.values()))
    for reason, count in p.rejected.items():
        tools.dropped("confidence", reason, count)
    if known < p.size:
        unknown = series.predictions("", "")
        with tools.sums.lock:
            unknown.value += p.size - known


def _tell(tools: Tools, p: Prediction, detail: Detail, context: Context | None) -> None:
    low = p.threshold is not None and isinstance(p.confidence, float) and p.confidence < p.threshold
    sampled = p.id < tools.settings.event_sample_ratio * _IDS
    if not (low or sampled) or not tools.logger.enabled():
        return
    told = tools.model(p.model, p.version).attributes | detail
    if sampled:
        events.emit(tools.logger, c.RESULT, told, time_s=p.time_s, context=context)
    if low:
        low_event = c.LOW_CONFIDENCE_RESULT
        events.emit(tools.logger, low_event, told, time_s=p.time_s, context=context)


def _numbers(values: Any) -> list[float]:
    """
    The values that a histogram takes, as Python floats.
    """
    if values is None:
        return []
    if type(values) is float:
        return [values]
    return [value for value in values.tolist() if value >= 0]
