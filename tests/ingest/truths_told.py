"""This module makes receipts and truths for tests of the server's half."""

import time
from collections.abc import Sequence
from typing import Any

from otel_confidence import receipts
from otel_confidence.ingest import truth_records
from otel_confidence.ingest.truth_records import Told
from otel_confidence.points import NAME_LABEL, Matcher
from otel_confidence.receipts import Label
from otel_confidence.records import Link
from otel_confidence.store import Store

LINK = Link(0xABC, 0xDEF, sampled=True)


def receipt(number: int, confidence: float | None = 0.9, label: str = "4", **more: Any) -> str:
    """The receipt of a prediction made a minute ago."""
    given: dict[str, Any] = {
        "model": "m", "version": "1", "source": "probability", "answer": Label(label),
        "time_s": time.time() - 60, "link": LINK, "confidence": confidence,
        "prediction_id": number,
    }  # fmt: skip
    return receipts.write(**(given | more))


def outcome(number: int, confidence: float = 0.9, keys: Sequence[str] = (), **truth: Any) -> Told:
    """The truth about one prediction."""
    record = {"receipt": receipt(number, confidence), **(truth or {"label": "4"})}
    return truth_records.outcome(record, keys, time.time())


def feedback(number: int, **said: Any) -> Told:
    """A judgement of one prediction."""
    record = {"receipt": receipt(number), "score": 0.5, **said}
    return truth_records.feedback(record, (), time.time())


def counters(store: Store, name: str, *by: str) -> dict[tuple[str, ...], float]:
    """The last values of a metric's series, by some of their labels, zeros left out."""
    now_ms = time.time_ns() // 1_000_000
    found = store.select([Matcher(NAME_LABEL, "=", name)], now_ms - 3_600_000, now_ms + 60_000)
    totals: dict[tuple[str, ...], float] = {}
    for selection in found:
        labels = dict(selection.labels)
        key = tuple(labels.get(label, "") for label in by)
        totals[key] = totals.get(key, 0.0) + float(selection.values[-1])
    return {key: total for key, total in totals.items() if total}


def calibration(store: Store) -> dict[str, dict[tuple[str, ...], float]]:
    """The four calibration counters by bin."""
    return {
        part: counters(store, f"ml_calibration_{part}_total", "ml_calibration_bin")
        for part in ("predictions", "confidence", "correct", "squared_error")
    }
