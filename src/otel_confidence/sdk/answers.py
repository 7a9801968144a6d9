"""
This module finds what a prediction is compared with once the truth is known.
"""

import math
from collections.abc import Collection
from typing import Any

from otel_confidence.receipts import Among, Answer, Between, Label, Near
from otel_confidence.records import Prediction
from otel_confidence.sdk.numbers import finite
from otel_confidence.sdk.redaction.redactor import Redactor
from otel_confidence.text import label_text


def answer_of(p: Prediction, row: int | None, redactor: Redactor) -> Answer | None:
    """
    What a receipt of one prediction, or of one row of a batch, carries to judge it by.

    A value that has a tolerance goes before an interval, this before a set, and a label comes last.
    A number that must not leave as it stands is left out: digests can't be compared with.
    """
    row = None if p.size == 1 else row
    label, tolerance = _cell(p.label, row), _cell(p.tolerance, row)
    value = None if tolerance is None else finite(label)
    if value is not None and tolerance is not None:
        return None if _hides(redactor, value) else Near(value, float(tolerance))
    if p.interval is not None:
        return _interval(_cell(p.interval[0], row), _cell(p.interval[1], row), redactor)
    members = _cell(p.prediction_set, row)
    if members is not None:
        return _members(members)
    text = None if label is None else label_text(label)
    return None if text is None else Label(text, hidden=redactor.hides("label", text))


def _cell(column: Any, row: int | None) -> Any:
    """
    What belongs to one prediction; None where there is no such row.
    """
    if column is None or row is None:
        return column
    return column[row] if row < len(column) else None


def _interval(lower: Any, upper: Any, redactor: Redactor) -> Between | None:
    ends = finite(lower), finite(upper)
    if ends[0] is None or ends[1] is None or any(_hides(redactor, end) for end in ends):
        return None
    return Between(ends[0], ends[1])


def _members(labels: Collection[Any]) -> Among | None:
    texts = [label_text(label) for label in labels]
    known = tuple(text for text in texts if text is not None)
    return Among(known) if len(known) == len(texts) else None


def _hides(redactor: Redactor, value: float | None) -> bool:
    text = label_text(value)
    return value is None or not math.isfinite(value) or redactor.hides("label", text or "")
