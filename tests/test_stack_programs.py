"""
This module lets the stack's own programs read its files.
"""

import re
from pathlib import Path

import pytest
import yaml
from tests.alerting.casing import cases, needed
from tests.programs import ROOT, accepts, program

from otel_confidence.alerting.rulefiles import read_files

RULES = sorted((ROOT / "prometheus" / "rules").glob("*.yml"))
RULE_TESTS = sorted((ROOT / "prometheus" / "tests").glob("*.yml"))

COMBINATIONS = [
    ("gateway", "extras"),
    ("gateway", "secure", "extras"),
    ("gateway", "debug", "extras"),
    ("agent", "extras"),
    ("agent", "agent-secure", "extras"),
]
"""Files of the Collector that are said to work one over the other, without the contrib image."""


def pared(path: Path, folder: Path) -> Path:
    """
    A file of rule tests whose rules are only those groups that its cases look at.

    Promtool evaluates every group of the files that are named, which takes five times as long.
    """
    found = list(cases(path))
    files = found[0].rules
    specs = read_files(files)
    names = {group.name for case in found for group in needed(specs, case.spec)}
    every = [group for file in files for group in yaml.safe_load(file.read_text())["groups"]]
    kept = [group for group in every if group["name"] in names]
    (folder / "rules.yml").write_text(yaml.safe_dump({"groups": kept}))
    text, count = re.subn(
        r"^rule_files:.*$", "rule_files: [rules.yml]", path.read_text(), flags=re.MULTILINE
    )
    assert 1 == count
    (folder / path.name).write_text(text)
    return folder / path.name


@pytest.mark.parametrize("names", COMBINATIONS, ids=" ".join)
def test_collector_accepts_its_files(names: tuple[str, ...]) -> None:
    """
    The Collector knows every component and setting of its files, each laid over those before it.

    scale.yaml needs components that only the contrib image has; tests/test_collector_files.py
    checks it as far as that goes without one.
    """
    collector = program("otelcol-confidence")

    accepts(collector, "validate", *(f"--config=collector/{name}.yaml" for name in names))


def test_prometheus_accepts_its_configuration() -> None:
    """
    Prometheus reads its configuration.
    """
    promtool = program("promtool")

    accepts(promtool, "check", "config", "prometheus/prometheus.yml")


def test_prometheus_accepts_the_rules() -> None:
    """
    Prometheus reads every rule and finds nothing to warn of.
    """
    promtool = program("promtool")

    accepts(promtool, "check", "rules", "--lint=all", "--lint-fatal", *map(str, RULES))


@pytest.mark.parametrize("path", RULE_TESTS, ids=lambda path: path.stem)
def test_rules_pass_their_cases(path: Path, tmp_path: Path) -> None:
    """
    Each alert fires, stays silent and copes with missing traffic as its cases say.
    """
    promtool = program("promtool")

    accepts(promtool, "test", "rules", str(pared(path, tmp_path)))


@pytest.mark.parametrize("name", ["alertmanager.yml", "notify.yml"])
def test_alertmanager_accepts_its_configuration(name: str, tmp_path: Path) -> None:
    """
    Alertmanager reads its configuration and its templates.
    """
    amtool = program("amtool")
    settings = yaml.safe_load((ROOT / "alertmanager" / name).read_text())
    settings["templates"] = [str(ROOT / "alertmanager" / "templates" / "*.tmpl")]
    here = tmp_path / name
    here.write_text(yaml.safe_dump(settings))

    accepts(amtool, "check-config", str(here))


@pytest.mark.parametrize(
    ("labels", "receivers"),
    [
        (["severity=warning", "ml_model_name=digits"], "webhook,slack"),
        (["severity=critical", "ml_model_name=digits"], "webhook,pagerduty,email,slack"),
    ],
    ids=["a warning", "a critical alert"],
)
def test_alerts_are_routed(labels: list[str], receivers: str) -> None:
    """
    A machine hears of every alert; people are told according to its severity.
    """
    amtool = program("amtool")

    accepts(
        amtool, "config", "routes", "test", "--config.file=alertmanager/notify.yml",
        f"--verify.receivers={receivers}", *labels,
    )  # fmt: skip
