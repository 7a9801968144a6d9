"""This module renders the official charts with the repository's values, and checks what they make.

Run it by hand: ``python -m tests.campaigns.charts FOLDER``, where the folder holds both charts with
what they depend on, as ``helm pull --untar`` leaves them, and ``helm`` is on ``PATH``. Objects are
held against Kubernetes' published schemas, those of Prometheus's operator against the definitions
in its chart; neither may have a field that nobody knows.
"""

import argparse
import base64
import copy
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import yaml
from tests.programs import ROOT, program

from otel_confidence.generate import kubernetes, write

KUBERNETES = "1.37"
CHARTS = {
    "kube-prometheus-stack": "kube-prometheus-stack",
    "otel-gateway": "opentelemetry-collector",
    "otel-agent": "opentelemetry-collector",
}
"""By release, the chart."""
VARIANTS = (
    ("kube-prometheus-stack", ""),
    ("otel-gateway", ""),
    ("otel-gateway", "-secure"),
    ("otel-agent", ""),
    ("otel-agent", "-secure"),
)
"""Releases, and what the name of the values laid over theirs ends with."""
NAMESPACE = "monitoring"
Object = dict[str, Any]


class _Loader(yaml.CSafeLoader):
    """Reads an equals sign as the text it is; YAML 1.1 has a type of its own for it."""


_Loader.add_constructor("tag:yaml.org,2002:value", lambda _, node: str(node.value))


def main(arguments: Sequence[str] | None = None) -> int:
    """Render, check and print; 1 when anything is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.campaigns.charts")
    parser.add_argument("charts", type=Path, help="folder with both charts")
    charts: Path = parser.parse_args(arguments).charts
    definitions = _definitions(charts / "kube-prometheus-stack" / "charts" / "crds" / "crds")
    made = {
        f"{release}{suffix}": _rendered(charts / CHARTS[release], release, suffix)
        for release, suffix in VARIANTS
    }
    made["generated"] = _generated()
    faults: list[str] = []
    for source, objects in made.items():
        _say(f"{source}: {_counted(objects)}")
        faults += [fault for each in objects for fault in _wrong(each, definitions)]
    faults += _unresolved([each for objects in made.values() for each in objects])
    for release, suffix in VARIANTS:
        faults += _idle(charts / CHARTS[release], release, suffix)
    faults += [*_alertmanager(made["kube-prometheus-stack"]), *_collectors(made)]
    _say("\n".join(faults) or f"nothing is wrong (Kubernetes {KUBERNETES})")
    return 1 if faults else 0


def _rendered(chart: Path, release: str, suffix: str) -> list[Object]:
    run = _templated(chart, release, _values(release, suffix))
    if run.returncode:
        raise SystemExit(run.stderr)
    return [each for each in yaml.load_all(run.stdout, _Loader) if each]


def _values(release: str, suffix: str) -> Object:
    """The values of a release, as Helm lays one file of them over another."""
    folder, name = ROOT / "kubernetes" / "values", release.removeprefix("otel-")
    values: Object = {}
    for file in dict.fromkeys([name, f"{name}{suffix}"]):
        values = _laid_over(values, yaml.safe_load((folder / f"{file}.yaml").read_text()))
    return values


def _laid_over(below: Object, above: Object) -> Object:
    both = {key: below[key] for key in below.keys() - above.keys()}
    for key, value in above.items():
        nested = isinstance(value, dict) and isinstance(below.get(key), dict)
        both[key] = _laid_over(below[key], value) if nested else value
    return both


def _templated(chart: Path, release: str, values: Object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            "helm", "template", release, chart, "--values", "-", "--namespace", NAMESPACE,
            "--kube-version", KUBERNETES, "--api-versions", "monitoring.coreos.com/v1",
        ],
        input=yaml.safe_dump(values), capture_output=True, text=True, check=False,
    )  # fmt: skip


def _idle(chart: Path, release: str, suffix: str) -> Iterator[str]:
    """Name the values without which the chart makes the same, and that are not its defaults."""
    values = _values(release, suffix)
    defaults = yaml.load((chart / "values.yaml").read_text(), _Loader)
    if release == "kube-prometheus-stack":
        values["grafana"]["adminPassword"] = "the same each time"
    whole = _templated(chart, release, values).stdout
    for path in _leaves(values):
        if _at(path, values) == _at(path, defaults):
            continue
        fewer = copy.deepcopy(values)
        del _at(path[:-1], fewer)[path[-1]]
        # Without some of them the chart makes nothing at all.
        if _templated(chart, release, fewer).stdout == whole:
            yield f"{release}{suffix}: {'.'.join(path)} changes nothing"


def _at(path: Sequence[str], values: Any) -> Any:
    for key in path:
        values = (values or {}).get(key)
    return values


def _leaves(values: Object, *above: str) -> Iterator[tuple[str, ...]]:
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield from _leaves(value, *above, key)
        else:
            yield (*above, key)


def _generated() -> list[Object]:
    with tempfile.TemporaryDirectory() as folder:
        objectives, collector = ROOT / "otel-confidence.yaml", ROOT / "collector"
        paths = write(
            Path(folder), check=False, objectives=objectives, parts=["kubernetes"],
            collector=collector,
        )  # fmt: skip
        return [yaml.safe_load(path.read_text()) for path in paths]


def _definitions(folder: Path) -> dict[tuple[str, str], Object]:
    """Schemas of the operator's resources by version and kind, which refuse unknown fields."""
    found = {}
    for path in folder.glob("*.yaml"):
        spec = yaml.load(path.read_text(), _Loader)["spec"]
        for version in spec["versions"]:
            name = f"{spec['group']}/{version['name']}", spec["names"]["kind"]
            found[name] = _strict(version["schema"]["openAPIV3Schema"], top=True)
    return found


def _strict(schema: Any, *, top: bool = False) -> Any:
    """Let a schema refuse what it does not name, as the API server does when asked strictly."""
    if isinstance(schema, list):
        return [_strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    strict = {key: _strict(value) for key, value in schema.items()}
    if top:
        strict["properties"]["metadata"] = {"type": "object"}
    if schema.get("x-kubernetes-int-or-string"):
        strict["type"] = ["integer", "string"]
    closed = schema.get("type") == "object" and isinstance(schema.get("properties"), dict)
    if closed and not schema.get("x-kubernetes-preserve-unknown-fields"):
        strict.setdefault("additionalProperties", False)
    return strict


def _wrong(each: Object, definitions: Mapping[tuple[str, str], Object]) -> Iterator[str]:
    definition = definitions.get((each["apiVersion"], each["kind"]))
    try:
        if definition:
            jsonschema.Draft202012Validator(definition).validate(each)
            each = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": each["metadata"]}
        kubernetes_validate.validate(each, KUBERNETES, strict=True)
    except jsonschema.ValidationError as error:
        path = ".".join(map(str, error.absolute_path))
        yield f"{each['kind']} {each['metadata']['name']}: {path}: {error.message[:200]}"


def _unresolved(objects: Sequence[Object]) -> Iterator[str]:
    """Name what pods mount or call without anything making it, tempo and loki apart."""
    maps = {o["metadata"]["name"] for o in objects if o["kind"] == "ConfigMap"}
    services = {o["metadata"]["name"] for o in objects if o["kind"] == "Service"}
    for each in objects:
        if each["kind"] not in {"StatefulSet", "DaemonSet", "Deployment"}:
            continue
        pod = each["spec"]["template"]["spec"]
        mounted = {v["configMap"]["name"] for v in pod.get("volumes", []) if "configMap" in v}
        yield from (f"{each['metadata']['name']}: no ConfigMap {n}" for n in mounted - maps)
    wanted = {"kube-prometheus-stack-prometheus", "otel-gateway"}
    yield from (f"no Service {name}" for name in wanted - services)


def _alertmanager(objects: Sequence[Object]) -> Iterator[str]:
    name = "alertmanager-kube-prometheus-stack-alertmanager"
    secret = next(o for o in objects if o["kind"] == "Secret" and o["metadata"]["name"] == name)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "alertmanager.yaml"
        file.write_bytes(base64.b64decode(secret["data"]["alertmanager.yaml"]))
        amtool = program("amtool")
        yield from _complaint([amtool, "check-config", file])


def _collectors(made: Mapping[str, Sequence[Object]]) -> Iterator[str]:
    """Let the Collector read what its container is given."""
    for release, suffix in VARIANTS:
        name = release.removeprefix("otel-")
        if name not in kubernetes.COLLECTORS:
            continue
        objects = made[f"{release}{suffix}"]
        workload = next(o for o in objects if o["kind"] in {"StatefulSet", "DaemonSet"})
        container = workload["spec"]["template"]["spec"]["containers"][0]
        given = {each["name"]: each["value"] for each in container["env"] if "value" in each}
        given["HOST_ROOT"] = "/"  # it looks whether the folder is there
        places = {"/conf/relay": ROOT / "collector" / name, "/etc/otelcol/overlays": "collector"}
        arguments = container["args"]
        for inside, here in places.items():
            arguments = [argument.replace(f"={inside}", f"={here}") for argument in arguments]
        collector = program("otelcol-confidence")
        yield from _complaint([collector, "validate", *arguments], given)


def _complaint(
    command: Sequence[str | Path], variables: Mapping[str, str] | None = None
) -> Iterator[str]:
    run = subprocess.run(
        command, cwd=ROOT, env=os.environ | dict(variables or {}), capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    if run.returncode:
        yield f"{Path(command[0]).name}: {run.stdout}{run.stderr}"


def _counted(objects: Sequence[Object]) -> str:
    kinds = Counter(each["kind"] for each in objects)
    return f"{len(objects)} objects ({', '.join(f'{n} {k}' for k, n in sorted(kinds.items()))})"


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
