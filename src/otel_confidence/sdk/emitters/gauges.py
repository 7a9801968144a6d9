"""
This module sets gauges, each holding its value until the next one.
"""

from collections.abc import Mapping

from otel_confidence import conventions as c
from otel_confidence.sdk.emitters.tools import Tools
from otel_confidence.sdk.sums import OVERFLOW, Attributes


def show(tools: Tools, attributes: Attributes, values: Mapping[c.Metric, float | None]) -> None:
    """
    Let gauges stand at these values; None is left out.

    Counts of many series can share one, values can't: a value without a series of its own is lost
    as ``metric``, reason ``too_many_values``.
    """
    known = {metric: value for metric, value in values.items() if value is not None}
    crowded = c.OTHER in attributes.values()
    lost = sum(crowded or not _set(tools, metric, attributes, v) for metric, v in known.items())
    if lost:
        tools.recorded("metric", lost)
        tools.dropped("metric", "too_many_values", lost)


def _set(tools: Tools, metric: c.Metric, attributes: Attributes, value: float) -> bool:
    found = tools.sums.of(metric, attributes)
    if OVERFLOW in found.attributes:
        return False
    with tools.sums.lock:
        found.value = value
    return True
