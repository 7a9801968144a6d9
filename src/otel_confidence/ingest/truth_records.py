"""
This module reads truths and judgements as they are told to the server: fields into records.

A record is a mapping: ``receipt`` and, for an outcome, ``label``, ``correct``, ``value`` or
``score`` and ``time``; for feedback, ``score``, ``type``, ``source``, ``comment`` and ``judge``.
Other fields are left alone, as tables often have more columns.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from otel_confidence import conventions as c
from otel_confidence import outcomes, receipts
from otel_confidence.errors import InvalidRecord
from otel_confidence.outcomes import Truth, Unusable
from otel_confidence.receipts import Receipt
from otel_confidence.records import Feedback, Link, Outcome
from otel_confidence.text import COMMENT_LIMIT, clean, label_text

Fields = Mapping[str, Any]
RECEIPT: Final = "receipt"
OUTCOME_FIELDS: Final = (RECEIPT, "label", "correct", "value", "score", "time")
FEEDBACK_FIELDS: Final = (RECEIPT, "score", "type", "source", "comment", "judge")
MALFORMED: Final = "malformed"
LEAD_S: Final = 600.0
"""How far the clock of who tells a truth may be ahead, as of other records."""
_VERDICTS: Final[Mapping[Any, bool]] = {
    True: True, False: False, "true": True, "false": False, "1": True, "0": False,
    "yes": True, "no": False,
}  # fmt: skip


class Told(NamedTuple):
    """
    One truth or judgement, ready to be kept.
    """

    event: c.Event
    identity: str
    """What it is recognized by when it is told again."""
    prediction: str
    """The id of the prediction it is about."""
    model: str
    version: str
    attributes: Mapping[str, str | float]
    """What stands on its event beside the model."""
    link: Link


Reading = Callable[[Any, Sequence[str], float], Told]
"""Reads one record, given the keys of receipts and the time."""


def outcome(fields: Any, keys: Sequence[str], now_s: float) -> Told:
    """
    The outcome that a record tells.

    Raises:
        Unusable: it tells none, with the reason.
    """
    receipt = _receipt(fields, keys)
    label = fields.get("label")
    truth = Truth(
        _text(label), _number(fields, "value"), _verdict(fields.get("correct")),
        _number(fields, "score"), _time(fields.get("time"), now_s),
    )  # fmt: skip
    known = truth.label if truth.value is None else label_text(truth.value)
    record: Outcome = outcomes.outcome(receipt, truth, now_s=now_s, text=clean(known or ""))
    told = outcomes.of_outcome(record)
    if record.truth:
        told[c.TRUTH.name] = record.truth
    return _told(c.OUTCOME_KNOWN, outcomes.id_text(record.prediction_id), record, told)


def feedback(fields: Any, keys: Sequence[str], now_s: float) -> Told:  # noqa: ARG001  a reading
    """
    The judgement that a record tells.

    Raises:
        Unusable: it tells none, with the reason.
    """
    receipt = _receipt(fields, keys)
    score = _number(fields, "score")
    if score is None:
        raise Unusable(outcomes.INVALID_VALUE, "score is missing")
    try:
        record = Feedback(
            receipt.model, receipt.version, score, _word(fields, "type") or "overall",
            _word(fields, "source") or "end_user",
            clean(_word(fields, "comment"), COMMENT_LIMIT), receipt.prediction_id, receipt.link,
            _text(fields.get("judge")) or "",
        )  # fmt: skip
    except InvalidRecord as error:
        raise Unusable(outcomes.INVALID_VALUE, str(error)) from error
    told = outcomes.of_feedback(record)
    if record.comment:
        told[c.FEEDBACK_COMMENT.name] = record.comment
    return _told(c.FEEDBACK, str(told[c.FEEDBACK_ID.name]), record, told)


def _told(
    event: c.Event, identity: str, record: Outcome | Feedback, told: Mapping[str, str | float]
) -> Told:
    prediction = outcomes.id_text(record.prediction_id)
    return Told(event, identity, prediction, record.model, record.version, told, record.link)


def _receipt(fields: Any, keys: Sequence[str]) -> Receipt:
    if isinstance(fields, Unusable):
        raise fields
    if not isinstance(fields, Mapping):
        raise Unusable(MALFORMED, f"a record must be an object, got {type(fields).__name__}")
    try:
        return receipts.read(fields.get(RECEIPT) or "", keys=keys)
    except InvalidRecord as error:
        raise Unusable(outcomes.INVALID_RECEIPT, str(error)) from error


def _text(label: Any) -> str | None:
    """
    A label as text; None where it is missing, as tables say it.
    """
    missing = label is None or label == "" or (isinstance(label, float) and math.isnan(label))
    return None if missing else label_text(label)


def _word(fields: Fields, name: str) -> str:
    given = fields.get(name)
    if given is None or isinstance(given, str):
        return given or ""
    raise Unusable(outcomes.INVALID_VALUE, f"{name} must be text, got {_shown(given)}")


def _number(fields: Fields, name: str) -> float | None:
    given = fields.get(name)
    if given is None or given == "" or (isinstance(given, float) and math.isnan(given)):
        return None
    if isinstance(given, (int, float)) and not isinstance(given, bool) and abs(given) < math.inf:
        return float(given) if abs(given) < 1e308 else _wrong(name, given)  # noqa: PLR2004  floats
    return _wrong(name, given)


def _wrong(name: str, given: Any) -> float:
    raise Unusable(outcomes.INVALID_VALUE, f"{name} must be a finite number, got {_shown(given)}")


def _verdict(given: Any) -> bool | None:
    if given is None or given == "" or (isinstance(given, float) and math.isnan(given)):
        return None
    known = given.lower() if isinstance(given, str) else given
    if isinstance(known, (str, bool, int, float)) and known in _VERDICTS:
        return _VERDICTS[known]
    raise Unusable(outcomes.INVALID_VALUE, f"correct must be true or false, got {_shown(given)}")


def _time(given: Any, now_s: float) -> float | None:
    """
    A time as epoch seconds, from a number or RFC 3339.
    """
    seconds = _moment(given) if isinstance(given, str) else _number({"time": given}, "time")
    if seconds is None or 0 <= seconds <= now_s + LEAD_S:
        return seconds
    raise Unusable(
        outcomes.INVALID_VALUE,
        f"time must be epoch seconds, not ahead of this machine's clock, got {_shown(given)}",
    )


def _moment(given: str) -> float | None:
    if not given:
        return None
    text = f"{given[:-1]}+00:00" if given[-1] in "Zz" else given
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise Unusable(
            outcomes.INVALID_VALUE,
            f"time must be like 2026-11-22T12:00:00Z or epoch seconds, got {_shown(given)}",
        )
    return moment.timestamp()


def _shown(given: Any) -> str:
    return clean(given, 40) if isinstance(given, str) else clean(repr(type(given).__name__), 40)
