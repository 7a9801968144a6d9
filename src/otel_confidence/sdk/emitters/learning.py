"""
This module emits learning: what a component has reached, and from how many samples.
"""

from opentelemetry.context import Context
from opentelemetry.trace import Span

from otel_confidence import conventions as c
from otel_confidence.reports import Learning
from otel_confidence.sdk.emitters import gauges
from otel_confidence.sdk.emitters.tools import Tools


def emit(tools: Tools, r: Learning, span: Span, context: Context | None) -> None:  # noqa: ARG001  metrics alone
    """
    Record what a component that learns has reached.
    """
    tools.recorded("learning")
    if tools.lost("learning"):
        return
    labels = tools.labels.of({c.COMPONENT: r.component, c.LEARNING_TYPE: r.type}, r.attributes)
    tools.sums.add(c.LEARNING_SAMPLES, labels, r.samples)
    levels = {
        c.LEARNING_ACCURACY: r.accuracy,
        c.LEARNING_CONFIDENCE: r.confidence,
        c.LEARNING_IMPROVEMENT: r.improvement,
    }
    gauges.show(tools, labels, levels)
