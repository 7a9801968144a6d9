"""
This module emits performance: a gauge for each metric, and for each bound of an estimate.
"""

from opentelemetry.context import Context
from opentelemetry.trace import Span

from otel_confidence import conventions as c
from otel_confidence.reports import Performance
from otel_confidence.sdk.emitters import gauges
from otel_confidence.sdk.emitters.tools import Tools


def emit(tools: Tools, p: Performance, span: Span, context: Context | None) -> None:  # noqa: ARG001  metrics alone
    """
    Record one number that says how well a model does.
    """
    tools.recorded("performance")
    if tools.lost("performance"):
        return
    labels = tools.labels.of({c.PERFORMANCE_METRIC: p.metric}, p.attributes)
    attributes = tools.model(p.model, p.version).attributes | labels
    if not p.estimated:
        gauges.show(tools, attributes, {c.PERFORMANCE_VALUE: p.value})
        return
    point, lower, upper = c.PERFORMANCE_BOUND.values
    for bound, value in ((point, p.value), (lower, p.lower), (upper, p.upper)):
        bounded = attributes | {c.PERFORMANCE_BOUND.name: bound}
        gauges.show(tools, bounded, {c.PERFORMANCE_ESTIMATED: value})
