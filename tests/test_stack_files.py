"""
This module checks the stack's files against each other and against the table of signals.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.programs import ROOT, VERSIONS

from otel_confidence.alerting.durations import milliseconds
from otel_confidence.conventions import MODEL_NAME
from otel_confidence.generate.rules import TOPIC
from otel_confidence.ingest.resources import PROMOTED
from otel_confidence.objectives import BURN_RATES
from otel_confidence.objectives.recorded import SLO_ID
from otel_confidence.objectives.windows import MARGIN_DAYS

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
NOTIFY: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.notify.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
GATEWAY: dict[str, Any] = yaml.safe_load((ROOT / "collector" / "gateway.yaml").read_text())
FOLDERS = ("alertmanager", "collector", "grafana", "loki", "prometheus", "tempo")
UNASKED = {"otel-gateway", "demo-traffic", "s3-bucket"}
"""Services without a health check: an image without any program to ask with, and two clients."""
YAML_FILES = [
    *sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.y*ml")),
    *sorted(ROOT.glob("docker-compose*.yml")),
]


def service_names() -> list[str]:
    return sorted(SERVICES)


def published(service: str) -> list[tuple[str, str, str]]:
    """
    Address, port of the host and port of the container, for each published port.
    """
    ports = [port.split("/")[0].split(":") for port in SERVICES[service].get("ports", [])]
    return [(address, host, inside) for address, host, inside in ports]


def ports_inside(service: str) -> set[str]:
    return {inside for _, _, inside in published(service)} | set(
        SERVICES[service].get("expose", [])
    )


def walk(value: Any, *path: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """
    Every leaf of nested mappings and lists, with the keys that lead to it.
    """
    if isinstance(value, dict):
        for key, below in value.items():
            yield from walk(below, *path, str(key))
    elif isinstance(value, list):
        for below in value:
            yield from walk(below, *path)
    else:
        yield path, value


@pytest.mark.parametrize("path", YAML_FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_yaml_loads(path: Path) -> None:
    """
    Each YAML file is one mapping.
    """
    assert isinstance(yaml.safe_load(path.read_text()), dict)


def image(described: dict[str, Any]) -> str:
    """
    The image that a service runs, or is built from.
    """
    if "build" not in described:
        return str(described["image"])
    build = described["build"]
    base = re.search(r"^FROM (\S+)$", (ROOT / build["dockerfile"]).read_text(), re.MULTILINE)
    assert base
    given = re.sub(r"\$\{(\w+)\}", lambda found: str(build["args"][found[1]]), base[1])
    return given.removesuffix("-slim")


def test_images_are_pinned_by_the_version_file() -> None:
    """
    Every image's tag is a variable of .env, .env has no other variable, and no tag floats.
    """
    tags = {re.fullmatch(r"[\w./-]+:\$\{(\w+)\}", image(s)) for s in SERVICES.values()}

    assert None not in tags
    assert set(VERSIONS) == {tag[1] for tag in tags if tag}
    assert all(re.fullmatch(r"v?\d+(\.\d+){1,3}", version) for version in VERSIONS.values())


def complaints(path: Path) -> str:
    """
    What the compose specification's own schema says of a file; nothing where it is right.
    """
    checker = Path(sys.executable).with_name("check-jsonschema")
    if sys.version_info < (3, 11):
        pytest.skip("check-jsonschema needs Python 3.11")
    assert checker.exists(), f"no {checker}: 'make test' installs it (the group dev)"
    command = [str(checker), "--builtin-schema", "vendor.compose-spec", str(path)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    return run.stdout + run.stderr if run.returncode else ""


@pytest.mark.parametrize("name", ["docker-compose.yml", "docker-compose.notify.yml"])
def test_compose_files_keep_to_the_published_schema(name: str) -> None:
    """
    The compose specification's own schema finds nothing to complain of.
    """
    assert "" == complaints(ROOT / name)


def test_the_schema_finds_a_mistake(tmp_path: Path) -> None:
    """
    A misspelled key is a mistake, so that the schema's silence means something.
    """
    wrong = tmp_path / "docker-compose.yml"
    wrong.write_text((ROOT / "docker-compose.yml").read_text().replace("mem_limit:", "memlimit:"))

    assert "memlimit" in complaints(wrong)


def test_the_built_collector_is_the_images_version() -> None:
    """
    The Collector that is built for tests and the image have one version.
    """
    builder = yaml.safe_load((ROOT / "collector" / "builder.yaml").read_text())
    parts = ("extensions", "receivers", "processors", "connectors", "exporters")
    modules = {module["gomod"].split(" v")[1] for part in parts for module in builder[part]}

    assert VERSIONS["OTELCOL_VERSION"] == builder["dist"]["version"]
    assert {VERSIONS["OTELCOL_VERSION"]} == modules


@pytest.mark.parametrize("service", service_names())
def test_ports_are_bound_to_loopback(service: str) -> None:
    """
    No port can be reached from another host.
    """
    addresses = {address for address, _, _ in published(service)}

    assert addresses <= {"127.0.0.1"}


def test_no_two_services_want_one_port() -> None:
    """
    Each port of the host is given once.
    """
    taken = [host for service in SERVICES for _, host, _ in published(service)]

    assert sorted(set(taken)) == sorted(taken)


@pytest.mark.parametrize("service", service_names())
def test_mounts_exist_and_are_read_only(service: str) -> None:
    """
    Every mounted file or folder is in the repository and cannot be written to by its service.
    """
    mounts = [volume.split(":") for volume in SERVICES[service].get("volumes", [])]
    from_here = [mount for mount in mounts if mount[0].startswith(".")]

    assert from_here or SERVICES[service].get("profiles")
    assert [] == [source for source, *_ in from_here if not (ROOT / source).exists()]
    assert [] == [mount for mount in from_here if mount[2:] != ["ro"]]


def test_volumes_are_declared() -> None:
    """
    Each named volume is declared, and each declared volume is used.
    """
    used = {v.split(":")[0] for s in SERVICES.values() for v in s.get("volumes", []) if v[0] != "."}

    assert set(COMPOSE["volumes"]) == used


@pytest.mark.parametrize("service", service_names())
def test_named_configuration_is_mounted(service: str) -> None:
    """
    The configuration that a command names lies in a mounted folder.
    """
    command = " ".join(SERVICES[service].get("command", []))
    named = re.findall(r"config(?:\.file)?=(\S+)", command)
    mounts = {v.split(":")[1]: ROOT / v.split(":")[0] for v in SERVICES[service].get("volumes", [])}
    overlays = ("extras", "scale", "secure", "debug") if "${GATEWAY_OVERLAY" in command else ("",)
    files = [
        mounts[str(Path(path).parent)] / re.sub(r"\$\{.*\}", overlay, Path(path).name)
        for path in named
        for overlay in overlays
    ]

    assert files or service == "grafana" or SERVICES[service].get("profiles")
    assert [] == [file for file in files if not file.is_file()]


@pytest.mark.parametrize("service", service_names())
def test_service_is_bounded_and_watched(service: str) -> None:
    """
    A service has a memory limit, no capabilities, and a health check where its image allows one.
    """
    described = SERVICES[service]

    assert described["mem_limit"]
    assert ["ALL"] == described["cap_drop"]
    assert "healthcheck" in described or service in UNASKED


def test_nothing_holds_a_secret() -> None:
    """
    No file of the stack holds a password, a token or a key, only the name of a file or variable.
    """
    secret = re.compile(r"(password|secret|token|api_key|routing_key|api_url|_key)$")
    found = [
        (path.name, keys, value)
        for path in YAML_FILES
        for keys, value in walk(yaml.safe_load(path.read_text()))
        if keys and secret.search(keys[-1].lower())
        if not re.fullmatch(r"\$\{env:\w+\}|\$\{\w+-\}|traceID", str(value))
    ]

    assert [] == found


def test_prometheus_keeps_every_period_whole() -> None:
    """
    Samples outlive the longest error budget that can be promised, within a bound of size.
    """
    found = yaml.safe_load((ROOT / "prometheus" / "prometheus.yml").read_text())
    kept = found["storage"]["tsdb"]["retention"]

    assert milliseconds(kept["time"]) >= (max(BURN_RATES) + MARGIN_DAYS) * 86_400_000
    assert kept["size"].endswith("GB")


def test_prometheus_names_series_as_the_server_does() -> None:
    """
    Prometheus spells names and promotes resource attributes as the embedded server does.
    """
    settings = yaml.safe_load((ROOT / "prometheus" / "prometheus.yml").read_text())["otlp"]

    assert "UnderscoreEscapingWithSuffixes" == settings["translation_strategy"]
    assert settings["keep_identifying_resource_attributes"] is True
    assert set(PROMOTED) == set(settings["promote_resource_attributes"])


@pytest.mark.parametrize("name", ["alertmanager.yml", "notify.yml"])
def test_alerts_reach_a_receiver_and_group_by_their_labels(name: str) -> None:
    """
    Every route leads to a receiver, and grouping and inhibition use labels that alerts have.
    """
    settings = yaml.safe_load((ROOT / "alertmanager" / name).read_text())
    routes = [settings["route"], *settings["route"].get("routes", [])]
    rules = settings["inhibit_rules"]

    assert {r["receiver"] for r in routes} == {r["name"] for r in settings["receivers"]}
    assert ["alertname", MODEL_NAME.label, SLO_ID, "team"] == settings["route"]["group_by"]
    assert {label for rule in rules for label in rule.get("equal", [])} == {
        MODEL_NAME.label, SLO_ID, TOPIC
    }  # fmt: skip


def test_notifying_changes_nothing_else() -> None:
    """
    The configuration that notifies groups and inhibits as the one that only shows.
    """
    shown, told = (
        yaml.safe_load((ROOT / "alertmanager" / name).read_text())
        for name in ("alertmanager.yml", "notify.yml")
    )
    timing = ("group_by", "group_wait", "group_interval", "repeat_interval")

    assert shown["inhibit_rules"] == told["inhibit_rules"]
    assert [shown["route"][k] for k in timing] == [told["route"][k] for k in timing]


def test_notifications_find_their_secrets() -> None:
    """
    Each secret file that Alertmanager reads is one that the overlay gives it.
    """
    settings = yaml.safe_load((ROOT / "alertmanager" / "notify.yml").read_text())
    read = {
        str(value).removeprefix("/run/secrets/")
        for keys, value in walk(settings)
        if keys[-1].endswith("_file")
    }

    assert set(NOTIFY["secrets"]) == read
    assert set(NOTIFY["services"]["alertmanager"]["secrets"]) == read


def test_panels_and_links_find_their_data_sources() -> None:
    """
    Data sources have the uids that dashboards and links between sources use.
    """
    path = ROOT / "grafana" / "provisioning" / "datasources" / "otel-confidence.yaml"
    sources = yaml.safe_load(path.read_text())["datasources"]
    uids = {source["uid"] for source in sources}
    linked = {
        value
        for keys, value in walk(sources)
        if keys[-1].lower().endswith("uid")  # datasourceUid, alertmanagerUid
    }

    assert {"prometheus", "tempo", "loki", "alertmanager"} == uids
    assert linked <= uids


def test_dashboards_are_mounted_where_grafana_looks() -> None:
    """
    The provider's folder is the mounted one, and the home dashboard is in it.
    """
    path = ROOT / "grafana" / "provisioning" / "dashboards" / "otel-confidence.yaml"
    [provider] = yaml.safe_load(path.read_text())["providers"]
    folder = provider["options"]["path"]
    mounts = {v.split(":")[1]: v.split(":")[0] for v in SERVICES["grafana"]["volumes"]}
    home = SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]

    assert "file" == provider["type"]
    assert "./grafana/dashboards" == mounts[folder]
    assert (ROOT / mounts[str(Path(home).parent)] / Path(home).name).is_file()
