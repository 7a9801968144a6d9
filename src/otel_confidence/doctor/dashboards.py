"""
This module asks Grafana whether its data sources reach what they show.
"""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Final

from otel_confidence.doctor.checks import Cause, Check
from otel_confidence.doctor.doors import Door, excerpt

SOURCES: Final = {"prometheus": "Prometheus", "tempo": "Tempo", "loki": "Loki"}
"""Names of the sources by the uids that dashboards use; that of Alertmanager has no check."""
_PROVISIONED: Final = "mount grafana/provisioning into Grafana; dashboards need the uid {}"
_NOT_ALLOWED: Final = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


def look(grafana: Door) -> Iterator[Check]:
    """
    A check for each data source.
    """
    for uid, name in SOURCES.items():
        yield _source(grafana, uid, f"its data source {name}")


def _source(grafana: Door, uid: str, place: str) -> Check:
    reply = grafana.get(f"/api/datasources/uid/{uid}/health")
    told = reply.json()
    said = excerpt(str(told.get("message", ""))) if isinstance(told, dict) else ""
    if reply.well:
        return Check("Grafana", place, "ok", said or "reached")
    if reply.status in _NOT_ALLOWED:
        shy = Cause(
            f"Grafana does not let us ask ({reply.status})",
            "give a token that may query: --header 'Authorization: Bearer ...'",
        )
        return Check.doubtful("Grafana", place, shy)
    if reply.status == HTTPStatus.NOT_FOUND:
        absent = Cause(f"Grafana has no source of uid {uid}", _PROVISIONED.format(uid))
        return Check.failing("Grafana", place, absent)
    broken = Cause(
        f"Grafana does not reach it: {said or reply.unreachable or reply.status}",
        "its address in grafana/provisioning/datasources must be one that Grafana itself reaches",
    )
    return Check.failing("Grafana", place, broken)
