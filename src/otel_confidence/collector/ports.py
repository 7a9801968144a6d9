"""
This module finds doors that stand in each other's way.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from otel_confidence.collector.findings import Finding, error
from otel_confidence.collector.merging import at, items, text
from otel_confidence.collector.pipelines import Component, Configuration
from otel_confidence.located import Located

_EVERYWHERE: Final = frozenset(("", "0.0.0.0", "::", "[::]"))  # noqa: S104  recognized, not listened at
_DEFAULTS: Final = {
    "statsd": "localhost:8125",
    "zipkin": "localhost:9411",
    "health_check": "localhost:13133",
    "zpages": "localhost:55679",
    "pprof": "localhost:1777",
    "prometheus": "",
    "webhook_event": "",
    "prometheus_remote_write": "",
    "carbon": "localhost:2003",
    "splunk_hec": "localhost:8088",
    "datadog": "localhost:8126",
    "fluent_forward": "",
    "loki": "",
    "influxdb": "",
}
"""
What listens at its endpoint, by its name of today, and where unless it is told; empty where it has
to be told or that is not known here.
"""
_PROTOCOLS: Final = {
    "otlp": {"grpc": "localhost:4317", "http": "localhost:4318"},
    "jaeger": {
        "grpc": "localhost:14250",
        "thrift_http": "localhost:14268",
        "thrift_compact": "localhost:6831",
        "thrift_binary": "localhost:6832",
    },
}
"""What listens at an endpoint for each protocol, and where."""
_BY_UDP: Final = ("thrift_compact", "thrift_binary")
_OWN_METRICS_PORT: Final = "8888"
_HIGHEST: Final = 65535


@dataclass(frozen=True, slots=True)
class Door:
    """
    Where something listens.
    """

    owner: str
    place: Located
    host: str
    port: str
    transport: str = "tcp"

    def meets(self, other: "Door") -> bool:
        """
        Whether both cannot be open at once.
        """
        if (self.port, self.transport) != (other.port, other.transport) or self.port == "0":
            return False
        return bool(self.host == other.host or {self.host, other.host} & _EVERYWHERE)


def check(whole: Configuration) -> Iterator[Finding]:
    """
    Addresses that are none, and ports that two things want.
    """
    taken: list[Door] = []
    for door in _doors(whole):
        if not (door.port.isdecimal() and int(door.port) <= _HIGHEST):
            yield error(
                door.place, f"{door.owner} has no port to listen at: {door.place.text!r}",
                "write host:port, such as 0.0.0.0:4317",
            )  # fmt: skip
            continue
        other = next((each for each in taken if each.meets(door)), None)
        if other is not None:
            where = f"{other.place.file}:{other.place.line}"
            yield error(
                door.place, f"{door.owner} wants port {door.port}, which {other.owner} has "
                f"({where})", "give one of them another port",
            )  # fmt: skip
        taken.append(door)


def _doors(whole: Configuration) -> Iterator[Door]:
    for receiver in whole.used("receivers"):
        if receiver.type in _PROTOCOLS:
            yield from _of_protocols(whole, receiver)
        elif receiver.type in _DEFAULTS and receiver.type != "prometheus":
            yield from _single(whole, receiver)
    for exporter in whole.used("exporters"):
        if exporter.type == "prometheus":
            yield from _single(whole, exporter)
    for extension in whole.started():
        if extension.type in _DEFAULTS:
            yield from _single(whole, extension)
    yield from _own(whole)


def _of_protocols(whole: Configuration, receiver: Component) -> Iterator[Door]:
    for protocol, default in _PROTOCOLS[receiver.type].items():
        found = at(receiver.place, "protocols", protocol)
        if found is not None:
            owner = f"{receiver.id} ({protocol})"
            transport = "udp" if protocol in _BY_UDP else "tcp"
            place = at(found, "endpoint") or found
            yield _door(whole, owner, place, default, transport=transport)


def _single(whole: Configuration, component: Component) -> Iterator[Door]:
    transport = component.text("transport") or ("udp" if component.type == "statsd" else "tcp")
    told, default = at(component.place, "endpoint"), _DEFAULTS[component.type]
    if not transport.startswith("unix") and (told or default):
        place = told or component.place
        yield _door(whole, component.id, place, default, transport=transport)


def _door(
    whole: Configuration, owner: str, place: Located, default: str, *, transport: str = "tcp"
) -> Door:
    host, _, port = (whole.expand(place.text) or default).rpartition(":")
    return Door(owner, place, "127.0.0.1" if host == "localhost" else host, port, transport)


def _own(whole: Configuration) -> Iterator[Door]:
    """
    Where the Collector offers metrics about itself.
    """
    metrics = at(whole.root, "service", "telemetry", "metrics")
    if metrics is not None and text(metrics, "level") == "none":
        return
    readers = at(metrics, "readers") if metrics is not None else None
    if readers is None:
        place = metrics or whole.root
        yield Door("the Collector's own metrics", place, "127.0.0.1", _OWN_METRICS_PORT)
    for each in items(readers):
        found = at(each, "pull", "exporter", "prometheus")
        if found is not None:
            host = whole.expand(text(found, "host") or "localhost")
            port = whole.expand(text(found, "port") or _OWN_METRICS_PORT)
            host = "127.0.0.1" if host == "localhost" else host
            yield Door("the Collector's own metrics", at(found, "port") or found, host, port)
