"""This module checks the way of an alert: rule, Prometheus, Alertmanager, whoever is told."""

from dataclasses import dataclass
from typing import Any

import pytest
from tests.stack import drifter, hooks
from tests.stack.paths import ask
from tests.stack.world import until
from tools.stack import Stack

pytestmark = pytest.mark.xdist_group("stack")
BOTH = f"[FIRING {len(drifter.FEATURES)}]"


def told(stack: Stack, path: str) -> list[Any]:
    return [post["body"] for post in hooks.told(stack.plan.starts["hooks"].folder, path)]


def said(stack: Stack, path: str, state: str = "") -> list[Any]:
    """What a channel was told of the drifting model, in a state such as ``[FIRING 2]``."""
    title = f"{state} ModelFeatureDrift {drifter.MODEL}".lstrip()
    return [body for body in told(stack, path) if title in str(body)]


def drifts(stack: Stack, status: str) -> list[Any]:
    """What the webhook was told of the drifting model."""
    return [
        body
        for body in told(stack, "/webhook")
        if body["commonLabels"].get("ml_model_name") == drifter.MODEL and body["status"] == status
    ]


def grave(stack: Stack) -> list[Any]:
    """
    What the webhook was told of every feature's grave drift.

    On a slow machine values come so late that warnings, or one feature, are told of before.
    """
    wanted = ["critical"] * len(drifter.FEATURES)
    return [
        body
        for body in drifts(stack, "firing")
        if wanted == [alert["labels"]["severity"] for alert in body["alerts"]]
    ]


@dataclass(frozen=True, slots=True)
class Story:
    """What was said while the features drifted, and once they had come back."""

    fired: Any
    """The webhook's first notification of both features' grave drift."""
    alerts: list[Any]
    """The model's alerts as Alertmanager had them then."""
    slack: Any
    pages: list[Any]
    """PagerDuty's notifications of both features and of the end."""
    over: Any
    """The webhook's notification of the end."""


@pytest.fixture(scope="module")
def story(stack: Stack) -> Story:
    """The drift from its begin to its end."""
    metrics = f"{stack.url('prometheus', 9090)}/metrics"
    known = "prometheus_notifications_alertmanagers_discovered 1"
    # What fires before Prometheus has found Alertmanager is told of a minute later only.
    until(lambda: known in ask(metrics).text)
    stack.file("drifter", drifter.DRIFT).touch()
    fired = until(lambda: grave(stack))[0]
    alerts = ask(f"{stack.url('alertmanager', 9093)}/api/v2/alerts").json()
    slack = until(lambda: said(stack, "/slack", BOTH))[0]
    page = until(lambda: said(stack, "/pagerduty", BOTH))[0]
    stack.file("drifter", drifter.CALM).touch()
    over = until(lambda: drifts(stack, "resolved"))[0]
    resolved = until(lambda: said(stack, "/pagerduty", "[RESOLVED]"))[0]
    return Story(
        fired=fired,
        alerts=[a for a in alerts if a["labels"].get("ml_model_name") == drifter.MODEL],
        slack=slack,
        pages=[page, resolved],
        over=over,
    )


def test_alerts_of_one_model_are_told_together(story: Story) -> None:
    """
    Two drifted features make one message, with both alerts and where to read on.
    """
    group = {"alertname": "ModelFeatureDrift", "ml_model_name": drifter.MODEL}

    assert ("webhook", group) == (story.fired["receiver"], story.fired["groupLabels"])
    assert [("ink", "critical"), ("size", "critical")] == sorted(
        (alert["labels"]["ml_feature_name"], alert["labels"]["severity"])
        for alert in story.fired["alerts"]
    )


def test_a_page_inhibits_its_warnings(story: Story) -> None:
    """
    Warnings of the same drift fire too; Alertmanager knows what inhibits them and tells nobody.
    """
    warnings = [a for a in story.alerts if a["labels"]["severity"] == "warning"]
    critical = {a["fingerprint"] for a in story.alerts if a["labels"]["severity"] == "critical"}

    assert ["suppressed"] * 2 == [a["status"]["state"] for a in warnings]
    assert all(set(a["status"]["inhibitedBy"]) <= critical for a in warnings)
    assert {"critical"} == {a["labels"]["severity"] for a in story.fired["alerts"]}


def test_critical_alerts_reach_everybody(story: Story) -> None:
    """
    Slack and PagerDuty are told what the templates make of it, each in its own format.
    """
    title = f"{BOTH} ModelFeatureDrift {drifter.MODEL}"
    page = story.pages[0]

    assert title == story.slack["attachments"][0]["title"]
    assert (title, "trigger", "drift") == (
        page["payload"]["summary"], page["event_action"], page["payload"]["class"]
    )  # fmt: skip


def test_an_alert_leads_to_what_to_do(stack: Stack, story: Story) -> None:
    """
    The runbook's link opens a page of Prometheus that has a heading for the alert.
    """
    (link,) = {alert["annotations"]["runbook_url"] for alert in story.fired["alerts"]}
    page = ask(link)

    assert f"{stack.url('prometheus', 9090)}/user/runbooks.html#modelfeaturedrift" == link
    assert "text/html; charset=utf-8" == page.headers["content-type"]
    assert '<h2 id="modelfeaturedrift">' in page.text


def test_links_lead_to_programs(stack: Stack, story: Story) -> None:
    """
    The links that Prometheus and Alertmanager add lead to themselves.
    """
    assert stack.url("alertmanager", 9093) == story.fired["externalURL"]
    assert all(
        alert["generatorURL"].startswith(f"{stack.url('prometheus', 9090)}/graph?")
        for alert in story.fired["alerts"]
    )


def test_an_end_is_told_too(story: Story) -> None:
    """
    When the features come back to their reference, everybody hears that it is over.
    """
    page = story.pages[-1]

    assert {"resolved"} == {alert["status"] for alert in story.over["alerts"]}
    assert (f"[RESOLVED] ModelFeatureDrift {drifter.MODEL}", "resolve") == (
        page["payload"]["summary"], page["event_action"]
    )  # fmt: skip
