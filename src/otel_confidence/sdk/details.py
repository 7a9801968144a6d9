"""This module says what stands on spans and events beside the model's name and version."""

from typing import TYPE_CHECKING

from otel_confidence import conventions as c
from otel_confidence import outcomes
from otel_confidence.records import Feedback, Outcome, Prediction
from otel_confidence.reports import DataQuality, Optimization
from otel_confidence.sdk.events import Value
from otel_confidence.sdk.redaction.redactor import Redactor
from otel_confidence.sdk.rows import cell, row_id
from otel_confidence.sdk.series import tier_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Detail = dict[str, Value]


def of_prediction(p: Prediction, redactor: Redactor) -> Detail:
    """
    One prediction, or the summary of a batch.
    """
    detail: Detail = {c.PREDICTION_ID.name: _id(p.id)}
    confidence = p.confidence
    if isinstance(confidence, float):
        _put_confidence(detail, p, confidence)
    elif confidence is not None:
        detail |= _of_confidences(p, confidence)
    threshold = p.decisions.threshold
    if threshold is not None:
        detail[c.THRESHOLD.name] = threshold
    if p.size != 1:
        detail[c.BATCH_SIZE.name] = p.size
    elif p.label is not None:
        _put(detail, c.LABEL, redactor.label("label", p.label))
    if isinstance(p.uncertainty, float):
        detail |= _of_uncertainty(p, p.uncertainty)
    return detail


def of_row(p: Prediction, row: int, redactor: Redactor) -> Detail:
    """
    One row of a batch.
    """
    detail: Detail = {c.PREDICTION_ID.name: _id(row_id(p.id, row))}
    confidence, label = cell(p.confidence, row), cell(p.label, row)
    if confidence is not None and confidence >= 0:
        _put_confidence(detail, p, float(confidence))
    if p.decisions.threshold is not None:
        detail[c.THRESHOLD.name] = p.decisions.threshold
    if label is not None:
        _put(detail, c.LABEL, redactor.label("label", label))
    uncertainty = cell(p.uncertainty, row)
    if uncertainty is not None and uncertainty >= 0:
        detail |= _of_uncertainty(p, float(uncertainty))
    return detail


def _put_confidence(detail: Detail, p: Prediction, confidence: float) -> None:
    detail[c.CONFIDENCE.name] = confidence
    detail[c.SOURCE.name] = p.source
    detail[c.TIER.name] = tier_of(confidence)
    detail[c.DECISION.name] = p.decisions.of(confidence)


def _of_confidences(p: Prediction, confidences: "NDArray[np.float64]") -> Detail:
    known = confidences[confidences >= 0]
    if not known.size:
        return {}
    detail: Detail = {
        c.SOURCE.name: p.source,
        c.CONFIDENCE_MIN.name: float(known.min()),
        c.CONFIDENCE_MEAN.name: float(known.mean()),
        c.CONFIDENCE_MAX.name: float(known.max()),
    }
    if p.decisions.threshold is not None:
        detail[c.BATCH_LOW.name] = int((known < p.decisions.threshold).sum())
    return detail


def _of_uncertainty(p: Prediction, uncertainty: float) -> Detail:
    return {c.UNCERTAINTY.name: uncertainty, c.UNCERTAINTY_METHOD.name: p.method}


def of_outcome(o: Outcome, redactor: Redactor) -> Detail:
    """
    The truth about a prediction.
    """
    detail: Detail = {**outcomes.of_outcome(o)}
    if o.truth:
        _put(detail, c.TRUTH, redactor.text("truth", o.truth))
    return detail


def of_feedback(f: Feedback, redactor: Redactor) -> Detail:
    """
    What somebody thought of a prediction.
    """
    detail: Detail = {**outcomes.of_feedback(f)}
    if f.comment:
        _put(detail, c.FEEDBACK_COMMENT, redactor.text("comment", f.comment))
    return redactor.values("metadata", f.metadata) | detail


def of_optimization(o: Optimization, redactor: Redactor) -> Detail:
    """
    What an optimization brought, its component and category by their full names.
    """
    detail: Detail = {
        c.COMPONENT.name: redactor.name(o.component),
        c.OPTIMIZATION_CATEGORY.name: redactor.name(o.category),
        c.BEFORE.name: o.before,
        c.AFTER.name: o.after,
    }
    if o.id:
        detail[c.OPTIMIZATION_ID.name] = redactor.name(o.id)
    if o.change is not None:
        detail[c.CHANGE.name] = o.change
    if o.user_impact is not None:
        detail[c.USER_IMPACT.name] = o.user_impact
    return redactor.values("metadata", o.metadata) | detail


def of_violation(d: DataQuality, check: str, redactor: Redactor) -> Detail:
    """
    A check that failed.
    """
    known = {c.QUALITY_CHECK.name: redactor.name(check), c.QUALITY_RESULT.name: d.checks[check]}
    return redactor.values("metadata", d.metadata) | known


def _put(detail: Detail, attribute: c.Attribute, text: str | None) -> None:
    if text is not None:
        detail[attribute.name] = text


def _id(number: int) -> str:
    return f"{number:016x}"
