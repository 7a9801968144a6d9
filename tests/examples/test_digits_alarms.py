"""This module checks the demo's alerts."""

import json
from pathlib import Path

import httpx
import yaml
from examples.digits.alarms import Told, alarms, rule_file

from otel_confidence.alerting.rulefiles import read_text


def test_the_demos_rules_are_right() -> None:
    """
    The demo has four alerts whose expressions and templates can be read.
    """
    (group,) = read_text(yaml.safe_dump(rule_file()), "demo")

    assert 4 == len({rule.name for rule in group.rules if rule.alerting})
    assert 1000 == group.interval_ms


def test_what_is_told_is_counted_apart(tmp_path: Path) -> None:
    """
    Webhook and file are counted each by itself, and only the end of all ends the wait.
    """
    alert = {"labels": {"alertname": "DemoA"}, "startsAt": "2026-01-01", "status": "firing"}
    over = {**alert, "status": "resolved"}

    with alarms(tmp_path) as heard:
        for each in (alert, over):
            httpx.post(heard.hook, json={"alerts": [each]}).raise_for_status()
        heard.file.write_text(json.dumps({"alerts": [alert]}) + "\n")
        early = heard.ended()
        heard.file.write_text("".join(json.dumps({"alerts": [e]}) + "\n" for e in (alert, over)))

        assert not early
        assert heard.ended()
        assert heard.by_hook() == heard.by_file()
        assert 1 == heard.by_hook()[Told("DemoA", "2026-01-01", "resolved")]


def test_whoever_leaves_waits_for_no_alert(tmp_path: Path) -> None:
    """
    The wait for the end of an alert is over as soon as somebody wants to leave.
    """
    fires = {"labels": {"alertname": "DemoA"}, "startsAt": "2026-01-01", "status": "firing"}
    asked = iter((False, True))

    with alarms(tmp_path) as heard:
        httpx.post(heard.hook, json={"alerts": [fires]}).raise_for_status()
        heard.wait(lambda: next(asked))

        assert not heard.ended()
        assert [] == list(asked)
