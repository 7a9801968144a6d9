"""
This module checks what docker-compose.yml promises of its services beside where they are.
"""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.programs import ROOT, VERSIONS
from tests.test_stack_files import NOTIFY, SERVICES, service_names, walk

from otel_confidence.alerting.durations import milliseconds

OVERLAYS = sorted([*ROOT.glob("docker-compose.*.yml"), *(ROOT / "tests").rglob("*.yml")])
"""What lies over docker-compose.yml; other files are among them and have no services."""
PROMETHEUS: dict[str, Any] = yaml.safe_load((ROOT / "prometheus" / "prometheus.yml").read_text())
RESEND_MS = 60_000
"""After how long Prometheus sends an alert again, unless --rules.alert.resend-delay says so."""
ONE_FIGURE_LESS = {"SEAWEEDFS_VERSION"}
"""Versions that are whole with two numbers."""


def flag(service: str, name: str) -> str:
    """
    The value of a flag of a service's command.
    """
    [value] = [
        w.partition("=")[2] for w in SERVICES[service]["command"] if w.startswith(f"{name}=")
    ]
    return str(value)


def size(text: str) -> int:
    """
    Bytes of an amount as Docker or Go writes it.
    """
    found = re.fullmatch(r"(\d+)([KMGkmg])(?:iB)?", text)
    assert found
    return int(found[1]) << 10 * (1 + "kmg".index(found[2].lower()))


def test_who_notifies_is_started_as_who_only_shows() -> None:
    """
    The overlay's command of Alertmanager is the other one but for the file that it reads.
    """
    shows, notifies = (
        SERVICES["alertmanager"]["command"],
        NOTIFY["services"]["alertmanager"]["command"],
    )

    assert (
        {"--config.file=/etc/alertmanager/alertmanager.yml"},
        {"--config.file=/etc/alertmanager/notify.yml"},
    ) == (set(shows) - set(notifies), set(notifies) - set(shows))
    assert len(shows) == len(notifies)


@pytest.mark.parametrize("path", OVERLAYS, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_overlay_replaces_a_command(path: Path) -> None:
    """
    No overlay has a command of its own, but for the one that is compared above.
    """
    services = yaml.safe_load(path.read_text()).get("services", {})
    replaced = [name for name in services if name in SERVICES and "command" in services[name]]

    assert (["alertmanager"] if path.name == "docker-compose.notify.yml" else []) == replaced


def test_alertmanager_waits_until_it_knows_every_alert() -> None:
    """
    After a start nobody is told until Prometheus has evaluated and sent each alert again.
    """
    waits = milliseconds(flag("alertmanager", "--dispatch.start-delay"))
    evaluated = milliseconds(PROMETHEUS["global"]["evaluation_interval"])

    assert not [w for w in SERVICES["prometheus"]["command"] if "resend-delay" in w]
    assert waits >= RESEND_MS + evaluated


def test_alertmanager_writes_down_whom_it_told() -> None:
    """
    It does so every ten seconds, as its page promises, in a volume.
    """
    page = (ROOT / "docs" / "how-to" / "stack.md").read_text()
    volumes = [v.split(":")[1] for v in SERVICES["alertmanager"]["volumes"]]

    assert "knows whom it told up to ten seconds" in " ".join(page.split())
    assert milliseconds(flag("alertmanager", "--data.maintenance-interval")) <= 10_000
    assert flag("alertmanager", "--storage.path") in volumes


def test_the_heartbeat_is_told_as_often_as_its_page_says() -> None:
    """
    Whoever waits for it hears of it every two minutes, and of nothing else.
    """
    page = (ROOT / "docs" / "how-to" / "stack.md").read_text()
    settings = yaml.safe_load((ROOT / "alertmanager" / "notify.yml").read_text())
    [route] = [r for r in settings["route"]["routes"] if r["receiver"] == "heartbeat"]
    [receiver] = [r for r in settings["receivers"] if r["name"] == "heartbeat"]

    assert "`secrets/heartbeat_url` every two minutes" in " ".join(page.split())
    assert ("2m", "1m", "0s") == tuple(
        route[name] for name in ("repeat_interval", "group_interval", "group_wait")
    )
    assert [False] == [each["send_resolved"] for each in receiver["webhook_configs"]]


@pytest.mark.parametrize("service", service_names())
def test_no_service_gains_privileges(service: str) -> None:
    """
    No program gets more rights than it was started with, by a file that has some or otherwise.
    """
    assert ["no-new-privileges:true"] == SERVICES[service]["security_opt"]


def test_what_needs_to_write_nowhere_else_cannot() -> None:
    """
    The root of the gateway and of what is built here is read-only: they write to volumes alone.
    """
    assert {"otel-gateway", "demo", "demo-traffic"} == {
        name for name, described in SERVICES.items() if described.get("read_only")
    }


def test_the_gateway_collects_garbage_before_its_limit() -> None:
    """
    Go frees memory at a tenth or more below the limit at which the container is killed.
    """
    gateway = SERVICES["otel-gateway"]

    assert size(gateway["environment"]["GOMEMLIMIT"]) <= 0.9 * size(gateway["mem_limit"])


def test_whoever_reaches_grafana_may_look_and_nobody_logs_in() -> None:
    """
    Grafana shows itself to people without an account, and takes no password by any way.
    """
    settings = SERVICES["grafana"]["environment"]

    assert {
        "GF_AUTH_ANONYMOUS_ENABLED": "true",
        "GF_AUTH_ANONYMOUS_ORG_ROLE": "Viewer",
        "GF_AUTH_BASIC_ENABLED": "false",
        "GF_AUTH_DISABLE_LOGIN_FORM": "true",
        "GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION": "true",
    } == {k: v for k, v in settings.items() if k.startswith(("GF_AUTH_", "GF_SECURITY_"))}


def test_health_is_asked_by_what_each_image_has() -> None:
    """
    Tempo's and Loki's images hold one program, which asks itself; the others bring wget.
    """
    tests = {name: s["healthcheck"]["test"] for name, s in SERVICES.items() if "healthcheck" in s}

    assert ["CMD", "/tempo", "-health", "-health.url=http://localhost:3200/ready"] == tests["tempo"]
    assert ["CMD", "/usr/bin/loki", "-health", "-health.url=http://localhost:3100/ready"] == (
        tests["loki"]
    )
    assert {"wget", "python"} == {t[1] for n, t in tests.items() if n not in {"tempo", "loki"}}


def test_traces_are_kept_as_long_as_events() -> None:
    """
    Who deletes is told so: Tempo's worker, not its scheduler, and Loki's compactor, which has to.
    """
    tempo, loki = (
        yaml.safe_load((ROOT / name / f"{name}.yaml").read_text()) for name in ("tempo", "loki")
    )

    assert "168h" == tempo["backend_worker"]["compaction"]["block_retention"]
    assert "168h" == loki["limits_config"]["retention_period"]
    assert loki["compactor"]["retention_enabled"] is True
    assert loki["compactor"]["delete_request_store"]


@pytest.mark.parametrize(("service", "places"), [("tempo", 5), ("loki", 4)])
def test_what_a_backend_writes_is_written_to_its_volume(service: str, places: int) -> None:
    """
    Each path of its file lies in the volume, and none of Tempo's is left to a default.
    """
    settings = yaml.safe_load((ROOT / service / f"{service}.yaml").read_text())
    mounts = [v.split(":") for v in SERVICES[service]["volumes"]]
    [volume] = [Path(mount[1]) for mount in mounts if mount[0] == f"{service}-data"]
    paths = [Path(value) for _, value in walk(settings) if str(value).startswith("/")]

    assert places == len(paths)
    assert [] == [path for path in paths if not path.is_relative_to(volume)]


def test_versions_are_whole() -> None:
    """
    No version leaves its last number to whoever pulls the image.
    """
    wanting = [
        name
        for name, version in VERSIONS.items()
        if len(version.split(".")) < (2 if name in ONE_FIGURE_LESS else 3)
    ]

    assert [] == wanting
