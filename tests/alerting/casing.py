"""This module carries promtool's rule tests out with the evaluator in process."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from tests.alerting.storing import MemoryStore
from tests.query.promql.series import STALE, labels_of

from otel_confidence.alerting.durations import milliseconds
from otel_confidence.alerting.groups import Group, Surroundings
from otel_confidence.alerting.rulefiles import GroupSpec, read_files
from otel_confidence.points import Sample, Series
from otel_confidence.query.promql import Engine
from otel_confidence.query.promql.nodes import selectors_of
from otel_confidence.query.promql.parsing import parse

_STEP = re.compile(
    r"(?P<start>-?[\d.]+(?:e[+-]?\d+)?|NaN|[+-]?Inf|_|stale)"
    r"(?:(?P<sign>[+-])(?P<by>[\d.]+(?:e[+-]?\d+)?))?(?:x(?P<times>\d+))?"
)
Told = tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]
"""Labels and annotations of an alert."""


@dataclass
class Case:
    """One group of promtool's tests."""

    name: str
    rules: Sequence[Path]
    every_ms: int
    spec: dict[str, Any] = field(repr=False)

    def __str__(self) -> str:
        return self.name

    @property
    def evaluations(self) -> int:
        """How often its rules are evaluated."""
        checks = [*self.spec.get("alert_rule_test", []), *self.spec.get("promql_expr_test", [])]
        return max(milliseconds(str(check["eval_time"])) for check in checks) // self.every_ms + 1


def cases(path: Path) -> Iterator[Case]:
    """The cases of a file of rule tests."""
    document = yaml.load(path.read_text(), Loader=yaml.BaseLoader)
    files = [(path.parent / name).resolve() for name in document["rule_files"]]
    every = milliseconds(str(document.get("evaluation_interval", "1m")))
    for number, spec in enumerate(document["tests"]):
        yield Case(f"{path.stem}: {spec.get('name', number)}", files, every, spec)


def values(text: str) -> Iterator[float | None]:
    """The values of a series in promtool's notation; None where there is no sample."""
    for word in text.split():
        found = _STEP.fullmatch(word)
        assert found, word
        times = int(found["times"] or 0)
        if found["start"] == "_":
            yield from [None] * max(times, 1)
            continue
        if found["start"] == "stale":
            yield float(STALE)
            continue
        by = float(found["by"] or 0) * (-1 if found["sign"] == "-" else 1)
        value = float(found["start"])
        yield value
        for _ in range(times):
            value += by
            yield value


def samples(spec: dict[str, Any]) -> list[Sample]:
    """The samples of a case's series."""
    interval = milliseconds(str(spec.get("interval", "1m")))
    return [
        Sample(Series(labels_of(each["series"])), number * interval, value)
        for each in spec["input_series"]
        for number, value in enumerate(values(str(each["values"])))
        if value is not None
    ]


def firing(groups: Sequence[Group], name: str) -> list[Told]:
    """The alerts of one name that fire."""
    return sorted(
        (alert.labels, tuple(sorted(alert.annotations.items())))
        for group in groups
        for rule in group.alerting
        if rule.spec.name == name
        for alert in rule.alerts()
        if alert.state == "firing"
    )


def expected(check: dict[str, Any]) -> list[Told]:
    """The alerts that a case says should fire."""
    return sorted(
        (
            tuple(sorted({**_texts(e, "exp_labels"), "alertname": check["alertname"]}.items())),
            tuple(sorted(_texts(e, "exp_annotations").items())),
        )
        for e in check["exp_alerts"] or []
    )


def _texts(entry: dict[str, Any], key: str) -> dict[str, str]:
    return {name: str(value) for name, value in (entry.get(key) or {}).items()}


def needed(specs: Sequence[GroupSpec], spec: dict[str, Any]) -> list[GroupSpec]:
    """The groups that a case looks at, and those whose series they read."""
    names = {check["alertname"] for check in spec.get("alert_rule_test", [])}
    for check in spec.get("promql_expr_test", []):
        names |= _read(check["expr"])
    found: list[GroupSpec] = []
    while more := [g for g in specs if g not in found and names & {r.name for r in g.rules}]:
        found.extend(more)
        names |= {name for g in more for rule in g.rules for name in _read(rule.expression)}
    return [group for group in specs if group in found]


def _read(expression: str) -> set[str]:
    conditions = selectors_of(parse(expression))
    return {m.value for matchers in conditions for m in matchers if m.label == "__name__"}


def carried_out(case: Case) -> tuple[list[tuple[str, str, list[Told], list[Told]]], Engine]:
    """Each check with what was expected and what there was, and an engine over the samples."""
    store = MemoryStore()
    given = sorted(samples(case.spec), key=lambda sample: sample.time_ms)
    shared = Surroundings(store, external_url=str(case.spec.get("external_url", "")))
    specs = read_files(case.rules, interval_ms=milliseconds(str(case.spec.get("interval", "1m"))))
    groups = [Group(spec, shared, restored=True) for spec in needed(specs, case.spec)]
    checks = case.spec.get("alert_rule_test", [])
    times = [milliseconds(str(check["eval_time"])) for check in checks]
    asked = [milliseconds(str(c["eval_time"])) for c in case.spec.get("promql_expr_test", [])]
    found = []
    for at_ms in range(0, max([*times, *asked]) + 1, case.every_ms):
        while given and given[0].time_ms <= at_ms:
            store.put([given.pop(0)])
        for group in groups:
            group.evaluate(at_ms)
        for check, time in zip(checks, times, strict=True):
            if at_ms <= time < at_ms + case.every_ms:
                got = firing(groups, check["alertname"])
                found.append((check["alertname"], check["eval_time"], expected(check), got))
    return found, Engine(store)
