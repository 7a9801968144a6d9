"""
This module asks how well confidence matched truth, from the four calibration counters.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np

from otel_confidence import conventions as c
from otel_confidence import expressions
from otel_confidence.query.questions import Question, number
from otel_confidence.stats.calibration import Bins

_COUNTERS: Final = (
    c.CALIBRATION_PREDICTIONS,
    c.CALIBRATION_CONFIDENCE,
    c.CALIBRATION_CORRECT,
    c.CALIBRATION_SQUARED_ERROR,
)


def calibrations(question: Question) -> dict[str, Bins]:
    """
    What the calibration counters grew by within the window, by model.

    Bins whose label is no edge within 0..1 are nobody's and left out.
    """
    by = (c.MODEL_NAME.label, c.BIN.label)
    columns: list[dict[str, dict[float, float]]] = []
    for metric in _COUNTERS:
        column: dict[str, dict[float, float]] = {}
        grown = expressions.total(question.selector(metric), question.whole, (c.MODEL_NAME, c.BIN))
        found = question.table(grown, by)
        for (model, text), value in found.items():
            if 0 < number(text) <= 1:
                column.setdefault(model, {})[number(text)] = value
        columns.append(column)
    return {
        model: _bins([column.get(model, {}) for column in columns])
        for model in set().union(*columns)
    }


def no_truth() -> Bins:
    """
    The bins of a model whose truth nobody recorded.
    """
    return _bins([{} for _ in _COUNTERS])


def _bins(columns: list[Mapping[float, float]]) -> Bins:
    edges = tuple(sorted(set(c.CALIBRATION_EDGES).union(*columns)))
    return Bins(edges, *(np.array([column.get(e, 0.0) for e in edges]) for column in columns))
