"""
This module tells a real Alertmanager of alerts, as Prometheus does.
"""

import logging
import threading
from collections.abc import Sequence
from typing import Any, Final

import httpx

from otel_confidence.alerting.alerts import Alert
from otel_confidence.alerting.notifying.messages import generator_url, moment
from otel_confidence.errors import ConfigurationError
from otel_confidence.points import Labels

PATH: Final = "/api/v2/alerts"
MOST_WAITING: Final = 10_000
"""Alerts that wait for an Alertmanager that is down; of each one only the latest word."""
PER_REQUEST: Final = 256
TIMEOUT_S: Final = 10.0
_FIRST_RETRY_MS: Final = 1000
_LONGEST_RETRY_MS: Final = 30_000
_log = logging.getLogger(__name__)


class Alertmanager:
    """
    One Alertmanager, told again and again of what fires, with an end that lies ahead.

    Alertmanager takes an alert for resolved when its end has come, so that one is resolved when
    whoever told of it dies.

    Args:
        url: Its address, without the path of its API.
        external_url: Where this server can be reached.
    """

    def __init__(self, url: str, *, external_url: str = "") -> None:
        try:
            parts = httpx.URL(url)
        except httpx.InvalidURL as error:
            raise ConfigurationError(f"--alertmanager {url!r}: {error}") from error
        if parts.scheme not in ("http", "https") or not parts.host:
            raise ConfigurationError(
                f"--alertmanager must be like http://127.0.0.1:9093, got {url!r}"
            )
        self.name = str(parts.copy_with(userinfo=b""))
        self.address = self.name.rstrip("/") + PATH
        self._url = url.rstrip("/") + PATH
        self._external_url = external_url
        self._waiting: dict[Labels, Alert] = {}
        self._lock = threading.Lock()
        self._client = httpx.Client(timeout=TIMEOUT_S, trust_env=False)
        self._tries = 0
        self._not_before_ms = 0
        self.sent = 0
        self.failed = 0
        self.dropped = 0
        self.error = ""

    @property
    def waiting(self) -> int:
        """
        How many alerts it has not been told of.
        """
        return len(self._waiting)

    def take(self, alerts: Sequence[Alert]) -> None:
        """
        Hear of alerts; the oldest are dropped where too many wait.
        """
        with self._lock:
            for alert in alerts:
                if alert.state != "pending":
                    self._waiting.pop(alert.labels, None)
                    self._waiting[alert.labels] = alert
            while len(self._waiting) > MOST_WAITING:
                del self._waiting[next(iter(self._waiting))]
                self.dropped += 1

    def deliver(self, at_ms: int) -> None:
        """
        Tell of what waits; what cannot be told now is told later.
        """
        while at_ms >= self._not_before_ms:
            with self._lock:
                batch = list(self._waiting.values())[:PER_REQUEST]
            if not batch:
                return
            self.error = self._post([self._written(alert) for alert in batch])
            if self.error:
                self.failed += 1
                pause = min(_LONGEST_RETRY_MS, _FIRST_RETRY_MS << min(self._tries, 16))
                self._tries, self._not_before_ms = self._tries + 1, at_ms + pause
                _log.warning("%s was not told of alerts: %s", self.name, self.error)
                return
            self._tries, self.sent = 0, self.sent + len(batch)
            with self._lock:
                for alert in batch:
                    if self._waiting.get(alert.labels) is alert:
                        del self._waiting[alert.labels]

    def _post(self, alerts: list[dict[str, Any]]) -> str:
        try:
            response = self._client.post(self._url, json=alerts)
        except httpx.HTTPError as error:
            return f"{type(error).__name__}: {error}"
        return "" if response.is_success else f"it answered with status {response.status_code}"

    def _written(self, alert: Alert) -> dict[str, Any]:
        ends = alert.valid_ms if alert.resolved_ms is None else alert.resolved_ms
        return {
            "labels": dict(alert.labels),
            "annotations": alert.annotations,
            "startsAt": moment(alert.active_ms if alert.fired_ms is None else alert.fired_ms),
            "endsAt": moment(ends),
            "generatorURL": generator_url(self._external_url, alert.expression),
        }

    def close(self) -> None:
        """
        Let go of connections.
        """
        self._client.close()
