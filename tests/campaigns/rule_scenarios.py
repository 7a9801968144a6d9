"""
This module makes what a fleet, its telemetry and its stack report over hours, with faults in it.

Every series that a rule of the repository reads is among it. Models rest, start anew, become
unsure, wrong, slow or failing, and get other features; samples are missing; gauges end or are NaN.
"""

import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from otel_confidence.alerting.overlay import STALE
from otel_confidence.points import Labels

MINUTE_MS = 60_000
START_MS = 1_700_000_040_000
EDGES = (0.2, 0.4, 0.6, 0.8, 1.0)
Points = list[tuple[int, float]]
Growth = Iterator[tuple[dict[str, str], float]]
"""Series by their labels, and how much each grew."""


@dataclass
class Scenario:
    """What goes through both evaluators."""

    files: Sequence[Path]
    series: dict[Labels, Points]
    steps: list[tuple[int, bool]]
    """Times of evaluation in epoch milliseconds, and whether a restart comes before."""


def scenario(
    rng: random.Random, hours: int, files: Sequence[Path], *, every: int = 1, report: int = 1
) -> Scenario:
    """A scenario of several hours, in minutes between evaluations and between samples."""
    minutes = range(0, hours * 60, report)
    series: dict[Labels, Points] = {}
    for model in ("digits", "fraud", "ads"):
        for version in ("1", "2"):
            own = {"ml_model_name": model, "ml_model_version": version}
            series.update(_counted(rng, minutes, partial(_model, own)))
            series.update(_reference(minutes, own))
    series.update(_counted(rng, minutes, _programs))
    series.update(_gauges(rng, minutes))
    return Scenario(files, series, list(_steps(rng, hours * 60, every)))


def _steps(rng: random.Random, minutes: int, every: int) -> Iterator[tuple[int, bool]]:
    at = 0
    restarts = sorted(rng.sample(range(min(60, minutes // 2), minutes), max(2, minutes // 180)))
    while at < minutes:
        restart = bool(restarts) and at >= restarts[0]
        if restart:
            del restarts[0]
            at += rng.choice((0, 3, 20, 50, 75))
        yield START_MS + at * MINUTE_MS, restart
        at += every


def sorted_labels(texts: Mapping[str, str]) -> Labels:
    """Labels in their order, without empty ones."""
    return tuple(sorted((name, value) for name, value in texts.items() if value))


def _gauges(rng: random.Random, minutes: range) -> dict[Labels, Points]:
    gateway = {"job": "otel-gateway", "instance": "otel-gateway:8888"}
    queue = {**gateway, "exporter": "otlp_http/prometheus", "data_type": "metrics"}
    capacity = [(START_MS + minute * MINUTE_MS - 1000, 1.0) for minute in minutes]
    found = {
        sorted_labels({**gateway, "__name__": "up"}): [
            (at, float(math.isnan(value) or value > 0.15)) for at, value in _level(rng, minutes)
        ],
        sorted_labels({**queue, "__name__": "otelcol_exporter_queue_capacity"}): capacity,
        sorted_labels({**queue, "__name__": "otelcol_exporter_queue_size"}): list(
            _level(rng, minutes)
        ),
    }
    for number in range(4):
        labels = {"__name__": "level", "site": f"s{number}", "team": rng.choice(("a", "b", ""))}
        found[sorted_labels(labels)] = list(_level(rng, minutes))
    return found


def _level(rng: random.Random, minutes: range) -> Iterator[tuple[int, float]]:
    value, gone = rng.uniform(0, 1), 0
    for minute in minutes:
        value = min(1.0, max(0.0, value + rng.gauss(0, 0.08)))
        gone = max(0, gone - 1) if gone else (rng.randrange(2, 40) if rng.random() < 0.01 else 0)
        at = START_MS + minute * MINUTE_MS - 1000
        if gone == 1:
            yield at, STALE
        elif not gone:
            yield at, math.nan if rng.random() < 0.003 else round(value, 3)


class _Mood:
    """What a program is like at the moment."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self.change()

    def change(self) -> None:
        """Be like something else."""
        self.sure, self.right = self._rng.uniform(0.3, 0.95), self._rng.uniform(0.3, 0.95)
        self.failing = self._rng.choice((0.0, 0.0, 0.02, 0.3))
        self.slow = self._rng.choice((0.05, 0.2, 0.9))
        self.shift = self._rng.choice((0.0, 0.0, 0.3, 0.8))
        self.liked = self._rng.uniform(0.2, 0.9)
        self.traffic = self._rng.choice((3, 40, 40, 400))


def _counted(
    rng: random.Random, minutes: range, growth: Callable[[random.Random, "_Mood", int], Growth]
) -> dict[Labels, Points]:
    """The counters of a program, which rests, starts anew and changes its mood."""
    rows: dict[Labels, Points] = {}
    totals: dict[Labels, float] = {}
    mood, active = _Mood(rng), True
    for minute in minutes:
        active = active != (rng.random() < 0.005)
        if rng.random() < 0.002:
            totals.clear()  # its process starts anew
        if rng.random() < 0.01:
            mood.change()
        for texts, by in growth(rng, mood, rng.randrange(0, mood.traffic) if active else 0):
            key = sorted_labels(texts)
            totals[key] = totals.get(key, 0.0) + by
            if rng.random() > 0.01:
                rows.setdefault(key, []).append((START_MS + minute * MINUTE_MS - 500, totals[key]))
    return rows


def _model(own: dict[str, str], rng: random.Random, mood: _Mood, made: int) -> Growth:
    """What a version of a model counts."""

    def counter(name: str, by: float, **labels: str) -> tuple[dict[str, str], float]:
        return {**own, "__name__": name, **labels}, by

    failed = round(made * mood.failing)
    for decision, share in (("accept", mood.sure), ("abstain", 1 - mood.sure)):
        for tier in ("low", "high"):
            yield counter(
                "ml_predictions_total", round(made * share / 2),
                ml_prediction_decision=decision, ml_prediction_confidence_tier=tier,
            )  # fmt: skip
    yield counter("ml_prediction_confidence_count", made)
    yield counter("ml_prediction_confidence_sum", round(made * mood.sure, 3))
    yield counter("ml_prediction_duration_seconds_count", made - failed)
    yield counter("ml_prediction_duration_seconds_count", failed, error_type="TimeoutError")
    for edge in (0.1, 0.5, 1.0, 2.5):
        below = made if edge >= mood.slow else 0
        yield counter("ml_prediction_duration_seconds_bucket", below, le=f"{edge:g}")
    yield counter("ml_prediction_duration_seconds_bucket", made, le="+Inf")
    for number, edge in enumerate(EDGES):
        share = made // len(EDGES)
        below = made if edge >= mood.sure else 0
        yield counter("ml_prediction_confidence_bucket", below, le=f"{edge:g}")
        bin_ = {"ml_calibration_bin": f"{edge:g}"}
        yield counter("ml_calibration_predictions_total", share, **bin_)
        yield counter("ml_calibration_confidence_total", share * mood.sure, **bin_)
        yield counter("ml_calibration_correct_total", round(share * mood.right), **bin_)
        yield counter("ml_calibration_squared_error_total", share * 0.1, **bin_)
        moved = share * (1 - mood.shift) + (made * mood.shift if number == 0 else 0)
        yield counter(
            "ml_feature_values_total", round(moved), ml_feature_name="ink",
            ml_feature_bin=str(number), ml_feature_value_state="valid",
        )  # fmt: skip
    yield counter("ml_prediction_confidence_bucket", made, le="+Inf")
    for result, part in (("pass", 1 - mood.failing), ("fail", mood.failing)):
        yield counter(
            "ml_data_quality_checks_total", round(made * part),
            ml_data_quality_check="no_nulls", ml_data_quality_result=result,
        )  # fmt: skip
    yield counter("ml_feedback_score_count", made // 4, ml_feedback_type="overall")
    yield counter("ml_feedback_score_sum", made // 4 * mood.liked, ml_feedback_type="overall")
    outcome = {"ml_prediction_outcome": rng.choice(("correct", "incorrect"))}
    yield counter("ml_prediction_outcomes_total", made // 2, **outcome)


def _reference(minutes: range, own: dict[str, str]) -> dict[Labels, Points]:
    rows = {}
    for number, edge in enumerate(EDGES):
        feature = {
            "__name__": "ml_reference_feature_ratio", "ml_feature_name": "ink",
            "ml_feature_bin": str(number), "ml_feature_value_state": "valid",
        }  # fmt: skip
        sure = {"__name__": "ml_reference_confidence_ratio", "ml_reference_edge": f"{edge:g}"}
        for labels, value in ((feature, 1 / len(EDGES)), (sure, edge)):
            rows[sorted_labels({**own, **labels})] = [
                (START_MS + minute * MINUTE_MS - 800, value) for minute in minutes
            ]
    return rows


def _programs(rng: random.Random, mood: _Mood, made: int) -> Growth:
    """What programs, servers and the stack count of themselves."""
    signal = {"otel_confidence_signal": "event"}
    lost = round(made * mood.failing)
    for name, by, reason in (
        ("records", made, ""), ("dropped", lost, "queue_full"), ("dropped", lost, "max_features"),
    ):  # fmt: skip
        labels = {"__name__": f"otel_confidence_{name}_total", "job": "shop", **signal}
        yield {**labels, "otel_confidence_reason": reason}, by
    own = {"job": "otel-confidence", "instance": "1"}
    for name, by, reason in (("records", made, ""), ("refused", lost, "out_of_bounds")):
        labels = {"__name__": f"otel_confidence_ingest_{name}_total", **own, **signal}
        yield {**labels, "otel_confidence_reason": reason}, by
    seldom = float(mood.failing > 0.1 and rng.random() < 0.2)
    gateway = {"job": "otel-gateway", "instance": "otel-gateway:8888", "exporter": "otlp"}
    yield {"__name__": "otelcol_exporter_send_failed_spans_total", **gateway}, seldom
    prometheus = {"job": "prometheus", "instance": "localhost:9090", "rule_group": "a;b"}
    for what in ("evaluation_failures", "group_iterations_missed"):
        yield {"__name__": f"prometheus_rule_{what}_total", **prometheus}, seldom
    alertmanager = {"job": "stack", "instance": "alertmanager:9093", "integration": "slack"}
    yield {"__name__": "alertmanager_notifications_failed_total", **alertmanager}, seldom
