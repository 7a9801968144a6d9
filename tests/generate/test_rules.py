"""
This module checks what is promised of every rule.
"""

import ast
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.generate.panels import boards

from otel_confidence.conventions import LOW_CONFIDENCE
from otel_confidence.generate import rules, slos
from otel_confidence.generate.rules import BOARDS, PAGES, RUNBOOKS, Links, rule_file
from otel_confidence.objectives import DEFAULT_FILE, read

ROOT = Path(__file__).parent.parent.parent
FOLDER = Path(rules.__file__).parent
RULES: list[dict[str, Any]] = [r for group in rule_file()["groups"] for r in group["rules"]]
ALERTS = [rule for rule in RULES if "alert" in rule]
OF_OBJECTIVES = list(
    {
        rule["alert"]: rule
        for group in slos.rule_file(read(ROOT / DEFAULT_FILE))["groups"]
        for rule in group["rules"]
        if "alert" in rule
    }.values()
)
OF_MODELS = [a for a in ALERTS if a["annotations"]["dashboard_url"].endswith("urlquery }}")]
HEARTBEAT = "Watchdog"
CASES = sorted((ROOT / "prometheus" / "tests").glob("*.yml"))


def named(alert: dict[str, Any]) -> str:
    return f"{alert['alert']}-{alert['labels']['severity']}"


@pytest.mark.parametrize("alert", ALERTS, ids=named)
def test_alert_is_complete(alert: dict[str, Any]) -> None:
    """
    An alert has a severity, a topic, a summary, a description with its value, and two links.
    """
    notes = alert["annotations"]

    assert {"severity", "topic"} == set(alert["labels"])
    assert alert["labels"]["severity"] in ("warning", "critical") or alert["alert"] == HEARTBEAT
    assert {"summary", "description", "runbook_url", "dashboard_url"} == set(notes)
    assert "$value" in notes["description"]


@pytest.mark.parametrize("alert", OF_MODELS, ids=named)
def test_alert_of_a_model_names_it(alert: dict[str, Any]) -> None:
    """
    What an alert says of a model begins to be of use with the model's name.
    """
    assert "$labels.ml_model_name" in alert["annotations"]["description"]
    assert alert["alert"].startswith("Model")


@pytest.mark.parametrize("alert", [*ALERTS, *OF_OBJECTIVES], ids=named)
def test_alert_has_a_runbook(alert: dict[str, Any]) -> None:
    """
    The runbook's address leads to a heading that exists, with every part that a runbook has.
    """
    page, _, anchor = alert["annotations"]["runbook_url"].partition("#")
    text = (ROOT / "docs" / "runbooks.md").read_text()
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    found = dict(zip((h.lower() for h in parts[1::2]), parts[2::2], strict=True))

    assert RUNBOOKS == page
    assert anchor in found
    for part in ("What it means", "Look first", "Causes", "What to do", "Silence honestly"):
        assert f"**{part}" in found[anchor], part


@pytest.mark.parametrize("alert", [*ALERTS, *OF_OBJECTIVES], ids=named)
def test_runbook_names_panels_that_exist(alert: dict[str, Any]) -> None:
    """
    What to look at first is named as its panel, dashboard or page is.
    """
    page = (ROOT / "docs" / "runbooks.md").read_text()
    (section,) = re.findall(
        rf"^## {alert['alert']}$(.+?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL
    )
    (first,) = re.findall(r"\*\*Look first\*\*(.+?)\n\n", section, re.DOTALL)
    named = set(re.findall(r"\*([^*]+)\*", first.replace("\n", " "))) - {HEARTBEAT}
    known = {"Alerts", "Rules", "SLOs"}
    for board in boards().values():
        known |= {board["title"], *(panel["title"] for panel in board["panels"])}

    assert named or alert["alert"] == HEARTBEAT
    assert set() == named - known


@pytest.mark.parametrize("board", BOARDS.values(), ids=list(BOARDS))
def test_alerts_lead_to_dashboards_that_exist(board: str) -> None:
    """
    Each dashboard that an alert links to is among those that are generated.
    """
    uid = re.match(r"/d/([\w-]+)", board)

    assert uid
    assert (ROOT / "grafana" / "dashboards" / f"{uid[1]}.json").is_file()


@pytest.mark.parametrize("alert", [*ALERTS, *OF_OBJECTIVES], ids=named)
def test_alert_has_cases(alert: dict[str, Any]) -> None:
    """
    The rule tests hold, for each alert and severity, a case that fires and one that stays silent.
    """
    fires, silent = set(), set()
    for case in (case for path in CASES for case in yaml.safe_load(path.read_text())["tests"]):
        for check in case.get("alert_rule_test", []):
            for told in check["exp_alerts"]:
                fires.add((check["alertname"], told["exp_labels"]["severity"]))
            if not check["exp_alerts"]:
                silent.add(check["alertname"])

    assert (alert["alert"], alert["labels"]["severity"]) in fires
    assert alert["alert"] in silent or alert["alert"] == HEARTBEAT


def test_every_alert_is_silent_without_traffic() -> None:
    """
    Counters at zero, counters that stand still and nothing at all are checked for each alert.
    """
    (path,) = (path for path in CASES if path.name == "quiet_test.yml")
    expected = {alert["alert"] for alert in ALERTS} - {HEARTBEAT}

    cases = yaml.safe_load(path.read_text())["tests"]

    assert 3 == len(cases)
    for case in cases:
        checks = case["alert_rule_test"]
        assert expected == {check["alertname"] for check in checks}
        assert all(check["exp_alerts"] == [] for check in checks)
        assert not any(re.search(r"\+[^0]", each["values"]) for each in case["input_series"])


def test_alerts_of_objectives_are_silent_without_traffic() -> None:
    """
    Counters that stand still, and none, are checked for each alert on an error budget.
    """
    (path,) = (path for path in CASES if path.name == "slos_test.yml")
    (case,) = (
        each for each in yaml.safe_load(path.read_text())["tests"] if "No traffic" in each["name"]
    )

    checks = case["alert_rule_test"]
    assert {alert["alert"] for alert in OF_OBJECTIVES} == {check["alertname"] for check in checks}
    assert all(check["exp_alerts"] == [] for check in checks)


@pytest.mark.parametrize("group", rule_file()["groups"], ids=lambda group: str(group["name"]))
def test_recordings_stand_before_what_reads_them(group: dict[str, Any]) -> None:
    """
    Every recorded series that a rule reads is recorded earlier in the same group.
    """
    recorded: set[str] = set()
    for rule in group["rules"]:
        assert set(re.findall(r"(?:model|job)\w*:\w+:\w+", rule["expr"])) <= recorded
        recorded.add(rule.get("record", ""))


def test_names_are_unique_and_have_three_parts() -> None:
    """
    Recording rules are named ``level:metric:operation``, each once.
    """
    names = [rule["record"] for rule in RULES if "record" in rule]

    assert len(set(names)) == len(names)
    assert all(
        re.fullmatch(r"(model(_[a-z]+)*:ml_|job_signal:otel_)\w+:[a-z0-9_]+\d+[mhdw]", name)
        for name in names
    )


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

    assert all(link.startswith("https://example.invalid/runbooks#") for link in links)


def test_dashboards_can_be_elsewhere() -> None:
    """
    A server may lead to pages of its own, and leave out what watches the stack.
    """
    links = Links(dashboards="{{ externalURL }}", boards=PAGES)
    groups = rule_file(links=links, stack_too=False)["groups"]
    alerts = [rule for group in groups for rule in group["rules"] if "alert" in rule]

    assert {
        "{{ externalURL }}/models/?name={{ $labels.ml_model_name | urlquery }}",
        "{{ externalURL }}/alerts",
    } == {alert["annotations"]["dashboard_url"] for alert in alerts}
    assert not {HEARTBEAT, "CollectorDown"} & {alert["alert"] for alert in alerts}


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_thresholds_have_reasons(path: Path) -> None:
    """
    Every public number of the rules is followed by why it is that number.
    """
    module = ast.parse(path.read_text())
    numbers = [
        (node, module.body[place + 1 : place + 2])
        for place, node in enumerate(module.body)
        if isinstance(node, ast.AnnAssign)
        and isinstance(node.target, ast.Name)
        and not node.target.id.startswith("_")
        and isinstance(node.value, ast.Constant)
    ]

    for node, after in numbers:
        assert after, ast.unparse(node)
        assert isinstance(after[0], ast.Expr), ast.unparse(node)


def test_output_is_stable() -> None:
    """
    The same code gives the same rules, groups in alphabetical order.
    """
    names = [group["name"] for group in rule_file()["groups"]]

    assert rule_file() == rule_file()
    assert all(a < b for a, b in pairwise(names))
