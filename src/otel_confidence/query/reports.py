"""
This module asks for a model's curves: confidence, truth, latency and traffic.

Every figure is PromQL over the names in :mod:`otel_confidence.conventions`, so it is the same
whoever answers: the engine in process or a Prometheus. Shares and means are ratios of increases of
counters, hence right across any number of processes.
"""

import math
from dataclasses import dataclass

import numpy as np

from otel_confidence import conventions as c
from otel_confidence import expressions
from otel_confidence.expressions import LE
from otel_confidence.query.questions import Question, Values, number
from otel_confidence.query.summaries import FAILED


@dataclass(frozen=True, slots=True)
class ConfidenceOverTime:
    """
    How predictions were distributed over confidence at each time.
    """

    times_s: Values
    edges: tuple[float, ...]
    """Upper edges of the buckets, ascending."""
    counts: Values
    """Predictions, bucket by time; NaN where nothing was reported."""


@dataclass(frozen=True, slots=True)
class Latency:
    """
    Percentiles of the time one call takes, seconds.
    """

    times_s: Values
    p50_s: Values
    p95_s: Values
    p99_s: Values


@dataclass(frozen=True, slots=True)
class Traffic:
    """
    Predictions and failed calls, each per second.
    """

    times_s: Values
    predictions: Values
    errors: Values


@dataclass(frozen=True, slots=True)
class Truth:
    """
    Mean confidence beside accuracy, over the predictions whose truth became known.
    """

    times_s: Values
    confidence: Values
    accuracy: Values


def confidence_over_time(question: Question) -> ConfidenceOverTime:
    """
    The confidence histogram's bucket increases at each time.

    Versions may have different thresholds and thus edges: only the edges common to all are kept,
    on which their cumulative counts add up exactly.
    """
    bucket = question.selector(c.PREDICTION_CONFIDENCE, "bucket")
    grown = expressions.total(bucket, question.recent, (c.MODEL_VERSION,), also=LE)
    version = c.MODEL_VERSION.label
    tables: dict[str, dict[float, Values]] = {}
    for labels, values in question.curves(grown):
        tables.setdefault(labels.get(version, ""), {})[number(labels.get(LE, ""))] = values
    common = set.intersection(*map(set, tables.values())) if tables else set()
    edges = sorted(edge for edge in common if math.isfinite(edge))
    times = question.within.times_s
    cumulative = np.zeros((len(edges) + 1, len(times)))
    for row, edge in enumerate(edges, start=1):
        cumulative[row] = _sum([table[edge] for table in tables.values()])
    return ConfidenceOverTime(times, tuple(edges), np.diff(cumulative, axis=0))


def latency(question: Question) -> Latency:
    """
    Percentiles of the duration histogram, interpolated within a bucket as Prometheus does.
    """
    over, only = question.recent, question.scope.conditions
    p50, p95, p99 = (
        question.curve(expressions.quantile(q, c.PREDICTION_DURATION, over, (), *only))
        for q in (0.5, 0.95, 0.99)
    )
    return Latency(question.within.times_s, p50, p95, p99)


def traffic(question: Question) -> Traffic:
    """
    Predictions made and calls that raised, per second.
    """
    made = question.selector(c.PREDICTIONS)
    failed = question.selector(c.PREDICTION_DURATION, "count", FAILED)
    predictions, errors = (
        question.curve(expressions.total(series, question.recent, (), function="rate"))
        for series in (made, failed)
    )
    # A model that never failed has no such series: that is zero wherever it reported at all.
    errors = np.where(np.isnan(errors) & ~np.isnan(predictions), 0.0, errors)
    return Traffic(question.within.times_s, predictions, errors)


def truth(question: Question) -> Truth:
    """
    Mean confidence and accuracy of the predictions whose truth arrived around each time.
    """
    sure, right = (
        question.curve(measure(question.recent, (), *question.scope.conditions))
        for measure in (expressions.labeled_confidence, expressions.accuracy)
    )
    return Truth(question.within.times_s, sure, right)


def _sum(curves: list[Values]) -> Values:
    """
    Their sum, NaN only where all of them are.
    """
    table = np.array(curves)
    silent = np.isnan(table).all(axis=0)
    total: Values = np.where(silent, math.nan, np.nansum(table, axis=0))
    return total
