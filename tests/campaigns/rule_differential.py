"""
This module compares the evaluator of rules with Prometheus's own over a simulated day.

Run ``python -m tests.campaigns.rule_differential --hours 24``; with ``--hours 216 --every 60
--report 20`` rules that look back for a week have something to say. The same samples, with gaps,
resets and ends, and the same rule files go through both with restarts in between; every alert at
every evaluation and every sample that the rules made is compared. Prometheus's side is a small Go
program over its packages, which ``tools/stack_tools.py`` builds.
"""

import argparse
import json
import logging
import math
import random
import struct
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from tests.alerting.storing import MemoryStore
from tests.campaigns.rule_scenarios import (
    MINUTE_MS,
    START_MS,
    Points,
    Scenario,
    scenario,
    sorted_labels,
)
from tools import stack_tools

from otel_confidence.alerting.groups import Group, Surroundings
from otel_confidence.alerting.overlay import STALE
from otel_confidence.alerting.rulefiles import GroupSpec, read_files
from otel_confidence.points import Labels, Sample, Series

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
RULER = next(each for each in stack_tools.SERVICES if each.name == "ruler")
FILES = [HERE / "ruler" / "rules.yml", *sorted(ROOT.glob("prometheus/rules/*.yml"))]
EXTERNAL_URL = "http://127.0.0.1:9/prometheus"


@dataclass
class Outcome:
    """What an evaluator made of a scenario."""

    alerts: list[list[dict[str, Any]]] = field(default_factory=list)
    errors: list[dict[str, str]] = field(default_factory=list)
    series: dict[Labels, Points] = field(default_factory=dict)


def ours(given: Scenario) -> Outcome:
    """What the evaluator of this project makes of it."""
    store, outcome = MemoryStore(), Outcome()
    waiting = sorted(
        ((at, labels, value) for labels, points in given.series.items() for at, value in points),
        key=lambda row: row[0],
    )
    specs = sorted(read_files(given.files), key=lambda spec: spec.name)
    groups: list[Group] = []
    position = evaluations = 0
    for at_ms, restart in given.steps:
        if restart or not groups:
            groups = _groups(specs, store)
            evaluations = 0
        taken = position
        while position < len(waiting) and waiting[position][0] <= at_ms:
            position += 1
        store.put(Sample(Series(k), at, value) for at, k, value in waiting[taken:position])
        evaluations += 1
        for group in groups:
            group.evaluate(at_ms)
        outcome.alerts.append([each for group in groups for each in _alerts(group)])
        outcome.errors.append(_errors(groups))
    inputs = {dict(labels)["__name__"] for labels in given.series}
    for each in store.select([], 0, 2**62):
        if dict(each.labels)["__name__"] not in inputs:
            points = zip(each.times_ms.tolist(), each.values.tolist(), strict=True)
            outcome.series[each.labels] = list(points)
    return outcome


def _groups(specs: Sequence[GroupSpec], store: MemoryStore) -> list[Group]:
    return [Group(spec, Surroundings(store, external_url=EXTERNAL_URL)) for spec in specs]


def _alerts(group: Group) -> Iterator[dict[str, Any]]:
    for rule in group.alerting:
        for alert in rule.alerts():
            yield {
                "labels": dict(alert.labels),
                "annotations": alert.annotations,
                "state": alert.state,
                "active_ms": alert.active_ms,
                "value": alert.value,
                "kept": alert.kept_since_ms is not None,
            }


def _errors(groups: Sequence[Group]) -> dict[str, str]:
    return {
        f"{group.spec.name}/{rule.spec.name}": rule.condition.error
        for group in groups
        for rule in group.rules
        if rule.condition.error
    }


def theirs(given: Scenario, ruler: Path) -> Outcome:
    """What Prometheus makes of it."""
    asked = {
        "files": [str(path) for path in given.files],
        "external_url": EXTERNAL_URL,
        "steps": [{"at": at, "restart": restart} for at, restart in given.steps],
        "series": [
            {
                "labels": dict(labels),
                "times": [at for at, _ in points],
                "bits": [str(_bits(value)) for _, value in points],
            }
            for labels, points in given.series.items()
        ],
    }
    done = subprocess.run(
        [str(ruler)], input=json.dumps(asked).encode(), capture_output=True, check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr.decode())
    said = json.loads(done.stdout)
    for alert in (alert for alerts in said["alerts"] for alert in alerts):
        alert["value"] = _number(alert.pop("bits"))
    series = {
        sorted_labels(each["labels"]): list(
            zip(each["times"], map(_number, each["bits"]), strict=True)
        )
        for each in said["series"]
    }
    return Outcome(said["alerts"], said["errors"], series)


def _bits(value: float) -> int:
    return int(np.float64(value).view(np.uint64))


def _number(text: str) -> float:
    (value,) = struct.unpack("<d", struct.pack("<Q", int(text)))
    return float(value)


def differences(given: Scenario, left: Outcome, right: Outcome) -> Iterator[str]:
    """Where two outcomes differ, each place in a sentence."""
    for number, (at, _) in enumerate(given.steps):
        minute = (at - START_MS) // MINUTE_MS
        seen, wanted = (_by_labels(each.alerts[number]) for each in (left, right))
        for key in sorted(seen.keys() | wanted.keys()):
            if not _alike(seen.get(key), wanted.get(key)):
                yield f"minute {minute}, alert {key}: {seen.get(key)} instead of {wanted.get(key)}"
        if left.errors[number].keys() != right.errors[number].keys():
            yield f"minute {minute}: {left.errors[number]} instead of {right.errors[number]}"
    for labels in sorted(left.series.keys() | right.series.keys()):
        one, other = dict(left.series.get(labels, [])), dict(right.series.get(labels, []))
        for at in sorted(one.keys() | other.keys()):
            if at not in one or at not in other or not _close(one[at], other[at]):
                minute = (at - START_MS) // MINUTE_MS
                yield f"minute {minute}, {labels}: {one.get(at)} instead of {other.get(at)}"


def _by_labels(alerts: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {json.dumps(alert["labels"], sort_keys=True): alert for alert in alerts}


def _alike(one: dict[str, Any] | None, other: dict[str, Any] | None) -> bool:
    if one is None or other is None:
        return one is other
    names = ("annotations", "state", "active_ms", "kept")
    return all(one[name] == other[name] for name in names) and _close(one["value"], other["value"])


def _close(one: float, other: float) -> bool:
    if math.isnan(one) or math.isnan(other):
        stale = _bits(STALE)
        both = math.isnan(one) and math.isnan(other)
        return both and (_bits(one) == stale) == (_bits(other) == stale)
    return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)


def main() -> int:
    """Compare, and say what differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=int, default=24)
    parser.add_argument("--every", type=int, default=1, help="minutes between evaluations")
    parser.add_argument("--report", type=int, default=1, help="minutes between samples")
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rules", nargs="*", type=Path, default=[])
    given = parser.parse_args()
    stack_tools.ensure(RULER, stack_tools.tools_folder())
    files = given.rules or FILES
    logging.disable(logging.WARNING)  # rules that fail on purpose say so at every evaluation
    wrong = evaluations = firing = made = 0
    told: set[str] = set()
    recorded: set[str] = set()
    for number in range(given.times):
        one = scenario(
            random.Random(f"{given.seed}.{number}"),
            given.hours,
            files,
            every=given.every,
            report=given.report,
        )
        right = theirs(one, stack_tools.binary("ruler"))
        left = ours(one)
        found = list(differences(one, left, right))
        wrong, evaluations = wrong + len(found), evaluations + len(one.steps)
        firing += sum(a["state"] == "firing" for alerts in right.alerts for a in alerts)
        made += sum(map(len, right.series.values()))
        told |= {a["labels"]["alertname"] for alerts in right.alerts for a in alerts}
        recorded |= {dict(labels)["__name__"] for labels in right.series}
        sys.stdout.writelines(f"time {number}, {text}\n" for text in found[:20])
    rules = [rule for spec in read_files(files) for rule in spec.rules]
    silent = {rule.name for rule in rules} - told - recorded
    sys.stdout.write(f"rules that gave nothing: {', '.join(sorted(silent)) or 'none'}\n")
    sys.stdout.write(
        f"{evaluations} evaluations of {len(read_files(files))} groups over {given.times} x "
        f"{given.hours} h: {firing} firing alerts and {made} samples compared, "
        f"{wrong} disagreements\n"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
