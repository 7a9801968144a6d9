"""
This module holds the verbs of late truth: what becomes known about a prediction after it was made.

Nothing here raises: a receipt that is forged or damaged, or a value out of its range, is dropped
and counted by reason in ``otel_confidence.dropped``.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from opentelemetry.trace import get_current_span

from otel_confidence import checks, outcomes, receipts
from otel_confidence.errors import InvalidRecord
from otel_confidence.outcomes import Truth, Unusable
from otel_confidence.receipts import Receipt
from otel_confidence.records import Feedback, Outcome
from otel_confidence.sdk.accounting import report
from otel_confidence.sdk.current import current
from otel_confidence.sdk.numbers import finite
from otel_confidence.sdk.telemetry import Telemetry
from otel_confidence.text import label_text, type_name

_NAN: Final = "nan"


def record_outcome(
    receipt: str,
    *,
    label: Any = None,
    correct: bool | None = None,
    value: Any = None,
    score: float | None = None,
    time_s: float | None = None,
    telemetry: Telemetry | None = None,
) -> None:
    """
    Tell the truth about an earlier prediction, once; in any process, any time later.

    The first truth about a prediction counts; one that is told again is a duplicate, also where it
    says something else. ``correct`` and ``score`` go before what a label or value says.

    Args:
        receipt: the prediction's receipt.
        label: the true label; it is compared with the predicted one, or with each of a prediction
            set, as text. None and NaN are no label.
        correct: whether the prediction was right.
        value: the true value of a regression: right within the tolerance, or in the interval,
            that was declared where it was predicted.
        score: how right the prediction was, 0 to 1, where it can be partly right.
        time_s: when the truth became known, epoch seconds; now by default.
        telemetry: where to record; the configured one by default.
    """
    telemetry = telemetry or current()

    def outcome(found: Receipt) -> Outcome:
        truth = Truth(
            _text(label), _number("value", value), _verdict(correct), _number("score", score),
            _number("time_s", time_s),
        )  # fmt: skip
        known = label if truth.value is None else truth.value
        text = "" if _text(known) is None else telemetry.redactor.readable("truth", known)
        return outcomes.outcome(found, truth, now_s=telemetry.now(), text=text)

    _record(telemetry, "outcome", receipt, outcome)


def record_feedback(
    receipt: str,
    *,
    score: float,
    type: str = "overall",  # noqa: A002  the attribute's own word
    source: str = "end_user",
    comment: str = "",
    judge: str = "",
    attributes: Mapping[str, Any] | None = None,
    metadata: Mapping[str, Any] | None = None,
    telemetry: Telemetry | None = None,
) -> None:
    """
    Tell what somebody thought of an earlier prediction.

    One judgement of a type counts for each source and judge, the first; so a double click or a
    repeated request changes nothing. Name the judges where several of one source may judge.

    Args:
        receipt: the prediction's receipt.
        score: 0 (bad) to 1 (good).
        type: what was judged: task_completion, ease_of_use, accuracy, speed or overall.
        source: who judged: end_user, expert or system.
        comment: in their own words; stands on the event only.
        judge: an opaque id of the one who judged; only a digest of it leaves the process.
        attributes: may stand on metrics, those that ``configure(metric_attributes=...)`` names.
        metadata: stands on the event, what of it ``configure(capture=...)`` lets out.
        telemetry: where to record; the configured one by default.
    """
    telemetry = telemetry or current()

    def feedback(found: Receipt) -> Feedback:
        said = checks.text("comment", comment, empty=True)
        return Feedback(
            found.model, found.version, score, type, source,
            telemetry.redactor.prepared("comment", said), found.prediction_id, found.link,
            _text(judge) or "", attributes or {}, metadata or {},
        )  # fmt: skip

    _record(telemetry, "feedback", receipt, feedback)


def _text(label: Any) -> str | None:
    """
    A label as text; None where it is missing, as pandas and databases say it.
    """
    text = None if label is None else label_text(label)
    return None if text == _NAN and not isinstance(label, str) else text


def _number(name: str, value: Any) -> float | None:
    if value is None:
        return None
    number = finite(value)
    if number is None:
        raise Unusable(
            outcomes.INVALID_VALUE, f"{name} must be a finite number, got {type_name(value)}"
        )
    return number


def _verdict(correct: Any) -> bool | None:
    number = _number("correct", correct)
    if number is not None and number not in {0.0, 1.0}:
        raise Unusable(outcomes.INVALID_VALUE, "correct must be true or false; score= is 0 to 1")
    return None if number is None else bool(number)


def _record(
    telemetry: Telemetry, signal: str, receipt: str, make: Callable[[Receipt], Outcome | Feedback]
) -> None:
    report(
        telemetry, signal, "recording", lambda: make(_read(receipt, telemetry)),
        span=get_current_span(),
    )  # fmt: skip


def _read(receipt: str, telemetry: Telemetry) -> Receipt:
    try:
        return receipts.read(receipt, keys=telemetry.settings.receipt_keys)
    except InvalidRecord as error:
        raise Unusable(outcomes.INVALID_RECEIPT, str(error)) from error
