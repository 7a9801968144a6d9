"""
This module emits feedback: judgements by what was judged and who judged.
"""

from opentelemetry.context import Context
from opentelemetry.trace import Span

from otel_confidence import conventions as c
from otel_confidence import outcomes
from otel_confidence.records import Feedback
from otel_confidence.sdk import details, events
from otel_confidence.sdk.emitters.tools import Tools


def emit(tools: Tools, f: Feedback, span: Span, context: Context | None) -> None:  # noqa: ARG001  its link says where it belongs
    """
    Record one judgement, once for each judge.
    """
    tools.recorded("feedback")
    if tools.lost("feedback"):
        return
    if f.prediction_id and tools.seen.before(outcomes.feedback_id(f)):
        tools.dropped("feedback", outcomes.DUPLICATE)
        return
    series = tools.model(f.model, f.version)
    attributes, responses = series.feedback(f.type, f.source)
    if f.attributes:
        labels = attributes | tools.labels.of({}, f.attributes)
        responses = tools.sums.of(c.FEEDBACK_RESPONSES, labels)
    with tools.sums.lock:
        responses.value += 1
    place = events.context_of(f.link)
    scores = tools.instruments.histogram(c.FEEDBACK_SCORES)
    scores.record(f.score, responses.attributes, place)
    events.link(span, f.link, f.prediction_id)
    told = series.attributes | details.of_feedback(f, tools.redactor)
    events.emit(tools.logger, c.FEEDBACK, told, time_s=tools.now(), context=place)
