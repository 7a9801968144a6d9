"""
This module checks that all files of the stack mean the same names and ports.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from tests.programs import ROOT
from tests.test_stack_files import FOLDERS, GATEWAY, SERVICES, ports_inside, walk

from otel_confidence.doctor.services import METRICS, Addresses
from otel_confidence.doctor.services import SERVICES as LOOKED_AT
from otel_confidence.ingest.resources import PROMOTED


def loaded(path: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / path).read_text())
    return found


DATA_SOURCES = "grafana/provisioning/datasources/otel-confidence.yaml"
AGENT, TEMPO, LOKI = (
    loaded(path) for path in ("collector/agent.yaml", "tempo/tempo.yaml", "loki/loki.yaml")
)
VALUES = sorted((ROOT / "kubernetes" / "values").glob("*.yaml"))
OVERLAYS = sorted((ROOT / "tests").rglob("stack*/*.yml"))
"""Compose files for tests and campaigns, whose services offer ports too."""
INVENTED = ROOT / "prometheus" / "tests"
"""Cases of rules, whose programs are nobody's."""
NAMING = [
    *sorted(
        path
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*.y*ml")
        if path.parent != INVENTED
    ),
    *sorted(ROOT.glob("docker-compose*.yml")),
    *VALUES,
    *OVERLAYS,
]
ELSEWHERE = {"kube-prometheus-stack-prometheus": "prometheus"}
"""What a cluster calls a service otherwise."""
DEFAULT = re.compile(r"\$\{(?:env:)?\w+:-([^}]*)\}")


def offered() -> dict[str, set[str]]:
    """
    The ports of every service, of those that tests add as well.
    """
    ports = {name: ports_inside(name) for name in SERVICES}
    for path in OVERLAYS:
        for name, described in yaml.safe_load(path.read_text())["services"].items():
            ports[name] = ports.get(name, set()) | set(described.get("expose", []))
    return ports


def mentions(path: Path) -> Iterator[tuple[str, str]]:
    """
    Every ``service:port`` of a file, its variables at their defaults, with host and port apart too.
    """
    names = "|".join(sorted([*offered(), *ELSEWHERE], key=len, reverse=True))
    text = DEFAULT.sub(r"\1", re.sub(r"#.*", "", path.read_text()))
    if path.name.startswith("docker-compose"):
        text = re.sub(r"image: .*", "", text)
    for name, port in re.findall(rf"(?<![\w.-])({names})(?:\.monitoring)?:(\d+)", text):
        yield ELSEWHERE.get(name, name), port
    for each in apart(yaml.safe_load(path.read_text())):
        yield DEFAULT.sub(r"\1", each["hostname"]).partition(".")[0], str(each["port"])


def apart(value: Any) -> Iterator[Mapping[str, Any]]:
    """
    Every mapping that names a host and, beside it, a port.
    """
    below = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    if isinstance(value, dict) and {"hostname", "port"} <= set(value):
        yield value
    for each in below:
        yield from apart(each)


def port_of(address: str) -> str:
    return DEFAULT.sub(r"\1", address).rpartition(":")[2]


@pytest.mark.parametrize("path", NAMING, ids=lambda p: str(p.relative_to(ROOT)))
def test_names_lead_to_services_and_their_ports(path: Path) -> None:
    """
    Wherever a file names a service with a port, that service offers the port.
    """
    ports = offered()

    assert [] == [f"{name}:{port}" for name, port in mentions(path) if port not in ports[name]]


def test_names_are_looked_for_where_they_are() -> None:
    """
    The search finds what each file is known to name, also behind variables and in parts.
    """
    found = {str(path.relative_to(ROOT)): set(mentions(path)) for path in NAMING}

    assert {("otel-gateway", "4317")} == found["collector/agent.yaml"]
    assert {("prometheus", "9090"), ("tempo", "4317"), ("loki", "3100")} == (
        found["collector/gateway.yaml"]
    )
    assert found["collector/gateway.yaml"] == found["kubernetes/values/gateway.yaml"]
    assert {("tempo", "3200"), ("loki", "3100")} == (
        found["kubernetes/values/kube-prometheus-stack.yaml"]
    )
    assert {("otel-gateway", "4318")} == found["tests/stack/compose.yml"]


def test_grpc_leads_to_grpc() -> None:
    """
    What is sent by gRPC goes to the port at which its receiver takes gRPC.
    """
    gateway = GATEWAY["receivers"]["otlp"]["protocols"]["grpc"]["endpoint"]
    tempo = TEMPO["distributor"]["receivers"]["otlp"]["protocols"]["grpc"]["endpoint"]
    balanced = AGENT["exporters"]["load_balancing/traces"]["resolver"]["dns"]

    assert port_of(gateway) == port_of(AGENT["exporters"]["otlp_grpc/gateway"]["endpoint"])
    assert port_of(gateway) == balanced["port"]
    assert port_of(tempo) == port_of(GATEWAY["exporters"]["otlp_grpc/tempo"]["endpoint"])


def test_programs_listen_where_their_services_say() -> None:
    """
    The ports that Tempo, Loki, Prometheus and Alertmanager listen on are those of their services.
    """
    grpc = TEMPO["distributor"]["receivers"]["otlp"]["protocols"]["grpc"]["endpoint"]
    flags = {
        name: next(w for w in SERVICES[name]["command"] if w.startswith("--web.listen-address="))
        for name in ("prometheus", "alertmanager")
    }

    assert {
        "tempo": {str(TEMPO["server"]["http_listen_port"]), port_of(grpc)},
        "loki": {str(LOKI["server"]["http_listen_port"])},
        "prometheus": {port_of(flags["prometheus"])},
        "alertmanager": {port_of(flags["alertmanager"])},
    } == {name: ports_inside(name) for name in ("tempo", "loki", "prometheus", "alertmanager")}


def doors(settings: Mapping[str, Any]) -> set[str]:
    """
    The ports that a Collector listens on.
    """
    listening = walk({key: settings[key] for key in ("extensions", "receivers")})
    found = {port_of(value) for keys, value in listening if keys[-1] == "endpoint"}
    pull = settings["service"]["telemetry"]["metrics"]["readers"][0]["pull"]
    return found | {str(pull["exporter"]["prometheus"]["port"])}


def test_every_door_of_a_collector_is_offered() -> None:
    """
    Each port that the gateway listens on belongs to its service, and an agent has the same.
    """
    assert ports_inside("otel-gateway") == doors(GATEWAY) == doors(AGENT)


def test_the_doctor_asks_where_each_program_answers() -> None:
    """
    Its addresses are ports of this host that lead to the services that they are called by.
    """
    asked = {service.field: service.compose for service in (*LOOKED_AT, METRICS)}
    asked["gateway"] = METRICS.compose
    http = GATEWAY["receivers"]["otlp"]["protocols"]["http"]["endpoint"]
    health = GATEWAY["extensions"]["health_check"]["endpoint"]
    ports = {name: str(urlsplit(getattr(Addresses(), name)).port) for name in asked}

    assert [] == [
        name
        for name, service in asked.items()
        if f"127.0.0.1:{ports[name]}:{ports[name]}" not in SERVICES[service]["ports"]
    ]
    assert (port_of(http), port_of(health)) == (ports["gateway"], ports["gateway_health"])


def test_health_is_asked_where_the_doctor_asks() -> None:
    """
    A container is healthy once its program answers at the path that the doctor knows it by.
    """
    checks = {name: s["healthcheck"] for name, s in SERVICES.items() if "healthcheck" in s}
    asked = {
        service.compose: f"http://localhost:{urlsplit(getattr(Addresses(), service.field)).port}"
        f"{service.path}"
        for service in LOOKED_AT
        if service.compose in checks
    }

    assert {"alertmanager", "grafana", "loki", "prometheus", "tempo"} == set(asked)
    assert [] == [name for name, url in asked.items() if url not in checks[name]["test"][-1]]


def test_prometheus_scrapes_every_program_of_the_stack() -> None:
    """
    Whoever starts without a profile is scraped, so that it is told when he is gone.
    """
    jobs = loaded("prometheus/prometheus.yml")["scrape_configs"]
    targets = [t for job in jobs for each in job["static_configs"] for t in each["targets"]]
    always = {name for name, described in SERVICES.items() if "profiles" not in described}

    assert always - {"prometheus"} | {"localhost"} == {t.partition(":")[0] for t in targets}


def test_spans_lead_to_events_and_events_to_traces() -> None:
    """
    Grafana goes from a span to Loki by a label that Loki has, and to Tempo by the trace's id.

    The id is metadata of an event, and a label of an exemplar, under one name.
    """
    sources = {each["uid"]: each["jsonData"] for each in loaded(DATA_SOURCES)["datasources"]}
    to_events = sources["tempo"]["tracesToLogsV2"]
    [to_trace] = sources["loki"]["derivedFields"]
    [labels] = [
        each["attributes"]
        for each in LOKI["limits_config"]["otlp_config"]["resource_attributes"]["attributes_config"]
    ]

    assert {tag["key"] for tag in to_events["tags"]} <= set(labels)
    assert all(tag["value"] == tag["key"].replace(".", "_") for tag in to_events["tags"])
    assert '{$${__tags}} | trace_id="$${__trace.traceId}"' == to_events["query"]
    assert ("label", "trace_id") == (to_trace["matcherType"], to_trace["matcherRegex"])
    assert [("trace_id", "tempo")] == [
        (each["name"], each["datasourceUid"])
        for each in sources["prometheus"]["exemplarTraceIdDestinations"]
    ]


def test_loki_keeps_attributes_and_finds_a_program_by_its_name() -> None:
    """
    Events are found by service.name as a label, and by every other attribute as metadata.

    Without structured metadata no attribute is kept, and only schema v13 has any. Loki's own choice
    of labels is more than it takes, so its defaults are left out; each label here is an attribute
    that is on metrics too.
    """
    limits = LOKI["limits_config"]
    chosen = limits["otlp_config"]["resource_attributes"]
    [labels] = [each["attributes"] for each in chosen["attributes_config"]]

    assert limits["allow_structured_metadata"] is True
    assert ["v13"] == [each["schema"] for each in LOKI["schema_config"]["configs"]]
    assert chosen["ignore_defaults"] is True
    assert "service.name" in labels  # panels, links and the doctor ask by it
    assert set(labels) <= set(PROMOTED)
    assert len(labels) <= 15
