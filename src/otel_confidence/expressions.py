"""
This module writes the PromQL of drift, from counters and the published reference alone.

Rules, reports and pages share it. Every expression holds over any window, model, version or fleet,
because it begins with sums of counters; each has its twin in ``stats.drift`` over the same bins. A
comparison that rests on too few values has no result, and neither has one without a reference.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from otel_confidence.conventions import (
    CONFIDENCE_EDGES,
    FEATURE_BIN,
    FEATURE_NAME,
    FEATURE_STATE,
    FEATURE_VALUES,
    MODEL_NAME,
    MODEL_VERSION,
    PREDICTION_CONFIDENCE,
    REFERENCE_CONFIDENCE,
    REFERENCE_EDGE,
    REFERENCE_FEATURE,
    Attribute,
    Metric,
)
from otel_confidence.stats.drift import FLOOR, MIN_VALUES

PER_VERSION: Final = (MODEL_NAME, MODEL_VERSION)
"""The labels that results keep by default: a reference belongs to a version of a model."""

_By = Sequence[Attribute]
_FLOOR: Final = f"{Decimal(str(FLOOR)):f}"


def psi(window: str, *conditions: str, by: _By = PER_VERSION, minimum: int = MIN_VALUES) -> str:
    """
    Population stability index of every feature against its reference.

    The twin of ``stats.drift.binned_psi()``, floor included. Values without a bin, which are
    missing or invalid, count as one bin more, so that a feature that is no longer there drifts.

    Args:
        window: how far to look back, such as ``1h``.
        conditions: matchers such as ``ml_model_name="digits"``.
        by: what of the model tells results apart; each feature always has its own.
        minimum: values of a feature below which it has no result.
    """
    p = f"clamp_min({reference_shares(window, *conditions, by=by)}, {_FLOOR})"
    q = f"clamp_min({shares(window, *conditions, by=by, minimum=minimum)}, {_FLOOR})"
    return f"sum by ({_labels((*by, FEATURE_NAME))}) (\n({q}\n- {p})\n* ln({q}\n/ {p})\n)"


def shares(window: str, *conditions: str, by: _By = PER_VERSION, minimum: int = 1) -> str:
    """
    Share of each bin in a feature's values; the arguments are those of ``psi()``.
    """
    counted = _increase(
        _selector(FEATURE_VALUES, "", conditions), window, (*by, FEATURE_NAME), FEATURE_BIN.label
    )
    return _per_total(counted, window, conditions, by, minimum)


def state_shares(window: str, *conditions: str, by: _By = PER_VERSION, minimum: int = 1) -> str:
    """
    Share of each state (valid, missing, invalid, outlier, unseen) in a feature's values.

    The arguments are those of ``psi()``.
    """
    counted = _increase(
        _selector(FEATURE_VALUES, "", conditions), window, (*by, FEATURE_NAME), FEATURE_STATE.label
    )
    return _per_total(counted, window, conditions, by, minimum)


def reference_shares(window: str, *conditions: str, by: _By = PER_VERSION) -> str:
    """
    Share of each bin in the reference's values; the arguments are those of ``psi()``.
    """
    bins = (*by, FEATURE_NAME, FEATURE_BIN)
    published = _published(REFERENCE_FEATURE, window, conditions, (*bins, FEATURE_STATE))
    return f"sum by ({_labels(bins)}) ({published})"


def confidence_ks(
    window: str, *conditions: str, by: _By = PER_VERSION, minimum: int = MIN_VALUES
) -> str:
    """
    Kolmogorov-Smirnov distance of confidence from the reference, at the histogram's edges.

    The twin of ``stats.drift.binned_ks()``: never above the exact distance, and below it by at most
    the largest share that one bucket holds. The arguments are those of ``psi()``.
    """
    return f"max by ({_labels(by)}) ({_gaps(window, conditions, by, minimum)})"


def confidence_wasserstein(
    window: str, *conditions: str, by: _By = PER_VERSION, minimum: int = MIN_VALUES
) -> str:
    """
    Wasserstein-1 distance of confidence from the reference: how far it moved on average.

    The twin of ``stats.drift.binned_wasserstein()``: the difference at each edge weighs half the
    widths of the buckets on both its sides. The arguments are those of ``psi()``.
    """
    gaps = _gaps(window, conditions, by, minimum)
    return f"sum by ({_labels(by)}) (\n{gaps}\n* on (le) group_left () ({_widths()})\n)"


def _gaps(window: str, conditions: Sequence[str], by: _By, minimum: int) -> str:
    """
    Differences of the two distribution functions at the edges that both have.

    The last edge is 1, where both are 1; its spelling differs between paths, so it drops out.
    """
    buckets = _increase(_selector(PREDICTION_CONFIDENCE, "bucket", conditions), window, by, "le")
    all_of_them = _increase(_selector(PREDICTION_CONFIDENCE, "count", conditions), window, by)
    found = f"{buckets}\n/ on ({_labels(by)}) group_left () ({all_of_them} >= {minimum})"
    published = _published(REFERENCE_CONFIDENCE, window, conditions, (*by, REFERENCE_EDGE))
    expected = f'label_replace({published}, "le", "$1", "{REFERENCE_EDGE.label}", "(.+)")'
    return f"abs(\n{found}\n- on ({_labels(by, 'le')}) {expected}\n)"


def _widths() -> str:
    """
    A constant for each inner edge: half the way from the edge below to the edge above.
    """
    edges = [Decimal(str(edge)) for edge in (0, *CONFIDENCE_EDGES)]
    around = zip(edges, edges[1:], edges[2:], strict=False)
    return "\nor ".join(
        f'label_replace(vector({(above - below) / 2}), "le", "{edge}", "", "")'
        for below, edge, above in around
    )


def _per_total(counted: str, window: str, conditions: Sequence[str], by: _By, minimum: int) -> str:
    feature = (*by, FEATURE_NAME)
    total = _increase(_selector(FEATURE_VALUES, "", conditions), window, feature)
    return f"{counted}\n/ on ({_labels(feature)}) group_left () ({total} >= {minimum})"


def _published(metric: Metric, window: str, conditions: Sequence[str], by: _By) -> str:
    """
    A gauge that every replica reports alike; one that has ended within the window counts too.
    """
    series = _selector(metric, "", conditions)
    return f"avg by ({_labels(by)}) (last_over_time({series}[{window}]))"


def _increase(series: str, window: str, by: _By, *also: str) -> str:
    return f"sum by ({_labels(by, *also)}) (increase({series}[{window}]))"


def _selector(metric: Metric, part: str, conditions: Sequence[str]) -> str:
    name = f"{metric.prometheus}_{part}" if part else metric.prometheus
    return f"{name}{{{', '.join(conditions)}}}" if conditions else name


def _labels(by: _By, *also: str) -> str:
    return ", ".join([*(attribute.label for attribute in by), *also])
