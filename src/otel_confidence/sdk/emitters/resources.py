"""
This module emits resources: the share in use, and amounts in bytes.
"""

from opentelemetry.context import Context
from opentelemetry.trace import Span

from otel_confidence import conventions as c
from otel_confidence.reports import BYTES, Resource
from otel_confidence.sdk.emitters import gauges
from otel_confidence.sdk.emitters.tools import Tools


def emit(tools: Tools, r: Resource, span: Span, context: Context | None) -> None:  # noqa: ARG001  metrics alone
    """
    Record how much of a resource is in use.
    """
    tools.recorded("resource")
    if tools.lost("resource"):
        return
    labels = tools.labels.of({c.RESOURCE_TYPE: r.type, c.RESOURCE_NAME: r.name}, r.attributes)
    size = BYTES[r.unit]
    levels = {
        c.RESOURCE_UTILIZATION: r.utilization,
        c.RESOURCE_USED: None if r.used is None else r.used * size,
        c.RESOURCE_ALLOCATED: None if r.allocated is None else r.allocated * size,
    }
    gauges.show(tools, labels, levels)
