"""
This module measures calibration: whether confidence p comes true in a share p of the cases.

Confidences lie within 0..1. ``correct`` is 1 for a right prediction, 0 for a wrong one, and between
for a partly right one. Everything that is additive over predictions is kept per bin in ``Bins``, so
that bins of several processes, versions or windows can be added and give what one would have given.
Without any prediction every measure is NaN.
"""

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from otel_confidence.conventions import CALIBRATION_EDGES

Floats = NDArray[np.float64]

OVERCONFIDENCE: Final = 0.05
"""Excess of confidence over accuracy that is tolerated: the width of half a bin."""
STANDARD_ERRORS: Final = 2
"""How many standard errors of the accuracy an excess must exceed that as well."""
MIN_OUTCOMES: Final = 100
"""Outcomes below which accuracy is not judged: from there on its standard error is at most 0.05."""


@dataclass(frozen=True, slots=True, eq=False)
class Bins:
    """
    The four additive calibration counters of every bin, each of shape [bins].
    """

    edges: tuple[float, ...]
    """Upper edges, rising to 1; a bin is ``(previous edge, edge]`` and 0 falls into the first."""
    predictions: Floats
    """How many predictions."""
    confidence: Floats
    """Sum of their confidences."""
    correct: Floats
    """Sum of their correctness: how many were right."""
    squared_error: Floats
    """Sum of ``(confidence - correct) ** 2``."""

    def __post_init__(self) -> None:
        check_edges(self.edges)
        for name in ("predictions", "confidence", "correct", "squared_error"):
            sums = np.asarray(getattr(self, name), dtype=np.float64)
            if sums.shape != (len(self.edges),):
                raise ValueError(
                    f"{name} must hold one sum for each of {len(self.edges)} bins, "
                    f"got shape {sums.shape}"
                )
            object.__setattr__(self, name, sums)

    def __add__(self, other: "Bins") -> "Bins":
        if self.edges != other.edges:
            raise ValueError(f"bins with edges {self.edges} and {other.edges} cannot be added")
        return Bins(
            self.edges,
            self.predictions + other.predictions,
            self.confidence + other.confidence,
            self.correct + other.correct,
            self.squared_error + other.squared_error,
        )

    @property
    def total(self) -> float:
        """
        How many predictions in all bins.
        """
        return float(self.predictions.sum())


class Reliability(NamedTuple):
    """
    One bin of a reliability diagram; means are NaN where there are no predictions.
    """

    lower: float
    upper: float
    predictions: float
    confidence: float
    """Mean confidence."""
    accuracy: float
    """Share that was right."""


class RiskCoverage(NamedTuple):
    """
    The risk-coverage curve, both of shape [n] with coverage rising to 1.
    """

    coverage: Floats
    """Share of the predictions that is kept, the surest first."""
    risk: Floats
    """Share of the kept ones that is wrong."""


def check_edges(edges: Sequence[float]) -> None:
    """
    Refuse edges that do not rise from above 0 to exactly 1.

    Raises:
        ValueError: with the edges.
    """
    rising = all(lower < upper for lower, upper in pairwise((0.0, *edges)))
    if not edges or not rising or edges[-1] != 1.0:
        raise ValueError(f"edges must rise from above 0 to exactly 1, got {tuple(edges)!r}")


def bin_of(confidence: float, edges: Sequence[float] = CALIBRATION_EDGES) -> int:
    """
    The index of the bin a confidence falls into.

    Compared exactly in float64, as Prometheus compares ``le``: 0.1 lies in the bin up to 0.1, and
    ``0.1 + 0.2``, which is above 0.3, in the next one.

    Raises:
        ValueError: the confidence is not within 0..1.
    """
    if not 0.0 <= confidence <= 1.0:
        raise ValueError(f"confidence must be within 0..1, got {confidence!r}")
    return bisect_left(edges, confidence)


def bin_index(
    confidences: ArrayLike, edges: Sequence[float] = CALIBRATION_EDGES
) -> NDArray[np.intp]:
    """
    The same for confidences of shape [n].

    Raises:
        ValueError: a confidence is not within 0..1.
    """
    return np.searchsorted(np.asarray(edges), _confidences(confidences), side="left")


def bins(
    confidences: ArrayLike, correct: ArrayLike, edges: Sequence[float] = CALIBRATION_EDGES
) -> Bins:
    """
    The additive counters of n predictions, from confidences and correctness of shape [n].

    Raises:
        ValueError: the shapes differ, or a value is not within 0..1.
    """
    sure, right = _paired(confidences, correct)
    check_edges(edges)
    index = bin_index(sure, edges)

    def summed(weights: Floats | None) -> Floats:
        return np.bincount(index, weights, minlength=len(edges)).astype(np.float64)

    return Bins(
        tuple(edges), summed(None), summed(sure), summed(right), summed((sure - right) ** 2)
    )


def expected_calibration_error(of: Bins) -> float:
    """
    ECE: ``sum(n_b / n * |accuracy_b - confidence_b|)``, within 0..1.

    Naeini, Cooper and Hauskrecht (2015); Guo et al. (2017). In additive form
    ``sum(|correct_b - confidence_b|) / n``, since n_b cancels.
    """
    if not of.total:
        return float("nan")
    return float(np.abs(of.correct - of.confidence).sum() / of.total)


def maximum_calibration_error(of: Bins) -> float:
    """
    MCE: the largest ``|accuracy_b - confidence_b|`` of any bin with predictions, within 0..1.

    Naeini, Cooper and Hauskrecht (2015); Guo et al. (2017).
    """
    filled = of.predictions > 0
    if not filled.any():
        return float("nan")
    gaps = np.abs(of.correct[filled] - of.confidence[filled]) / of.predictions[filled]
    return float(gaps.max())


def overconfidence(of: Bins) -> float:
    """
    Mean confidence less accuracy, within -1..1: above 0 the model is surer than it is right.
    """
    if not of.total:
        return float("nan")
    return float((of.confidence.sum() - of.correct.sum()) / of.total)


def is_overconfident(of: Bins) -> bool:
    """
    Whether confidence exceeds accuracy by more than is tolerated, and than chance explains.

    A calibrated model of accuracy 0.7 exceeds it once in a thousand times at ``MIN_OUTCOMES``.
    """
    if of.total < MIN_OUTCOMES:
        return False
    right = accuracy(of)
    error = math.sqrt(max(right * (1 - right), 0.0) / of.total)
    return overconfidence(of) > OVERCONFIDENCE + STANDARD_ERRORS * error


def expected_noise(predictions: float, count: int = len(CALIBRATION_EDGES)) -> float:
    """
    What the ECE of a perfectly calibrated model is on average, at most.

    The gap of a bin with n_b predictions has a standard error of ``0.5 / sqrt(n_b)`` or less, and
    a mean size of ``sqrt(2 / pi)`` times that; weighted by n_b / n the bins add up to the most
    where they are equally full: ``0.5 sqrt(2 / pi) sqrt(count / n)``.

    Args:
        predictions: how many predictions with known truth, n.
        count: how many bins.
    """
    return 0.5 * math.sqrt(2 / math.pi) * math.sqrt(count / predictions)


def brier_score(of: Bins) -> float:
    """
    The mean of ``(confidence - correct) ** 2``, within 0..1 and 0 at best.

    Brier (1950), of the event that the prediction is right; half of his two-class sum.
    """
    return float(of.squared_error.sum() / of.total) if of.total else float("nan")


def accuracy(of: Bins) -> float:
    """
    The share of predictions that was right.
    """
    return float(of.correct.sum() / of.total) if of.total else float("nan")


def expected_accuracy(of: Bins) -> float:
    """
    The accuracy that a calibrated model would have: its mean confidence.

    It needs no truth, and is worth what the calibration is: off by at most the ECE, as
    ``|accuracy - mean confidence| <= ECE``.
    """
    return float(of.confidence.sum() / of.total) if of.total else float("nan")


def reliability_table(of: Bins) -> list[Reliability]:
    """
    One row for each bin: what a reliability diagram draws (DeGroot and Fienberg 1983).
    """
    lowers = (0.0, *of.edges[:-1])
    count = of.predictions
    with np.errstate(invalid="ignore", divide="ignore"):
        means = (of.confidence / count).tolist()
        shares = (of.correct / count).tolist()
    rows = zip(lowers, of.edges, count.tolist(), means, shares, strict=True)
    return [Reliability(*row) for row in rows]


def adaptive_calibration_error(
    confidences: ArrayLike, correct: ArrayLike, count: int = 10
) -> float:
    """
    The calibration error over bins of equal numbers of predictions, within 0..1.

    Nguyen and O'Connor (2015); Nixon et al. (2019) call it ACE. Equal confidences stay in one bin,
    so that the order of the predictions does not matter. Not additive: it needs all n predictions.

    Raises:
        ValueError: the shapes differ, a value is not within 0..1, or there are no bins.
    """
    sure, right = _paired(confidences, correct)
    if count < 1:
        raise ValueError(f"count must be 1 or more, got {count!r}")
    if not sure.size:
        return float("nan")
    order = np.sort(sure)
    last = np.arange(1, count + 1) * sure.size // count - 1
    uppers = np.unique(order[last[last >= 0]])
    index = np.searchsorted(uppers, sure, side="left")
    gaps = np.bincount(index, right - sure, minlength=len(uppers))
    return float(np.abs(gaps).sum() / sure.size)


def risk_coverage(confidences: ArrayLike, correct: ArrayLike) -> RiskCoverage:
    """
    The error among the k surest of n predictions, for every k.

    Geifman and El-Yaniv (2017). Predictions of equal confidence are taken in no order: each
    counts with the mean error of all of them.

    Raises:
        ValueError: the shapes differ, or a value is not within 0..1.
    """
    sure, right = _paired(confidences, correct)
    levels, level = np.unique(-sure, return_inverse=True)
    sizes = np.bincount(level, minlength=len(levels))
    wrong = np.bincount(level, 1.0 - right, minlength=len(levels))
    errors = np.repeat(wrong / np.maximum(sizes, 1), sizes)
    kept = np.arange(1, sure.size + 1)
    return RiskCoverage(kept / max(sure.size, 1), np.cumsum(errors) / kept)


def area_under_risk_coverage(confidences: ArrayLike, correct: ArrayLike) -> float:
    """
    AURC: the mean risk over all n coverages, within 0..1; lower means confidence ranks better.

    Geifman, Uziel and El-Yaniv (2019), section 2.

    Raises:
        ValueError: the shapes differ, or a value is not within 0..1.
    """
    risk = risk_coverage(confidences, correct).risk
    return float(risk.mean()) if risk.size else float("nan")


def _paired(confidences: ArrayLike, correct: ArrayLike) -> tuple[Floats, Floats]:
    sure, right = _confidences(confidences), _column("correct", correct)
    if sure.shape != right.shape:
        raise ValueError(
            f"confidences and correct must have one length, got {sure.size} and {right.size}"
        )
    return sure, right


def _confidences(values: ArrayLike) -> Floats:
    return _column("confidences", values)


def _column(name: str, values: Any) -> Floats:
    column = np.asarray(values, dtype=np.float64)
    if column.ndim != 1:
        raise ValueError(f"{name} must have shape [n], got {column.shape}")
    if not ((column >= 0.0) & (column <= 1.0)).all():
        raise ValueError(f"{name} must lie within 0..1")
    return column
