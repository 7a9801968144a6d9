"""
This module is the demo's own account of what happened, kept apart from all telemetry.

The same three figures are read back through the Prometheus API, so that every run of the demo
proves that nothing was lost or bent on the way.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from otel_confidence import conventions as c

Query = Callable[[str], float]
"""Asks PromQL for one number."""

TOLERANCE = 1e-6


class Figures(NamedTuple):
    """
    What a phase looked like.
    """

    predictions: float
    outcomes: float
    confidence: float
    accuracy: float
    ece: float

    def agrees(self, other: "Figures") -> bool:
        """
        True when counts are equal and everything else differs by no more than the tolerance.
        """
        return self[:2] == other[:2] and all(
            math.isclose(a, b, rel_tol=0, abs_tol=TOLERANCE)
            for a, b in zip(self[2:], other[2:], strict=True)
        )


@dataclass
class Ledger:
    """
    Confidence and correctness of every prediction whose truth was sent.
    """

    confidences: list[float] = field(default_factory=list)
    correct: list[bool] = field(default_factory=list)

    def add(self, confidence: float, *, correct: bool) -> None:
        """
        Write down one prediction.
        """
        self.confidences.append(confidence)
        self.correct.append(correct)

    def figures(self) -> Figures:
        """
        The figures of all that was written down.
        """
        confidence, correct = np.array(self.confidences), np.array(self.correct, dtype=float)
        bins = np.digitize(confidence, c.CALIBRATION_EDGES, right=True)
        gaps = [abs((confidence - correct)[bins == b].sum()) for b in np.unique(bins)]
        n = len(confidence)
        return Figures(n, n, confidence.mean(), correct.mean(), sum(gaps) / n)


def measured(query: Query, model: str, start: float, end: float) -> Figures:
    """
    The figures between two moments (epoch seconds) as the Prometheus API tells them.
    """
    selector = f'{{{c.MODEL_NAME.label}="{model}"}}'

    def gained(name: str, by: str = "") -> str:
        total = f"sum by ({by}) ({name}{selector} @ %.3f)"
        return f"({total % end} - {total % start})"

    binned = c.BIN.label
    expected = gained(c.CALIBRATION_CONFIDENCE.prometheus, binned)
    correct = gained(c.CALIBRATION_CORRECT.prometheus, binned)
    predictions = query(gained(c.PREDICTIONS.prometheus))
    outcomes = query(gained(c.CALIBRATION_PREDICTIONS.prometheus))
    return Figures(
        predictions,
        outcomes,
        query(gained(c.CALIBRATION_CONFIDENCE.prometheus)) / outcomes,
        query(gained(c.CALIBRATION_CORRECT.prometheus)) / outcomes,
        query(f"sum(abs({expected} - {correct}))") / outcomes,
    )
