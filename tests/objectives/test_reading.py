"""
This module checks how objectives are read from YAML, and what is said of wrong ones.
"""

from pathlib import Path
from typing import Any

import pytest

from otel_confidence.errors import ObjectiveError
from otel_confidence.objectives import (
    Accuracy,
    Availability,
    Calibration,
    Confidence,
    ErrorRate,
    Freshness,
    Latency,
    Objective,
    Satisfaction,
    Throughput,
    read,
    read_text,
)

KINDS = """\
objectives:
  - {name: available, kind: availability, target: 99.9%, model: digits, version: 1.10}
  - {name: fast, kind: latency, within: 250ms, target: 0.99, service: shop, window: 4w}
  - {name: sure, kind: confidence, at_least: 0.8, target: 0.9, min_events: 20}
  - {name: right, kind: accuracy, target: 0.95, where: {region: eu}, labels: {team: vision}}
  - {name: honest, kind: calibration, at_most: 0.05, over: 6h, target: 0.9, window: 7d}
  - {name: liked, kind: satisfaction, above: 0.7, type: overall, source: end_user, target: 0.8}
  - {name: sound, kind: error_rate, severities: [high, critical], target: 0.999}
  - {name: busy, kind: throughput, per_minute: 10, target: 0.99}
  - {name: fresh, kind: freshness, of: truth, within: 1d, target: 0.99, description: Truth.}
"""


def one(entry: str) -> str:
    """
    A file of one objective.
    """
    return f"objectives:\n  - {entry}\n"


def complaints(text: str) -> list[str]:
    """
    What is said of a wrong file, line by line.
    """
    with pytest.raises(ObjectiveError) as refused:
        read_text(text, "f.yaml")
    return str(refused.value).splitlines()


def test_every_kind_is_read() -> None:
    """
    Each kind has its fields; lengths of time, percentages and versions are read as written.
    """
    made = read_text(KINDS)

    given: list[dict[str, Any]] = [
        {"name": "available", "indicator": Availability(), "target": 0.999, "model": "digits",
         "version": "1.10"},
        {"name": "fast", "indicator": Latency(0.25), "target": 0.99, "service": "shop",
         "window_days": 28},
        {"name": "sure", "indicator": Confidence(0.8), "target": 0.9, "min_events": 20},
        {"name": "right", "indicator": Accuracy(), "target": 0.95, "where": {"region": "eu"},
         "labels": {"team": "vision"}},
        {"name": "honest", "indicator": Calibration(0.05, 21600.0), "target": 0.9,
         "window_days": 7},
        {"name": "liked", "indicator": Satisfaction(0.7, "overall", "end_user"), "target": 0.8},
        {"name": "sound", "indicator": ErrorRate(("high", "critical")), "target": 0.999},
        {"name": "busy", "indicator": Throughput(10.0), "target": 0.99},
        {"name": "fresh", "indicator": Freshness("truth", 86400.0), "target": 0.99,
         "description": "Truth."},
    ]  # fmt: skip
    assert [Objective(**fields) for fields in given] == list(made)


def test_thresholds_of_the_programs_are_edges() -> None:
    """
    What the file calls thresholds may be a bound of confidence.
    """
    text = "thresholds: [0.75]\n" + one("{name: n, kind: confidence, at_least: 0.75, target: 0.9}")

    assert Confidence(0.75) == read_text(text)[0].indicator


def test_common_fields_are_merged() -> None:
    """
    YAML's anchors and merge keys save repetition; what an entry says itself wins.
    """
    text = (
        "objectives:\n"
        "  - &base {name: a, kind: accuracy, target: 0.9, model: m}\n"
        "  - {<<: *base, name: b, target: 0.8}\n"
    )

    assert [("m-a", 0.9), ("m-b", 0.8)] == [(each.id, each.target) for each in read_text(text)]


@pytest.mark.parametrize(
    ("entry", "place", "remedy"),
    [
        ("{name: n, kind: accuracy, target: 99}", "2:39: objectives[0].target", "write 99%"),
        ("{name: n, kind: accuracy, target: a}", "2:39: objectives[0].target", "got 'a'"),
        ("{name: n, kind: accuracy}", "2:5: objectives[0]", "needs target"),
        ("{kind: latency, target: 0.9}", "2:5: objectives[0]", "needs name and within"),
        ("{name: n, target: 0.9}", "2:5: objectives[0]", "needs kind: one of availability"),
        ("{name: n, kind: speed, target: 0.9}", "2:21: objectives[0].kind", "got 'speed'"),
        ("{name: n, kind: accuracy, target: 0.9, goal: 1}", "2:50: objectives[0].goal",
         "is no field of kind accuracy; there are name, kind, target"),
        ("{name: n, kind: accuracy, target: 0.9, model: [a]}", "2:51: objectives[0].model",
         "must be text, got a list"),
        ("{name: n, kind: accuracy, target: 0.9, window: 31d}", "2:52: objectives[0].window",
         "7d, 28d, 30d, got 31d"),
        ("{name: n, kind: accuracy, target: 0.9, window: month}", "2:52: objectives[0].window",
         "must be 7d, 28d or 30d"),
        ("{name: n, kind: latency, target: 0.9, within: soon}", "2:51: objectives[0].within",
         "250ms, 5s or 1h"),
        ("{name: n, kind: latency, target: 0.9, within: 200ms}", "2:51: objectives[0].within",
         "take 0.1 or 0.25"),
        ("{name: n, kind: accuracy, target: 0.9, min_events: many}",
         "2:56: objectives[0].min_events", "a whole number"),
        ("{name: n, kind: accuracy, target: 0.9, labels: x}", "2:52: objectives[0].labels",
         "must be a mapping"),
        ("[1]", "2:5: objectives[0]", "must be a mapping"),
        ("{name: n, kind: accuracy, kind: latency}", "2:31: objectives[0].kind", "given twice"),
    ],
)  # fmt: skip
def test_a_wrong_field_is_found_in_its_line(entry: str, place: str, remedy: str) -> None:
    """
    File, line, column and field stand before what is wrong and what would be right.
    """
    told = complaints(one(entry))

    assert 1 == len(told)
    assert told[0].startswith(f"f.yaml:{place}: ")
    assert remedy in told[0]


def test_everything_wrong_is_said_at_once() -> None:
    """
    Each wrong objective of a file is reported, and each wrong field that can be told by itself.
    """
    told = complaints(
        "objectives:\n"
        "  - {name: n, kind: accuracy, target: x, goal: 1}\n"
        "  - {name: n, kind: latency, target: 0.9}\n"
        "extra: 1\n"
    )

    assert ["f.yaml:4:8", "f.yaml:2:39", "f.yaml:2:48", "f.yaml:3:5"] == [
        ":".join(line.split(":")[:3]) for line in told
    ]


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        (
            "{name: n n, kind: speed, target: 190%, window: 27d, goal: 1, min_events: 0}",
            {
                "kind: must be one of availability",
                "target: must be above 0% and below 100%, got 190%",
                "window: must be one of 7d, 28d, 30d, got 27d",
                "goal: is no field of any kind; there are name,",
                "name: must be made of letters",
            },
        ),
        (
            "{target: 99, version: 2, kind: accuracy, min_event: 5, min_events: 0}",
            {
                "target: must be within 0..1, ends excluded, got 99.0 (percent? write 99%)",
                "version: belongs to a model: name it too",
                "min_event: is no field of kind accuracy",
                "min_events: must be a whole number of at least 1, got 0",
                " needs name",
            },
        ),
        (
            "{name: n, kind: satisfaction, above: 2, type: a, source: b, target: 0.9, window: 2d}",
            {
                "above: must be within 0..1",
                "type: must be one of task_completion",
                "source: must be one of end_user",
                "window: must be one of 7d, 28d, 30d, got 2d",
            },
        ),
        (
            "{name: n, kind: latency, within: x, target: 0.9, model: [a], version: 1, window: 1d}",
            {
                "within: must be a time such as",
                "model: must be text, got a list",
                "window: must be one of 7d, 28d, 30d, got 1d",
            },
        ),
        (
            "{name: n, kind: accuracy, target: 1, labels: {a-b: x, le: x}, where: {'---': x}}",
            {
                "target: must be within",
                "labels: must be made of",
                "labels: 'le' is a label of the rules",
                "where: ",
            },
        ),
    ],
    ids=["a wrong kind", "a field that is none", "an indicator", "unreadable fields", "labels"],
)
def test_everything_wrong_with_one_objective_is_said(entry: str, told: set[str]) -> None:
    """
    One wrong field hides no other, neither a kind that is none nor a field that can't be read.
    """
    found = complaints(one(entry))

    assert [] == [part for part in told if not any(part in line for line in found)], found
    assert len(told) == len(found), found


def test_two_of_one_id_are_told_with_both_lines() -> None:
    """
    The second of two objectives with one id is refused, and the first one's line named.
    """
    entry = "  - {name: n, kind: accuracy, target: 0.9}\n"

    assert ["f.yaml:3:12: objectives[1].name: 'fleet-n' is in line 2 already: rename one"] == (
        complaints(f"objectives:\n{entry}{entry}")
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("objectives: [", "f.yaml: line 1, column 14: no YAML"),
        ("\x00", "f.yaml: no YAML"),
        ("", "f.yaml: holds no objectives"),
        ("objectives: []", "f.yaml: holds no objectives"),
        ("a: 1", "f.yaml:1:4: a: is unknown; there are objectives and thresholds"),
        ("- 1", "f.yaml:1:1: must be a mapping"),
        ("objectives: &a [*a]", "f.yaml:1:13: objectives[0]: refers to itself"),
        ("objectives: {1: 2, [3]: 4}", "f.yaml:1:13: objectives: has a key that is no text"),
        ("objectives: !!python/object:os.system {}", "f.yaml:1:13: objectives: must be a list"),
    ],
)
def test_a_file_that_holds_no_objectives_is_refused(text: str, told: str) -> None:
    """
    What is no YAML, no mapping or empty is said to be so.
    """
    assert told in complaints(text)[0]


def test_a_file_of_references_does_not_explode() -> None:
    """
    A small file whose references multiply is refused instead of filling the memory.
    """
    layers = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]\n" for n in range(1, 9))

    assert "too many values" in complaints(f"l0: &l0 [a]\n{layers}")[0]


def test_a_file_is_read(tmp_path: Path) -> None:
    """
    A path is read, and named where it cannot be.
    """
    path = tmp_path / "o.yaml"
    path.write_text(KINDS)

    assert 9 == len(read(path))
    with pytest.raises(ObjectiveError, match=r"missing\.yaml: cannot be read"):
        read(tmp_path / "missing.yaml")
