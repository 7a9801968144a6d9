"""
This module writes what a channel is told: Alertmanager's webhook JSON, and text for people.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Final
from urllib.parse import quote_plus

from otel_confidence.points import Series

VERSION: Final = "4"
"""The version of Alertmanager's webhook JSON."""
_SHOWN: Final = 20
_LONGEST: Final = 500
_NEVER: Final = "0001-01-01T00:00:00Z"


@dataclass(frozen=True, slots=True)
class Said:
    """
    One alert as a notification tells of it.
    """

    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    starts_ms: int
    ends_ms: int | None
    expression: str = ""

    @property
    def fingerprint(self) -> str:
        """
        Sixteen hexadecimal digits that stand for the labels.
        """
        return fingerprint(self.labels)


@dataclass(frozen=True, slots=True)
class Notification:
    """
    What one channel is told of one group.
    """

    id: str
    """The same whenever the same is told again, so that a receiver can leave out doubles."""
    channel: str
    group: tuple[tuple[str, str], ...]
    alerts: tuple[Said, ...]
    at_ms: int
    external_url: str = ""

    @property
    def firing(self) -> tuple[Said, ...]:
        """
        The alerts that go on.
        """
        return tuple(alert for alert in self.alerts if alert.ends_ms is None)

    @property
    def resolved(self) -> tuple[Said, ...]:
        """
        The alerts that are over.
        """
        return tuple(alert for alert in self.alerts if alert.ends_ms is not None)

    @property
    def status(self) -> str:
        """
        ``firing`` as long as one alert goes on.
        """
        return "firing" if self.firing else "resolved"


def fingerprint(labels: Mapping[str, str]) -> str:
    """
    Sixteen hexadecimal digits that stand for labels.
    """
    return f"{Series(tuple(sorted(labels.items()))).fingerprint:016x}"


def group_key(group: Sequence[tuple[str, str]]) -> str:
    """
    A group's name, as Alertmanager writes it.
    """
    inner = ", ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in group)
    return f"{{}}:{{{inner}}}"


def webhook(notification: Notification) -> dict[str, Any]:
    """
    A notification as Alertmanager posts it to webhooks.
    """
    alerts = notification.alerts
    return {
        "version": VERSION,
        "groupKey": group_key(notification.group),
        "truncatedAlerts": 0,
        "status": notification.status,
        "receiver": notification.channel,
        "groupLabels": dict(notification.group),
        "commonLabels": _common(alert.labels for alert in alerts),
        "commonAnnotations": _common(alert.annotations for alert in alerts),
        "externalURL": notification.external_url,
        "alerts": [_alert(alert, notification.external_url) for alert in alerts],
    }


def _alert(alert: Said, external_url: str) -> dict[str, Any]:
    return {
        "status": "firing" if alert.ends_ms is None else "resolved",
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "startsAt": moment(alert.starts_ms),
        "endsAt": _NEVER if alert.ends_ms is None else moment(alert.ends_ms),
        "generatorURL": generator_url(external_url, alert.expression),
        "fingerprint": alert.fingerprint,
    }


def generator_url(external_url: str, expression: str) -> str:
    """
    Where to look at what an alert's expression gives.
    """
    return f"{external_url}/graph?g0.expr={quote_plus(expression)}&g0.tab=1"


def _common(texts: Iterable[Mapping[str, str]]) -> dict[str, str]:
    shared: dict[str, str] | None = None
    for each in texts:
        pairs = each.items() if shared is None else shared.items() & each.items()
        shared = dict(sorted(pairs))
    return shared or {}


def moment(time_ms: int) -> str:
    """
    A time as RFC 3339.
    """
    text = datetime.fromtimestamp(time_ms / 1000, timezone.utc).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def title(notification: Notification) -> str:
    """
    One line that says how many alerts of which group fire or are over.
    """
    count = len(notification.firing) or len(notification.resolved)
    group = " ".join(value for _, value in notification.group) or "alerts"
    return _plain(f"[{notification.status.upper()}:{count}] {group}")


def text(notification: Notification) -> str:
    """
    What happened, for people; long texts are cut, and so are long lists.
    """
    lines: list[str] = []
    for heading, alerts in (("Firing", notification.firing), ("Over", notification.resolved)):
        lines.extend(_lines(heading, alerts))
    if notification.external_url:
        lines.append(notification.external_url)
    return "\n".join(lines)


def _lines(heading: str, alerts: Sequence[Said]) -> Iterable[str]:
    if not alerts:
        return
    yield f"{heading}:"
    for alert in alerts[:_SHOWN]:
        told = alert.annotations
        yield f"- {_plain(told.get('summary') or alert.labels.get('alertname', 'alert'))}"
        if told.get("description"):
            yield f"  {_plain(told['description'])}"
        labels = ", ".join(f"{name}={value}" for name, value in alert.labels.items())
        yield f"  {_plain(labels)}"
        over = "" if alert.ends_ms is None else f" to {moment(alert.ends_ms)}"
        yield f"  from {moment(alert.starts_ms)}{over}"
        for name in ("runbook_url", "dashboard_url"):
            if told.get(name):
                yield f"  {_plain(told[name])}"
    if len(alerts) > _SHOWN:
        yield f"- and {len(alerts) - _SHOWN} more"


def _plain(given: str) -> str:
    """
    A text in one line, without what could steer a terminal, and not endless.
    """
    kept = "".join(c if c.isprintable() else " " for c in given)
    return kept if len(kept) <= _LONGEST else f"{kept[: _LONGEST - 1]}…"
