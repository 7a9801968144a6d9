"""
This module says, as series of the server's own, how its rules are evaluated and its alerts told.

Their names are ours and not Prometheus's: whoever federates this server beside a Prometheus would
otherwise add up the health of two programs. The alerts on rules and notifications ask for both.
"""

from collections.abc import Iterator

from otel_confidence import conventions as c
from otel_confidence.alerting.service import Alerting
from otel_confidence.points import Batch, Metadata, Sample, Samples
from otel_confidence.server.jobs import own_series

_COUNTERS = (
    c.RULE_EVALUATIONS, c.RULE_FAILURES, c.RULE_MISSES, c.NOTIFICATIONS, c.NOTIFICATION_FAILURES,
    c.NOTIFICATIONS_DROPPED,
)  # fmt: skip
_GAUGES = (c.RULE_DURATION, c.NOTIFICATION_BACKLOG)
_Values = tuple[dict[str, str], dict[c.Metric, float]]


def rule_health(alerting: Alerting, instance: str, time_ms: int) -> Batch:
    """
    What groups, channels and Alertmanagers count, at a time in epoch milliseconds.
    """
    samples = Samples.of(
        Sample(own_series(metric.prometheus, instance, labels), time_ms, float(value))
        for labels, values in (*_groups(alerting), *_channels(alerting))
        for metric, value in values.items()
    )
    about = [
        *(Metadata(metric.prometheus, "counter", "", metric.about) for metric in _COUNTERS),
        *(Metadata(metric.prometheus, "gauge", "", metric.about) for metric in _GAUGES),
    ]
    return Batch(samples=samples, metadata=about)


def _groups(alerting: Alerting) -> Iterator[_Values]:
    for group in alerting.groups:
        yield (
            {c.RULE_GROUP.label: f"{group.spec.file};{group.spec.name}"},
            {
                c.RULE_EVALUATIONS: group.evaluations * len(group.rules),
                c.RULE_FAILURES: group.failures,
                c.RULE_MISSES: group.missed,
                c.RULE_DURATION: group.duration_s,
            },
        )


def _channels(alerting: Alerting) -> Iterator[_Values]:
    listeners = alerting.listeners
    waiting = {each.name: each.backlog for each in alerting.channels()}
    for desk, channel in listeners.notifier.desks:
        yield (
            {c.CHANNEL.label: channel.name},
            {
                c.NOTIFICATIONS: desk.sent,
                c.NOTIFICATION_FAILURES: desk.failed,
                c.NOTIFICATIONS_DROPPED: desk.given_up,
                c.NOTIFICATION_BACKLOG: waiting[channel.name],
            },
        )
    for alertmanager in listeners.alertmanagers:
        yield (
            {c.CHANNEL.label: alertmanager.name},
            {
                c.NOTIFICATIONS: alertmanager.sent,
                c.NOTIFICATION_FAILURES: alertmanager.failed,
                c.NOTIFICATIONS_DROPPED: alertmanager.dropped,
                c.NOTIFICATION_BACKLOG: alertmanager.waiting,
            },
        )
