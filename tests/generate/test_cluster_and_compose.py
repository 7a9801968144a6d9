"""
This module checks that a cluster's values tell each program what docker-compose.yml tells it.

Whatever the compose file says of a service is said by the values as well, or has its reason for
being otherwise in a table here. A flag, variable, port, mount or limit that is added or changed on
one side only is found. What the mounted files say is compared by tests/generate/test_values.py.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.generate.test_values import OF_GATEWAY, OF_PROMETHEUS
from tests.programs import ROOT, program, said
from tests.test_stack_files import SERVICES, ports_inside

from otel_confidence.generate import write

ALERTMANAGER: dict[str, Any] = OF_PROMETHEUS["alertmanager"]["alertmanagerSpec"]
PROMETHEUS: dict[str, Any] = OF_PROMETHEUS["prometheus"]["prometheusSpec"]
GRAFANA: dict[str, Any] = OF_PROMETHEUS["grafana"]
OPERATORS = "the operator sets it"
CHARTS = "the chart sets it"
OF_SCALE = "of scale.yaml, by who lays it over"
LARGER = "a cluster has more to carry"
OTHERWISE = {
    "otel-gateway": {
        "--config=/etc/otelcol/gateway.yaml": "it is the ConfigMap's key relay",
        "--config=/etc/otelcol/${GATEWAY_OVERLAY:-extras}.yaml": "command.extraArgs lays over it",
        "--config=/etc/otelcol/extras.yaml": "command.extraArgs lays over it",
        "mount /etc/otelcol": "the ConfigMap holds these files",
        "GOMEMLIMIT=800MiB": "the chart sets it to 80 % of the limit",
        "OTEL_RESOURCE_ATTRIBUTES=deployment.environment.name=local": "a cluster is not local",
        "CLICKHOUSE_PASSWORD=${CLICKHOUSE_PASSWORD-}": OF_SCALE,
        "CLICKHOUSE_CREATE_SCHEMA=${CLICKHOUSE_CREATE_SCHEMA-true}": OF_SCALE,
        "AWS_ACCESS_KEY_ID=${S3_ACCESS_KEY-}": OF_SCALE,
        "AWS_SECRET_ACCESS_KEY=${S3_SECRET_KEY-}": OF_SCALE,
        "port 8125": "StatsD goes to the agent on each node",
        "port 4317": CHARTS,
        "port 4318": CHARTS,
        "port 13133": CHARTS,
        "memory 1Gi": LARGER,
    },
    "prometheus": {
        "--config.file=/etc/prometheus/prometheus.yml": OPERATORS,
        "--storage.tsdb.path=/prometheus": OPERATORS,
        "--web.listen-address=0.0.0.0:9090": OPERATORS,
        "--web.external-url=http://localhost:9090": "the chart sets it to the service's name",
        "mount /etc/prometheus": "values and PrometheusRules say what is there",
        "port 9090": OPERATORS,
        "memory 2Gi": LARGER,
    },
    "alertmanager": {
        "--config.file=/etc/alertmanager/alertmanager.yml": OPERATORS,
        "--storage.path=/alertmanager": OPERATORS,
        "--web.listen-address=0.0.0.0:9093": OPERATORS,
        "--web.external-url=http://localhost:9093": "the chart sets it to the service's name",
        "--cluster.listen-address=": "the operator sets it for one replica",
        "mount /etc/alertmanager": "alertmanager.config says what is there",
        "port 9093": OPERATORS,
    },
    "grafana": {
        "GF_SERVER_HTTP_ADDR=0.0.0.0": CHARTS,
        "GF_AUTH_ANONYMOUS_ENABLED=true": "people log in: a cluster's network has more users",
        "GF_AUTH_ANONYMOUS_ORG_ROLE=Viewer": "people log in",
        "GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION=true": "the chart makes up a password",
        "GF_AUTH_DISABLE_LOGIN_FORM=true": "people log in",
        "GF_AUTH_BASIC_ENABLED=false": "the sidecar reloads by it",
        "GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH=/var/lib/grafana/dashboards/"
        "otel-confidence-fleet.json": "dashboards of the cluster are beside it",
        "mount /etc/grafana/provisioning": "grafana.sidecar and additionalDataSources say it",
        "mount /var/lib/grafana/dashboards": "the sidecar finds them as ConfigMaps",
        "mount /var/lib/grafana": "nothing is kept there that is not made anew",
        "port 3000": CHARTS,
    },
}
"""What the compose file says and the values do not, and why."""
ELSEWHERE = {"tempo", "loki"}
"""Services that a cluster is expected to have; docs/how-to/kubernetes.md says so."""
CLUSTERS_OWN = {
    "retention", "retentionSize", "storageSpec", "ruleSelectorNilUsesHelmValues",
    "serviceMonitorSelectorNilUsesHelmValues", "scrapeInterval", "evaluationInterval", "exemplars",
    "nameEscapingScheme", "otlp", "tsdb",
}  # fmt: skip
"""Keys of Prometheus's values that stand for its file, or for the cluster's volumes and labels."""


def stated(service: str) -> Iterator[str]:
    """
    Everything that the compose file says of a service and that another service may have otherwise.
    """
    described = SERVICES[service]
    yield from described.get("command", [])
    yield from (f"{name}={value}" for name, value in described.get("environment", {}).items())
    yield from (f"port {number}" for number in ports_inside(service))
    yield from (f"mount {volume.split(':')[1]}" for volume in described.get("volumes", []))
    yield f"memory {memory(described['mem_limit'])}"
    yield from (f"{key} {described[key]}" for key in ("read_only", "cap_drop", "security_opt")
                if key in described)  # fmt: skip


def memory(limit: str) -> str:
    """
    Docker's way to write an amount as Kubernetes writes it.
    """
    return re.sub(r"([kmg])$", lambda unit: f"{unit[1].upper()}i", limit)


def bounded(values: dict[str, Any]) -> str:
    return f"memory {values['resources']['limits']['memory']}"


def confined(context: dict[str, Any]) -> Iterator[str]:
    """
    What a container may not do, as the compose file says it.
    """
    yield f"cap_drop {context['capabilities']['drop']}"
    if context["allowPrivilegeEscalation"] is False:
        yield "security_opt ['no-new-privileges:true']"
    if context["readOnlyRootFilesystem"]:
        yield "read_only True"


def of_gateway() -> Iterator[str]:
    yield from confined(OF_GATEWAY["securityContext"])
    yield from (
        f"mount {mount['mountPath']}"
        for mount in OF_GATEWAY["extraVolumeMounts"]
        if mount["name"] == "queue"
    )
    if OF_GATEWAY["ports"]["metrics"]["enabled"]:
        yield "port 8888"


def of_prometheus() -> Iterator[str]:
    yield from CHARTS_CONTEXT
    if PROMETHEUS["enableOTLPReceiver"]:
        yield "--web.enable-otlp-receiver"
    yield f"--enable-feature={','.join(PROMETHEUS['enableFeatures'])}"
    yield from (f"--{each['name']}={each['value']}" for each in PROMETHEUS["additionalArgs"])
    if "volumeClaimTemplate" in PROMETHEUS["storageSpec"]:
        yield "mount /prometheus"


def of_alertmanager() -> Iterator[str]:
    yield from CHARTS_CONTEXT
    yield from (f"--{each['name']}={each['value']}" for each in ALERTMANAGER["additionalArgs"])
    yield f"--dispatch.start-delay={ALERTMANAGER['minReadySeconds']}s"
    yield bounded(ALERTMANAGER)
    if "volumeClaimTemplate" in ALERTMANAGER["storage"]:
        yield "mount /alertmanager"


def of_grafana() -> Iterator[str]:
    yield from CHARTS_CONTEXT
    yield bounded(GRAFANA)
    for section, settings in GRAFANA["grafana.ini"].items():
        for key, value in settings.items():
            yield f"GF_{section}_{key}".upper() + f"={str(value).lower()}"


CHARTS_CONTEXT = ("cap_drop ['ALL']", "security_opt ['no-new-privileges:true']")
"""What the chart kube-prometheus-stack and its operator give every container."""
OF_VALUES = {
    "otel-gateway": of_gateway,
    "prometheus": of_prometheus,
    "alertmanager": of_alertmanager,
    "grafana": of_grafana,
}


@pytest.mark.parametrize("service", OF_VALUES)
def test_a_cluster_is_told_what_one_host_is(service: str) -> None:
    """
    What a service is told on one host it is told in a cluster, but for what has a reason.
    """
    otherwise = OTHERWISE[service]

    assert sorted(stated(service)) == sorted([*OF_VALUES[service](), *otherwise])


def test_a_cluster_serves_the_runbooks_as_one_host_does(tmp_path: Path) -> None:
    """
    The page that is generated for a cluster lies where Prometheus serves it from.

    It may come later: Prometheus is installed before what is generated.
    """
    write(tmp_path, check=False, parts=("kubernetes",), boards=ROOT / "grafana" / "dashboards")
    made = yaml.safe_load((tmp_path / "kubernetes/generated/runbooks.yaml").read_text())
    page = ROOT / "prometheus" / "pages" / "runbooks.html"

    assert {page.name: page.read_text()} == made["data"]
    assert [
        {"name": "runbooks", "configMap": {"name": made["metadata"]["name"], "optional": True}}
    ] == PROMETHEUS["volumes"]
    assert [
        {"name": "runbooks", "mountPath": "/etc/prometheus/pages", "readOnly": True}
    ] == PROMETHEUS["volumeMounts"]
    assert "--web.user-assets=/etc/prometheus/pages" in SERVICES["prometheus"]["command"]


def test_every_service_is_looked_at() -> None:
    """
    No service of the compose file that runs without a profile is left out.
    """
    always = {name for name, described in SERVICES.items() if "profiles" not in described}

    assert always == OF_VALUES.keys() | ELSEWHERE


def test_the_values_say_nothing_that_is_not_compared() -> None:
    """
    Each setting of Prometheus, Alertmanager and Grafana is read by a test.
    """
    grafana = GRAFANA.keys() - {"sidecar", "additionalDataSources"}

    assert {"minReadySeconds", "additionalArgs", "storage", "resources"} == ALERTMANAGER.keys()
    assert {"resources", "grafana.ini"} == grafana
    assert PROMETHEUS.keys() - CLUSTERS_OWN == {
        "enableOTLPReceiver", "enableFeatures", "resources", "additionalArgs", "volumes",
        "volumeMounts",
    }  # fmt: skip


def test_alertmanager_has_the_flags_that_the_operator_gives_it() -> None:
    """
    The program knows each additional argument, and that which the operator makes of a number.
    """
    alertmanager = program("alertmanager")
    flags = {f"--{each['name']}" for each in ALERTMANAGER["additionalArgs"]}
    known = set(re.findall(r"--[a-z.-]+", said(alertmanager, "--help")))

    assert flags | {"--dispatch.start-delay"} <= known


def test_memory_is_read_as_docker_writes_it() -> None:
    """
    Docker's g and Kubernetes' Gi are one amount.
    """
    assert ["1Gi", "256Mi"] == [memory(limit) for limit in ("1g", "256m")]
