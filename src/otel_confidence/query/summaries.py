"""
This module asks for the key figures by which models are compared.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from otel_confidence import conventions as c
from otel_confidence.query.questions import Question, Values

FAILED: Final = f'{c.ERROR_TYPE.label}!=""'
"""Matches the calls that raised."""
LE: Final = "le"
"""Prometheus's label of a bucket's upper edge."""
_MODEL: Final = c.MODEL_NAME.label
_NOTABLE: Final = 0.05


@dataclass(frozen=True, slots=True)
class ModelSummary:
    """
    One model's key figures within a window; NaN where nothing was reported.
    """

    model: str
    predictions: float
    mean_confidence: float
    labeled: float
    """Predictions whose truth is known; the next three are over these."""
    accuracy: float
    ece: float
    overconfidence: float
    """Mean confidence minus accuracy: positive when the model is surer than it is right."""
    error_share: float
    """Share of calls that raised."""
    p95_s: float
    last_seen_s: float
    """Epoch seconds at which it last predicted, to a step; NaN when it did not."""
    traffic: Values
    """Predictions per second at the window's times."""

    @property
    def is_overconfident(self) -> bool:
        """
        Whether the overconfidence is more than five points and two standard errors of the accuracy.
        """
        if not self.labeled or math.isnan(self.accuracy):
            return False
        variance = max(self.accuracy * (1 - self.accuracy), 0) / self.labeled
        return self.overconfidence > _NOTABLE + 2 * math.sqrt(variance)


def summaries(question: Question) -> list[ModelSummary]:
    """
    Every model in scope that reported within the window, the most overconfident first.
    """
    columns = {name: question.by(_MODEL, expr) for name, expr in _columns(question).items()}
    rates = f"sum by ({_MODEL}) (rate({question.recent(c.PREDICTIONS.prometheus)}))"
    traffic = {labels.get(_MODEL, ""): values for labels, values in question.curves(rates)}
    silent = np.full(len(question.within.times_s), math.nan)
    found = [
        _summary(question, model, columns, traffic.get(model, silent))
        for model in reported(question, _MODEL)
    ]
    return sorted(found, key=_urgency)


def reported(question: Question, label: str) -> set[str]:
    """
    The values of a label in what reported, models that have not predicted yet among them.
    """
    found: set[str] = set()
    for metric in (c.PREDICTIONS, c.CALIBRATION_PREDICTIONS):
        series = question.series(metric.prometheus)
        found |= question.by(label, f"count by ({label}) (last_over_time({series}))").keys()
    return found


def _columns(question: Question) -> dict[str, str]:
    def grown(name: str, condition: str = "", *, also: str = "") -> str:
        return question.increase(name, condition, by=f"{_MODEL}, {also}" if also else _MODEL)

    known, sure, right = (
        grown(metric.prometheus)
        for metric in (c.CALIBRATION_PREDICTIONS, c.CALIBRATION_CONFIDENCE, c.CALIBRATION_CORRECT)
    )
    binned_sure, binned_right = (
        grown(metric.prometheus, also=c.BIN.label)
        for metric in (c.CALIBRATION_CONFIDENCE, c.CALIBRATION_CORRECT)
    )
    confidence, duration = c.PREDICTION_CONFIDENCE.prometheus, c.PREDICTION_DURATION.prometheus
    calls = f"{duration}_count"
    return {
        "predictions": grown(c.PREDICTIONS.prometheus),
        "mean_confidence": f"{grown(f'{confidence}_sum')} / {grown(f'{confidence}_count')}",
        "labeled": known,
        "accuracy": f"{right} / {known}",
        "ece": f"sum by ({_MODEL}) (abs({binned_sure} - {binned_right})) / {known}",
        "overconfidence": f"({sure} - {right}) / {known}",
        "error_share": f"{grown(calls, FAILED)} / {grown(calls)}",
        "p95_s": f"histogram_quantile(0.95, {grown(f'{duration}_bucket', also=LE)})",
    }


def _summary(
    question: Question, model: str, columns: dict[str, dict[str, float]], traffic: Values
) -> ModelSummary:
    row = {name: column.get(model, math.nan) for name, column in columns.items()}
    for name in ("predictions", "labeled"):
        row[name] = _or(row[name], 0.0)
    # A model that never failed has no series of failed calls: no call of it failed.
    if row["predictions"]:
        row["error_share"] = _or(row["error_share"], 0.0)
    last_seen = _last_seen(question, traffic)
    return ModelSummary(model=model, last_seen_s=last_seen, traffic=traffic, **row)


def _last_seen(question: Question, traffic: Values) -> float:
    times = question.within.times_s
    busy = times[np.nan_to_num(traffic) > 0]
    if not len(busy):
        return math.nan
    # A rate looks back: it stays above zero for its whole range after the last prediction.
    return float(busy[-1] if busy[-1] == times[-1] else busy[-1] - question.within.range_s)


def _urgency(summary: ModelSummary) -> tuple[float, float, str]:
    return -_or(summary.overconfidence, -math.inf), -summary.predictions, summary.model


def _or(value: float, otherwise: float) -> float:
    return otherwise if math.isnan(value) else value
