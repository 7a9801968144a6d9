"""
This module compares the evaluator of rules with Prometheus's own over a simulated day.

Run ``python -m tests.campaigns.rule_differential --hours 24``. The same samples, with gaps, resets
and ends, and the same rule files go through both, minute by minute, with restarts in between; every
alert at every minute and every sample that the rules made is compared. Prometheus's side is a small
Go program over its packages, which is built once.
"""

import argparse
import json
import math
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from tests.alerting.storing import MemoryStore
from tools import stack_tools

from otel_confidence.alerting.groups import Group, Surroundings
from otel_confidence.alerting.overlay import STALE
from otel_confidence.alerting.rulefiles import GroupSpec, read_files
from otel_confidence.points import Labels, Sample, Series

MINUTE_MS = 60_000
START_MS = 1_700_000_040_000
HERE = Path(__file__).parent
ROOT = HERE.parent.parent
PROMETHEUS = next(each for each in stack_tools.SERVICES if each.name == "prometheus")
EXTERNAL_URL = "http://127.0.0.1:9/prometheus"
Points = list[tuple[int, float]]


@dataclass
class Scenario:
    """What goes through both."""

    files: Sequence[Path]
    series: dict[Labels, Points]
    steps: list[tuple[int, bool]]
    """Times of evaluation in epoch milliseconds, and whether a restart comes before."""


@dataclass
class Outcome:
    """What an evaluator made of a scenario."""

    alerts: list[list[dict[str, Any]]] = field(default_factory=list)
    errors: list[dict[str, str]] = field(default_factory=list)
    series: dict[Labels, Points] = field(default_factory=dict)


def scenario(rng: random.Random, hours: int, files: Sequence[Path]) -> Scenario:
    """A scenario of several hours."""
    minutes = hours * 60
    series: dict[Labels, Points] = {}
    for model in ("digits", "fraud", "ads"):
        for version in ("1", "2"):
            series.update(
                _model(rng, minutes, {"ml_model_name": model, "ml_model_version": version})
            )
    for number in range(4):
        labels = {"__name__": "level", "site": f"s{number}", "team": rng.choice(("a", "b", ""))}
        series[_labels(labels)] = list(_level(rng, minutes))
    steps, at = [], 0
    restarts = sorted(rng.sample(range(60, minutes), max(2, hours // 3)))
    while at < minutes:
        restart = bool(restarts) and at >= restarts[0]
        if restart:
            del restarts[0]
            at += rng.choice((0, 3, 20, 50, 75))
        steps.append((START_MS + at * MINUTE_MS, restart))
        at += 1
    return Scenario(files, series, steps)


def _labels(texts: Mapping[str, str]) -> Labels:
    return tuple(sorted((name, value) for name, value in texts.items() if value))


def _level(rng: random.Random, minutes: int) -> Iterator[tuple[int, float]]:
    value, gone = rng.uniform(0, 1), 0
    for minute in range(minutes):
        value = min(1.0, max(0.0, value + rng.gauss(0, 0.08)))
        gone = max(0, gone - 1) if gone else (rng.randrange(2, 40) if rng.random() < 0.01 else 0)
        at = START_MS + minute * MINUTE_MS - 1000
        if gone == 1:
            yield at, STALE
        elif not gone:
            yield at, math.nan if rng.random() < 0.003 else round(value, 3)


def _model(rng: random.Random, minutes: int, labels: dict[str, str]) -> dict[Labels, Points]:
    names = (
        "ml_prediction_confidence_count", "ml_prediction_confidence_sum", "ml_predictions_total",
    )  # fmt: skip
    bins = [f"{edge / 10:g}" for edge in range(6, 11)]
    rows: dict[Labels, Points] = {}
    totals: dict[Labels, float] = {}
    sure, right, active = rng.uniform(0.4, 0.9), rng.uniform(0.4, 0.9), True
    for minute in range(minutes):
        at = START_MS + minute * MINUTE_MS - 500
        if rng.random() < 0.005:
            active = not active
        if rng.random() < 0.002:
            totals.clear()  # its process starts anew
        if rng.random() < 0.01:
            sure, right = rng.uniform(0.3, 0.95), rng.uniform(0.3, 0.95)
        made = rng.randrange(0, 40) if active else 0
        moved = {_labels({**labels, "__name__": names[0]}): made,
                 _labels({**labels, "__name__": names[1]}): round(made * sure, 3),
                 _labels({**labels, "__name__": names[2]}): made}  # fmt: skip
        for edge in bins:
            share = made // len(bins)
            own = {**labels, "ml_calibration_bin": edge}
            counted = {
                "predictions": share,
                "confidence": share * sure,
                "correct": round(share * right),
                "squared_error": share * 0.1,
            }
            for name, by in counted.items():
                moved[_labels({**own, "__name__": f"ml_calibration_{name}_total"})] = by
        for key, by in moved.items():
            totals[key] = totals.get(key, 0.0) + by
            if rng.random() > 0.01:
                rows.setdefault(key, []).append((at, totals[key]))
    return rows


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
        _labels(each["labels"]): list(zip(each["times"], map(_number, each["bits"]), strict=True))
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


def binary() -> Path:
    """Where the Go program is, once it is built."""
    return stack_tools.tools_folder() / f"ruler-{PROMETHEUS.version}"


def built() -> Path:
    """The Go program, built if it is not there yet."""
    target = binary()
    source = HERE / "ruler" / "main.go"
    if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
        return target
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(source, folder)
        for words in (
            ["mod", "init", "ruler"],
            ["mod", "edit", f"-require={PROMETHEUS.module}@{PROMETHEUS.module_version}"],
            ["build", "-mod=mod", "-trimpath", f"-tags={PROMETHEUS.tags}", "-o", str(target), "."],
        ):
            subprocess.run(
                ["nice", "go", *words], cwd=folder, check=True, env={**_environment()},
                capture_output=True,
            )  # fmt: skip
    return target


def _environment() -> dict[str, str]:
    return {**os.environ, "CGO_ENABLED": "0"}


def main() -> int:
    """Compare, and say what differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=int, default=24)
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rules", nargs="*", type=Path, default=[])
    given = parser.parse_args()
    files = given.rules or [
        HERE / "ruler" / "rules.yml",
        *sorted(ROOT.glob("prometheus/rules/*.yml")),
    ]
    wrong = evaluations = firing = made = 0
    for number in range(given.times):
        one = scenario(random.Random(f"{given.seed}.{number}"), given.hours, files)
        right = theirs(one, built())
        left = ours(one)
        found = list(differences(one, left, right))
        wrong, evaluations = wrong + len(found), evaluations + len(one.steps)
        firing += sum(a["state"] == "firing" for alerts in right.alerts for a in alerts)
        made += sum(map(len, right.series.values()))
        sys.stdout.writelines(f"time {number}, {text}\n" for text in found[:20])
    sys.stdout.write(
        f"{evaluations} evaluations of {len(read_files(files))} groups over {given.times} x "
        f"{given.hours} h: {firing} firing alerts and {made} samples compared, "
        f"{wrong} disagreements\n"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
