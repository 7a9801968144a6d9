"""
This module checks that rules and dashboards name only metrics and labels that exist.
"""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.generate.foreign import FOREIGN, RESOURCE
from tests.generate.panels import asked

from otel_confidence.conventions import METRICS
from otel_confidence.query.promql.nodes import Aggregate, Selector, nodes
from otel_confidence.query.promql.parsing import parse

ROOT = Path(__file__).parent.parent.parent
RULE_FILES = sorted((ROOT / "prometheus" / "rules").glob("*.yml"))
PARTS = {"histogram": ("_bucket", "_sum", "_count")}


@cache
def known_series() -> dict[str, set[str]]:
    """
    Labels by series: those of the table of signals and those that the rules record.
    """
    known = {name: labels | RESOURCE for name, labels in FOREIGN.items()}
    for metric in METRICS:
        labels = {attribute.label for attribute in metric.attributes} | RESOURCE
        for part in PARTS.get(metric.kind, ("",)):
            known[metric.prometheus + part] = labels | ({"le"} if part == "_bucket" else set())
    for rule in recordings():
        labels = known.setdefault(rule["record"], set())
        named = re.findall(r"[\w:]+", rule["expr"])
        labels |= {*named, *rule.get("labels", {})}
        labels |= {label for name in named if ":" in name for label in known.get(name, ())}
    return known


def recordings() -> list[dict[str, Any]]:
    return [rule for rule in all_rules() if "record" in rule]


@cache
def all_rules() -> list[dict[str, Any]]:
    return [
        rule
        for path in RULE_FILES
        for group in yaml.safe_load(path.read_text())["groups"]
        for rule in group["rules"]
    ]


def linked() -> list[str]:
    """
    What Grafana asks Prometheus when somebody goes on from a span, with its tags put in.
    """
    path = ROOT / "grafana" / "provisioning" / "datasources" / "otel-confidence.yaml"
    sources = yaml.safe_load(path.read_text())
    found = [source["jsonData"].get("tracesToMetrics", {}) for source in sources["datasources"]]
    return [
        query["query"].replace("$$__tags", ",".join(f'{tag["value"]}="x"' for tag in each["tags"]))
        for each in found
        for query in each.get("queries", [])
    ]


def expressions() -> list[str]:
    return [
        *(rule["expr"] for rule in all_rules()),
        *(query.expression for query in asked()),
        *linked(),
    ]


def meant(node: Selector, known: dict[str, set[str]]) -> list[str]:
    """
    The series of a selector; one without a name says by an expression which names it means.
    """
    if node.name:
        return [node.name]
    pattern = next(m.value for m in node.matchers if m.label == "__name__")
    return [name for name in known if re.fullmatch(pattern, name)] or [pattern]


def unknown_names(expression: str, known: dict[str, set[str]]) -> Iterator[str]:
    for node in nodes(parse(expression)):
        if isinstance(node, Selector):
            names = meant(node, known)
            yield from (name for name in names if name not in known)
            labels = set().union(*(known.get(name, set()) for name in names))
            asked = {matcher.label for matcher in node.matchers} - {"__name__"}
            yield from (f"{node.name}{{{label}}}" for label in asked - labels)
        if isinstance(node, Aggregate):
            below = [each for each in nodes(node) if isinstance(each, Selector)]
            for name in {name for each in below for name in meant(each, known)}:
                lost = set(node.grouping.labels) - known.get(name, set())
                yield from (f"by ({label}) of {name}" for label in lost)


def test_there_is_something_to_check() -> None:
    """
    Rules, recordings and panels are found, so that an empty folder does not pass.
    """
    assert len(recordings()) > 10
    assert len(asked()) > 100
    assert linked()


@pytest.mark.parametrize("expression", expressions())
def test_every_metric_and_label_exists(expression: str) -> None:
    """
    Each selector and each grouping names series and labels of the table of signals.
    """
    unknown = list(unknown_names(expression, known_series()))

    assert [] == unknown


@pytest.mark.parametrize(
    ("expression", "complaint"),
    [
        ("ml_prediction_confidence", "ml_prediction_confidence"),
        ('ml_predictions_total{model="m"}', "ml_predictions_total{model}"),
        ("sum by (le) (ml_predictions_total)", "by (le) of ml_predictions_total"),
    ],
)
def test_the_check_finds_wrong_names(expression: str, complaint: str) -> None:
    """
    A histogram without its suffix, a foreign label and a lost grouping label are complained of.
    """
    assert [complaint] == list(unknown_names(expression, known_series()))


def test_pages_name_only_recordings_that_exist() -> None:
    """
    A recording rule that the README or a page of the documentation names is written.
    """
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    named = {
        name for page in pages for name in re.findall(r"\b\w+:ml_\w+:\w+", page.read_text("utf-8"))
    }

    assert named
    assert set() == named - {rule["record"] for rule in recordings()}


def test_labels_in_annotations_exist() -> None:
    """
    Alert texts use only labels that their expression leaves.
    """
    known = known_series()
    astray = [
        (rule["alert"], label)
        for rule in all_rules()
        if "alert" in rule
        for label in re.findall(r"\$labels\.(\w+)", str(rule["annotations"]))
        for node in nodes(parse(rule["expr"]))
        if isinstance(node, Selector)
        for name in meant(node, known)
        if label not in known[name]
    ]

    assert [] == astray
