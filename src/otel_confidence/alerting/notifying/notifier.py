"""
This module hears of alerts from rules, keeps their incidents, and has channels told of them.
"""

import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from otel_confidence.alerting.alerts import Alert
from otel_confidence.alerting.notifying.book import (
    Book,
    Delivery,
    Incident,
    packed,
    unpacked,
)
from otel_confidence.alerting.notifying.desk import Desk, incidents
from otel_confidence.alerting.notifying.messages import Notification, fingerprint
from otel_confidence.alerting.notifying.routes import Pace, Route
from otel_confidence.alerting.notifying.silencing import Silencing
from otel_confidence.errors import OtelConfidenceError

KEPT: Final = 100_000
"""How many incidents and deliveries the history holds."""
AFTER_RESTART_MS: Final = 5 * 60_000
"""How long an alert that was known before a restart may take to be found again."""
_FAULTS: Final = (
    OtelConfidenceError, ArithmeticError, AttributeError, LookupError, OSError, RuntimeError,
    TypeError, ValueError,
)  # fmt: skip
"""What a channel or the library behind it may run into; it costs no other channel."""
_log = logging.getLogger(__name__)


class Channel(Protocol):
    """
    Where notifications go.
    """

    @property
    def name(self) -> str:
        """
        What it is called in messages and in the notes, without anything secret.
        """
        ...

    @property
    def severities(self) -> tuple[str, ...]:
        """
        The severities that it takes; empty for all.
        """
        ...

    def send(self, notification: Notification) -> None:
        """
        Tell it; returns when it has the notification.

        Raises:
            OSError: It could not be told; the text says why.
        """
        ...


@dataclass(frozen=True, slots=True)
class ChannelState:
    """
    How a channel fares.
    """

    name: str
    severities: tuple[str, ...]
    backlog: int
    """How many alerts it is owed, told in vain so far."""
    last: Delivery | None


@dataclass(frozen=True, slots=True)
class Inhibition:
    """
    An alert that makes others not worth telling.
    """

    source: Mapping[str, str]
    target: Mapping[str, str]
    """What labels must be; several values are divided by ``|``."""
    equal: tuple[str, ...]
    """The labels that both must have the same values of."""

    def holds(self, source: Mapping[str, str], target: Mapping[str, str]) -> bool:
        """
        Whether one alert keeps another from being told.
        """
        return (
            _has(source, self.source)
            and _has(target, self.target)
            and all(source.get(name, "") == target.get(name, "") for name in self.equal)
            and source != target
        )


def _has(labels: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    return all(labels.get(name, "") in values.split("|") for name, values in wanted.items())


class Notifier:
    """
    Incidents, silences and the desks of all channels, over one book.

    Args:
        book: What is remembered.
        channels: Who is told.
        pace: How alerts are grouped and how often a group is told of.
        inhibitions: Alerts that make others not worth telling.
        external_url: Where this server can be reached.
        now_ms: The present in epoch milliseconds.
        patience_ms: How long an alert that is known from before a restart may take to be found
            again.
    """

    def __init__(
        self,
        book: Book,
        channels: Sequence[Channel],
        *,
        now_ms: int,
        pace: Pace | None = None,
        inhibitions: Sequence[Inhibition] = (),
        external_url: str = "",
        patience_ms: int = AFTER_RESTART_MS,
    ) -> None:
        self._book = book
        self._patience_ms = patience_ms
        self.inhibitions = tuple(inhibitions)
        self._lock = threading.RLock()
        self._valid = {
            each.alert: now_ms + patience_ms for each in incidents(book) if each.ends_ms is None
        }
        self.silencing = Silencing(book)
        self.desks = [
            (Desk(_route(each, pace or Pace()), book, self._muted, external_url), each)
            for each in channels
        ]
        _shorten(book)

    def take(self, alerts: Sequence[Alert], at_ms: int) -> None:
        """
        Hear of alerts as rules tell of them.
        """
        with self._lock, self._book.changing():
            known = {each.alert: each for each in incidents(self._book) if each.ends_ms is None}
            for alert in alerts:
                self._take(alert, known.get(fingerprint(dict(alert.labels))), at_ms)

    def _take(self, alert: Alert, known: Incident | None, at_ms: int) -> None:
        if alert.state == "pending":
            # Known as firing from before a restart: it waits anew, which is no end.
            if known is not None:
                self._valid[known.alert] = at_ms + self._patience_ms
        elif alert.resolved_ms is not None:
            if known is not None:
                self._end(known, alert.resolved_ms)
        elif known is None:
            self._begin(alert, at_ms)
        else:
            self._valid[known.alert] = alert.valid_ms
            if known.annotations != alert.annotations:
                self._keep(replace(known, annotations=dict(alert.annotations), value=alert.value))

    def _begin(self, alert: Alert, at_ms: int) -> None:
        incident = Incident(
            alert=fingerprint(dict(alert.labels)),
            labels=dict(alert.labels),
            annotations=dict(alert.annotations),
            starts_ms=at_ms if alert.fired_ms is None else alert.fired_ms,
            ends_ms=None,
            value=alert.value,
            expression=alert.expression,
        )
        self._valid[incident.alert] = alert.valid_ms
        self._keep(incident)
        self._remember(incident)
        for desk, _ in self.desks:
            desk.expect(incident, at_ms)

    def _end(self, incident: Incident, ends_ms: int) -> None:
        ended = replace(incident, ends_ms=ends_ms)
        self._keep(ended)
        self._valid.pop(incident.alert, None)
        self._book.run(
            "UPDATE history SET ends_ms = ? WHERE alert = ? AND starts_ms = ? AND ends_ms IS NULL",
            ends_ms,
            ended.alert,
            ended.starts_ms,
        )

    def _keep(self, incident: Incident) -> None:
        row = {
            "alert": incident.alert,
            "labels": packed(incident.labels),
            "annotations": packed(incident.annotations),
            "expression": incident.expression,
            "starts_ms": incident.starts_ms,
            "ends_ms": incident.ends_ms,
            "value": incident.value,
        }
        self._book.put("incidents", row)

    def _remember(self, incident: Incident) -> None:
        row = {
            "alert": incident.alert,
            "labels": packed(incident.labels),
            "annotations": packed(incident.annotations),
            "value": incident.value,
            "starts_ms": incident.starts_ms,
            "ends_ms": incident.ends_ms,
        }
        self._book.put("history", row)

    def sweep(self, at_ms: int) -> None:
        """
        End the alerts that no rule tells of any more, and forget what nobody need be told.
        """
        with self._lock, self._book.changing():
            for each in incidents(self._book):
                if each.ends_ms is None and self._valid.get(each.alert, 0) < at_ms:
                    self._end(each, self._valid.get(each.alert, at_ms))
            self._book.run(
                "DELETE FROM incidents WHERE ends_ms IS NOT NULL "
                "AND (alert, starts_ms) NOT IN (SELECT alert, starts_ms FROM told)"
            )
        self.silencing.forget(at_ms)

    def deliver(self, desk: Desk, channel: Channel, at_ms: int) -> None:
        """
        Tell one channel whatever is due; what it cannot take is told later.
        """
        while (notification := desk.prepare(at_ms)) is not None:
            reason = _sent(channel, notification)
            if reason:
                _log.warning("%s was not notified: %s", channel.name, reason)
            desk.settle(notification, at_ms, reason)

    def _muted(self, labels: Mapping[str, str], at_ms: int) -> bool:
        return bool(self.silencing.holding(labels, at_ms)) or bool(self.inhibiting(labels))

    def going_on(self) -> list[Incident]:
        """
        The incidents that are not over.
        """
        return [each for each in incidents(self._book) if each.ends_ms is None]

    def inhibiting(
        self, labels: Mapping[str, str], known: Sequence[Incident] | None = None
    ) -> list[str]:
        """
        The fingerprints of the alerts that make one with these labels not worth telling.

        Args:
            labels: Those of the alert.
            known: What goes on, for whoever asks about many alerts.
        """
        if not self.inhibitions:
            return []
        return sorted(
            each.alert
            for each in (self.going_on() if known is None else known)
            if any(inhibition.holds(each.labels, labels) for inhibition in self.inhibitions)
        )

    def history(self, *, limit: int = 100, before: int | None = None) -> list[Incident]:
        """
        Incidents, the latest first; ``before`` is epoch milliseconds of the first not asked for.
        """
        found = self._book.rows(
            "SELECT alert, labels, annotations, starts_ms, ends_ms, value FROM history "
            "WHERE starts_ms < ? ORDER BY starts_ms DESC, number DESC LIMIT ?",
            2**62 if before is None else before,
            limit,
        )
        return [
            Incident(alert, unpacked(labels), unpacked(notes), starts_ms, ends_ms, value)
            for alert, labels, notes, starts_ms, ends_ms, value in found
        ]

    def deliveries(self, *, channel: str = "", limit: int = 100) -> list[Delivery]:
        """
        Attempts to tell channels, the latest first.
        """
        found = self._book.rows(
            "SELECT id, channel, grouped, at_ms, firing, resolved, outcome, reason FROM deliveries "
            "WHERE ? IN ('', channel) ORDER BY number DESC LIMIT ?",
            channel,
            limit,
        )
        return [
            Delivery(row[0], row[1], tuple(sorted(unpacked(row[2]).items())), *row[3:])
            for row in found
        ]

    def channels(self) -> list[ChannelState]:
        """
        How every channel fares.
        """
        backlog = dict(
            self._book.rows("SELECT channel, count() FROM told WHERE state = 'owed' GROUP BY 1")
        )
        return [
            ChannelState(
                channel.name,
                channel.severities,
                backlog.get(channel.name, 0),
                next(iter(self.deliveries(channel=channel.name, limit=1)), None),
            )
            for _, channel in self.desks
        ]

    def close(self) -> None:
        """
        Let go of the book.
        """
        self._book.close()


def _sent(channel: Channel, notification: Notification) -> str:
    try:
        channel.send(notification)
    except _FAULTS as error:
        return str(error) or type(error).__name__
    return ""


def _route(channel: Channel, pace: Pace) -> Route:
    return Route(channel.name, channel.severities, pace)


def _shorten(book: Book) -> None:
    for table in ("history", "deliveries"):
        statement = f"DELETE FROM {table} WHERE number <= (SELECT max(number) FROM {table}) - ?"  # noqa: S608
        book.run(statement, KEPT)
