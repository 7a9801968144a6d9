"""
This module emits predictions: confidence, decision, duration, uncertainty and their events.
"""

from typing import Final

from opentelemetry.context import Context
from opentelemetry.trace import Span

from otel_confidence import conventions as c
from otel_confidence.records import Prediction
from otel_confidence.sdk import details, events
from otel_confidence.sdk.details import Detail
from otel_confidence.sdk.emitters.tools import Tools
from otel_confidence.sdk.series import ModelSeries, tier_of

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
    if _is_batch(p):
        from otel_confidence.sdk.emitters import batches  # numpy, which the front door leaves alone

        known = batches.measure(tools, p, series, context)
    else:
        known = _measure_one(tools, p, series, context)
    _account(tools, p, known, series)
    duration = tools.instruments.histogram(c.PREDICTION_DURATION)
    duration.record(p.duration_s, series.attributes, context)


def _measure_one(tools: Tools, p: Prediction, series: ModelSeries, context: Context | None) -> int:
    if isinstance(p.uncertainty, float):
        uncertainty = tools.instruments.histogram(c.PREDICTION_UNCERTAINTY)
        uncertainty.record(p.uncertainty, series.uncertainty(p.method), context)
    if not isinstance(p.confidence, float):
        return 0
    decision = p.decisions.of(p.confidence)
    made = series.predictions(decision, tier_of(p.confidence))
    series.bins(p.source)
    with tools.sums.lock:
        made.value += 1
    confidences = tools.instruments.histogram(c.PREDICTION_CONFIDENCE)
    confidences.record(p.confidence, series.confidence(p.source, decision), context)
    return 1


def _account(tools: Tools, p: Prediction, known: int, series: ModelSeries) -> None:
    """
    Balance the ledger: a confidence that was changed, by clipping, is a dropped and a new one.
    """
    tools.recorded("confidence", known + sum(p.rejected.values()))
    for reason, count in p.rejected.items():
        tools.dropped("confidence", reason, count)
        tools.guard.say_once(
            f"confidence {p.model} {reason}",
            "otel_confidence: model %r gave no usable confidence (%s); its predictions count, and "
            "further ones like it are only counted, in %s",
            tools.redactor.name(p.model), reason, c.DROPPED.name,
        )  # fmt: skip
    if known < p.size:
        unknown = series.predictions("", "")
        with tools.sums.lock:
            unknown.value += p.size - known


def _tell(tools: Tools, p: Prediction, detail: Detail, context: Context | None) -> None:
    if not tools.logger.enabled():
        return
    if _is_batch(p):
        from otel_confidence.sdk.emitters import batches  # numpy, which the front door leaves alone

        batches.tell(tools, p, context)
        return
    threshold = p.decisions.threshold
    low = threshold is not None and type(p.confidence) is float and p.confidence < threshold
    sampled = p.id < tools.settings.event_sample_ratio * _IDS
    if not (low or sampled):
        return
    told = tools.model(p.model, p.version).attributes | detail
    if sampled:
        events.emit(tools.logger, c.RESULT, told, time_s=p.time_s, context=context)
    if low:
        low_event = c.LOW_CONFIDENCE_RESULT
        events.emit(tools.logger, low_event, told, time_s=p.time_s, context=context)


def _is_batch(p: Prediction) -> bool:
    """
    Whether it has columns of numbers, one for each row.
    """
    if type(p.confidence) is float:
        return False
    return p.confidence is not None or not isinstance(p.uncertainty, (float, type(None)))
