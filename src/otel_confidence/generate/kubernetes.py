"""
This module wraps what is generated, and the files beside it, into manifests for Kubernetes.

A manifest holds the text of its file unchanged, so that a cluster runs what the stack on one host
runs. Its labels are those that the charts of Prometheus's operator and of Grafana look for.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from otel_confidence.errors import ConfigurationError
from otel_confidence.generate.notation import yaml_text

FOLDER: Final = Path("kubernetes", "generated")
GRAFANA_FOLDER: Final = "OTel confidence"
"""Where Grafana shows the dashboards, as it does in the stack on one host."""
COLLECTORS: Final = ("gateway", "agent")
"""The configurations of Collectors that run in a cluster."""
MAX_BYTES: Final = 1_048_576
"""What the API server takes of one ConfigMap."""
_COMMAND: Final = "`otel-confidence generate --only kubernetes`: change"
_OURS: Final = {"app.kubernetes.io/part-of": "otel-confidence"}
_RULES: Final = {"release": "kube-prometheus-stack"}
"""The operator of that release takes rules with this label, whatever else it takes."""
_DASHBOARD: Final = {"grafana_dashboard": "1"}


def rules(name: str, content: dict[str, Any], source: str) -> dict[Path, str]:
    """
    A rule file as a resource of Prometheus's operator.
    """
    manifest = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": f"otel-confidence-{name}", "labels": _OURS | _RULES},
        "spec": content,
    }
    return _file(name, manifest, source)


def dashboards(texts: Mapping[str, str]) -> dict[Path, str]:
    """
    Each dashboard's JSON, by its uid, as a ConfigMap that Grafana's sidecar finds.
    """
    found: dict[Path, str] = {}
    for uid, text in texts.items():
        manifest = _config_map(uid, {f"{uid}.json": text}, _DASHBOARD)
        manifest["metadata"]["annotations"] = {"grafana_folder": GRAFANA_FOLDER}
        name = uid.replace("otel-confidence", "dashboard")
        found |= _file(name, manifest, "src/otel_confidence/generate/boards/")
    return found


def page(name: str, text: str) -> dict[Path, str]:
    """
    The page of runbooks as a ConfigMap, which Prometheus's pods mount and serve.
    """
    manifest = _config_map("otel-confidence-runbooks", {name: text})
    return _file("runbooks", manifest, "docs/runbooks.md")


def objectives(file: Path) -> dict[Path, str]:
    """
    The file of objectives as a ConfigMap, for programs in the cluster that read it.
    """
    text = file.read_text(encoding="utf-8")
    manifest = _config_map("otel-confidence-objectives", {"otel-confidence.yaml": text})
    return _file("objectives", manifest, file.name)


def collectors(folder: Path) -> dict[Path, str]:
    """
    The configurations of gateway and agent below a folder, as the Collector's chart mounts them.

    What can be laid over a configuration stands beside it, under the name of its file.

    Raises:
        ConfigurationError: if the folder lacks one of them.
    """
    found: dict[Path, str] = {}
    for name in COLLECTORS:
        file = folder / f"{name}.yaml"
        if not file.is_file():
            raise ConfigurationError(f"{file}: there is no such file; give the folder it is in")
        texts = {"relay": file} | {each.name: each for each in _overlays(folder, name)}
        content = {key: each.read_text(encoding="utf-8") for key, each in texts.items()}
        manifest = _config_map(f"otel-{name}-config", content)
        found |= _file(name, manifest, f"{folder.name}/{file.name}")
    return found


def _overlays(folder: Path, name: str) -> list[Path]:
    """
    The agent's begin with its name; all others are the gateway's, apart from what builds both.
    """
    bases = {*COLLECTORS, "builder"}
    others = [file for file in sorted(folder.glob("*.yaml")) if file.stem not in bases]
    return [file for file in others if file.stem.startswith("agent-") is (name == "agent")]


def _config_map(
    name: str, content: dict[str, str], labels: Mapping[str, str] | None = None
) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "labels": _OURS | dict(labels or {})},
        "data": content,
    }


def _file(name: str, manifest: dict[str, Any], source: str) -> dict[Path, str]:
    text = yaml_text(manifest, f"{_COMMAND} {source}")
    size_bytes = len(text.encode())
    if size_bytes > MAX_BYTES:
        raise ConfigurationError(
            f"{name}: the manifest has {size_bytes:,} bytes, Kubernetes takes {MAX_BYTES:,}; "
            f"split {source}"
        )
    return {FOLDER / f"{name}.yaml": text}
