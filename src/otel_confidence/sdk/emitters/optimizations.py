"""
This module emits optimizations: the measure before and after as gauges, and an event for each one.
"""

from opentelemetry.context import Context
from opentelemetry.trace import Span

from otel_confidence import conventions as c
from otel_confidence.reports import Optimization
from otel_confidence.sdk import details, events
from otel_confidence.sdk.emitters import gauges
from otel_confidence.sdk.emitters.tools import Tools


def emit(tools: Tools, o: Optimization, span: Span, context: Context | None) -> None:  # noqa: ARG001  the event finds the current span by itself
    """
    Record what one optimization brought.
    """
    tools.recorded("optimization")
    if tools.lost("optimization"):
        return
    known = {c.COMPONENT: o.component, c.OPTIMIZATION_CATEGORY: o.category}
    labels = tools.labels.of(known, o.attributes)
    levels = {
        c.OPTIMIZATION_BEFORE: o.before,
        c.OPTIMIZATION_AFTER: o.after,
        c.OPTIMIZATION_CHANGE: o.change,
        c.OPTIMIZATION_USER_IMPACT: o.user_impact,
    }
    gauges.show(tools, labels, levels)
    told = labels | details.of_optimization(o, tools.redactor)
    event = c.OPTIMIZATION_RESULT
    events.emit(tools.logger, event, told, time_s=tools.now(), context=context)
