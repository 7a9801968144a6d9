"""
This module emits batches: one call that made many predictions, counted by column.

Counters take one addition for each decision and tier, whatever the size. Histograms are recorded
row by row: OpenTelemetry's synchronous histogram takes one value at a time, no observable one
exists, and anything less than every value would not keep sum, count and buckets exact.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray
from opentelemetry.context import Context
from opentelemetry.trace import INVALID_SPAN, set_span_in_context

from otel_confidence import conventions as c
from otel_confidence.records import Prediction
from otel_confidence.sdk import details, events
from otel_confidence.sdk.emitters.tools import Tools
from otel_confidence.sdk.rows import row_ids
from otel_confidence.sdk.series import TIER_EDGES, TIERS, ModelSeries

Floats = NDArray[np.float64]

MAX_EVENTS: Final = 100
"""Events of each kind that one call may leave; the excess is counted."""


def measure(tools: Tools, p: Prediction, series: ModelSeries, context: Context | None) -> int:
    """
    Count and record every row; gives how many confidences are known.
    """
    confidences = _known(p.confidence)
    if confidences.size:
        series.bins(p.source)
        decided = np.searchsorted(p.decisions.edges, confidences, side="right")
        _count(tools, p, series, confidences, decided)
        for place in np.flatnonzero(np.bincount(decided)).tolist():
            attributes = series.confidence(p.source, p.decisions.names[place])
            rows = confidences[decided == place]
            _record(tools, c.PREDICTION_CONFIDENCE, rows, attributes, context)
    unsure = _known(p.uncertainty)
    if unsure.size:
        attributes = series.uncertainty(p.method)
        _record(tools, c.PREDICTION_UNCERTAINTY, unsure, attributes, context)
    return int(confidences.size)


def tell(tools: Tools, p: Prediction, context: Context | None) -> None:
    """
    Leave the events of single rows: of those that are low, and of those that are sampled.
    """
    if not isinstance(p.confidence, np.ndarray):
        return
    ids = row_ids(p.id, p.size)
    threshold = p.decisions.threshold
    if threshold is not None:
        low = np.flatnonzero(p.confidence < threshold)
        lowest = low[np.argsort(p.confidence[low], kind="stable")]
        _tell(tools, p, c.LOW_CONFIDENCE_RESULT, lowest, context)
    share = tools.settings.event_sample_ratio
    sampled = np.flatnonzero(ids < share * 2.0**64) if share < 1 else np.arange(p.size)
    _tell(tools, p, c.RESULT, sampled[np.argsort(ids[sampled])], context)


def _known(column: object) -> Floats:
    if not isinstance(column, np.ndarray):
        return np.empty(0)
    return np.asarray(column[column >= 0.0], np.float64)


def _count(
    tools: Tools, p: Prediction, series: ModelSeries, confidences: Floats, decided: NDArray[np.intp]
) -> None:
    tiers = np.searchsorted(TIER_EDGES, confidences, side="right")
    counts = np.bincount(decided * len(TIERS) + tiers)
    for cell in np.flatnonzero(counts).tolist():
        place, tier = divmod(cell, len(TIERS))
        made = series.predictions(p.decisions.names[place], TIERS[tier])
        with tools.sums.lock:
            made.value += int(counts[cell])


def _record(
    tools: Tools,
    metric: c.Metric,
    rows: Floats,
    attributes: Mapping[str, str],
    context: Context | None,
) -> None:
    """
    Record every row, the first one with the call's span as exemplar: one link says it all.
    """
    histogram = tools.instruments.histogram(metric)
    first, *others = rows.tolist()
    histogram.record(first, attributes, context)
    nowhere = _nowhere()
    for value in others:
        histogram.record(value, attributes, nowhere)


def _nowhere() -> Context:
    """
    A context without a span; an empty one would stand for the current one.
    """
    return set_span_in_context(INVALID_SPAN, Context())


def _tell(
    tools: Tools, p: Prediction, event: c.Event, rows: NDArray[np.intp], context: Context | None
) -> None:
    model = tools.model(p.model, p.version).attributes
    for row in rows[:MAX_EVENTS].tolist():
        told = model | details.of_row(p, row, tools.redactor)
        events.emit(tools.logger, event, told, time_s=p.time_s, context=context)
    excess = len(rows) - MAX_EVENTS
    if excess > 0:
        tools.recorded("event", excess)
        tools.dropped("event", "batch_limit", excess)
