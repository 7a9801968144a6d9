"""
This module checks that what is found here is not found by the Collector itself.
"""

import os
from pathlib import Path

from tests.collector.configurations import GOOD, found
from tests.programs import program

from otel_confidence.collector import binary

CHANGES = {
    "status_codes: [ERROR]": "status_codes: [OK]",
    "< 0.6": "< 0.1",
    ", max_size: 9": "",
    "/api/v1/otlp": "",
    "tempo:4317": "tempo:4318",
    "exporters: [otlp_http/loki]": "exporters: [debug]",
    "exporters:\n  otlp_http": "exporters:\n  debug:\n  otlp_http",
    "  delta_to_cumulative:\n": (
        "  batch:\n  filter:\n    metric_conditions: ['metric.name == \"ml.predictions\"']\n"
        "  delta_to_cumulative:\n"
    ),
    "resource_detection, delta_to_cumulative]": "filter, delta_to_cumulative, batch]",
}
FOUND = (
    "no policy keeps traces with errors",
    "unsure predictions are kept below 0.1 only",
    "its queues may fill the disk",
    "Prometheus takes OTLP below /api/v1/otlp alone",
    "4318 is OTLP's port by HTTP",
    "events that come in by OTLP reach no backend",
    "it drops ml.predictions",
    "what it holds is lost when the Collector is killed",
)


def test_the_real_collector_takes_what_costs_telemetry(tmp_path: Path) -> None:
    """
    The Collector validates without a word what loses metrics, traces and events of ours.
    """
    text = GOOD.replace("/var/lib/otelcol", str(tmp_path))
    for old, new in CHANGES.items():
        assert old in text
        text = text.replace(old, new)
    said = [each.message for each in found(tmp_path, text)]

    assert [] == [each for each in FOUND if not any(m.startswith(each) for m in said)]
    assert () == binary.check(program("otelcol-confidence"), [tmp_path / "0.yaml"], os.environ)
