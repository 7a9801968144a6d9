"""
This module checks the manifests for Kubernetes.

ConfigMaps and the metadata of rules are held against Kubernetes' published schemas, in the oldest
and the newest version that they are had for; what rules hold is what promtool checks elsewhere.
"""

import re
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from click.testing import CliRunner
from tests.generate.test_values import OF_PROMETHEUS, VALUES
from tests.programs import ROOT

from otel_confidence.cli.commands import cli
from otel_confidence.errors import ConfigurationError
from otel_confidence.generate import files, kubernetes, write
from otel_confidence.generate.links import UIDS

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
    assert {"rules", "runbooks", *boards, *kubernetes.COLLECTORS} == set(
        read(tmp_path / kubernetes.FOLDER)
    )
    assert 2 + len(boards) == written.stdout.count("written: kubernetes/generated/")
    assert "no Collector: there is no folder collector here" in written.stderr
    assert (0, "") == (checked.exit_code, checked.stdout)
    assert len(kubernetes.COLLECTORS) == with_collector.stdout.count("written: ")
