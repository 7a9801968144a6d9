"""
This module writes the PromQL that rules and panels share.

Every name comes from the table of signals. Ratios divide by a traffic that is above zero, so that
a model without traffic has no value instead of NaN, which no comparison would ever find.
"""

from collections.abc import Sequence
from typing import Final

from otel_confidence.conventions import (
    BIN,
    CALIBRATION_CONFIDENCE,
    CALIBRATION_CORRECT,
    CALIBRATION_PREDICTIONS,
    CALIBRATION_SQUARED_ERROR,
    MODEL_NAME,
    MODEL_VERSION,
    Attribute,
    Metric,
)

PER_MODEL: Final = (MODEL_NAME,)
PER_VERSION: Final = (MODEL_NAME, MODEL_VERSION)


def selector(metric: Metric, part: str = "", *conditions: str) -> str:
    """
    A metric's selector; ``part`` is ``bucket``, ``sum`` or ``count`` of a histogram.
    """
    name = f"{metric.prometheus}_{part}" if part else metric.prometheus
    return f"{name}{{{', '.join(conditions)}}}" if conditions else name


def total(
    series: str, window: str, by: Sequence[Attribute], *, function: str = "increase", also: str = ""
) -> str:
    """
    What counters grew by within the window, summed over everything but the labels of ``by``.
    """
    labels = ", ".join([*(attribute.label for attribute in by), *([also] if also else [])])
    return f"sum by ({labels}) ({function}({series}[{window}]))"


def ratio(part: str, whole: str) -> str:
    """
    One sum over another, without a value where the other is zero.
    """
    return f"{part}\n  / ({whole} > 0)"


def mean(metric: Metric, window: str, by: Sequence[Attribute], *conditions: str) -> str:
    """
    Mean of what a histogram recorded.
    """
    return ratio(
        total(selector(metric, "sum", *conditions), window, by, function="rate"),
        total(selector(metric, "count", *conditions), window, by, function="rate"),
    )


def quantile(
    q: float, metric: Metric, window: str, by: Sequence[Attribute], *conditions: str
) -> str:
    """
    Quantile of what a histogram recorded, interpolated within its bucket.
    """
    series = selector(metric, "bucket", *conditions)
    return f"histogram_quantile({q}, {total(series, window, by, function='rate', also='le')})"


def labeled(window: str, by: Sequence[Attribute], *conditions: str) -> str:
    """
    How many predictions had their truth become known.
    """
    return total(selector(CALIBRATION_PREDICTIONS, "", *conditions), window, by)


def labeled_confidence(window: str, by: Sequence[Attribute], *conditions: str) -> str:
    """
    Mean confidence of the predictions whose truth became known.
    """
    return _per_labeled(CALIBRATION_CONFIDENCE, window, by, *conditions)


def accuracy(window: str, by: Sequence[Attribute], *conditions: str) -> str:
    """
    Share of the predictions with known truth that were correct.
    """
    return _per_labeled(CALIBRATION_CORRECT, window, by, *conditions)


def brier(window: str, by: Sequence[Attribute], *conditions: str) -> str:
    """
    Brier score: mean squared difference between confidence and correctness.
    """
    return _per_labeled(CALIBRATION_SQUARED_ERROR, window, by, *conditions)


def ece(window: str, by: Sequence[Attribute], *conditions: str) -> str:
    """
    Expected calibration error, the count-weighted mean over the bins of |confidence - accuracy|.

    A bin's count cancels: its weighted gap is |sum of confidences - number correct| / all.
    """
    binned = (*by, BIN)
    confidence = total(selector(CALIBRATION_CONFIDENCE, "", *conditions), window, binned)
    correct = total(selector(CALIBRATION_CORRECT, "", *conditions), window, binned)
    labels = ", ".join(attribute.label for attribute in by)
    gaps = f"sum by ({labels}) (abs(\n    {confidence}\n    - {correct}\n  ))"
    return ratio(gaps, labeled(window, by, *conditions))


def _per_labeled(metric: Metric, window: str, by: Sequence[Attribute], *conditions: str) -> str:
    part = total(selector(metric, "", *conditions), window, by)
    return ratio(part, labeled(window, by, *conditions))
