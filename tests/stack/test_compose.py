"""This module checks how the native runner reads compose files."""

from pathlib import Path

import pytest
from tools.stack import StackError, compose

SERVICE = """
services:
  loki:
    image: grafana/loki:${LOKI_VERSION}
    command: [-config.file=/etc/loki/loki.yaml]
    environment: {COST: "$$5", LEVEL: "${LEVEL:-info}"}
    volumes: ["./loki:/etc/loki:ro", "loki-data:/loki"]
    ports: ["127.0.0.1:3100:3100", "127.0.0.1:8125:8125/udp"]
    expose: ["7946"]
    healthcheck: {test: [CMD, wget, "http://localhost:3100/ready"]}
    depends_on: {tempo: {condition: service_healthy}}
  tempo: {image: "grafana/tempo:1.0.0"}
  demo: {image: "demo:1.0.0", profiles: [demo]}
"""


def written(folder: Path, text: str = SERVICE, name: str = "docker-compose.yml") -> Path:
    (folder / ".env").write_text("# versions\nLOKI_VERSION=v3.7.6\n")
    path = folder / name
    path.write_text(text)
    return path


def test_a_service_is_read_with_all_that_starts_it(tmp_path: Path) -> None:
    """
    Image, variables, mounts, ports, health check and order are what the file and .env say.
    """
    service = compose.read([written(tmp_path)], {}).services["loki"]

    assert ("grafana/loki", "3.7.6") == (service.image, service.version)
    assert {"COST": "$5", "LEVEL": "info"} == service.environment
    assert [("/etc/loki", tmp_path / "loki"), ("/loki", None)] == [
        (mount.target, mount.source) for mount in service.mounts
    ]
    assert (3100, 7946) == service.tcp_ports
    assert "http://localhost:3100/ready" == service.health_url
    assert {"tempo": "service_healthy"} == service.after


def test_a_profile_has_to_be_asked_for(tmp_path: Path) -> None:
    """
    A service of a profile runs with that profile only.
    """
    path = written(tmp_path)

    assert {"loki", "tempo"} == set(compose.read([path], {}).services)
    assert {"loki", "tempo", "demo"} == set(compose.read([path], {}, ["demo"]).services)


def test_a_later_file_replaces_commands_and_extends_lists(tmp_path: Path) -> None:
    """
    Files are put together as Docker Compose does it.
    """
    over = 'services: {loki: {command: [-other], expose: ["9095"], environment: {MORE: 1}}}'
    files = [written(tmp_path), written(tmp_path, over, "over.yml")]
    service = compose.read(files, {}).services["loki"]

    assert ("-other",) == service.command
    assert (3100, 7946, 9095) == service.tcp_ports
    assert {"COST": "$5", "LEVEL": "info", "MORE": "1"} == service.environment


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("services: {a: {image: 'x:${NOWHERE}'}}", "NOWHERE, which has no value: give it a value"),
        (
            "services: {a: {image: 'x:${NO:?set it}'}}",
            "the variable NO, which has no value: set it",
        ),
        ("services: {a: {image: 'x:1', gpus: all}}", "service a uses gpus, which tools/stack"),
    ],
    ids=["a variable without value", "a variable that is required", "an unknown key"],
)
def test_what_is_not_understood_is_said(tmp_path: Path, text: str, said: str) -> None:
    """
    A missing variable and a key without a native meaning are errors with their remedy.
    """
    with pytest.raises(StackError) as raised:
        compose.read([written(tmp_path, text)], {})

    assert said in str(raised.value)
