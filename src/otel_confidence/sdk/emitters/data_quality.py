"""
This module emits data quality: checks by result, the share that passed, an event for each failure.
"""

from typing import Final

from opentelemetry.context import Context
from opentelemetry.trace import Span

from otel_confidence import conventions as c
from otel_confidence.reports import DataQuality
from otel_confidence.sdk import details, events
from otel_confidence.sdk.emitters import gauges
from otel_confidence.sdk.emitters.tools import Tools
from otel_confidence.sdk.sums import Attributes

MAX_EVENTS: Final = 100
"""Violations of one record that leave an event; the excess is counted."""
_FAILED: Final = "fail"


def emit(tools: Tools, d: DataQuality, span: Span, context: Context | None) -> None:  # noqa: ARG001  events find the current span by themselves
    """
    Record how the checks of a model's data ended.
    """
    tools.recorded("data_quality")
    if tools.lost("data_quality"):
        return
    labels = tools.model(d.model, d.version).attributes | tools.labels.of({}, d.attributes)
    gauges.show(tools, labels, {c.DATA_QUALITY_SCORE: d.score})
    for check, result in d.checks.items():
        _count(tools, labels, check, result)
    failed = [check for check, result in d.checks.items() if result == _FAILED]
    for check in failed[:MAX_EVENTS]:
        told = labels | details.of_violation(d, check, tools.redactor)
        event = c.DATA_QUALITY_VIOLATION
        events.emit(tools.logger, event, told, time_s=tools.now(), context=context)
    excess = len(failed) - MAX_EVENTS
    if excess > 0:
        tools.recorded("event", excess)
        tools.dropped("event", "batch_limit", excess)


def _count(tools: Tools, labels: Attributes, check: str, result: str) -> None:
    """
    Count a check; the results it might have had are published as zero.
    """
    checked = labels | tools.labels.of({c.QUALITY_CHECK: check}, {})
    for possible in c.QUALITY_RESULT.values:
        attributes = checked | {c.QUALITY_RESULT.name: possible}
        tools.sums.add(c.DATA_QUALITY_CHECKS, attributes, int(possible == result))
