"""
This module emits outcomes: truth counted by how predictions turned out, and by calibration bin.
"""

from opentelemetry.context import Context
from opentelemetry.trace import Span

from otel_confidence import conventions as c
from otel_confidence.records import Outcome
from otel_confidence.sdk import details, events
from otel_confidence.sdk.emitters.tools import Tools
from otel_confidence.sdk.series import ModelSeries, bin_of


def emit(tools: Tools, o: Outcome, span: Span, context: Context | None) -> None:  # noqa: ARG001  its link says where it belongs
    """
    Record the truth about one prediction, once.
    """
    tools.recorded("outcome")
    if tools.lost("outcome"):
        return
    if tools.seen.before(o.prediction_id):
        tools.dropped("outcome", "duplicate")
        return
    series = tools.model(o.model, o.version)
    counted = series.outcomes(details.turned_out(o))
    with tools.sums.lock:
        counted.value += 1
    if o.confidence is not None and o.correct is not None:
        _calibrate(tools, series, o.source, o.confidence, o.correct)
    place = events.context_of(o.link)
    delays = tools.instruments.histogram(c.PREDICTION_LABEL_DELAY)
    delays.record(o.delay_s, series.attributes, place)
    told = series.attributes | details.of_outcome(o, tools.redactor)
    events.emit(tools.logger, c.OUTCOME_KNOWN, told, time_s=tools.now(), context=place)


def _calibrate(
    tools: Tools, series: ModelSeries, source: str, confidence: float, correct: float
) -> None:
    found = series.bins(source)[bin_of(confidence)]
    with tools.sums.lock:
        found.predictions.value += 1
        found.confidence.value += confidence
        found.correct.value += correct
        found.squared_error.value += (confidence - correct) ** 2
