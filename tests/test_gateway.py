"""
This module checks the gateway's configuration against itself and the table of signals.
"""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from otel_confidence.conventions import (
    ATTRIBUTES,
    CONFIDENCE,
    EVENT_NAME,
    LATENCY_EDGES,
    LOW_CONFIDENCE,
    METRICS,
    MODEL_NAME,
    MODEL_VERSION,
    THRESHOLD,
    TIER,
)

FILE = Path(__file__).parent.parent / "collector" / "gateway.yaml"
GATEWAY: dict[str, Any] = yaml.safe_load(FILE.read_text())
FOREIGN_NAMES = {"service.name", "service.namespace", "service.version", "service.instance.id"}
"""OpenTelemetry's own resource attributes, which the table of signals need not repeat."""


def test_pipelines_use_what_is_configured_and_all_of_it() -> None:
    """
    Every component named in a pipeline is configured, and none is configured for nothing.
    """
    used: dict[str, set[str]] = {"receivers": set(), "processors": set(), "exporters": set()}
    for pipeline in GATEWAY["service"]["pipelines"].values():
        for kind, names in pipeline.items():
            used[kind] |= set(names)
    connectors = set(GATEWAY["connectors"])

    assert set(GATEWAY["receivers"]) == used["receivers"] - connectors
    assert set(GATEWAY["exporters"]) == used["exporters"] - connectors
    assert set(GATEWAY["processors"]) == used["processors"]
    assert set(GATEWAY["extensions"]) == set(GATEWAY["service"]["extensions"])
    assert connectors <= used["receivers"] & used["exporters"]


@pytest.mark.parametrize("pipeline", GATEWAY["service"]["pipelines"])
def test_pipelines_limit_memory_first(pipeline: str) -> None:
    """
    A pipeline refuses what it has no memory for before it does anything else.
    """
    assert "memory_limiter" == GATEWAY["service"]["pipelines"][pipeline]["processors"][0]


@pytest.mark.parametrize("pipeline", ["traces/sampled", "logs"])
def test_detail_is_redacted(pipeline: str) -> None:
    """
    Whatever carries texts passes the redaction.
    """
    assert "redaction" in GATEWAY["service"]["pipelines"][pipeline]["processors"]


@pytest.mark.parametrize("exporter", GATEWAY["exporters"])
def test_exporters_keep_on_disk_and_never_give_up(exporter: str) -> None:
    """
    What cannot be delivered waits in a queue on disk, without a limit of time.
    """
    settings = GATEWAY["exporters"][exporter]

    assert "0s" == settings["retry_on_failure"]["max_elapsed_time"]
    assert settings["sending_queue"]["storage"] in GATEWAY["extensions"]


def policies() -> dict[str, dict[str, Any]]:
    return {policy["name"]: policy for policy in GATEWAY["processors"]["tail_sampling"]["policies"]}


def test_sampling_keeps_errors_slow_and_unsure_traces() -> None:
    """
    The sampling policies use the attributes and thresholds of the table of signals.
    """
    tier, own = policies()["low-confidence"]["ottl_condition"]["span"]
    slow = policies()["slow"]["latency"]["threshold_ms"]

    assert f'span.attributes["{CONFIDENCE.name}"] < {LOW_CONFIDENCE}' in tier
    assert f'["{CONFIDENCE.name}"] < span.attributes["{THRESHOLD.name}"]' in own
    assert slow / 1000 in LATENCY_EDGES
    assert ["ERROR"] == policies()["errors"]["status_code"]["status_codes"]


def test_span_metrics_share_edges_and_names() -> None:
    """
    Span metrics have the duration histogram's edges and dimensions of the table of signals.
    """
    connector = GATEWAY["connectors"]["span_metrics"]
    edges = connector["histogram"]["explicit"]["buckets"]
    units = {"us": 1e-6, "ms": 1e-3, "s": 1.0}
    seconds = [
        float(number) * units[unit]
        for number, unit in (re.findall(r"([\d.]+)(\w+)", edge)[0] for edge in edges)
    ]

    assert pytest.approx(list(LATENCY_EDGES)) == seconds
    assert [MODEL_NAME.name, MODEL_VERSION.name, TIER.name] == [
        dimension["name"] for dimension in connector["dimensions"]
    ]


def test_every_signal_name_in_the_gateway_exists() -> None:
    """
    Each dotted name of ours or OpenTelemetry's in the gateway is known.
    """
    named = set(re.findall(r"\b(?:ml|service|otel_confidence)\.[a-z_.]*[a-z]", FILE.read_text()))
    known = {attribute.name for attribute in ATTRIBUTES} | {metric.name for metric in METRICS}

    assert MODEL_NAME.name in named
    assert named <= known | FOREIGN_NAMES


def test_event_names_survive_loki() -> None:
    """
    The gateway copies an event's name into the attribute that Loki keeps.
    """
    statements = GATEWAY["processors"]["transform/event_name"]["log_statements"]

    assert f'set(log.attributes["{EVENT_NAME.name}"], log.event_name)' in statements[0]
