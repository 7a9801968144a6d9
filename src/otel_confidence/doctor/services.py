"""
This module knows the services of the stack: where they are, and whether they answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from otel_confidence.doctor.checks import SKEW_S, Cause, Check, skew_text
from otel_confidence.doctor.doors import Door, Reply, fault, shown

WAIT_S: Final = 30.0
"""
How long a probe may take: queues send at intervals, and sampling that is not ours may wait 10 s or
more for the rest of a trace.
"""


@dataclass(frozen=True, slots=True)
class Addresses:
    """
    Where each service is asked, as docker-compose.yml publishes them; empty leaves one out.
    """

    gateway: str = "http://127.0.0.1:4318"
    gateway_health: str = "http://127.0.0.1:13133"
    gateway_metrics: str = "http://127.0.0.1:8888"
    prometheus: str = "http://127.0.0.1:9090"
    tempo: str = "http://127.0.0.1:3200"
    loki: str = "http://127.0.0.1:3100"
    alertmanager: str = "http://127.0.0.1:9093"
    grafana: str = "http://127.0.0.1:3000"
    headers: Mapping[str, str] = field(default_factory=dict)
    """Sent to all of them but the gateway, which gets ``OTEL_EXPORTER_OTLP_HEADERS``."""

    def door(self, name: str) -> Door:
        """
        A service by the name of its field.
        """
        own = name.startswith("gateway")
        return Door(getattr(self, name), {} if own else self.headers)


@dataclass(frozen=True, slots=True)
class Service:
    """
    A service: its field in the addresses, what people call it, and where it says it is well.
    """

    field: str
    name: str
    path: str
    compose: str
    """Its name in docker-compose.yml."""

    @property
    def option(self) -> str:
        """
        The option that names its address.
        """
        return f"--{self.field.replace('_', '-')}"


SERVICES: Final = (
    Service("gateway_health", "gateway", "/", "otel-gateway"),
    Service("prometheus", "Prometheus", "/-/ready", "prometheus"),
    Service("tempo", "Tempo", "/ready", "tempo"),
    Service("loki", "Loki", "/ready", "loki"),
    Service("alertmanager", "Alertmanager", "/-/ready", "alertmanager"),
    Service("grafana", "Grafana", "/api/health", "grafana"),
)
METRICS: Final = Service("gateway_metrics", "gateway", "/metrics", "otel-gateway")
"""The gateway's own metrics."""


def look(service: Service, addresses: Addresses) -> Check:
    """
    Whether a service answers, and its clock is right.
    """
    door = addresses.door(service.field)
    if not door.url:
        return Check(service.name, "answers", "skipped", "left out")
    reply = door.get(service.path)
    if cause := fault(reply, door.url, option=service.option, service=service.compose):
        return Check.failing(service.name, "answers", cause)
    return _told(service, reply, shown(door.url))


def _told(service: Service, reply: Reply, url: str) -> Check:
    if reply.skew_s is None or abs(reply.skew_s) <= SKEW_S:
        return Check(service.name, "answers", "ok", url)
    late = Cause(
        f"{url}: {skew_text(reply.skew_s)}",
        "keep both by NTP: samples too old or too new are refused, and windows are empty",
    )
    return Check.doubtful(service.name, "answers", late)
