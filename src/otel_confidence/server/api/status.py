"""
This module answers the requests of the Prometheus HTTP API that ask about the server itself.
"""

import platform
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib.metadata import version

from otel_confidence.server.api import replies
from otel_confidence.server.api.parameters import Parameters
from otel_confidence.server.api.replies import Reply

COMPATIBLE_VERSION = "3.9.1"
"""The Prometheus whose answers this server's are compared with; clients choose by it."""
DISTRIBUTION = "otel-confidence"


@dataclass(frozen=True, slots=True)
class Status:
    """
    Answers about the server: what Prometheus also scrapes or discovers is empty here.
    """

    started: float
    now: Callable[[], float] = time.time
    notified: Sequence[str] = ()
    """Addresses of the Alertmanagers that are told of alerts."""

    def build(self, _: Parameters) -> Reply:
        """
        Which version answers like which.
        """
        return replies.plain(
            {
                "version": COMPATIBLE_VERSION,
                "revision": f"{DISTRIBUTION} {version(DISTRIBUTION)}",
                "branch": "",
                "buildUser": "",
                "buildDate": "",
                "goVersion": f"python{platform.python_version()}",
            }
        )

    def runtime(self, _: Parameters) -> Reply:
        """
        How the process is doing.
        """
        started = _rfc_3339(self.started)
        return replies.plain(
            {
                "startTime": started,
                "CWD": "",
                "hostname": "",
                "serverTime": _rfc_3339(self.now()),
                "reloadConfigSuccess": True,
                "lastConfigTime": started,
                "corruptionCount": 0,
                "goroutineCount": threading.active_count(),
                "GOMAXPROCS": 1,
                "GOMEMLIMIT": 0,
                "GOGC": "",
                "GODEBUG": "",
                "storageRetention": "",
            }
        )

    def targets(self, given: Parameters) -> Reply:
        """
        No targets: nothing is scraped.
        """
        counted = given.text("state").lower() in ("", "any", "dropped")
        counts: dict[str, int] | None = {} if counted else None
        return replies.plain(
            {"activeTargets": [], "droppedTargets": [], "droppedTargetCounts": counts}
        )

    def target_metadata(self, given: Parameters) -> Reply:
        """
        No target tells of its metrics.
        """
        given.most("limit")
        return replies.plain([])

    def scrape_pools(self, _: Parameters) -> Reply:
        """
        No targets are scraped together.
        """
        return replies.plain({"scrapePools": []})

    def alertmanagers(self, _: Parameters) -> Reply:
        """
        The Alertmanagers that are told of alerts.
        """
        active = [{"url": url} for url in self.notified]
        return replies.plain({"activeAlertmanagers": active, "droppedAlertmanagers": []})


def _rfc_3339(moment: float) -> str:
    text = datetime.fromtimestamp(moment, timezone.utc).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
