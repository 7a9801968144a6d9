"""
This module checks that names, labels and edges are checked to be those that the rules ask for.
"""

from pathlib import Path

import pytest
from tests.collector.configurations import GOOD, MAPPED, PROMETHEUS, STATSD, changed, faults, found


@pytest.mark.parametrize(
    ("old", "new", "level", "path", "message"),
    [
        pytest.param(
            "resource_detection, delta_to_cumulative]", "resource_detection]",
            "error", "receivers.statsd", "its sums are differences", id="differences",
        ),
        pytest.param(
            "explicit: {buckets: [1s]}", "exponential: {max_size: 160}",
            "warning", "connectors.span_metrics.histogram.exponential",
            "span metrics become native histograms", id="exponential span metrics",
        ),
        pytest.param(
            STATSD, MAPPED.replace("{MAPPING}", "{max_size: 160}"),
            "error", "receivers.statsd.timer_histogram_mapping[0]",
            "ml.prediction.confidence becomes a native histogram", id="exponential StatsD",
        ),
        pytest.param(
            STATSD,
            MAPPED.replace(
                "{MAPPING}", "{explicit_buckets: [{matcher_pattern: .*, buckets: [1, 2]}]}"
            ),
            "warning", "receivers.statsd.timer_histogram_mapping[0]",
            "ml.prediction.confidence has no bucket up to 0.05", id="StatsD with other edges",
        ),
    ],
)  # fmt: skip
def test_a_fault_of_naming_is_told(  # noqa: PLR0917  a case has that many sides
    tmp_path: Path, old: str, new: str, level: str, path: str, message: str
) -> None:
    """
    What rules and panels would not find is told with its place and a remedy.
    """
    assert [(level, path)] == faults(tmp_path, changed(old, new), message)


def of_prometheus(settings: str) -> str:
    exporter = f"  prometheus: {{endpoint: '0.0.0.0:9464', {settings}}}\n"
    return changed(PROMETHEUS, exporter).replace("[otlp_http/prometheus]", "[prometheus]")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("resource_to_telemetry_conversion: {enabled: false}", "lack the labels of their resource"),
        ("add_metric_suffixes: false", "names lose _total"),
        ("translation_strategy: NoTranslation", "ask for other names"),
        ("namespace: shop", "every name begins with shop_"),
    ],
)
def test_an_exporter_that_names_otherwise_is_told_of(
    tmp_path: Path, settings: str, message: str
) -> None:
    """
    Rules and panels rest on names and labels, which an exporter may change.
    """
    told = [f.message for f in found(tmp_path, of_prometheus(settings))]

    assert 1 == sum(message in each for each in told)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("deployment.environment.name=production,k8s.cluster.name=one", []),
        ("a=b, k8s.pod.name=gateway-0", [("warning", "processors.resource_detection.detectors")]),
    ],
    ids=["of all gateways", "of this one"],
)
def test_a_gateway_that_tells_itself_apart_is_told_of(
    tmp_path: Path, given: str, told: list[tuple[str, str]]
) -> None:
    """
    What each gateway has of its own must not become labels of what passes through it.
    """
    message = "it gives its own k8s.pod.name to what has none"

    assert told == faults(tmp_path, GOOD, message, OTEL_RESOURCE_ATTRIBUTES=given)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("a", True), ("a=b,c", True), ("a=%zz", True), ("a=b,é=c", True), ("a=b c,,d", True),
        ("", False), ("a=b,", False), (",a=b", False), (" a = b ", False), ("a=b=c,d=", False),
        ("a=%C3%A9", False), ("service.name=shop", False),
    ],
)  # fmt: skip
def test_attributes_that_the_collector_cannot_read_are_told(
    tmp_path: Path, given: str, told: bool
) -> None:
    """
    A list of attributes that it cannot read keeps a Collector from starting.
    """
    level = faults(tmp_path, GOOD, "it cannot read OTEL_RESOURCE_ATTRIBUTES",
                   OTEL_RESOURCE_ATTRIBUTES=given)  # fmt: skip

    assert [("error", "processors.resource_detection.detectors")] * told == level


def test_a_gateway_that_asks_its_host_is_told_of(tmp_path: Path) -> None:
    """
    A detector of hosts is the agent's: at two gateways it tells two hosts of one series.
    """
    text = changed("detectors: [env]", "detectors: [env, system]")
    of_an_agent = text.replace("[tail_sampling]", "[memory_limiter]")
    message = "it gives its own host to what has none"

    assert [("warning", "processors.resource_detection.detectors")] == faults(
        tmp_path, text, message
    )
    assert [] == faults(tmp_path, of_an_agent, message)
