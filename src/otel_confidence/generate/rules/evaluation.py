"""
This module builds the rules on alerting itself: whether rules are evaluated, and alerts told.

They ask for what Prometheus and Alertmanager count, and for what this package's server counts in
their place, which has other names: the two may stand side by side.
"""

from typing import Final

from otel_confidence.conventions import (
    NOTIFICATION_FAILURES,
    NOTIFICATIONS_DROPPED,
    RULE_FAILURES,
    RULE_GROUP,
    RULE_MISSES,
)
from otel_confidence.generate.rules.kinds import Alert, Group, of

LASTING: Final = (("for", "15m"),)
"""Longer than the windows: a single fault, which the next attempt made good, is not told."""

_GROUP: Final = RULE_GROUP.label
_MISSED: Final = (
    "prometheus_rule_evaluation_failures_total",
    "prometheus_rule_group_iterations_missed_total",
    RULE_FAILURES.prometheus,
    RULE_MISSES.prometheus,
)
_UNTOLD: Final = (
    "prometheus_notifications_dropped_total",
    "prometheus_notifications_errors_total",
    "alertmanager_notifications_failed_total",
    NOTIFICATION_FAILURES.prometheus,
    NOTIFICATIONS_DROPPED.prometheus,
)


def groups() -> list[Group]:
    """
    The group on alerting.
    """
    return [Group("evaluation", "1m", (), (_failing(), _undelivered()))]


def _failing() -> Alert:
    missed = "\nor\n".join(f"sum by ({_GROUP}) (increase({name}[10m])) > 0" for name in _MISSED)
    return Alert(
        name="RuleEvaluationFailing",
        expression=missed,
        severity="critical",
        topic="rules",
        summary=f"Rules of {of(_GROUP)} are not evaluated",
        description=(
            f"Evaluations of {of(_GROUP)} failed or were left out within ten minutes "
            '({{ $value | printf "%.0f" }}): its alerts may be missing.'
        ),
        board="health",
        waits=LASTING,
    )


def _undelivered() -> Alert:
    lost = "\nor\n".join(f"sum by (job, instance) (increase({name}[10m])) > 0" for name in _UNTOLD)
    return Alert(
        name="AlertsNotDelivered",
        expression=lost,
        severity="critical",
        topic="notifications",
        summary=f"{of('instance')} cannot tell of alerts",
        description=(
            'Within ten minutes {{ $value | printf "%.0f" }} notifications of '
            f"{of('job')} at {of('instance')} failed or were dropped."
        ),
        board="health",
        waits=LASTING,
    )
