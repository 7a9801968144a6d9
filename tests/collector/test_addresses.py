"""
This module checks that an exporter is found out that sends where nobody takes OTLP.
"""

from pathlib import Path

import pytest
from tests.collector.configurations import changed, faults, found

PROMETHEUS = "http://prometheus:9090/api/v1/otlp"
LOKI = "http://loki:3100/otlp"


@pytest.mark.parametrize(
    ("old", "new", "exporter", "message"),
    [
        (PROMETHEUS, "http://prometheus:9090", "otlp_http/prometheus",
         "Prometheus takes OTLP below /api/v1/otlp alone"),
        (PROMETHEUS, "http://10.0.0.1:9090/api/v1/write", "otlp_http/prometheus",
         "Prometheus takes OTLP below /api/v1/otlp alone"),
        (PROMETHEUS, f"{PROMETHEUS}/v1/metrics", "otlp_http/prometheus",
         "the exporter adds /v1/traces and the like itself"),
        (LOKI, "http://loki:3100", "otlp_http/loki", "Loki takes OTLP below /otlp alone"),
        (LOKI, "http://loki:3100/loki/api/v1/push", "otlp_http/loki",
         "Loki takes OTLP below /otlp alone"),
        (LOKI, "'http://${env:LOGS:-loki}:3100'", "otlp_http/loki",
         "Loki takes OTLP below /otlp alone"),
        ("tempo:4317", "tempo:4318", "otlp_grpc/tempo", "4318 is OTLP's port by HTTP"),
        (LOKI, "http://otel-gateway:4317", "otlp_http/loki", "4317 is OTLP's port by gRPC"),
    ],
)  # fmt: skip
def test_a_door_that_takes_no_otlp_is_told(
    tmp_path: Path, old: str, new: str, exporter: str, message: str
) -> None:
    """
    What a backend has no door for is answered with 404 and dropped, which only a log says.
    """
    assert [("error", f"exporters.{exporter}.endpoint")] == faults(
        tmp_path, changed(old, new), message
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (PROMETHEUS, f"{PROMETHEUS}/"),
        (PROMETHEUS, "https://proxy.example/prometheus/api/v1/otlp"),
        (LOKI, "https://logs.example/loki/otlp"),
        ("tempo:4317", "dns:///tempo:4317"),
        ("tempo:4317", "'[::1]:4317'"),
        ("tempo:4317", "'tempo:port'"),
    ],
)
def test_a_door_that_takes_otlp_is_let_be(tmp_path: Path, old: str, new: str) -> None:
    """
    Any address under which a backend takes OTLP is right, and one that is none is not ours to say.
    """
    assert [] == found(tmp_path, changed(old, new))
