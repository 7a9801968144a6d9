"""
This module checks what is promised of every rule.
"""

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from otel_confidence.conventions import LOW_CONFIDENCE
from otel_confidence.generate.rules import rule_file

ROOT = Path(__file__).parent.parent.parent
RULES: list[dict[str, Any]] = [r for group in rule_file()["groups"] for r in group["rules"]]
ALERTS = [rule for rule in RULES if "alert" in rule]


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: str(alert["alert"]))
def test_alert_is_complete(alert: dict[str, Any]) -> None:
    """
    An alert has a severity, a summary, a description that names the model and a runbook.
    """
    notes = alert["annotations"]

    assert alert["labels"]["severity"] in ("warning", "critical")
    assert {"summary", "description", "runbook_url"} == set(notes)
    assert "$labels.ml_model_name" in notes["description"]
    assert "$value" in notes["description"]


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: str(alert["alert"]))
def test_alert_has_a_runbook(alert: dict[str, Any]) -> None:
    """
    The runbook's address leads to a heading that exists.
    """
    page, _, anchor = alert["annotations"]["runbook_url"].partition("#")
    headings = re.findall(r"^## (.+)$", (ROOT / page).read_text(), re.MULTILINE)

    assert anchor in [heading.lower() for heading in headings]


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: str(alert["alert"]))
def test_alert_has_cases(alert: dict[str, Any]) -> None:
    """
    The rule tests hold, for each alert, a case that fires and a case that stays silent.
    """
    cases = "".join(p.read_text() for p in sorted((ROOT / "prometheus" / "tests").glob("*.yml")))
    name = alert["alert"]

    assert re.search(rf"alertname: {name}\n\s+eval_time: \S+\n\s+exp_alerts:", cases)
    assert re.search(rf"{{alertname: {name}, eval_time: \S+, exp_alerts: \[\]}}", cases)


def test_recordings_stand_before_the_alert_that_reads_them() -> None:
    """
    Every recorded series that a group's alert reads is recorded earlier in the same group.
    """
    for group in rule_file()["groups"]:
        recorded = {rule.get("record") for rule in group["rules"][:-1]}
        read = set(re.findall(r"model\w*:\w+:\w+", group["rules"][-1]["expr"]))

        assert read <= recorded


def test_names_are_unique_and_have_three_parts() -> None:
    """
    Recording rules are named ``level:metric:operation``, each once.
    """
    names = [rule["record"] for rule in RULES if "record" in rule]

    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"model(_version)?:ml_\w+:[a-z_]+\d+[mhd]", name) for name in names)


def test_thresholds_are_the_conventions() -> None:
    """
    The alert on low confidence compares with the upper end of the tier ``low``.
    """
    low = next(alert for alert in ALERTS if alert["alert"] == "ModelConfidenceLow")

    assert {str(LOW_CONFIDENCE)} == set(re.findall(r"mean\w+ < ([\d.]+)", low["expr"]))


def test_runbooks_can_be_elsewhere() -> None:
    """
    A deployment may say where its runbooks are.
    """
    groups = rule_file("https://example.invalid/runbooks")["groups"]
    links = [r["annotations"]["runbook_url"] for g in groups for r in g["rules"] if "alert" in r]

    assert all(link.startswith("https://example.invalid/runbooks#model") for link in links)


def test_output_is_stable() -> None:
    """
    The same code gives the same rules, groups in alphabetical order.
    """
    names = [group["name"] for group in rule_file()["groups"]]

    assert rule_file() == rule_file()
    assert all(a < b for a, b in pairwise(names))
