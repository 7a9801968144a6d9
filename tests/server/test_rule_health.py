"""
This module checks what the server says of its own rules and notifications.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.alerting.storing import MemoryStore

from otel_confidence.alerting.evaluator import Evaluator
from otel_confidence.alerting.groups import Surroundings
from otel_confidence.alerting.notifying.alertmanagers import Alertmanager
from otel_confidence.alerting.notifying.book import Book
from otel_confidence.alerting.notifying.messages import Notification
from otel_confidence.alerting.notifying.notifier import Notifier
from otel_confidence.alerting.notifying.routes import Pace
from otel_confidence.alerting.rulefiles import read_text
from otel_confidence.alerting.service import Alerting, Listeners
from otel_confidence.points import Batch
from otel_confidence.server.rule_health import rule_health
from otel_confidence.server.ruling import BUILT_IN, specs

SECOND = 1000
MINUTE = 60 * SECOND
WRONG = """
groups:
  - name: wrong
    interval: 1m
    rules:
      - record: same
        expr: label_replace(vector(1), "a", "b", "", "") or vector(2)
        labels: {a: ""}
      - {record: right, expr: vector(1)}
"""
"""Its first rule gives two series of one name, which is refused at each evaluation."""


@dataclass
class Deaf:
    """A channel that never hears."""

    name: str = "https:1"
    severities: tuple[str, ...] = ()
    asked: list[Notification] = field(default_factory=list)

    def send(self, notification: Notification) -> None:
        """Refuse it."""
        self.asked.append(notification)
        raise ConnectionError("refused")


class Server:
    """Rules, a channel and what the server says of them, over a clock that is moved."""

    def __init__(self, notifier: Notifier, alertmanager: Alertmanager) -> None:
        self.store = MemoryStore()
        listeners = Listeners(notifier, [alertmanager])
        own = [group for group in specs([BUILT_IN]) if group.name == "otel-confidence-evaluation"]
        wrong = read_text(WRONG, "a.yml")
        shared = Surroundings(self.store, tell=listeners.tell)
        evaluator = Evaluator([*own, *wrong], shared, now_ms=0, restored=True)
        self.alerting = Alerting(evaluator, listeners)

    def run(self, from_ms: int, to_ms: int) -> None:
        """Let time pass as the server does."""
        notifier = self.alerting.listeners.notifier
        for at_ms in range(from_ms, to_ms, 10 * SECOND):
            self.alerting.evaluator.advance(at_ms)
            for desk, channel in notifier.desks:
                notifier.deliver(desk, channel, at_ms)
            self.store.write(rule_health(self.alerting, "7", at_ms))

    def firing(self) -> list[str]:
        """Names and groups of the alerts that fire."""
        return sorted(
            f"{each.rule} {dict(each.alert.labels).get('rule_group', '')}".strip()
            for each in self.alerting.alerts(0)
            if each.alert.state == "firing"
        )


@pytest.fixture(name="server")
def _server(tmp_path: Path) -> Iterator[Server]:
    pace = Pace(wait_ms=0)
    with (
        closing(Notifier(Book.open(tmp_path / "a.sqlite"), [Deaf()], now_ms=0, pace=pace)) as told,
        closing(Alertmanager("http://127.0.0.1:9")) as alertmanager,
    ):
        yield Server(told, alertmanager)


def values(batch: Batch) -> dict[tuple[str, str], float]:
    """Samples by name and by the group or channel that they are about."""
    found = {}
    for sample in batch.samples:
        labels = dict(sample.series.labels)
        whose = labels.get("rule_group", labels.get("otel_confidence_channel", ""))
        found[labels["__name__"].removeprefix("otel_confidence_"), whose] = sample.value
    return found


def test_counters_stand_at_zero_from_the_start(server: Server) -> None:
    """
    Every counter is there before anything was evaluated or told: no first failure is missed.
    """
    batch = rule_health(server.alerting, "7", 5)

    assert {
        (name, "a.yml;wrong"): 0.0
        for name in (
            "rule_evaluations_total", "rule_failures_total", "rule_misses_total",
            "rule_duration_seconds",
        )
    }.items() <= values(batch).items()  # fmt: skip
    assert {
        (name, channel): 0.0
        for name in (
            "notifications_total", "notification_failures_total", "notification_dropped_total",
            "notification_backlog",
        )
        for channel in ("https:1", "http://127.0.0.1:9")
    }.items() <= values(batch).items()  # fmt: skip
    assert {5} == {sample.time_ms for sample in batch.samples}
    assert {each.name for each in batch.metadata} == {
        dict(sample.series.labels)["__name__"] for sample in batch.samples
    }


def test_failing_rules_are_counted_and_told_of(server: Server) -> None:
    """
    A rule that fails each minute makes the alert on rules fire for its group, and for no other.
    """
    server.run(0, 20 * MINUTE)

    counted = values(rule_health(server.alerting, "7", 0))
    evaluations = counted["rule_evaluations_total", "a.yml;wrong"]
    assert evaluations / 2 == counted["rule_failures_total", "a.yml;wrong"] >= 10
    assert 0 == counted["rule_failures_total", "built-in;otel-confidence-evaluation"]
    assert ["RuleEvaluationFailing a.yml;wrong"] == server.firing()


def test_a_deaf_channel_is_counted_and_told_of(server: Server) -> None:
    """
    Attempts in vain are counted with what waits, and make the alert on notifications fire.
    """
    server.run(0, 45 * MINUTE)

    counted = values(rule_health(server.alerting, "7", 0))
    assert counted["notification_failures_total", "https:1"] > 5
    assert 0 == counted["notifications_total", "https:1"]
    assert counted["notification_backlog", "https:1"] >= 1
    assert ["AlertsNotDelivered", "RuleEvaluationFailing a.yml;wrong"] == server.firing()
