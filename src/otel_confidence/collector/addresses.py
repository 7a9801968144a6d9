"""
This module checks that exporters of OTLP are sent to doors that take it.

What a backend answers with 404 is dropped, and a Collector says so in its log alone.
"""

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import SplitResult, urlsplit

from otel_confidence.collector.findings import Finding, error
from otel_confidence.collector.merging import at
from otel_confidence.collector.pipelines import Component, Configuration
from otel_confidence.located import Located

_ADDED: Final = re.compile(r"/v1/(?:traces|metrics|logs)/?$")
_DOORS: Final = (
    (re.compile(r"prometheus"), 9090, "/api/v1/otlp", "Prometheus"),
    (re.compile(r"loki"), 3100, "/otlp", "Loki"),
)
"""By host or port, where a backend takes OTLP."""
_PORTS: Final = {"otlp_http": ("4317", "gRPC", "4318"), "otlp_grpc": ("4318", "HTTP", "4317")}
"""By exporter, the port of the other protocol, that protocol, and its own port."""


def check(whole: Configuration) -> Iterator[Finding]:
    """
    Paths that a backend does not have, and ports of the other protocol.
    """
    for exporter in whole.used("exporters"):
        place = at(exporter.place, "endpoint")
        if exporter.type not in _PORTS or place is None:
            continue
        parts = _parts(whole.expand(place.text))
        if parts is not None:
            yield from _of_protocol(exporter, place, parts)
            if exporter.type == "otlp_http":
                yield from _of_path(place, parts)


def _of_protocol(exporter: Component, place: Located, parts: SplitResult) -> Iterator[Finding]:
    port, protocol, own = _PORTS[exporter.type]
    if parts.netloc.endswith(f":{port}"):
        yield error(
            place, f"{port} is OTLP's port by {protocol}, which {exporter.type} does not speak",
            f"use {own}, or the other exporter",
        )  # fmt: skip


def _of_path(place: Located, parts: SplitResult) -> Iterator[Finding]:
    if _ADDED.search(parts.path):
        yield error(
            place, "the exporter adds /v1/traces and the like itself, and what it sends is dropped",
            "leave it out of the endpoint",
        )  # fmt: skip
        return
    for host, port, path, name in _DOORS:
        known = host.search(parts.hostname or "") or parts.port == port
        if known and not parts.path.rstrip("/").endswith(path):
            yield error(
                place, f"{name} takes OTLP below {path} alone; elsewhere what is sent is dropped",
                f"end the endpoint with {path}",
            )  # fmt: skip


def _parts(address: str) -> SplitResult | None:
    try:
        parts = urlsplit(address if "://" in address else f"//{address}")
        parts.port  # noqa: B018  it is read only now, and may be none
    except ValueError:  # what the Collector itself refuses
        return None
    return parts
