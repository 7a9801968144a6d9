"""
This module asks Grafana whether its data sources reach what they show.

Each is asked something small through Grafana's proxy, as panels are in a browser: Grafana's own
check of health is missing for some kinds of sources, Tempo's among them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from otel_confidence.doctor.checks import Cause, Check
from otel_confidence.doctor.doors import Door, Reply, excerpt


@dataclass(frozen=True, slots=True)
class _Source:
    uid: str
    """As dashboards name it."""
    name: str
    path: str
    """Something small that it answers."""


_SOURCES: Final = (
    _Source("prometheus", "Prometheus", "api/v1/status/buildinfo"),
    _Source("tempo", "Tempo", "api/echo"),
    _Source("loki", "Loki", "loki/api/v1/labels"),
    _Source("alertmanager", "Alertmanager", "api/v2/status"),
)
_UNKNOWN: Final = "Unable to find datasource"
_NOT_ALLOWED: Final = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


def look(grafana: Door) -> Iterator[Check]:
    """
    A check for each data source.
    """
    for source in _SOURCES:
        place = f"reaches its source {source.name}"
        reply = grafana.get(f"/api/datasources/proxy/uid/{source.uid}/{source.path}")
        if reply.well:
            yield Check("Grafana", place, "ok", f"uid {source.uid}")
        elif reply.status in _NOT_ALLOWED:
            yield Check.doubtful("Grafana", place, _shy(reply))
        else:
            yield Check.failing("Grafana", place, _fault(reply, source.uid))


def _shy(reply: Reply) -> Cause:
    return Cause(
        f"we are not allowed to ask ({reply.status})",
        "give a token that may query: --header 'Authorization: Bearer ...'",
    )


def _fault(reply: Reply, uid: str) -> Cause:
    told = reply.json()
    said = str(told.get("message", "")) if isinstance(told, dict) else reply.text
    if reply.status == HTTPStatus.NOT_FOUND and _UNKNOWN in said:
        return Cause(
            f"Grafana has no source of uid {uid}",
            f"mount grafana/provisioning into Grafana; dashboards need the uid {uid}",
        )
    why = f"{reply.status} {excerpt(said)}".strip() if reply.status else reply.unreachable
    return Cause(
        f"Grafana does not reach it ({why})",
        "its address in grafana/provisioning/datasources must be one that Grafana itself reaches",
    )
