"""
This module checks with Alertmanager's own tool who is told of which alert, and what.
"""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.programs import ROOT, program

from otel_confidence.generate import slos
from otel_confidence.generate.rules import INHIBITIONS, rule_file
from otel_confidence.generate.rules.inhibiting import BOTH_WAYS
from otel_confidence.generate.slos import FAST_BURN, SLOW_BURN
from otel_confidence.objectives import DEFAULT_FILE, read

FOLDER = ROOT / "alertmanager"
FILES = ("alertmanager.yml", "notify.yml")
ALERTS = [
    rule
    for file in (rule_file(), slos.rule_file(read(ROOT / DEFAULT_FILE)))
    for group in file["groups"]
    for rule in group["rules"]
    if "alert" in rule
]
WARNED = "webhook,slack"
PAGED = "webhook,pagerduty,email,slack"


def settings(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((FOLDER / name).read_text())
    return found


def asked(*arguments: str) -> str:
    """
    What amtool says.
    """
    run = subprocess.run(
        [program("amtool"), *arguments],
        cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert 0 == run.returncode, run.stdout + run.stderr
    return run.stdout.strip()


def told(name: str, **labels: str) -> str:
    """
    The receivers of an alert with these labels.
    """
    given = [f"{key}={value}" for key, value in labels.items()]
    return asked("config", "routes", "test", f"--config.file={FOLDER / name}", *given)


def labels_of(alert: dict[str, Any]) -> dict[str, str]:
    told = {name: text for name, text in alert["labels"].items() if not name.startswith("sloth_")}
    return {"alertname": alert["alert"], **told}


@pytest.mark.parametrize(
    ("labels", "receivers"),
    [
        ({"severity": "warning", "ml_model_name": "digits"}, WARNED),
        ({"severity": "critical", "ml_model_name": "digits"}, PAGED),
        ({"severity": "warning", "team": "vision"}, "webhook,team-slack"),
        ({"severity": "critical", "team": "vision"}, "webhook,pagerduty,email,team-slack"),
        ({"alertname": "Watchdog", "severity": "none"}, "heartbeat"),
    ],
    ids=["a warning", "a page", "a team's warning", "a team's page", "the heartbeat"],
)
def test_each_route_is_taken(labels: dict[str, str], receivers: str) -> None:
    """
    A machine hears of every alert, people according to severity and team, the heartbeat is apart.
    """
    assert receivers == told("notify.yml", **labels)


@pytest.mark.parametrize(
    "labels",
    sorted({tuple(sorted(labels_of(a).items())) for a in ALERTS}),
    ids=lambda labels: "-".join(value for _, value in labels[:2]),
)
def test_every_alert_finds_its_people(labels: tuple[tuple[str, str], ...]) -> None:
    """
    No alert of the rule files ends at nobody, whatever its labels are.
    """
    severity = dict(labels)["severity"]
    expected = {"critical": PAGED, "warning": WARNED, "none": "heartbeat"}[severity]

    assert expected == told("notify.yml", **dict(labels))


def test_without_secrets_alerts_are_shown() -> None:
    """
    The configuration that needs no secret notifies nobody.
    """
    assert "shown" == told("alertmanager.yml", severity="critical")
    assert [{"name": "shown"}] == settings("alertmanager.yml")["receivers"]


@pytest.mark.parametrize("name", FILES)
def test_inhibitions_are_those_of_the_rules(name: str) -> None:
    """
    Both files inhibit what the rules say, in their order.
    """

    def matchers(labels: Any) -> list[str]:
        return [f'{k}{"=~" if "|" in v else "="}"{v}"' for k, v in labels.items()]

    expected = [
        {
            "source_matchers": matchers(each.source),
            "target_matchers": matchers(each.target),
            **({"equal": list(each.equal)} if each.equal else {}),
        }
        for each in INHIBITIONS
    ]

    assert expected == settings(name)["inhibit_rules"]


def test_inhibitions_name_alerts_and_labels_that_exist() -> None:
    """
    Every alert that an inhibition names is one of the rules, and so are severities and topics.
    """
    names = {alert["alert"] for alert in ALERTS} | {FAST_BURN, SLOW_BURN}
    severities = {alert["labels"]["severity"] for alert in ALERTS}
    critical, warning = (
        {each["labels"].get("topic") for each in ALERTS if each["labels"]["severity"] == severity}
        for severity in ("critical", "warning")
    )
    sides = [side for each in INHIBITIONS for side in (each.source, each.target)]

    assert {name for s in sides for name in s.get("alertname", "").split("|")} - {""} <= names
    assert {s["severity"] for s in sides if "severity" in s} <= severities
    assert set(BOTH_WAYS) == (critical & warning) - {None}


@pytest.mark.parametrize(
    ("template", "status", "expected"),
    [
        ("title", "firing", "[FIRING 1] ModelConfidenceLow digits"),
        ("title", "resolved", "[RESOLVED] ModelConfidenceLow digits"),
        ("color", "firing", "warning"),
        ("color", "resolved", "good"),
        ("dashboard", "firing", "http://g/d/m"),
        (
            "text",
            "firing",
            (
                "firing (warning) digits 1 is unsure\nIts mean confidence is 0.40.\n"
                "Runbook: http://localhost:9090/user/runbooks.html#modelconfidencelow\nDashboard: http://g/d/m"
            ),
        ),
    ],
    ids=lambda value: str(value).split(" ")[0],
)
def test_templates_say_it(template: str, status: str, expected: str, tmp_path: Path) -> None:
    """
    Messages name the alert, its model, what is the matter and where to read on.
    """
    labels = {"alertname": "ModelConfidenceLow", "ml_model_name": "digits", "severity": "warning"}
    notes = {
        "summary": "digits 1 is unsure",
        "description": "Its mean confidence is 0.40.",
        "runbook_url": "http://localhost:9090/user/runbooks.html#modelconfidencelow",
        "dashboard_url": "http://g/d/m",
    }
    alert = {"status": status, "labels": labels, "annotations": notes}
    message = {
        "receiver": "slack", "status": status, "alerts": [alert], "groupLabels": labels,
        "commonLabels": labels, "commonAnnotations": notes, "externalURL": "http://a",
    }  # fmt: skip
    path = tmp_path / "message.json"
    path.write_text(json.dumps(message))

    said = asked(
        "template", "render", f"--template.glob={FOLDER / 'templates' / '*.tmpl'}",
        f'--template.text={{{{ template "otel_confidence.{template}" . }}}}',
        f"--template.data={path}",
    )  # fmt: skip

    assert expected == said
