"""
This module answers the requests of Alertmanager's HTTP API that ask about the server itself.
"""

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Final

import yaml

from otel_confidence.alerting.durations import duration_text
from otel_confidence.alerting.notifying.messages import moment
from otel_confidence.alerting.notifying.notifier import Inhibition, Notifier
from otel_confidence.alerting.notifying.routes import SEVERITY, Route
from otel_confidence.server.api.status import DISTRIBUTION

COMPATIBLE_VERSION: Final = "0.31.1"
"""The Alertmanager whose answers this server's are compared with."""
_NOBODY: Final = "nobody"
"""Who hears of alerts that no channel takes."""


@dataclass(frozen=True, slots=True)
class Status:
    """
    Answers about who is told, and how.
    """

    notifier: Notifier
    started_ms: int

    def receivers(self) -> list[dict[str, str]]:
        """
        The channels.
        """
        return [{"name": channel.name} for _, channel in self.notifier.desks]

    def status(self) -> dict[str, Any]:
        """
        Version, configuration, and a cluster of one.
        """
        return {
            "cluster": {"status": "disabled", "peers": []},
            "versionInfo": {
                "version": COMPATIBLE_VERSION,
                "revision": f"{DISTRIBUTION} {version(DISTRIBUTION)}",
                "branch": "",
                "buildUser": "",
                "buildDate": "",
                "goVersion": f"python{platform.python_version()}",
            },
            "config": {"original": yaml.safe_dump(self._configuration(), sort_keys=False)},
            "uptime": moment(self.started_ms),
        }

    def _configuration(self) -> dict[str, Any]:
        """
        What this server does as Alertmanager would be told to; addresses are left out.
        """
        routes = [desk.route for desk, _ in self.notifier.desks]
        return {
            "route": {"receiver": _NOBODY, "routes": [_route(each) for each in routes]},
            "inhibit_rules": [_inhibition(each) for each in self.notifier.inhibitions],
            "receivers": [{"name": name} for name in (_NOBODY, *(r.channel for r in routes))],
        }


def _route(route: Route) -> dict[str, Any]:
    pace = route.pace
    severities = "|".join(route.severities)
    return {
        "receiver": route.channel,
        **({"matchers": [f'{SEVERITY}=~"{severities}"']} if severities else {}),
        "group_by": list(pace.group_by),
        "group_wait": duration_text(pace.wait_ms),
        "group_interval": duration_text(pace.interval_ms),
        "repeat_interval": duration_text(max(pace.repeat_ms, pace.interval_ms)),
        "continue": True,
    }


def _inhibition(inhibition: Inhibition) -> dict[str, Any]:
    return {
        "source_matchers": _matchers(inhibition.source),
        "target_matchers": _matchers(inhibition.target),
        **({"equal": list(inhibition.equal)} if inhibition.equal else {}),
    }


def _matchers(labels: Mapping[str, str]) -> list[str]:
    return [f'{name}{"=~" if "|" in value else "="}"{value}"' for name, value in labels.items()]
