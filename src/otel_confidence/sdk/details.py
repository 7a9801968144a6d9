"""This module says what stands on spans and events beside the model's name and version."""

from otel_confidence import conventions as c
from otel_confidence.records import Feedback, Outcome, Prediction
from otel_confidence.sdk.events import Value
from otel_confidence.sdk.redaction.redactor import Redactor
from otel_confidence.sdk.series import decision_of, tier_of

Detail = dict[str, Value]


def of_prediction(p: Prediction, redactor: Redactor) -> Detail:
    """
    One prediction, or the summary of a batch.
    """
    detail: Detail = {c.PREDICTION_ID.name: _id(p.id)}
    if isinstance(p.confidence, float):
        detail[c.CONFIDENCE.name] = p.confidence
        detail[c.SOURCE.name] = p.source
        detail[c.TIER.name] = tier_of(p.confidence)
        detail[c.DECISION.name] = decision_of(p.confidence, p.threshold)
    if p.threshold is not None:
        detail[c.THRESHOLD.name] = p.threshold
    if p.size != 1:
        detail[c.BATCH_SIZE.name] = p.size
    elif p.label is not None:
        _put(detail, c.LABEL, redactor.label("label", p.label))
    if isinstance(p.uncertainty, float):
        detail[c.UNCERTAINTY.name] = p.uncertainty
        detail[c.UNCERTAINTY_METHOD.name] = p.method
    return detail


def of_outcome(o: Outcome, redactor: Redactor) -> Detail:
    """
    The truth about a prediction.
    """
    detail: Detail = {
        c.PREDICTION_ID.name: _id(o.prediction_id),
        c.OUTCOME.name: turned_out(o),
        c.LABEL_DELAY.name: o.delay_s,
    }
    if o.confidence is not None:
        detail[c.CONFIDENCE.name] = o.confidence
        detail[c.SOURCE.name] = o.source
    if o.truth:
        _put(detail, c.TRUTH, redactor.text("truth", o.truth))
    return detail


def of_feedback(f: Feedback, redactor: Redactor) -> Detail:
    """
    What somebody thought of a prediction.
    """
    detail: Detail = {
        c.PREDICTION_ID.name: _id(f.prediction_id),
        c.FEEDBACK_SCORE.name: f.score,
        c.FEEDBACK_TYPE.name: f.type,
        c.FEEDBACK_SOURCE.name: f.source,
    }
    if f.comment:
        _put(detail, c.FEEDBACK_COMMENT, redactor.text("comment", f.comment))
    return detail


def turned_out(o: Outcome) -> str:
    """
    How a prediction turned out, a value of ``conventions.OUTCOME``.
    """
    if o.correct is None:
        return "unknown"
    return "correct" if o.correct else "incorrect"


def _put(detail: Detail, attribute: c.Attribute, text: str | None) -> None:
    if text is not None:
        detail[attribute.name] = text


def _id(number: int) -> str:
    return f"{number:016x}"
