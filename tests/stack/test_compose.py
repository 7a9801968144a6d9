"""This module checks how the native runner reads compose files."""

from pathlib import Path

import pytest
from tools.stack import StackError, compose
from tools.stack.__main__ import parser, wished
from tools.stack.programs import flagged

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
        ("services: {a: {image: 'x:1', volumes: ['b/c:/d']}}", "'b/c:/d' is no mount that"),
        ("services: {a: {image: 'x:1', volumes: [{type: bind}]}}", "is no mount that"),
    ],
    ids=[
        "a variable without value",
        "a variable that is required",
        "an unknown key",
        "a source that is neither a path nor a name",
        "a mount in another way of writing",
    ],
)
def test_what_is_not_understood_is_said(tmp_path: Path, text: str, said: str) -> None:
    """
    A missing variable and a key without a native meaning are errors with their remedy.
    """
    with pytest.raises(StackError) as raised:
        compose.read([written(tmp_path, text)], {})

    assert said in str(raised.value)


def test_a_mount_leads_to_where_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A source may be a path from here, from the root or from home; what has none is a volume.
    """
    monkeypatch.setenv("HOME", "/home/me")
    volumes = "['./a:/a', '../b:/b:ro', '/c:/c', '~/d:/d', 'e-data:/e', '/f']"
    path = written(tmp_path, f"services: {{x: {{image: 'x:1', volumes: {volumes}}}}}")

    assert {
        "/a": tmp_path / "a",
        "/b": tmp_path / ".." / "b",
        "/c": Path("/c"),
        "/d": Path("/home/me/d"),
        "/e": None,
        "/f": None,
    } == {m.target: m.source for m in compose.read([path], {}).services["x"].mounts}


@pytest.mark.parametrize(
    ("environment", "overlay"), [({}, "extras"), ({"GATEWAY_OVERLAY": "debug"}, "debug")]
)
def test_the_environment_has_its_say(environment: dict[str, str], overlay: str) -> None:
    """
    A variable of the environment goes into the compose file, as with Docker Compose.
    """
    wishes = wished(parser().parse_args([]), environment)
    gateway = compose.read(wishes.files, wishes.variables).services["otel-gateway"]

    assert f"--config=/etc/otelcol/{overlay}.yaml" == gateway.command[1]


def test_a_flag_has_another_value() -> None:
    """
    A flag of a command is replaced where it is, and added only where that is wanted.
    """
    words = ["alertmanager", "--a=1", "--ab=2"]

    assert ["alertmanager", "--a=3", "--ab=2"] == flagged("x", words, {"--a": "3"})
    assert [*words, "--c=4"] == flagged("x", words, {"+--c": "4"})
    with pytest.raises(StackError, match="the command of x has no flag --c to override"):
        flagged("x", words, {"--c": "4"})
