"""
This module makes one batch of what was read from each of its rows.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from otel_confidence.sdk.extract.extracted import MISSING, Extracted, Values, rejection
from otel_confidence.sdk.extract.paths import Many

Reader = Callable[[Any], Extracted]


def each(read: Reader, rows: Many) -> Extracted:
    """
    Read every row as one prediction and put the answers together.
    """
    return together([read(row) for row in rows])


def together(rows: Sequence[Extracted]) -> Extracted:
    """
    One batch of n single predictions; the first row's source and method stand for all.
    """
    if not rows:
        return rejection(MISSING)
    rejected: Counter[str] = Counter()
    for row in rows:
        rejected.update(row.rejected)
    labels = [row.label for row in rows]
    sets = [row.prediction_set for row in rows]
    return Extracted(
        confidence=_column([row.confidence for row in rows]),
        label=None if all(label is None for label in labels) else labels,
        source=rows[0].source,
        size=len(rows),
        uncertainty=_column([row.uncertainty for row in rows]),
        method=next((row.method for row in rows if row.method), ""),
        rejected=dict(rejected),
        interval=_intervals(rows),
        prediction_set=None if all(labels is None for labels in sets) else sets,
    )


def _column(values: Sequence[Values | None]) -> Values | None:
    if all(value is None for value in values):
        return None
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def _intervals(rows: Sequence[Extracted]) -> tuple[Values, Values] | None:
    lower = _column([None if row.interval is None else row.interval[0] for row in rows])
    upper = _column([None if row.interval is None else row.interval[1] for row in rows])
    return None if lower is None or upper is None else (lower, upper)
