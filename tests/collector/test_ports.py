"""
This module checks that two doors of a Collector are checked to want two ports.
"""

from pathlib import Path

import pytest
from tests.collector.configurations import STATSD, changed, faults, found

from otel_confidence.collector.merging import NOTHING
from otel_confidence.collector.pipelines import Component
from otel_confidence.collector.ports import _DEFAULTS


@pytest.mark.parametrize(
    ("old", "new", "level", "path", "message"),
    [
        pytest.param(
            'http: {endpoint: "0.0.0.0:4318"}', 'http: {endpoint: "127.0.0.1:13133"}',
            "error", "extensions.health_check.endpoint",
            "health_check wants port 13133, which otlp (http) has", id="a port twice",
        ),
        pytest.param(
            'endpoint: "0.0.0.0:4317"', 'endpoint: "0.0.0.0"',
            "error", "receivers.otlp.protocols.grpc.endpoint",
            "otlp (grpc) has no port to listen at: '0.0.0.0'", id="no port",
        ),
        pytest.param(
            'http: {endpoint: "0.0.0.0:4318"}', 'http: {endpoint: "0.0.0.0:8888"}',
            "error", "", "the Collector's own metrics wants port 8888, which otlp (http) has",
            id="the Collector's own port",
        ),
        pytest.param(
            "service:\n", "service:\n  telemetry: {metrics: {address: ':8888'}}\n",
            "warning", "service.telemetry.metrics.address", "the Collector no longer looks at it",
            id="a former setting",
        ),
    ],
)  # fmt: skip
def test_a_fault_of_ports_is_told(  # noqa: PLR0917  a case has that many sides
    tmp_path: Path, old: str, new: str, level: str, path: str, message: str
) -> None:
    """
    A door without a port of its own is told with its place and a remedy.
    """
    assert [(level, path)] == faults(tmp_path, changed(old, new), message)


@pytest.mark.parametrize(
    "receiver",
    [
        "prometheusremotewrite: {endpoint: '0.0.0.0:4318'}",
        "prometheus_remote_write: {endpoint: '0.0.0.0:4318'}",
        "fluentforward: {endpoint: '0.0.0.0:4318'}",
        "webhookevent: {endpoint: '0.0.0.0:4318'}",
        "jaeger: {protocols: {thrift_http: {endpoint: '0.0.0.0:4318'}}}",
        "datadog: {endpoint: 'localhost:4318'}",
    ],
    ids=lambda text: text.partition(":")[0],
)
def test_a_door_is_known_by_its_former_name_too(tmp_path: Path, receiver: str) -> None:
    """
    A receiver on a port that is taken is told of, in either spelling of its type.
    """
    text = changed(STATSD, f"{STATSD}  {receiver}\n").replace("otlp, statsd", (
        f"otlp, statsd, {receiver.partition(':')[0]}"
    ))  # fmt: skip
    (told,) = found(tmp_path, text)

    assert "wants port 4318, which otlp (http) has" in told.message


def test_doors_are_listed_by_their_names_of_today() -> None:
    """
    A type in the list by a former name would never be looked up.
    """
    former = [name for name in _DEFAULTS if Component("receivers", name, NOTHING).type != name]

    assert [] == former


def test_a_door_whose_place_is_not_known_is_let_be(tmp_path: Path) -> None:
    """
    Where nothing says at which port a receiver listens, nothing is said of it.
    """
    text = changed(STATSD, f"{STATSD}  prometheus_remote_write:\n").replace(
        "otlp, statsd", "otlp, statsd, prometheus_remote_write"
    )

    assert [] == found(tmp_path, text)


def test_ports_are_compared_with_variables_in_their_places(tmp_path: Path) -> None:
    """
    Two doors clash by what the environment makes of them, and not on other addresses.
    """
    text = changed('grpc: {endpoint: "0.0.0.0:4317"}', 'grpc: {endpoint: "127.0.0.2:${env:P:-1}"}')
    text = text.replace('http: {endpoint: "0.0.0.0:4318"}', 'http: {endpoint: "127.0.0.3:4318"}')

    assert [] == found(tmp_path, text, P="4318")
    assert 1 == len(found(tmp_path, text.replace("127.0.0.3", "0.0.0.0"), P="4318"))
