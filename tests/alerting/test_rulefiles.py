"""
This module checks what is said of rule files.
"""

from pathlib import Path

import pytest

from otel_confidence.alerting.durations import duration_text, milliseconds
from otel_confidence.alerting.rulefiles import read_files, read_text
from otel_confidence.errors import ConfigurationError

RULE = "{record: a, expr: up}"


def test_a_group_is_read_as_prometheus_reads_it() -> None:
    """
    Durations, limits, labels of the group and of the rule, and scalars of any type are texts.
    """
    text = """
groups:
  - name: g
    interval: 1m30s
    query_offset: 2m
    limit: 3
    labels: {team: a, severity: info}
    rules:
      - alert: A
        expr: 1
        for: 1h
        keep_firing_for: 5m
        labels: {severity: yes, level: 1.0}
        annotations: {at: 12:30}
"""
    (group,) = read_text(text, "g.yml")
    (rule,) = group.rules

    assert (90_000, 120_000, 3) == (group.interval_ms, group.query_offset_ms, group.limit)
    assert (True, "A", "1", 3_600_000, 300_000) == (
        rule.alerting, rule.name, rule.expression, rule.hold_ms, rule.keep_ms,
    )  # fmt: skip
    assert {"team": "a", "severity": "yes", "level": "1.0"} == rule.labels
    assert {"at": "12:30"} == rule.annotations


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("groups: [", "2:1: did not find expected node content"),
        ("groups: {}", "1:9: groups: expected a sequence"),
        ("other: 1", "1:8: field other not known; known: groups"),
        ("groups: [{rules: []}]", "1:10: Groupname must not be empty"),
        (f"groups: [{{name: g, rules: [{RULE}]}}, {{name: g}}]",
         '1:53: groupname: "g" is repeated in the same file'),
        ("groups: [{name: g, interval: 5}]", 'group "g", interval: not a valid duration string'),
        ("groups: [{name: g, limit: a}]", "limit must be a whole number, got 'a'"),
        ("groups: [{name: g, rules: [{expr: up}]}]",
         "rule 1, \"\": one of 'record' or 'alert' must be set"),
        ("groups: [{name: g, rules: [{alert: A, record: b, expr: up}]}]",
         "only one of 'record' and 'alert' must be set"),
        ("groups: [{name: g, rules: [{alert: A}]}]", "field 'expr' must be set in rule"),
        ("groups: [{name: g, rules: [{alert: A, expr: 'up)'}]}]", "could not parse expression"),
        ("groups: [{name: g, rules: [{record: a, expr: up, for: 1m}]}]",
         "invalid field 'for' in recording rule"),
        ("groups: [{name: g, rules: [{record: 'a{}', expr: up}]}]", "braces present"),
        ("groups: [{name: g, rules: [{alert: A, expr: up, labels: {__name__: x}}]}]",
         "invalid label name: __name__"),
        ("groups: [{name: g, rules: [{alert: A, expr: up, wait: 1m}]}]", "field wait not known"),
        ("groups: [{name: g, rules: [{alert: A, alert: B, expr: up}]}]",
         'mapping key "alert" already defined'),
    ],
    ids=lambda text: text[:60],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_place(text: str, fault: str) -> None:
    """
    A fault is named with file, line, column, group and rule.
    """
    with pytest.raises(ConfigurationError) as raised:
        read_text(text, "g.yml")

    assert "g.yml:" in str(raised.value)
    assert fault in str(raised.value)


def test_all_faults_of_all_files_are_said_at_once(tmp_path: Path) -> None:
    """
    Every wrong file and rule is named, not just the first.
    """
    for name in ("a", "b"):
        (tmp_path / f"{name}.yml").write_text("groups: [{name: g, rules: [{alert: A}, {expr: 1}]}]")

    with pytest.raises(ConfigurationError) as raised:
        read_files(sorted(tmp_path.iterdir()))

    assert 4 == str(raised.value).count("rule ")


def test_merges_of_yaml_are_followed() -> None:
    """
    Anchors, aliases and merge keys work in rule files.
    """
    text = """
groups:
  - name: g
    rules:
      - &first {alert: A, expr: up, labels: {severity: info}}
      - {<<: *first, alert: B}
"""
    (group,) = read_text(text, "g.yml")

    assert ["A", "B"] == [rule.name for rule in group.rules]
    assert {"severity": "info"} == group.rules[1].labels


@pytest.mark.parametrize("text", ["1y2w3d4h5m6s7ms", "90m", "1d", "0"])
def test_durations_are_those_of_prometheus(text: str) -> None:
    """
    A duration is read into milliseconds and written in the fewest units.
    """
    length_ms = milliseconds(text)

    assert length_ms == milliseconds(duration_text(length_ms))
    assert {"90m": "1h30m", "1d": "1d", "0": "0s"}.get(text, "") in duration_text(length_ms)


@pytest.mark.parametrize("text", ["", "5", "1.5h", "1m1h", "-1m", "999999y"])
def test_other_durations_are_refused(text: str) -> None:
    """
    What Prometheus does not take for a duration is refused.
    """
    with pytest.raises(ValueError, match="duration"):
        milliseconds(text)
