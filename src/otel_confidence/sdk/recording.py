"""
This module holds the verbs: what becomes known about a prediction later, told with its receipt.

Nothing here raises: a receipt that is forged or damaged, or a value out of its range, is dropped
and counted by reason in ``otel_confidence.dropped``.
"""

from collections.abc import Callable
from typing import Any, Final

from otel_confidence.errors import InvalidRecord
from otel_confidence.records import Feedback, Outcome
from otel_confidence.sdk import receipts
from otel_confidence.sdk.current import current
from otel_confidence.sdk.numbers import finite
from otel_confidence.sdk.receipts import Receipt
from otel_confidence.sdk.telemetry import Telemetry
from otel_confidence.sdk.text import label_text, type_name

_UNSET: Final[Any] = object()


def record_outcome(
    receipt: str,
    *,
    label: Any = _UNSET,
    correct: bool | None = None,
    telemetry: Telemetry | None = None,
) -> None:
    """
    Tell the truth about an earlier prediction, once; in any process, any time later.

    Args:
        receipt: the prediction's receipt.
        label: the true label; it is compared with the predicted one as text.
        correct: whether the prediction was right, instead of a label.
        telemetry: where to record; the configured one by default.
    """
    telemetry = telemetry or current()

    def outcome(found: Receipt) -> Outcome:
        text = None if label is _UNSET else label_text(label)
        right = correct if correct is not None or text is None else found.predicted(text)
        if right is None:
            raise _Unusable("truth_missing" if text is None else "label_unknown")
        return Outcome(
            found.model, found.version, bool(right), found.confidence, found.source,
            "" if text is None else telemetry.redactor.readable("truth", label),
            max(telemetry.now() - found.time_ms / 1000, 0.0), found.prediction_id, found.link,
        )  # fmt: skip

    _record(telemetry, "outcome", receipt, outcome)


def record_feedback(
    receipt: str,
    *,
    score: float,
    type: str = "overall",  # noqa: A002  the attribute's own word
    source: str = "end_user",
    comment: str = "",
    telemetry: Telemetry | None = None,
) -> None:
    """
    Tell what somebody thought of an earlier prediction.

    Args:
        receipt: the prediction's receipt.
        score: 0 (bad) to 1 (good).
        type: what was judged: task_completion, ease_of_use, accuracy, speed or overall.
        source: who judged: end_user, expert or system.
        comment: in their own words; stands on the event only.
        telemetry: where to record; the configured one by default.
    """
    telemetry = telemetry or current()

    def feedback(found: Receipt) -> Feedback:
        number = finite(score)
        if number is None:
            raise InvalidRecord(f"score must be a number within 0..1, got {type_name(score)}")
        text = telemetry.redactor.prepared("comment", comment)
        return Feedback(
            found.model, found.version, number, type, source, text, found.prediction_id, found.link,
        )  # fmt: skip

    _record(telemetry, "feedback", receipt, feedback)


class _Unusable(Exception):  # noqa: N818  carries a reason from where it is found to the ledger
    """
    A record that can't be used, and why.
    """


def _record(
    telemetry: Telemetry, signal: str, receipt: str, make: Callable[[Receipt], Outcome | Feedback]
) -> None:
    if not telemetry.enabled:
        return
    with telemetry.guard(f"recording.{signal}"):
        try:
            record = make(_read(receipt, telemetry))
        except _Unusable as error:
            reason = str(error)
        except InvalidRecord as error:
            reason = "invalid_value"
            telemetry.guard.say_once(f"{signal} {reason}", "otel_confidence: %s: %s", signal, error)
        else:
            telemetry.emit(record)
            return
        telemetry.recorded(signal)
        telemetry.dropped(signal, reason)


def _read(receipt: str, telemetry: Telemetry) -> Receipt:
    try:
        return receipts.read(receipt, key=telemetry.settings.receipt_key)
    except InvalidRecord as error:
        telemetry.guard.say_once("receipt", "otel_confidence: %s", error)
        raise _Unusable("invalid_receipt") from error
