"""
This module checks how a group of rules is evaluated over time.
"""

from collections.abc import Sequence

import numpy as np
import pytest
from tests.alerting.storing import MemoryStore

from otel_confidence.alerting.alerts import Alert
from otel_confidence.alerting.evaluator import Evaluator
from otel_confidence.alerting.groups import Group, Surroundings
from otel_confidence.alerting.overlay import STALE
from otel_confidence.alerting.rulefiles import read_text
from otel_confidence.errors import StoreError
from otel_confidence.points import Batch, Matcher, Sample, Series

MINUTE = 60_000


def put(store: MemoryStore, at_ms: int, value: float, name: str = "doubt") -> None:
    """Measure something once."""
    store.put([Sample(Series((("__name__", name), ("model", "m"))), at_ms, value)])


def values(store: MemoryStore, name: str) -> list[float | None]:
    """The samples of all series of a name; None for a staleness marker."""
    found = store.select([Matcher("__name__", "=", name)], -1, 2**62)
    stale = np.float64(STALE).view(np.uint64)
    return [
        None if value.view(np.uint64) == stale else float(value)
        for each in found
        for value in each.values
    ]


def group(
    store: MemoryStore,
    rules: str,
    told: list[Alert] | None = None,
    *,
    restored: bool = True,
    options: str = "",
) -> Group:
    """A group of rules in YAML's flow style."""

    def tell(alerts: Sequence[Alert], _: int) -> None:
        (told if told is not None else []).extend(alerts)

    text = f"groups: [{{name: g, interval: 1m, {options} rules: [{rules}]}}]"
    (spec,) = read_text(text, "rules.yml")
    return Group(spec, Surroundings(store, tell=tell), restored=restored)


def states(of: Group) -> list[str]:
    """The states of a group's alerts."""
    return [alert.state for rule in of.alerting for alert in rule.alerts()]


def test_an_alert_waits_fires_goes_on_and_ends() -> None:
    """
    An alert is pending for as long as ``for`` says, fires, and goes on for ``keep_firing_for``.
    """
    store = MemoryStore()
    told: list[Alert] = []
    one = group(store, "{alert: A, expr: doubt > 0, for: 2m, keep_firing_for: 2m}", told)
    seen = []
    for minute, value in enumerate([1, 1, 1, 0, 0, 0]):
        put(store, minute * MINUTE, value)
        one.evaluate(minute * MINUTE)
        seen.append(states(one))

    assert [["pending"], ["pending"], ["firing"], ["firing"], ["firing"], []] == seen
    assert (5 * MINUTE, 2 * MINUTE) == (told[-1].resolved_ms, told[-1].fired_ms)
    assert [0.0, 0.0, 0.0, 0.0, 0.0, None] == values(store, "ALERTS_FOR_STATE")
    assert [1, 1, None, 1, 1, 1, None] == values(store, "ALERTS")


def test_series_that_a_rule_no_longer_gives_end() -> None:
    """
    What a recording rule gave and does not give any more gets a staleness marker.
    """
    store = MemoryStore()
    one = group(store, "{record: high, expr: doubt > 0.5}")
    for minute, value in enumerate([1, 0, 0, 1]):
        put(store, minute * MINUTE, value)
        one.evaluate(minute * MINUTE)

    assert [1.0, None, 1.0] == values(store, "high")


def test_rules_see_what_those_before_them_gave() -> None:
    """
    Within one evaluation a rule reads the series that rules before it made, in one write.
    """
    store = MemoryStore()
    put(store, 0, 2)
    rules = "{record: a, expr: doubt * 2}, {record: b, expr: a + 1}, {record: c, expr: sum(b)}"
    group(store, rules).evaluate(0)

    assert [[4.0], [5.0], [5.0]] == [values(store, name) for name in "abc"]
    assert 1 == store.writes


def test_a_rule_that_fails_costs_no_other() -> None:
    """
    A rule that cannot be evaluated is marked and counted; those around it go on.
    """
    store = MemoryStore()
    put(store, 0, 2)
    put(store, 0, 3, "trust")
    rules = (
        "{record: a, expr: doubt}, {record: b, expr: '{__name__=~\"doubt|trust\"} * 1'}, "
        "{record: c, expr: 'doubt[5m]'}, {record: d, expr: doubt + 1}"
    )
    one = group(store, rules)
    one.evaluate(0)
    conditions = [rule.condition for rule in one.rules]

    assert ["ok", "err", "err", "ok"] == [each.health for each in conditions]
    assert [0, 1, 1, 0] == [each.failures for each in conditions]
    assert "same labelset" in conditions[1].error
    assert "rule result is not a vector or scalar" == conditions[2].error
    assert [3.0] == values(store, "d")


def test_a_failing_rule_is_said_once_and_when_it_ends(caplog: pytest.LogCaptureFixture) -> None:
    """
    However long a rule fails, the log has a line when that begins and one when it is over.
    """
    store = MemoryStore()
    one = group(store, "{record: b, expr: '{__name__=~\"doubt|trust\"} * 1'}")
    caplog.set_level("INFO", "otel_confidence")
    for minute in range(20):
        put(store, minute * MINUTE, 2)
        if minute < 9:
            put(store, minute * MINUTE, 3, "trust")
        one.evaluate(minute * MINUTE)

    assert [
        (
            "WARNING",
            "rule b of group g fails: vector cannot contain metrics with the same labelset",
        ),
        ("INFO", "rule b of group g works again"),
    ] == [(each.levelname, each.message) for each in caplog.records]
    assert [True] == [rule.condition.failures > 3 for rule in one.rules]


def test_a_limit_is_kept() -> None:
    """
    A rule that gives more series than its group's limit gives none and says so.
    """
    store = MemoryStore()
    put(store, 0, 2)
    put(store, 0, 3, "trust")
    rules = (
        "{record: a, expr: '{__name__=~\"doubt|trust\"}', labels: {of: x}}, {alert: A, expr: doubt}"
    )
    one = group(store, rules, options="limit: 1,")
    one.evaluate(0)

    assert ["err", "ok"] == [rule.condition.health for rule in one.rules]
    assert ["firing"] == states(one)


def test_query_offset_looks_back_and_dates_back() -> None:
    """
    A group with an offset evaluates the past, and its series get that time.
    """
    store = MemoryStore()
    put(store, 0, 1)
    put(store, 4 * MINUTE, 2)
    one = group(store, "{record: a, expr: doubt}", options="query_offset: 2m,")
    one.evaluate(5 * MINUTE)
    (found,) = store.select([Matcher("__name__", "=", "a")], -1, 2**62)

    assert ([3 * MINUTE], [1.0]) == (found.times_ms.tolist(), found.values.tolist())


@pytest.mark.parametrize(
    ("waited", "down", "since", "state"),
    [
        (50, 5, 56 + 10 - 60, "pending"),
        (20, 10, 31 - 20, "pending"),
        (65, 10, 0, "firing"),
        (30, 70, 100, "pending"),
    ],
    ids=["less than the grace is left", "in the middle", "fired already", "down for too long"],
)
def test_a_restart_keeps_what_an_alert_has_waited(
    waited: int, down: int, since: int, state: str
) -> None:
    """
    After an outage a pending alert waits on, at least for the grace time; one that fired fires.
    """
    store = MemoryStore()
    rule = "{alert: A, expr: doubt > 0, for: 1h}"
    one = group(store, rule)
    for minute in range(waited + 1):
        put(store, minute * MINUTE, 1)
        one.evaluate(minute * MINUTE)
    again = group(store, rule, restored=False)
    for minute in range(waited + down, waited + down + 3):
        put(store, minute * MINUTE, 1)
        again.evaluate(minute * MINUTE)
    (alert,) = again.alerting[0].alerts()

    assert (since * MINUTE, state) == (alert.active_ms, alert.state)


class FullStore(MemoryStore):
    """A store whose disk is full."""

    def write(self, batch: Batch) -> None:
        """Refuse."""
        raise StoreError(f"no space left for {len(batch)} rows")


def test_series_that_cannot_be_written_are_said() -> None:
    """
    When the store refuses the series of a group, its rules say so and alerts are told all the same.
    """
    store = FullStore()
    told: list[Alert] = []
    put(store, 0, 1)
    one = group(store, "{record: a, expr: doubt}, {alert: A, expr: doubt}", told)
    one.evaluate(0)

    assert ["err", "err"] == [rule.condition.health for rule in one.rules]
    assert "no space left" in one.rules[0].condition.error
    assert ["firing"] == [alert.state for alert in told]


def test_groups_run_at_their_own_times_also_after_a_restart() -> None:
    """
    A group keeps its offset within the interval, and times that were missed are counted.
    """
    store = MemoryStore()
    specs = read_text("groups: [{name: a, rules: [{record: x, expr: '1'}]}]", "rules.yml")
    one, other = (Evaluator(specs, Surroundings(store), now_ms=now) for now in (10**12, 10**12 + 7))
    ((first,), (second,)) = (one.groups, other.groups)
    due = one.due_ms(first)
    one.run(first, due + 150_000)

    assert due == other.due_ms(second)
    assert 10**12 < due <= 10**12 + MINUTE
    assert (2, due + 120_000) == (first.missed, first.evaluated_ms)
    assert due + 180_000 == one.due_ms(first)
