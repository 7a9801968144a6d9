"""
This module writes the PromQL of every figure: rules, panels, reports and pages share it.

Every expression holds over any window, model, version or fleet, because it begins with sums of
counters. A ratio divides by a traffic that is above zero, so that a model without traffic has no
value instead of NaN, which no comparison would ever find. Drift has its twin in ``stats.drift``
over the same bins; a comparison that rests on too few values has no result, and neither has one
without a reference.

A window is how far to look back, such as ``1h``; conditions are matchers such as
``ml_model_name="digits"``; ``by`` is what tells results apart.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from otel_confidence.conventions import (
    BIN,
    CALIBRATION_CONFIDENCE,
    CALIBRATION_CORRECT,
    CALIBRATION_PREDICTIONS,
    CALIBRATION_SQUARED_ERROR,
    CONFIDENCE_EDGES,
    FEATURE_BIN,
    FEATURE_NAME,
    FEATURE_STATE,
    FEATURE_VALUES,
    MODEL_NAME,
    MODEL_VERSION,
    PREDICTION_CLASS,
    PREDICTION_CONFIDENCE,
    PREDICTIONS,
    REFERENCE_CONFIDENCE,
    REFERENCE_EDGE,
    REFERENCE_FEATURE,
    TIER,
    Attribute,
    Metric,
)
from otel_confidence.stats.drift import FLOOR, MIN_VALUES

PER_MODEL: Final = (MODEL_NAME,)
PER_VERSION: Final = (MODEL_NAME, MODEL_VERSION)
"""What drift keeps apart by default: a reference belongs to a version of a model."""
LE: Final = "le"
"""Prometheus's label of a bucket's upper edge."""

_By = Sequence[Attribute]
_FLOOR: Final = f"{Decimal(str(FLOOR)):f}"


def selector(metric: Metric, part: str = "", *conditions: str) -> str:
    """
    A metric's selector; ``part`` is ``bucket``, ``sum`` or ``count`` of a histogram.
    """
    name = f"{metric.prometheus}_{part}" if part else metric.prometheus
    return f"{name}{{{', '.join(conditions)}}}" if conditions else name


def total(
    series: str,
    window: str,
    by: _By,
    *,
    function: str = "increase",
    also: str = "",
    ago: str = "",
) -> str:
    """
    What counters grew by within the window, summed over everything but the labels of ``by``.

    Args:
        series: a selector.
        window: how far to look back.
        by: the labels that are left.
        function: ``increase`` or ``rate``.
        also: a label that is left and is none of the table of signals.
        ago: how long ago the window ended, such as ``1w``; now if not given.
    """
    labels = _labels(by, also) if also else _labels(by)
    ended = f" offset {ago}" if ago else ""
    return f"sum by ({labels}) ({function}({series}[{window}]{ended}))"


def ratio(part: str, whole: str) -> str:
    """
    One sum over another, without a value where the other is zero.
    """
    return f"{part}\n  / ({whole} > 0)"


def share_of(
    metric: Metric, condition: str, window: str, by: _By, *, part: str = "", among: str = ""
) -> str:
    """
    Share of what is counted that meets a condition, 0 where nothing that is counted does.

    A series of failures begins with the first of them: none of it means none of them.

    Args:
        metric: a counter or histogram.
        condition: a matcher.
        window: how far to look back.
        by: the labels that are left.
        part: of a histogram, ``count`` or ``bucket``.
        among: a matcher of all that is counted.
    """
    everything = (among,) if among else ()
    meets = total(selector(metric, part, *everything, condition), window, by)
    whole = total(selector(metric, part, *everything), window, by)
    return ratio(f"(\n  {meets}\n  or {whole} * 0\n)", whole)


def mean(metric: Metric, window: str, by: _By, *conditions: str) -> str:
    """
    Mean of what a histogram recorded.
    """
    return ratio(
        total(selector(metric, "sum", *conditions), window, by, function="rate"),
        total(selector(metric, "count", *conditions), window, by, function="rate"),
    )


def quantile(q: float, metric: Metric, window: str, by: _By, *conditions: str) -> str:
    """
    Quantile of what a histogram recorded, interpolated within its bucket.
    """
    series = selector(metric, "bucket", *conditions)
    return f"histogram_quantile({q}, {total(series, window, by, function='rate', also=LE)})"


def labeled(window: str, by: _By, *conditions: str) -> str:
    """
    How many predictions had their truth become known.
    """
    return total(selector(CALIBRATION_PREDICTIONS, "", *conditions), window, by)


def labeled_confidence(window: str, by: _By, *conditions: str) -> str:
    """
    Mean confidence of the predictions whose truth became known.
    """
    return _per_labeled(CALIBRATION_CONFIDENCE, window, by, *conditions)


def accuracy(window: str, by: _By, *conditions: str) -> str:
    """
    Share of the predictions with known truth that were correct.
    """
    return _per_labeled(CALIBRATION_CORRECT, window, by, *conditions)


def brier(window: str, by: _By, *conditions: str) -> str:
    """
    Brier score: mean squared difference between confidence and correctness.
    """
    return _per_labeled(CALIBRATION_SQUARED_ERROR, window, by, *conditions)


def ece(window: str, by: _By, *conditions: str) -> str:
    """
    Expected calibration error, the count-weighted mean over the bins of |confidence - accuracy|.

    A bin's count cancels: its weighted gap is |sum of confidences - number correct| / all.
    """
    binned = (*by, BIN)
    confidence = total(selector(CALIBRATION_CONFIDENCE, "", *conditions), window, binned)
    correct = total(selector(CALIBRATION_CORRECT, "", *conditions), window, binned)
    gaps = f"sum by ({_labels(by)}) (abs(\n    {confidence}\n    - {correct}\n  ))"
    return ratio(gaps, labeled(window, by, *conditions))


def mce(window: str, by: _By, *conditions: str) -> str:
    """
    Maximum calibration error: the largest |confidence - accuracy| of any bin with predictions.
    """
    binned = (*by, BIN)
    sure = labeled_confidence(window, binned, *conditions)
    right = accuracy(window, binned, *conditions)
    return f"max by ({_labels(by)}) (abs(\n  {sure}\n  - ({right})\n))"


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


def prediction_psi(
    window: str, ago: str, *conditions: str, by: _By = PER_MODEL, minimum: int = MIN_VALUES
) -> str:
    """
    Population stability index of what was predicted against the same window some time ago.

    A bin is a predicted class, where classes are told, and a tier of confidence; one that only one
    of both windows has counts as empty in the other. The floor is that of ``psi()``.

    Args:
        window: how far to look back, such as ``1d``.
        ago: how long ago the window compared with ended, such as ``1w``.
        conditions: matchers such as ``ml_model_name="digits"``.
        by: what tells results apart.
        minimum: predictions in either window below which there is no result.
    """
    made = selector(PREDICTIONS, "", *conditions)
    bins = (*by, PREDICTION_CLASS, TIER)
    now, then = total(made, window, bins), total(made, window, bins, ago=ago)
    alike = f"on ({_labels(by)}) group_left ()"

    def floored(counted: str, other: str, ago: str) -> str:
        whole = total(made, window, by, ago=ago)
        parts = f"({counted} or {other} * 0)\n/ {alike} ({whole} >= {minimum})"
        return f"clamp_min({parts}, {_FLOOR})"

    q, p = floored(now, then, ""), floored(then, now, ago)
    return f"sum by ({_labels(by)}) (\n({q}\n- {p})\n* ln({q}\n/ {p})\n)"


def shares(window: str, *conditions: str, by: _By = PER_VERSION, minimum: int = 1) -> str:
    """
    Share of each bin in a feature's values; the arguments are those of ``psi()``.
    """
    values = selector(FEATURE_VALUES, "", *conditions)
    counted = total(values, window, (*by, FEATURE_NAME, FEATURE_BIN))
    return _per_total(counted, window, conditions, by, minimum)


def state_shares(window: str, *conditions: str, by: _By = PER_VERSION, minimum: int = 1) -> str:
    """
    Share of each state (valid, missing, invalid, outlier, unseen) in a feature's values.

    The arguments are those of ``psi()``.
    """
    values = selector(FEATURE_VALUES, "", *conditions)
    counted = total(values, window, (*by, FEATURE_NAME, FEATURE_STATE))
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
    buckets = total(selector(PREDICTION_CONFIDENCE, "bucket", *conditions), window, by, also=LE)
    all_of_them = total(selector(PREDICTION_CONFIDENCE, "count", *conditions), window, by)
    found = f"{buckets}\n/ on ({_labels(by)}) group_left () ({all_of_them} >= {minimum})"
    published = _published(REFERENCE_CONFIDENCE, window, conditions, (*by, REFERENCE_EDGE))
    expected = f'label_replace({published}, "le", "$1", "{REFERENCE_EDGE.label}", "(.+)")'
    return f"abs(\n{found}\n- on ({_labels(by, LE)}) {expected}\n)"


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
    whole = total(selector(FEATURE_VALUES, "", *conditions), window, feature)
    return f"{counted}\n/ on ({_labels(feature)}) group_left () ({whole} >= {minimum})"


def _published(metric: Metric, window: str, conditions: Sequence[str], by: _By) -> str:
    """
    A gauge that every replica reports alike; one that has ended within the window counts too.
    """
    series = selector(metric, "", *conditions)
    return f"avg by ({_labels(by)}) (last_over_time({series}[{window}]))"


def _per_labeled(metric: Metric, window: str, by: _By, *conditions: str) -> str:
    part = total(selector(metric, "", *conditions), window, by)
    return ratio(part, labeled(window, by, *conditions))


def _labels(by: _By, *also: str) -> str:
    return ", ".join([*(attribute.label for attribute in by), *also])
