"""
This module answers the requests of the Prometheus HTTP API that ask about the server itself.
"""

import platform
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib.metadata import version

from otel_confidence.server.api import replies
from otel_confidence.server.api.parameters import Parameters, invalid, whole
from otel_confidence.server.api.replies import Reply

COMPATIBLE_VERSION = "3.9.1"
"""The Prometheus whose answers this server's are compared with; clients choose by it."""
_TRUTHS = frozenset({"", "1", "t", "true", "0", "f", "false"})
DISTRIBUTION = "otel-confidence"


@dataclass(frozen=True, slots=True)
class Status:
    """
    Answers about the server: what Prometheus also scrapes or discovers is empty here.
    """

    started: float
    now: Callable[[], float] = time.time

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
        No Alertmanager is notified.
        """
        return replies.plain({"activeAlertmanagers": [], "droppedAlertmanagers": []})

    def rules(self, given: Parameters) -> Reply:
        """
        The groups of rules.

        Raises:
            QueryError: They are narrowed down by something that is no condition.
        """
        given.matcher_sets()
        _check_narrowing(given)
        return replies.plain({"groups": []})

    def alerts(self, _: Parameters) -> Reply:
        """
        The alerts that are pending or firing.
        """
        return replies.plain({"alerts": []})


def _check_narrowing(given: Parameters) -> None:
    kind, without = given.text("type").lower(), given.text("exclude_alerts").lower()
    if kind not in ("", "alert", "record"):
        raise invalid("type", f'not supported value "{kind}"')
    if without not in _TRUTHS:
        raise invalid("exclude_alerts", f'"{without}" is neither true nor false')
    limit = given.text("group_limit")
    if given.text("group_next_token") and not limit:
        reason = "group_limit needs to be present in order to paginate over the groups"
        raise invalid("group_next_token", reason)
    try:
        if limit and whole(limit) <= 0:
            raise invalid("group_limit", "group_limit needs to be greater than 0")
    except ValueError as error:
        reason = f"group_limit needs to be a valid number: {error}"
        raise invalid("group_limit", reason) from error


def _rfc_3339(moment: float) -> str:
    text = datetime.fromtimestamp(moment, timezone.utc).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
