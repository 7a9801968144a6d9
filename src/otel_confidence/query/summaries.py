"""
This module asks for the key figures by which models are compared.
"""

import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from otel_confidence import conventions as c
from otel_confidence import expressions
from otel_confidence.expressions import PER_MODEL
from otel_confidence.query.calibration import calibrations, no_truth
from otel_confidence.query.questions import Question, Scope, Values
from otel_confidence.stats.calibration import Bins, is_overconfident, overconfidence

FAILED: Final = f'{c.ERROR_TYPE.label}!=""'
"""Matches the calls that raised."""
_MODEL: Final = c.MODEL_NAME.label
_FIRING: Final = ("alertname", "severity")
_GRAVE: Final = ("critical", "page")


@dataclass(frozen=True, slots=True)
class Firing:
    """
    An alert about a model that fires.
    """

    name: str
    severity: str

    @property
    def is_grave(self) -> bool:
        """
        Whether somebody has to get up for it.
        """
        return self.severity in _GRAVE


@dataclass(frozen=True, slots=True)
class ModelSummary:
    """
    One model's key figures within a window; NaN where nothing was reported.
    """

    model: str
    versions: tuple[str, ...]
    """Those in scope that reported, sorted."""
    predictions: float
    mean_confidence: float
    calibration: Bins
    """Over the predictions whose truth is known."""
    error_share: float
    """Share of calls that raised."""
    p95_s: float
    last_seen_s: float
    """Epoch seconds at which it last predicted; NaN when it did not.

    It is known as finely as it reports if that is not long ago, else to a step of the window.
    """
    traffic: Values
    """Predictions per second at the window's times."""
    firing: tuple[Firing, ...] = ()
    """The alerts about it that fire, the graver first."""

    @property
    def is_overconfident(self) -> bool:
        """
        Whether it is surer than it is right by more than chance explains.
        """
        return is_overconfident(self.calibration)


def summaries(question: Question) -> list[ModelSummary]:
    """
    Every model in scope that reported within the window or has an alert that fires.

    Those with alerts come first, the graver ones before the others; then the most overconfident.
    """
    columns = {name: question.column(expr, _MODEL) for name, expr in _columns(question).items()}
    lately = replace(question, within=question.within.last)
    traffic, latest = _traffic(question), _traffic(lately)
    known, alerts = calibrations(question), _firing(question)
    found = []
    for model, versions in (dict.fromkeys(alerts, ()) | reported(question)).items():
        curve = traffic.get(model, _silent(question))
        seen_s = _last_seen(lately, latest.get(model, _silent(lately)))
        summary = ModelSummary(
            model=model,
            versions=versions,
            calibration=known.get(model, no_truth()),
            last_seen_s=_or(seen_s, _last_seen(question, curve)),
            traffic=curve,
            firing=alerts.get(model, ()),
            **_row(columns, model),
        )
        found.append(summary)
    return sorted(found, key=_urgency)


def _firing(question: Question) -> dict[str, tuple[Firing, ...]]:
    """
    By model; of one version, what is about that version or about none.
    """
    alerts = f'ALERTS{{alertstate="firing", {Scope(question.scope.model).conditions[0]}}}'
    labels = (_MODEL, c.MODEL_VERSION.label, *_FIRING)
    found: dict[str, set[Firing]] = {}
    for model, version, name, severity in question.table(
        f"count by ({', '.join(labels)}) ({alerts})", labels
    ):
        if not version or question.scope.version in {"", version}:
            found.setdefault(model, set()).add(Firing(name, severity))
    return {
        model: tuple(sorted(firing, key=lambda each: (not each.is_grave, each.name)))
        for model, firing in found.items()
    }


def _traffic(question: Question) -> dict[str, Values]:
    made = question.selector(c.PREDICTIONS)
    rates = expressions.total(made, question.recent, PER_MODEL, function="rate")
    return {labels.get(_MODEL, ""): values for labels, values in question.curves(rates)}


def _silent(question: Question) -> Values:
    return np.full(len(question.within.times_s), math.nan)


def reported(question: Question) -> dict[str, tuple[str, ...]]:
    """
    The models that reported with their versions, those that have not predicted yet among them.
    """
    labels = (_MODEL, c.MODEL_VERSION.label)
    found: dict[str, set[str]] = {}
    for metric in (c.PREDICTIONS, c.CALIBRATION_PREDICTIONS):
        series = f"last_over_time({question.selector(metric)}[{question.whole}])"
        for model, version in question.table(f"count by ({', '.join(labels)}) ({series})", labels):
            found.setdefault(model, set()).add(version)
    return {model: tuple(sorted(versions - {""})) for model, versions in found.items()}


def _columns(question: Question) -> dict[str, str]:
    def grown(series: str) -> str:
        return expressions.total(series, question.whole, PER_MODEL)

    over, only = question.whole, question.scope.conditions
    calls = grown(question.selector(c.PREDICTION_DURATION, "count"))
    failed = grown(question.selector(c.PREDICTION_DURATION, "count", FAILED))
    return {
        "predictions": grown(question.selector(c.PREDICTIONS)),
        "mean_confidence": expressions.mean(c.PREDICTION_CONFIDENCE, over, PER_MODEL, *only),
        "error_share": expressions.ratio(failed, calls),
        "p95_s": expressions.quantile(0.95, c.PREDICTION_DURATION, over, PER_MODEL, *only),
    }


def _row(columns: dict[str, dict[str, float]], model: str) -> dict[str, float]:
    row = {name: column.get(model, math.nan) for name, column in columns.items()}
    row["predictions"] = _or(row["predictions"], 0.0)
    # A model that never failed has no series of failed calls: no call of it failed.
    if row["predictions"]:
        row["error_share"] = _or(row["error_share"], 0.0)
    return row


def _last_seen(question: Question, traffic: Values) -> float:
    times = question.within.times_s
    busy = times[np.nan_to_num(traffic) > 0]
    if not len(busy):
        return math.nan
    # A rate looks back: it stays above zero for its whole range after the last prediction.
    if busy[-1] == times[-1]:
        return question.within.end
    return float(busy[-1]) - question.within.range_s


def _urgency(summary: ModelSummary) -> tuple[bool, bool, float, float, str]:
    return (
        not any(each.is_grave for each in summary.firing),
        not summary.firing,
        -_or(overconfidence(summary.calibration), -math.inf),
        -summary.predictions,
        summary.model,
    )


def _or(value: float, otherwise: float) -> float:
    return otherwise if math.isnan(value) else value
