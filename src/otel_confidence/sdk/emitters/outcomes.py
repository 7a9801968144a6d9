"""
This module emits outcomes: truth counted by how predictions turned out, and by calibration bin.
"""

from opentelemetry.context import Context
from opentelemetry.trace import Span

from otel_confidence import conventions as c
from otel_confidence import outcomes
from otel_confidence.records import Outcome
from otel_confidence.sdk import details, events
from otel_confidence.sdk.emitters.tools import Tools
from otel_confidence.sdk.series import ModelSeries


def emit(tools: Tools, o: Outcome, span: Span, context: Context | None) -> None:  # noqa: ARG001  its link says where it belongs
    """
    Record the truth about one prediction, once; a later one, be it another, changes nothing.
    """
    tools.recorded("outcome")
    if tools.lost("outcome"):
        return
    if o.prediction_id and tools.seen.before(o.prediction_id):
        tools.dropped("outcome", outcomes.DUPLICATE)
        return
    series = tools.model(o.model, o.version)
    counted = series.outcomes(outcomes.turned_out(o.correct))
    with tools.sums.lock:
        counted.value += 1
    if o.confidence is not None and o.correct is not None:
        _calibrate(tools, series, o.source, o.confidence, float(o.correct))
    place = events.context_of(o.link)
    delays = tools.instruments.histogram(c.PREDICTION_LABEL_DELAY)
    delays.record(o.delay_s, series.attributes, place)
    events.link(span, o.link, o.prediction_id)
    told = series.attributes | details.of_outcome(o, tools.redactor)
    events.emit(tools.logger, c.OUTCOME_KNOWN, told, time_s=tools.now(), context=place)


def _calibrate(
    tools: Tools, series: ModelSeries, source: str, confidence: float, correct: float
) -> None:
    found = series.bins(source)[outcomes.bin_of(confidence)]
    with tools.sums.lock:
        for total, added in zip(found, outcomes.calibrated(confidence, correct), strict=True):
            total.value += added
