"""
This module gives alerts their past back after a restart, from the series that they left.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from otel_confidence.alerting.alerts import ALERT_NAME, ALERTS_FOR_STATE, Alert, labels_of
from otel_confidence.alerting.overlay import STALE
from otel_confidence.alerting.rules import AlertingRule
from otel_confidence.errors import QueryError, StoreError
from otel_confidence.points import NAME_LABEL, Labels, Matcher, Selection
from otel_confidence.query.promql.selecting import Source

_log = logging.getLogger(__name__)
_STALE_BITS = np.float64(STALE).view(np.uint64)


@dataclass(frozen=True, slots=True)
class Patience:
    """
    How a restart is dealt with; the defaults are Prometheus's.
    """

    tolerance_ms: int = 60 * 60_000
    """How long an outage may last for pending alerts to keep the time that they have waited."""
    grace_ms: int = 10 * 60_000
    """The least that a restored alert waits before it fires; what waits less anyway begins anew."""


def restore(rules: Sequence[AlertingRule], source: Source, patience: Patience, at_ms: int) -> None:
    """
    Set since when the active alerts of rules have been so, and let the rules write series.
    """
    for rule in rules:
        rule.restore(_adjusting(rule, source, patience, at_ms))


def _adjusting(
    rule: AlertingRule, source: Source, patience: Patience, at_ms: int
) -> Callable[[Alert], None]:
    series: dict[Labels, Selection] = {}
    if rule.spec.hold_ms >= patience.grace_ms:
        try:
            series = _left(rule, source, at_ms - patience.tolerance_ms, at_ms)
        except (QueryError, StoreError) as error:
            _log.warning("the past of alert %s was not restored: %s", rule.spec.name, error)

    def adjust(alert: Alert) -> None:
        found = series.get(alert.labels)
        if found is not None:
            alert.active_ms = _since(alert, found, rule.spec.hold_ms, patience.grace_ms, at_ms)

    return adjust


def _left(
    rule: AlertingRule, source: Source, start_ms: int, end_ms: int
) -> dict[Labels, Selection]:
    # What a template makes of a label differs between alerts and can't be asked for.
    fixed = {name: text for name, text in rule.spec.labels.items() if "{{" not in text}
    asked = {**fixed, NAME_LABEL: ALERTS_FOR_STATE, ALERT_NAME: rule.spec.name}
    matchers = [Matcher(name, "=", value) for name, value in asked.items()]
    return {
        labels_of(pair for pair in each.labels if pair[0] != NAME_LABEL): each
        for each in source.select(matchers, start_ms - 1, end_ms)
    }


def _since(alert: Alert, found: Selection, hold_ms: int, grace_ms: int, at_ms: int) -> int:
    if found.values[-1:].view(np.uint64)[0] == _STALE_BITS:
        return alert.active_ms
    down_ms = int(found.times_ms[-1]) // 1000 * 1000
    since_ms = int(found.values[-1]) * 1000
    left_ms = hold_ms - (down_ms - since_ms)
    if left_ms <= 0:
        return since_ms
    if left_ms < grace_ms:
        return at_ms + grace_ms - hold_ms
    return since_ms + at_ms - down_ms
