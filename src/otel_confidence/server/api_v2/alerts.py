"""
This module answers the requests of Alertmanager's HTTP API that ask for alerts.

They are those that fire here, which are made by rules alone: none are taken from elsewhere.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from otel_confidence.alerting.alerts import Alert
from otel_confidence.alerting.notifying.book import Incident
from otel_confidence.alerting.notifying.messages import fingerprint, generator_url, moment
from otel_confidence.alerting.notifying.silences import covered
from otel_confidence.alerting.service import Alerting
from otel_confidence.points import Matcher
from otel_confidence.server.api_v2.matchers import filters_of
from otel_confidence.store.patterns import compiled

_YES: Final = frozenset({"1", "t", "true", "y", "yes", "on"})


@dataclass(frozen=True, slots=True)
class Wanted:
    """
    Which alerts are asked for.
    """

    matchers: Sequence[Matcher] = ()
    active: bool = True
    silenced: bool = True
    inhibited: bool = True
    receiver: str = ""

    @classmethod
    def read(cls, given: Mapping[str, str], filters: Sequence[str]) -> "Wanted":
        """
        What the parameters of a request ask for.

        Raises:
            ConfigurationError: A filter is no matcher.
            QueryError: The receiver is no regular expression.
        """
        receiver = given.get("receiver", "")
        compiled(receiver)
        flags = {
            name: given.get(name, "true").lower() in _YES
            for name in ("active", "silenced", "inhibited")
        }
        return cls(filters_of(filters), **flags, receiver=receiver)

    def takes(self, shown: Mapping[str, Any]) -> bool:
        """
        Whether an alert, as it is written, is asked for.
        """
        status, names = shown["status"], [each["name"] for each in shown["receivers"]]
        return (
            (self.active or status["state"] != "active")
            and (self.silenced or not status["silencedBy"])
            and (self.inhibited or not status["inhibitedBy"])
            and (not self.receiver or any(compiled(self.receiver).search(each) for each in names))
            and covered(shown["labels"], self.matchers)
        )


@dataclass(frozen=True, slots=True)
class Alerts:
    """
    Answers about alerts.
    """

    alerting: Alerting
    external_url: str = ""

    def asked_for(self, wanted: Wanted, at_ms: int) -> list[dict[str, Any]]:
        """
        The alerts that are asked for, in the order of their fingerprints.
        """
        known = self.alerting.listeners.notifier.going_on()
        found = (self._written(each, known, at_ms) for each in self._firing(at_ms))
        return sorted(filter(wanted.takes, found), key=lambda each: str(each["fingerprint"]))

    def groups(self, wanted: Wanted, at_ms: int) -> list[dict[str, Any]]:
        """
        The same alerts in the groups that each channel is told of together.
        """
        found: dict[tuple[str, tuple[tuple[str, str], ...]], list[dict[str, Any]]] = {}
        for shown in self.asked_for(wanted, at_ms):
            for desk, channel in self.alerting.listeners.notifier.desks:
                if desk.route.takes(shown["labels"]):
                    key = (channel.name, desk.route.group(shown["labels"]))
                    found.setdefault(key, []).append(shown)
        return [
            {"labels": dict(labels), "receiver": {"name": name}, "alerts": found[name, labels]}
            for name, labels in sorted(found)
        ]

    def _firing(self, at_ms: int) -> list[Alert]:
        found = self.alerting.alerts(at_ms)
        return [each.alert for each in found if each.alert.state == "firing"]

    def _written(self, alert: Alert, known: Sequence[Incident], at_ms: int) -> dict[str, Any]:
        labels, notifier = dict(alert.labels), self.alerting.listeners.notifier
        silenced = notifier.silencing.holding(labels, at_ms)
        inhibited = notifier.inhibiting(labels, known)
        names = [channel.name for desk, channel in notifier.desks if desk.route.takes(labels)]
        return {
            "labels": labels,
            "annotations": alert.annotations,
            "fingerprint": fingerprint(labels),
            "startsAt": moment(alert.active_ms if alert.fired_ms is None else alert.fired_ms),
            "endsAt": moment(max(alert.valid_ms, at_ms)),
            "updatedAt": moment(at_ms if alert.sent_ms is None else alert.sent_ms),
            "generatorURL": generator_url(self.external_url, alert.expression),
            "receivers": [{"name": name} for name in names],
            "status": {
                "state": "suppressed" if silenced or inhibited else "active",
                "silencedBy": silenced,
                "inhibitedBy": inhibited,
                "mutedBy": [],
            },
        }
