"""
This module is alerting as pages and commands see it: rules, alerts, silences, history, channels.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from otel_confidence.alerting.alerts import Alert
from otel_confidence.alerting.evaluator import Evaluator
from otel_confidence.alerting.groups import Group
from otel_confidence.alerting.notifying.alertmanagers import Alertmanager
from otel_confidence.alerting.notifying.book import Delivery, Incident
from otel_confidence.alerting.notifying.notifier import ChannelState, Notifier
from otel_confidence.alerting.notifying.silencing import Silencing


@dataclass(frozen=True, slots=True)
class ActiveAlert:
    """
    An alert that is pending or firing, with where it comes from.
    """

    group: str
    rule: str
    severity: str
    alert: Alert
    silenced: bool


@dataclass(slots=True)
class Listeners:
    """
    Who hears of alerts: the notifier of this server's own channels, and Alertmanagers.
    """

    notifier: Notifier
    alertmanagers: Sequence[Alertmanager] = ()

    def tell(self, alerts: Sequence[Alert], at_ms: int) -> None:
        """
        Hand alerts on.
        """
        for alertmanager in self.alertmanagers:
            alertmanager.take(alerts)
        self.notifier.take(alerts, at_ms)


@dataclass(frozen=True, slots=True)
class Alerting:
    """
    Everything about alerts in one place; safe for use by many threads.
    """

    evaluator: Evaluator
    listeners: Listeners

    @property
    def groups(self) -> list[Group]:
        """
        The rule groups with their rules, how they fare and their alerts.
        """
        return self.evaluator.groups

    def alerts(self, at_ms: int) -> list[ActiveAlert]:
        """
        The alerts that are pending or firing, firing ones first, the latest first.
        """
        found = [
            ActiveAlert(
                group.spec.name,
                rule.spec.name,
                dict(alert.labels).get("severity", ""),
                alert,
                bool(self.silencing.holding(dict(alert.labels), at_ms)),
            )
            for group in self.groups
            for rule in group.alerting
            for alert in rule.alerts()
        ]
        return sorted(found, key=lambda each: (each.alert.state, -each.alert.active_ms))

    def history(self, *, limit: int = 100, before: int | None = None) -> list[Incident]:
        """
        Incidents, those that go on among them, the latest first.
        """
        return self.listeners.notifier.history(limit=limit, before=before)

    @property
    def silencing(self) -> Silencing:
        """
        The silences, past ones too.
        """
        return self.listeners.notifier.silencing

    def channels(self) -> list[ChannelState]:
        """
        How every channel fares, and its backlog.
        """
        return self.listeners.notifier.channels()

    def deliveries(self, *, channel: str = "", limit: int = 100) -> list[Delivery]:
        """
        Attempts to notify, the latest first.
        """
        return self.listeners.notifier.deliveries(channel=channel, limit=limit)
