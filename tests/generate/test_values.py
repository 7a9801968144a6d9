"""
This module checks the values of charts against what the same programs are told on one host.

The charts are rendered by ``tests/campaigns/charts.py``; what is not in a file that the stack
mounts is compared by tests/generate/test_cluster_and_compose.py.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from tests.programs import ROOT, VERSIONS, accepts, program
from tests.test_stack_files import GATEWAY

from otel_confidence.generate import kubernetes
from otel_confidence.generate.rules.stack import GATEWAY as GATEWAY_JOB

VALUES = ROOT / "kubernetes" / "values"
PAGE = (ROOT / "docs" / "how-to" / "kubernetes.md").read_text()
OF_GATEWAY: dict[str, Any] = yaml.safe_load((VALUES / "gateway.yaml").read_text())
OF_AGENT: dict[str, Any] = yaml.safe_load((VALUES / "agent.yaml").read_text())
AGENT: dict[str, Any] = yaml.safe_load((ROOT / "collector" / "agent.yaml").read_text())
OF_PROMETHEUS: dict[str, Any] = yaml.safe_load((VALUES / "kube-prometheus-stack.yaml").read_text())
PROMETHEUS: dict[str, Any] = yaml.safe_load((ROOT / "prometheus" / "prometheus.yml").read_text())


def overridden(values: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """
    What the arguments of a Collector change in its configuration.
    """
    for argument in values["command"]["extraArgs"]:
        yield json.loads(argument.removeprefix("--config=yaml:"))


def test_the_gateway_differs_in_addresses_only() -> None:
    """
    In a cluster each backend has another address, and nothing else is another.
    """
    changes = [change["exporters"] for change in overridden(OF_GATEWAY)]
    exporters = [name for change in changes for name in change]

    assert sorted(GATEWAY["exporters"]) == sorted(exporters)
    assert {"endpoint"} == {key for change in changes for each in change.values() for key in each}


def test_the_collector_accepts_a_clusters_addresses() -> None:
    """
    The Collector starts with the arguments that the chart gives it after its configuration.
    """
    collector = program("otelcol-confidence")

    accepts(
        collector, "validate", "--config=collector/gateway.yaml",
        *OF_GATEWAY["command"]["extraArgs"],
    )  # fmt: skip


def test_arguments_survive_the_chart() -> None:
    """
    The chart writes an argument into YAML without quotes, where it has to stay one text.
    """
    for argument in OF_GATEWAY["command"]["extraArgs"]:
        assert [argument] == yaml.safe_load(f"- {argument}")


@pytest.mark.parametrize("values", [OF_GATEWAY, OF_AGENT], ids=kubernetes.COLLECTORS)
def test_collectors_run_the_stacks_image(values: dict[str, Any]) -> None:
    """
    Image and version are those of the stack on one host.
    """
    image = values["image"]

    assert VERSIONS["OTELCOL_VERSION"] == image["tag"]
    assert f"image: {image['repository']}:" in (ROOT / "docker-compose.yml").read_text()


@pytest.mark.parametrize(
    ("values", "configuration"),
    [(OF_GATEWAY, GATEWAY), (OF_AGENT, AGENT)],
    ids=["gateway", "agent"],
)
def test_queues_lie_on_what_outlives_a_pod(
    values: dict[str, Any], configuration: dict[str, Any]
) -> None:
    """
    What waits to be delivered is written below the only mount that can be written to.
    """
    mounts = values["extraVolumeMounts"]
    written = [Path(mount["mountPath"]) for mount in mounts if not mount.get("readOnly")]
    folders = [
        Path(settings["directory"].rpartition(":-")[2].replace("}", ""))
        for name, settings in configuration["extensions"].items()
        if name.startswith("file_storage/")
    ]

    assert values["securityContext"]["readOnlyRootFilesystem"] is True
    assert [Path("/var/lib/otelcol")] == written
    assert [] == [folder for folder in folders if written[0] not in folder.parents]
    assert folders


def test_rules_find_the_gateway() -> None:
    """
    A scrape job is named after its service, and rules and panels ask for that name.
    """
    assert GATEWAY_JOB == OF_GATEWAY["fullnameOverride"]
    assert (
        OF_GATEWAY["serviceMonitor"]["enabled"] is OF_GATEWAY["ports"]["metrics"]["enabled"] is True
    )


@pytest.mark.parametrize("name", kubernetes.COLLECTORS)
def test_secure_values_repeat_what_they_replace(name: str) -> None:
    """
    Helm replaces lists: what lies over a Collector's values has all of theirs, and adds to each.
    """
    below, above = (
        yaml.safe_load((VALUES / f"{file}.yaml").read_text()) for file in (name, f"{name}-secure")
    )
    lists = {key: value for key, value in above.items() if isinstance(value, list)}
    arguments = above["command"]["extraArgs"]
    overlay = arguments[-1].removeprefix("--config=/etc/otelcol/overlays/")

    assert below["command"].get("extraArgs", []) == arguments[:-1]
    assert (ROOT / "collector" / overlay).is_file()
    assert [] == [key for key, value in lists.items() if below[key] != value[: len(below[key])]]
    assert [] == [key for key, value in lists.items() if len(below[key]) + 1 != len(value)]
    assert "/etc/otelcol/tls" == above["extraVolumeMounts"][-1]["mountPath"]


def test_agents_find_every_gateway() -> None:
    """
    The agent asks for the gateways' headless service, by a variable that its configuration reads.
    """
    given = {each["name"]: each["value"] for each in OF_AGENT["extraEnvs"]}
    read = set(re.findall(r"\$\{env:(\w+)", (ROOT / "collector" / "agent.yaml").read_text()))

    assert f"{OF_GATEWAY['fullnameOverride']}.monitoring" == given["GATEWAY"]
    assert "None" == OF_GATEWAY["service"]["clusterIP"]
    assert given.keys() - read == {"OTEL_RESOURCE_ATTRIBUTES"}


def test_gateways_do_not_tell_themselves_apart() -> None:
    """
    What gateways add to others' telemetry is the same text at each pod, without a field of its own.
    """
    (given,) = [e for e in OF_GATEWAY["extraEnvs"] if e["name"] == "OTEL_RESOURCE_ATTRIBUTES"]

    assert {"name", "value"} == given.keys()
    assert "$(" not in given["value"]


def test_the_agent_opens_nothing_on_its_node() -> None:
    """
    The chart would open OTLP on the node's own addresses.
    """
    ports = {name: port for name, port in OF_AGENT["ports"].items() if port.get("enabled", True)}
    doors = {value["endpoint"] for value in AGENT["receivers"]["otlp"]["protocols"].values()}

    assert None is ports["otlp"]["hostPort"] is ports["otlp-http"]["hostPort"]
    assert [] == [name for name, port in ports.items() if port.get("hostPort")]
    assert AGENT["receivers"]["statsd"]["endpoint"].endswith(f":{ports['statsd']['containerPort']}")
    assert {"4317", "4318"} == {door.rpartition(":")[2] for door in doors}


def test_the_gateway_can_be_scaled_and_drained() -> None:
    """
    Percentages of the autoscaler have something to be of, and one pod may go at a time.
    """
    scaling, budget = OF_GATEWAY["autoscaling"], OF_GATEWAY["podDisruptionBudget"]

    assert OF_GATEWAY["resources"]["requests"]["cpu"]
    assert OF_GATEWAY["resources"]["limits"]["memory"]
    assert budget["maxUnavailable"] < scaling["minReplicas"] < scaling["maxReplicas"]
    assert {"selectPolicy": "Disabled"} == scaling["behavior"]["scaleDown"]


def test_the_page_shows_an_environment_that_kubernetes_takes() -> None:
    """
    What pods are told to have in their environment is valid, and leads to the agent.
    """
    shown = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    container = {"name": "shop", "image": "shop:1", **yaml.safe_load(shown[0])}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "shop"},
        "spec": {"containers": [container]},
    }
    variables = {each["name"]: each.get("value") for each in container["env"]}

    kubernetes_validate.validate(pod, "1.37", strict=True)
    assert (
        f"http://{OF_AGENT['fullnameOverride']}.monitoring:4318"
        == variables["OTEL_EXPORTER_OTLP_ENDPOINT"]
    )


def test_charts_have_one_version_everywhere() -> None:
    """
    The page installs the versions that the values were written for.
    """
    texts = [PAGE, *(path.read_text() for path in sorted(VALUES.glob("*.yaml")))]
    found = {
        match for text in texts
        for match in re.findall(r"/([a-z-]+) \\?\n?#? *--version (\S+)", text)
    }  # fmt: skip

    assert ["kube-prometheus-stack", "opentelemetry-collector"] == sorted(name for name, _ in found)


def test_prometheus_is_the_stacks() -> None:
    """
    Names, promoted attributes, late samples and exemplars are treated as on one host.
    """
    spec = OF_PROMETHEUS["prometheus"]["prometheusSpec"]
    otlp, stored = PROMETHEUS["otlp"], PROMETHEUS["storage"]

    assert spec["enableOTLPReceiver"] is True
    assert ["exemplar-storage"] == spec["enableFeatures"]
    assert otlp == {
        "translation_strategy": spec["otlp"]["translationStrategy"],
        "keep_identifying_resource_attributes": spec["otlp"]["keepIdentifyingResourceAttributes"],
        "promote_resource_attributes": spec["otlp"]["promoteResourceAttributes"],
    }
    assert stored == {
        "tsdb": {
            "out_of_order_time_window": spec["tsdb"]["outOfOrderTimeWindow"],
            "retention": {"time": spec["retention"], "size": spec["retentionSize"]},
        },
        "exemplars": {"max_exemplars": spec["exemplars"]["maxSize"]},
    }
    assert PROMETHEUS["global"]["scrape_interval"] == spec["scrapeInterval"]
    assert PROMETHEUS["global"]["evaluation_interval"] == spec["evaluationInterval"]


def test_alertmanager_groups_and_mutes_as_the_stack_does() -> None:
    """
    The chart's own inhibitions cannot mute alerts on models, and the stack's are all there.
    """
    stack = yaml.safe_load((ROOT / "alertmanager" / "alertmanager.yml").read_text())
    config = OF_PROMETHEUS["alertmanager"]["config"]
    ours = len(stack["inhibit_rules"])
    charts = [r for r in config["inhibit_rules"][ours:] if "InfoInhibitor" not in str(r)]
    route = {key: value for key, value in config["route"].items() if key != "routes"}

    assert stack["inhibit_rules"] == config["inhibit_rules"][:ours]
    assert [] == [r for r in charts if 'namespace!=""' not in r["target_matchers"]]
    assert {**stack["route"], "group_by": [*stack["route"]["group_by"], "namespace"]} == route
    assert stack["receivers"] == config["receivers"]


def test_grafana_finds_what_panels_name() -> None:
    """
    Tempo and Loki are the stack's data sources at other addresses; the chart adds the others.
    """
    path = ROOT / "grafana" / "provisioning" / "datasources" / "otel-confidence.yaml"
    stack = {source["uid"]: source for source in yaml.safe_load(path.read_text())["datasources"]}
    added = {each["uid"]: each for each in OF_PROMETHEUS["grafana"]["additionalDataSources"]}

    assert {"tempo", "loki"} == set(added)
    assert [] == [
        (uid, key)
        for uid, source in added.items()
        for key in source.keys() | stack[uid].keys()
        if key != "url" and source.get(key) != stack[uid].get(key)
    ]
