"""
This module makes one batch of what was read from each of its rows.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otel_confidence.sdk.extract.extracted import (
    CONFIDENCE_MISSING,
    NOTHING,
    Extracted,
    Values,
    complete,
    rejection,
)

Reader = Callable[[Any], Extracted]
"""Reads what lies at a declaration's place."""


def each(read: Reader, rows: Sequence[Any], source: str) -> Extracted:
    """
    One batch of n single predictions, each read from its own row.
    """
    if not rows:
        return rejection(CONFIDENCE_MISSING, source)
    found = [read(row) for row in rows]
    if len(found) == 1:
        return complete(found[0], batch=True)
    rejected: Counter[str] = Counter()
    for one in found:
        rejected.update(one.rejected)
    return Extracted(
        confidence=_column([one.confidence for one in found]),
        label=_unless_unknown([one.label for one in found]),
        source=source,
        size=len(found),
        batch=True,
        uncertainty=_column([one.uncertainty for one in found]),
        method=next((one.method for one in found if one.method), ""),
        rejected=dict(rejected),
        interval=_intervals(found),
        prediction_set=_unless_unknown([one.prediction_set for one in found]),
    )


def collected(
    confidences: NDArray[np.float64],
    source: str,
    *,
    labels: list[Any] | None = None,
    rejected: Mapping[str, int] = NOTHING,
    batch: bool = True,
) -> Extracted:
    """
    A batch from its columns of shape [n]; of one row, a single prediction.
    """
    size = len(confidences)
    if size != 1:
        return Extracted(confidences, labels, source, size, batch=True, rejected=rejected)
    label = None if labels is None else labels[0]
    return Extracted(known(confidences[0]), label, source, batch=batch, rejected=rejected)


def known(cell: Any) -> float | None:
    """
    A Python float; None for NaN.
    """
    return None if np.isnan(cell) else float(cell)


def _unless_unknown(values: list[Any]) -> list[Any] | None:
    return None if all(value is None for value in values) else values


def _column(values: Sequence[Values | None]) -> Values | None:
    if all(value is None for value in values):
        return None
    cells = [value if isinstance(value, float) else np.nan for value in values]
    return np.array(cells, dtype=np.float64)


def _intervals(found: Sequence[Extracted]) -> tuple[Values, Values] | None:
    lower = _column([None if one.interval is None else one.interval[0] for one in found])
    upper = _column([None if one.interval is None else one.interval[1] for one in found])
    return None if lower is None or upper is None else (lower, upper)
