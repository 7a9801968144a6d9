"""
This module checks that two doors of a Collector are checked to want two ports.
"""

from pathlib import Path

import pytest
from tests.collector.configurations import changed, faults, found


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


def test_ports_are_compared_with_variables_in_their_places(tmp_path: Path) -> None:
    """
    Two doors clash by what the environment makes of them, and not on other addresses.
    """
    text = changed('grpc: {endpoint: "0.0.0.0:4317"}', 'grpc: {endpoint: "127.0.0.2:${env:P:-1}"}')
    text = text.replace('http: {endpoint: "0.0.0.0:4318"}', 'http: {endpoint: "127.0.0.3:4318"}')

    assert [] == found(tmp_path, text, P="4318")
    assert 1 == len(found(tmp_path, text.replace("127.0.0.3", "0.0.0.0"), P="4318"))
