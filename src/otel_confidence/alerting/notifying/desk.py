"""
This module decides, for one channel, when to tell what of which group.

What a channel is owed is noted before it is told, and what it was told afterwards. A process that
dies in between tells once more, under the same id; one that dies at any other time neither forgets
nor repeats.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from otel_confidence.alerting.notifying.book import Book, Incident, Key, packed, unpacked
from otel_confidence.alerting.notifying.messages import Notification
from otel_confidence.alerting.notifying.routes import Route

FIRST_RETRY_MS: Final = 5_000
LONGEST_RETRY_MS: Final = 300_000
GIVE_UP_MS: Final = 24 * 3_600_000
"""After how long of failing a channel is no longer told of what is owed to it."""
State = Literal["owed", "firing"]


@dataclass(slots=True)
class Desk:
    """
    What one channel is owed and was told.
    """

    route: Route
    book: Book
    silenced: Callable[[Mapping[str, str], int], bool] = lambda _, __: False
    external_url: str = ""
    sent: int = 0
    failed: int = 0
    given_up: int = 0
    _due: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        found = self.book.rows(
            "SELECT grouped, due_ms FROM groups WHERE channel = ?", self.route.channel
        )
        self._due = dict(found)

    def due_ms(self) -> int | None:
        """
        When to look at a group next; None when there is none.
        """
        return min(self._due.copy().values(), default=None)

    def expect(self, incident: Incident, at_ms: int) -> None:
        """
        Hear that an alert fires, or is over.
        """
        if not self.route.takes(incident.labels):
            return
        key = packed(self.route.group(incident.labels))
        if key in self._due:
            return
        row = self._group(key)
        first = at_ms + self.route.pace.wait_ms
        earliest = (row or 0) + self.route.pace.interval_ms if row is not None else 0
        self._schedule(key, max(first, earliest), said_ms=row)

    def _group(self, key: str) -> int | None:
        found = self.book.rows(
            "SELECT said_ms FROM groups WHERE channel = ? AND grouped = ?", self.route.channel, key
        )
        return found[0][0] if found else None

    def _schedule(
        self,
        key: str,
        due_ms: int,
        *,
        said_ms: int | None,
        tries: int = 0,
        failing_ms: int | None = None,
    ) -> None:
        self.book.put(
            "groups",
            {
                "channel": self.route.channel, "grouped": key, "due_ms": due_ms,
                "said_ms": said_ms, "tries": tries, "failing_ms": failing_ms,
            },
        )  # fmt: skip
        self._due[key] = due_ms

    def prepare(self, at_ms: int) -> Notification | None:
        """
        What to tell now; None when there is nothing to say.

        What is told is noted as owed first.
        """
        for key in [key for key, due in self._due.items() if due <= at_ms]:
            with self.book.changing():
                notification = self._consider(key, at_ms)
            if notification is not None:
                return notification
        return None

    def _consider(self, key: str, at_ms: int) -> Notification | None:
        told = self._told(key)
        members = self._members(key, told)
        self._carry_on(key, members, told)
        firing = [i for i in members if i.ends_ms is None and not self.silenced(i.labels, at_ms)]
        over = [i for i in members if i.ends_ms is not None and i.key in told]
        fresh = [i for i in firing if told.get(i.key, "owed") == "owed"]
        said_ms = self._group(key)
        waited_ms = 0 if said_ms is None else at_ms - said_ms
        if not (fresh or over or (firing and waited_ms >= self.route.pace.repeat_ms)):
            live = bool(told) or any(i.ends_ms is None for i in members)
            self._rest(key, at_ms, said_ms, live=live)
            return None
        for incident in fresh:
            self._note(key, incident.key, "owed")
        return self._notification(key, [*over, *firing], at_ms, said_ms)

    def _told(self, key: str) -> dict[Key, State]:
        found = self.book.rows(
            "SELECT alert, starts_ms, state FROM told WHERE channel = ? AND grouped = ?",
            self.route.channel,
            key,
        )
        return {(alert, starts_ms): state for alert, starts_ms, state in found}

    def _members(self, key: str, told: Mapping[Key, State]) -> list[Incident]:
        found = [
            incident
            for incident in incidents(self.book)
            if self.route.takes(incident.labels)
            and packed(self.route.group(incident.labels)) == key
            and (incident.ends_ms is None or incident.key in told)
        ]
        return sorted(found, key=lambda incident: (incident.starts_ms, incident.alert))

    def _carry_on(self, key: str, members: Sequence[Incident], told: dict[Key, State]) -> None:
        """
        Take an alert that was told to fire, and does again by now, for one that went on.
        """
        open_ones = {i.alert: i for i in members if i.ends_ms is None and i.key not in told}
        for incident in members:
            again = open_ones.get(incident.alert)
            if again is not None and again is not incident and told.get(incident.key) == "firing":
                self._forget(key, incident.key)
                del told[incident.key]
                self._note(key, again.key, "firing")
                told[again.key] = "firing"

    def _rest(self, key: str, at_ms: int, said_ms: int | None, *, live: bool) -> None:
        if live:
            self._schedule(key, at_ms + self.route.pace.interval_ms, said_ms=said_ms)
            return
        # The group keeps the time of its last notification for as long as that holds others back.
        if said_ms is None or at_ms - said_ms >= self.route.pace.interval_ms:
            self.book.run(
                "DELETE FROM groups WHERE channel = ? AND grouped = ?", self.route.channel, key
            )
        self._due.pop(key, None)

    def _note(self, key: str, incident: Key, state: State) -> None:
        alert, starts_ms = incident
        self.book.put(
            "told",
            {
                "channel": self.route.channel, "grouped": key, "alert": alert,
                "starts_ms": starts_ms, "state": state,
            },
        )  # fmt: skip

    def _forget(self, key: str, incident: Key) -> None:
        self.book.run(
            "DELETE FROM told WHERE channel = ? AND grouped = ? AND alert = ? AND starts_ms = ?",
            self.route.channel,
            key,
            *incident,
        )

    def _notification(
        self, key: str, members: list[Incident], at_ms: int, said_ms: int | None
    ) -> Notification:
        content = [(i.alert, i.starts_ms, i.ends_ms is None) for i in members]
        seed = repr((self.route.channel, key, content, said_ms))
        return Notification(
            id=hashlib.blake2b(seed.encode(), digest_size=16).hexdigest(),
            channel=self.route.channel,
            group=tuple(sorted(unpacked(key).items())),
            alerts=tuple(incident.said() for incident in members),
            at_ms=at_ms,
            external_url=self.external_url,
        )

    def settle(self, notification: Notification, at_ms: int, reason: str = "") -> None:
        """
        Note that a notification was sent, or why it was not.
        """
        key = packed(notification.group)
        with self.book.changing():
            if not reason:
                self._sent(key, notification, at_ms)
                self._log(notification, at_ms, "sent", "")
                self.sent += 1
                return
            self.failed += 1
            if self._failed(key, at_ms):
                self._sent(key, notification, at_ms)
                self._log(notification, at_ms, "given up", reason)
                self.given_up += 1
            else:
                self._log(notification, at_ms, "failed", reason)

    def _sent(self, key: str, notification: Notification, at_ms: int) -> None:
        for alert in notification.alerts:
            incident = (alert.fingerprint, alert.starts_ms)
            if alert.ends_ms is None:
                self._note(key, incident, "firing")
            else:
                self._forget(key, incident)
        self._schedule(key, at_ms + self.route.pace.interval_ms, said_ms=at_ms)

    def _failed(self, key: str, at_ms: int) -> bool:
        """
        Plan the next try; whether there have been enough.
        """
        ((said_ms, tries, failing_ms),) = self.book.rows(
            "SELECT said_ms, tries, failing_ms FROM groups WHERE channel = ? AND grouped = ?",
            self.route.channel,
            key,
        )
        since = at_ms if failing_ms is None else failing_ms
        pause = min(LONGEST_RETRY_MS, FIRST_RETRY_MS << min(tries, 16))
        self._schedule(key, at_ms + pause, said_ms=said_ms, tries=tries + 1, failing_ms=since)
        return at_ms - since >= GIVE_UP_MS

    def _log(self, notification: Notification, at_ms: int, outcome: str, reason: str) -> None:
        self.book.run(
            "INSERT INTO deliveries "
            "(id, channel, grouped, at_ms, firing, resolved, outcome, reason) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            notification.id,
            self.route.channel,
            packed(notification.group),
            at_ms,
            len(notification.firing),
            len(notification.resolved),
            outcome,
            reason[:500],
        )


def incidents(book: Book) -> list[Incident]:
    """
    The incidents that go on, and those that somebody is still to be told of.
    """
    found = book.rows(
        "SELECT alert, labels, annotations, starts_ms, ends_ms, value, expression FROM incidents"
    )
    return [
        Incident(alert, unpacked(labels), unpacked(notes), starts, ends, value, expression)
        for alert, labels, notes, starts, ends, value, expression in found
    ]
