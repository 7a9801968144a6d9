"""
This module checks alerts from end to end: a real server, its rules, and who it tells.
"""

import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.alerting.receiving import Hook, hook
from tests.remote import V1, packed, series
from tests.running import Up, running, start, stop, until

RULES = """
groups:
  - name: doubts
    interval: 1s
    rules:
      - record: doubt:max
        expr: max by (ml_model_name) (doubt)
      - alert: ModelUnsure
        expr: doubt:max > 0.5
        for: 1s
        labels: {severity: critical}
        annotations:
          summary: '{{ $labels.ml_model_name }} is unsure: {{ $value | humanizePercentage }}'
      - record: broken
        expr: doubt:max * on (ml_model_name) group_left () {__name__=~"doubt.*"}
"""


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """A file of rules, one of which fails wherever there is a doubt."""
    path = tmp_path / "doubts.yml"
    path.write_text(RULES)
    return path


def doubt(up: Up, value: float) -> None:
    """Tell a server how much doubt there is, now."""
    body = series(
        [("__name__", "doubt"), ("ml_model_name", "digits")],
        [(int(time.time() * 1000), value)],
    )
    response = httpx.post(f"{up.http}/api/v1/write", content=packed(body), headers=V1)
    assert response.is_success, response.text


def asked(up: Up, path: str, **given: str) -> Any:
    """What a server's API answers."""
    return httpx.get(f"{up.http}/api/v1/{path}", params=given).json()["data"]


def states(up: Up) -> list[str]:
    """The states of the alerts."""
    return [alert["state"] for alert in asked(up, "alerts")["alerts"]]


def noted(path: Path) -> int:
    """How many notifications a server has noted as sent."""
    with closing(sqlite3.connect(path)) as connection:
        (count,) = connection.execute("SELECT count() FROM deliveries").fetchone()
    return int(count)


def flags(rules: Path, told: Hook, tmp_path: Path) -> list[str]:
    """The options of a server that tells a webhook and a file at once."""
    return [
        *("--rules", str(rules), "--notify-host", "127.0.0.1"),
        *("--notify", f"critical={told.address}/alerts?secret=s3cret"),
        *("--notify", str(tmp_path / "told.jsonl"), "--notify", f"warning={told.address}/none"),
        *("--group-wait", "0s", "--group-interval", "1s"),
    ]


def test_an_incident_is_told_once_though_the_server_is_killed(tmp_path: Path, rules: Path) -> None:
    """
    Webhook and file hear once of an alert's beginning and once of its end, after a kill in between.
    """
    with hook() as told:
        up = start(tmp_path / "data", *flags(rules, told, tmp_path))
        doubt(up, 0.9)
        until(lambda: told.statuses() == ["firing"])
        until(lambda: noted(tmp_path / "data" / "alerts.sqlite") == 2)
        up.process.kill()
        up.process.communicate()
        with running(tmp_path / "data", *flags(rules, told, tmp_path)) as again:
            until(lambda: states(again) == ["firing"])
            doubt(again, 0.1)
            until(lambda: "resolved" in told.statuses())
            lines = until(lambda: _lines(tmp_path / "told.jsonl", 2))

        assert ["firing", "resolved"] == told.statuses()
        assert ["firing", "resolved"] == [line["status"] for line in lines]
        assert told.bodies[0]["alerts"][0]["startsAt"] == told.bodies[1]["alerts"][0]["startsAt"]
        assert "digits is unsure: 90%" == told.bodies[0]["commonAnnotations"]["summary"]
        assert {"alertname": "ModelUnsure", "ml_model_name": "digits"} == (
            told.bodies[0]["groupLabels"]
        )


def _lines(path: Path, count: int) -> list[Any]:
    lines = path.read_text().splitlines()
    return [json.loads(line) for line in lines] if len(lines) >= count else []


def test_rules_and_alerts_are_answered_as_by_prometheus(tmp_path: Path, rules: Path) -> None:
    """
    The API shows groups, rules with their health, and alerts; its parameters narrow them down.
    """
    with running(tmp_path / "data", "--rules", str(rules), "--rules", "built-in") as up:
        doubt(up, 0.9)
        until(lambda: states(up) == ["firing"])
        group = asked(up, "rules", **{"rule_group[]": "doubts"})["groups"][0]
        record, alert, broken = group["rules"]
        first = asked(up, "rules", group_limit="1")
        second = asked(up, "rules", group_limit="1", group_next_token=first["groupNextToken"])
        names = [each["name"] for each in asked(up, "rules", type="alert")["groups"]]
        matched = asked(up, "rules", **{"match[]": '{severity="critical"}', "file[]": str(rules)})
        quiet = asked(up, "rules", exclude_alerts="true", **{"rule_name[]": "ModelUnsure"})
        firing = 'ALERTS{alertstate="firing"}'
        series_there = until(lambda: asked(up, "query", query=firing)["result"])

        assert (1.0, 0, str(rules)) == (group["interval"], group["limit"], group["file"])
        assert ("recording", "ok", "doubt:max") == (
            record["type"],
            record["health"],
            record["name"],
        )
        assert ("alerting", "firing", 1.0) == (alert["type"], alert["state"], alert["duration"])
        assert "9e-01" == alert["alerts"][0]["value"]
        assert "err" == broken["health"]
        assert "many-to-many" in broken["lastError"]
        assert [1, 1] == [len(first["groups"]), len(second["groups"])]
        assert first["groups"] != second["groups"]
        assert "doubts" in names
        assert ["ModelUnsure"] == [r["name"] for g in matched["groups"] for r in g["rules"]]
        assert [None] == [r["alerts"] for g in quiet["groups"] for r in g["rules"]]
        assert ["ModelUnsure"] == [each["metric"]["alertname"] for each in series_there]


def test_a_server_says_how_its_rules_fare_and_who_is_told(tmp_path: Path, rules: Path) -> None:
    """
    Failures of rules are series, Alertmanagers are listed, and an alert's own address answers.
    """
    away = ("--alertmanager", "http://me:s3cret@127.0.0.1:9")
    with running(tmp_path / "data", "--rules", str(rules), *away) as up:
        doubt(up, 0.9)
        until(lambda: states(up) == ["firing"])
        failing = "otel_confidence_rule_failures_total > 0"
        waiting = "otel_confidence_notification_backlog > 0"
        failed = until(lambda: asked(up, "query", query=failing)["result"])
        waits = until(lambda: asked(up, "query", query=waiting)["result"])
        (alert,) = httpx.get(f"{up.http}/api/v2/alerts").json()
        led = httpx.get(alert["generatorURL"], follow_redirects=True)

        assert [f"{rules};doubts"] == [each["metric"]["rule_group"] for each in failed]
        assert ["http://127.0.0.1:9"] == [
            each["metric"]["otel_confidence_channel"] for each in waits
        ]
        assert [{"url": "http://127.0.0.1:9/api/v2/alerts"}] == (
            asked(up, "alertmanagers")["activeAlertmanagers"]
        )
        assert "ModelUnsure" == alert["labels"]["alertname"]
        assert ["digits"] == [
            each["metric"]["ml_model_name"] for each in led.json()["data"]["result"]
        ]


def test_wrong_rules_stop_the_start_and_are_named(tmp_path: Path) -> None:
    """
    A rule file with faults keeps the server from starting; each is named with file, line and rule.
    """
    path = tmp_path / "wrong.yml"
    path.write_text(
        "groups: [{name: a, rules: [{alert: A, expr: 'up >', labels: {x: '{{ y }}'}}]}]"
    )

    with pytest.raises(AssertionError) as raised:
        stop(start(tmp_path / "data", "--rules", str(path)))

    assert f'{path}:1:45: group "a", rule 1, "A": could not parse expression' in str(raised.value)
    assert "label \"x\": line 1: function 'y' is not defined" in str(raised.value)
