"""
This module checks the manifests for Kubernetes, and the values of charts beside them.

ConfigMaps and the metadata of rules are held against Kubernetes' published schemas, in the oldest
and the newest version that they are had for; what rules hold is what promtool checks elsewhere. The
charts are rendered by ``tests/campaigns/charts.py``.
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from click.testing import CliRunner
from tests.test_stack_files import GATEWAY, ROOT, VERSIONS
from tests.test_stack_programs import accepts, program

from otel_confidence.cli.commands import cli
from otel_confidence.errors import ConfigurationError
from otel_confidence.generate import files, kubernetes, write
from otel_confidence.generate.links import UIDS
from otel_confidence.generate.rules.stack import GATEWAY as GATEWAY_JOB

VALUES = ROOT / "kubernetes" / "values"
PAGE = (ROOT / "docs" / "how-to" / "kubernetes.md").read_text()
OF_GATEWAY: dict[str, Any] = yaml.safe_load((VALUES / "gateway.yaml").read_text())
OF_AGENT: dict[str, Any] = yaml.safe_load((VALUES / "agent.yaml").read_text())
AGENT: dict[str, Any] = yaml.safe_load((ROOT / "collector" / "agent.yaml").read_text())
OF_PROMETHEUS: dict[str, Any] = yaml.safe_load((VALUES / "kube-prometheus-stack.yaml").read_text())
PROMETHEUS: dict[str, Any] = yaml.safe_load((ROOT / "prometheus" / "prometheus.yml").read_text())

with_dashboards = pytest.mark.skipif(
    sys.version_info < (3, 11), reason="grafana-foundation-sdk needs Python 3.11"
)


def read(folder: Path) -> dict[str, dict[str, Any]]:
    return {path.stem: yaml.safe_load(path.read_text()) for path in sorted(folder.glob("*.yaml"))}


@pytest.fixture(scope="module")
def manifests(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """
    Every manifest of the repository's own rules, dashboards, objectives and Collectors.
    """
    out = tmp_path_factory.mktemp("kubernetes")
    objectives, collector = ROOT / "otel-confidence.yaml", ROOT / "collector"
    write(out, check=False, objectives=objectives, parts=[files.KUBERNETES], collector=collector)
    return read(out / kubernetes.FOLDER)


@with_dashboards
@pytest.mark.parametrize("version", ["1.25", "1.37"])
def test_manifests_follow_the_published_schemas(
    manifests: dict[str, dict[str, Any]], version: str
) -> None:
    """
    Kubernetes knows every field of a ConfigMap and of what names a rule, and refuses none.
    """
    for manifest in manifests.values():
        known = manifest
        if manifest["kind"] == "PrometheusRule":
            known = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": manifest["metadata"]}
        kubernetes_validate.validate(known, version, strict=True)

    unknown = {**manifests["objectives"], "dat": {}}
    with pytest.raises(kubernetes_validate.ValidationError, match="dat"):
        kubernetes_validate.validate(unknown, version, strict=True)


@with_dashboards
def test_names_are_different_and_allowed(manifests: dict[str, dict[str, Any]]) -> None:
    """
    No two manifests of a kind have one name, and each name is one that DNS takes.
    """
    names = [(m["kind"], m["metadata"]["name"]) for m in manifests.values()]
    allowed = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")

    assert len(names) == len(set(names))
    assert [] == [name for _, name in names if not allowed.fullmatch(name)]


@with_dashboards
@pytest.mark.parametrize(("name", "file"), [("rules", ""), ("slos", "_slos")])
def test_rules_are_those_of_the_stack(
    manifests: dict[str, dict[str, Any]], name: str, file: str
) -> None:
    """
    The operator gets the groups of the committed rule file, under the label it looks for.
    """
    rules = yaml.safe_load((ROOT / "prometheus/rules" / f"otel_confidence{file}.yml").read_text())

    assert rules == manifests[name]["spec"]
    assert "kube-prometheus-stack" == manifests[name]["metadata"]["labels"]["release"]


@with_dashboards
@pytest.mark.parametrize("uid", UIDS)
def test_dashboards_are_those_of_the_stack(manifests: dict[str, dict[str, Any]], uid: str) -> None:
    """
    Grafana's sidecar finds the committed dashboard, by its label, for the folder it has there.
    """
    manifest = manifests[uid.replace("otel-confidence", "dashboard")]
    text = (ROOT / "grafana" / "dashboards" / f"{uid}.json").read_text()
    provider = ROOT / "grafana" / "provisioning" / "dashboards" / "otel-confidence.yaml"
    folder = yaml.safe_load(provider.read_text())["providers"][0]["folder"]
    sidecar = OF_PROMETHEUS["grafana"]["sidecar"]["dashboards"]

    assert {f"{uid}.json": text} == manifest["data"]
    assert "1" == manifest["metadata"]["labels"]["grafana_dashboard"]
    assert {sidecar["folderAnnotation"]: folder} == manifest["metadata"]["annotations"]


@with_dashboards
@pytest.mark.parametrize("name", kubernetes.COLLECTORS)
def test_collectors_are_those_of_the_stack(manifests: dict[str, dict[str, Any]], name: str) -> None:
    """
    The chart mounts the file that the stack on one host mounts, under the key that it reads.
    """
    values = yaml.safe_load((VALUES / f"{name}.yaml").read_text())

    assert (ROOT / "collector" / f"{name}.yaml").read_text() == manifests[name]["data"]["relay"]
    assert values["configMap"] == {"create": False, "existingName": f"otel-{name}-config"}
    assert manifests[name]["metadata"]["name"] == f"otel-{name}-config"


def test_overlays_go_with_what_they_lie_over(tmp_path: Path) -> None:
    """
    The agent's overlays begin with its name, the gateway has the others, and nobody the builder.
    """
    for name in ("agent", "agent-secure", "builder", "gateway", "scale", "secure"):
        (tmp_path / f"{name}.yaml").write_text(f"# {name}\n")

    found = kubernetes.collectors(tmp_path)
    data = {path.stem: yaml.safe_load(text)["data"] for path, text in found.items()}

    assert data == {
        "gateway": {
            "relay": "# gateway\n",
            "scale.yaml": "# scale\n",
            "secure.yaml": "# secure\n",
        },
        "agent": {"relay": "# agent\n", "agent-secure.yaml": "# agent-secure\n"},
    }


@with_dashboards
def test_objectives_travel_as_they_are(manifests: dict[str, dict[str, Any]]) -> None:
    """
    Programs in the cluster read the file of objectives that the rules were made from.
    """
    text = (ROOT / "otel-confidence.yaml").read_text()

    assert {"otel-confidence.yaml": text} == manifests["objectives"]["data"]


def test_more_than_a_config_map_holds_is_refused() -> None:
    """
    What the API server would refuse is not written, and the message says what is too large.
    """
    with pytest.raises(ConfigurationError, match=r"dashboard-big: .* takes 1,048,576"):
        kubernetes.dashboards({"otel-confidence-big": "x" * kubernetes.MAX_BYTES})


def test_a_folder_without_the_gateway_is_refused(tmp_path: Path) -> None:
    """
    A folder that is no folder of Collectors is named.
    """
    with pytest.raises(ConfigurationError, match=r"gateway\.yaml: there is no such file"):
        kubernetes.collectors(tmp_path)


@with_dashboards
def test_the_command_writes_and_checks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Only who names them gets manifests; without a Collector's folder the others are written.
    """
    monkeypatch.chdir(tmp_path)
    command = ("generate", "--only", "kubernetes")

    written = CliRunner().invoke(cli, command)
    checked = CliRunner().invoke(cli, [*command, "--check"])
    with_collector = CliRunner().invoke(cli, [*command, "--collector", str(ROOT / "collector")])

    boards = {uid.replace("otel-confidence", "dashboard") for uid in UIDS}
    assert {"rules", *boards, *kubernetes.COLLECTORS} == set(read(tmp_path / kubernetes.FOLDER))
    assert 1 + len(boards) == written.stdout.count("written: kubernetes/generated/")
    assert "no Collector: there is no folder collector here" in written.stderr
    assert (0, "") == (checked.exit_code, checked.stdout)
    assert len(kubernetes.COLLECTORS) == with_collector.stdout.count("written: ")


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
    collector = program("otelcol-confidence", "OTELCOL_VERSION")

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
