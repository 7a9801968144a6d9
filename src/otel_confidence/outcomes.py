"""
This module turns truths and judgements, told with receipts, into records, and says what they count.

The program that records and the server that takes truths in both do it here, so that it makes no
difference to any counter which of them is told.
"""

import hashlib
import math
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from otel_confidence import conventions as c
from otel_confidence.errors import InvalidRecord
from otel_confidence.receipts import Receipt
from otel_confidence.records import Feedback, Outcome

BINS: Final = tuple(str(edge) for edge in c.CALIBRATION_EDGES)
"""Values of the calibration bin's attribute, in order."""
CORRECT: Final = "correct"
INCORRECT: Final = "incorrect"
PARTIAL: Final = "partial"
UNKNOWN: Final = "unknown"
INVALID_RECEIPT: Final = "invalid_receipt"
INVALID_VALUE: Final = "invalid_value"
TRUTH_MISSING: Final = "truth_missing"
LABEL_UNKNOWN: Final = "label_unknown"
DUPLICATE: Final = "duplicate"


class Unusable(InvalidRecord):
    """
    A truth or judgement that can't be used, with the reason it is counted under.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Calibrated(NamedTuple):
    """
    What one outcome adds to the four counters of its calibration bin.
    """

    predictions: int
    confidence: float
    correct: float
    squared_error: float


@dataclass(frozen=True, slots=True)
class Truth:
    """
    What became known about a prediction: the true label or value, or a verdict, which wins.
    """

    label: str | None = None
    """The true label, as text."""
    value: float | None = None
    """The true value of a regression."""
    correct: bool | None = None
    score: float | None = None
    """How right the prediction was, 0 to 1."""
    time_s: float | None = None
    """When it became known, epoch seconds; now where that is not said."""

    def __post_init__(self) -> None:
        if self.label is not None and self.value is not None:
            raise Unusable(INVALID_VALUE, "give a label or a value, not both")
        if self.correct is not None and self.score is not None:
            raise Unusable(INVALID_VALUE, "give correct or a score, not both")
        if all(said is None for said in (self.label, self.value, self.correct, self.score)):
            raise Unusable(TRUTH_MISSING, "give a label, a value, correct or a score")
        if self.score is not None and not 0 <= self.score <= 1:
            raise Unusable(INVALID_VALUE, f"score must be within 0..1, got {self.score!r}")
        for name in ("value", "time_s"):
            number = getattr(self, name)
            if number is not None and not math.isfinite(number):
                raise Unusable(INVALID_VALUE, f"{name} must be finite, got {number!r}")

    def correctness(self, receipt: Receipt) -> float:
        """
        How right the prediction was, 0 to 1.

        Raises:
            Unusable: the receipt doesn't say what was predicted.
        """
        said = self.score if self.correct is None else float(self.correct)
        if said is None:
            said = receipt.correctness(label=self.label, value=self.value)
        if said is None:
            raise Unusable(
                LABEL_UNKNOWN,
                "the receipt has no prediction that this truth can be compared with; "
                "tell correct= or score=",
            )
        return said


def outcome(receipt: Receipt, truth: Truth, *, now_s: float, text: str = "") -> Outcome:
    """
    The outcome of a prediction whose truth is known.

    Args:
        receipt: the prediction's.
        truth: what became known.
        now_s: the time, epoch seconds.
        text: the true label or value as it may stand on the event.

    Raises:
        Unusable: the receipt doesn't say what was predicted.
    """
    known_s = now_s if truth.time_s is None else truth.time_s
    return Outcome(
        receipt.model, receipt.version, truth.correctness(receipt), receipt.confidence,
        receipt.source, text, max(known_s - receipt.time_ms / 1000, 0.0), receipt.prediction_id,
        receipt.link,
    )  # fmt: skip


def turned_out(correctness: float | None) -> str:
    """
    How a prediction turned out, a value of ``conventions.OUTCOME``.
    """
    if correctness is None:
        return UNKNOWN
    if correctness == 1:
        return CORRECT
    return PARTIAL if correctness else INCORRECT


def bin_of(confidence: float) -> int:
    """
    The number of the calibration bin, each ``(previous, edge]``; 0 falls into the first.
    """
    return bisect_left(c.CALIBRATION_EDGES, confidence)


def calibrated(confidence: float, correctness: float) -> Calibrated:
    """
    What a prediction adds to its bin; all four are additive for partly right ones too.
    """
    return Calibrated(1, confidence, correctness, (confidence - correctness) ** 2)


def feedback_id(f: Feedback) -> int:
    """
    The identity of a judgement, 64 bits: one of a type by one judge about one prediction.
    """
    told = f"{f.type}\0{f.source}\0{f.judge}".encode("utf-8", "backslashreplace")
    salt = f.prediction_id.to_bytes(8, "big")
    return int.from_bytes(hashlib.blake2b(told, digest_size=8, salt=salt).digest(), "big")


def id_text(number: int) -> str:
    """
    A 64-bit id as it stands on spans and events.
    """
    return f"{number:016x}"


def of_outcome(o: Outcome) -> dict[str, str | float]:
    """
    What stands on an outcome's event beside the model and the truth itself.
    """
    detail: dict[str, str | float] = {
        c.PREDICTION_ID.name: id_text(o.prediction_id),
        c.OUTCOME.name: turned_out(o.correct),
        c.LABEL_DELAY.name: o.delay_s,
    }
    if o.correct is not None:
        detail[c.CORRECTNESS.name] = float(o.correct)
    if o.confidence is not None:
        detail[c.CONFIDENCE.name] = o.confidence
        detail[c.SOURCE.name] = o.source
    return detail


def of_feedback(f: Feedback) -> dict[str, str | float]:
    """
    What stands on a judgement's event beside the model and the comment.
    """
    return {
        c.PREDICTION_ID.name: id_text(f.prediction_id),
        c.FEEDBACK_ID.name: id_text(feedback_id(f)),
        c.FEEDBACK_SCORE.name: f.score,
        c.FEEDBACK_TYPE.name: f.type,
        c.FEEDBACK_SOURCE.name: f.source,
    }


def of_model(model: str, version: str) -> dict[str, str]:
    """
    The model's name, and its version where it has one.
    """
    named: Mapping[c.Attribute, Any] = {c.MODEL_NAME: model, c.MODEL_VERSION: version}
    return {attribute.name: value for attribute, value in named.items() if value}
