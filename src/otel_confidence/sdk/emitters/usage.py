"""
This module emits usage: actions of components by how they ended, and how long they took.
"""

from opentelemetry.context import Context
from opentelemetry.trace import Span

from otel_confidence import conventions as c
from otel_confidence.reports import Usage
from otel_confidence.sdk.emitters.tools import Tools


def emit(tools: Tools, u: Usage, span: Span, context: Context | None) -> None:  # noqa: ARG001  metrics alone
    """
    Record one action; the other results of the same action are published as zero.
    """
    tools.recorded("usage")
    if tools.lost("usage"):
        return
    labels = tools.labels.of({c.COMPONENT: u.component, c.ACTION: u.action}, u.attributes)
    ended = {
        result: tools.sums.of(c.COMPONENT_ACTIONS, labels | {c.ACTION_RESULT.name: result})
        for result in c.ACTION_RESULT.values
    }
    counted = ended[u.result]
    with tools.sums.lock:
        counted.value += 1
    if u.duration_s is not None:
        durations = tools.instruments.histogram(c.COMPONENT_ACTION_DURATION)
        durations.record(u.duration_s, counted.attributes, context)
