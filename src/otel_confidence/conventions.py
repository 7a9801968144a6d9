"""
This module is the one table of signals: every metric, attribute, event and span name.

Instruments, decoders, queries, rules, panels and documentation read it; none of them spells a name
by itself. Counters are plural with unit ``{thing}``, durations are seconds, a gauge that is a
fraction ends in ``.ratio``, and any other dimensionless gauge has an annotation unit such as
``{score}``, so that the Prometheus name is the same on every path.
"""

from typing import Final

from otel_confidence.signals import Attribute as Attribute  # noqa: PLC0414  for all who read it
from otel_confidence.signals import Event as Event  # noqa: PLC0414  for all who read it
from otel_confidence.signals import Metric as Metric  # noqa: PLC0414  for all who read it

CONFIDENCE_EDGES: Final = (
    0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99, 1.0,
)  # fmt: skip
"""Upper bucket edges of every confidence histogram; thresholds in use are added to them."""
LATENCY_EDGES: Final = (
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    5.0, 10.0, 30.0,
)  # fmt: skip
"""Upper bucket edges of every duration, seconds."""
DELAY_EDGES: Final = (1.0, 10.0, 60.0, 300.0, 900.0, 3600.0, 21600.0, 86400.0, 604800.0, 2592000.0)
"""Upper bucket edges of the time between a prediction and its truth, seconds."""
UNCERTAINTY_EDGES: Final = (
    0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 2.0, 5.0, 10.0,
)  # fmt: skip
"""Upper bucket edges of uncertainties; entropies and margins lie in 0..1, widths may exceed it."""
SCORE_EDGES: Final = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""Upper bucket edges of a score within 0..1."""
CALIBRATION_EDGES: Final = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""Upper edges of the calibration bins, each ``(previous, edge]``; 0 falls into the first.

Ten bins of equal width as in Guo et al., "On Calibration of Modern Neural Networks" (2017).
"""
LOW_CONFIDENCE: Final = 0.6
"""A confidence below this is of tier ``low``."""
HIGH_CONFIDENCE: Final = 0.9
"""A confidence at or above this is of tier ``high``."""
OTHER: Final = "_OTHER"
"""OpenTelemetry's value of an attribute for whatever has no value of its own."""


def _label(name: str, about: str, *values: str) -> Attribute:
    return Attribute(name, about, on_metrics=True, values=values)


MODEL_NAME = _label("ml.model.name", "The model that predicted.")
MODEL_VERSION = _label("ml.model.version", "Its version.")
TASK_TYPE = _label(
    "ml.task.type", "What the model does.",
    "classification", "regression", "ranking", "detection", "forecasting", "generation",
)  # fmt: skip
PREDICTION_ID = Attribute("ml.prediction.id", "The prediction, the same in its receipt.")
CONFIDENCE = Attribute("ml.prediction.confidence", "How sure the model was, 0 to 1.")
CONFIDENCE_MIN = Attribute("ml.prediction.confidence.min", "The least confidence of a batch.")
CONFIDENCE_MEAN = Attribute("ml.prediction.confidence.mean", "The mean confidence of a batch.")
CONFIDENCE_MAX = Attribute("ml.prediction.confidence.max", "The highest confidence of a batch.")
SOURCE = _label(
    "ml.prediction.confidence.source", "Where the confidence was found.",
    "probability", "logit", "logprob", "margin", "ensemble", "conformal", "verbalized", "judge",
    "heuristic", "reported",
)  # fmt: skip
TIER = _label("ml.prediction.confidence.tier", "How high it was.", "low", "medium", "high")
DECISION = _label(
    "ml.prediction.decision", "What was done with the prediction.",
    "accept", "abstain", "escalate", "fallback",
)  # fmt: skip
PREDICTION_CLASS = _label("ml.prediction.class", "The predicted class; on request, capped.")
LABEL = Attribute("ml.prediction.label", "The predicted label, as text.")
THRESHOLD = Attribute("ml.prediction.threshold", "The confidence below which it is not accepted.")
UNCERTAINTY = Attribute("ml.prediction.uncertainty", "How unsure the model was.")
UNCERTAINTY_METHOD = _label(
    "ml.prediction.uncertainty.method", "How the uncertainty was computed.",
    "entropy", "margin", "std", "mutual_information", "set_size", "interval_width",
)  # fmt: skip
BATCH_SIZE = Attribute("ml.prediction.batch.size", "How many predictions one call made.")
BATCH_LOW = Attribute("ml.prediction.batch.low", "How many of them are below the threshold.")
STREAM_ITEMS = Attribute("ml.prediction.stream.items", "How many items a stream gave.")
OUTCOME = _label(
    "ml.prediction.outcome", "How the prediction turned out.",
    "correct", "incorrect", "partial", "unknown",
)  # fmt: skip
TRUTH = Attribute("ml.prediction.truth", "The true label or value, as text.")
CORRECTNESS = Attribute("ml.prediction.correctness", "How right it was, 0 to 1.")
LABEL_DELAY = Attribute("ml.prediction.label.delay", "Seconds from the prediction to its truth.")
BIN = _label("ml.calibration.bin", "Upper edge of the calibration bin.")
REFERENCE_EDGE = _label("ml.reference.edge", "Upper edge of the reference's bucket.")
FEATURE_NAME = _label("ml.feature.name", "A model input; capped.")
FEATURE_BIN = _label(
    "ml.feature.bin",
    "Upper edge of the reference quantile bin, or category; none for missing and invalid values.",
)
FEATURE_STATE = _label(
    "ml.feature.value.state", "What became of the value.",
    "valid", "missing", "invalid", "outlier", "unseen",
)  # fmt: skip
DRIFT_METHOD = _label(
    "ml.drift.method", "How drift was measured.", "ks", "psi", "wasserstein", "js", "concept"
)
DRIFT_TARGET = _label(
    "ml.drift.target", "What drifted.", "feature", "prediction", "confidence", "performance"
)
DRIFT_REFERENCE_ID = Attribute("ml.drift.reference.id", "The reference compared with.")
DRIFT_SEVERITY = _label("ml.drift.severity", "How far it drifted.", "warning", "critical")
QUALITY_CHECK = _label("ml.data_quality.check", "The check's name.")
QUALITY_RESULT = _label("ml.data_quality.result", "How the check ended.", "pass", "fail", "error")
PERFORMANCE_METRIC = _label("ml.performance.metric", "Such as accuracy, f1, mae or rmse.")
PERFORMANCE_BOUND = _label(
    "ml.performance.bound", "Which end of the estimate.", "point", "lower", "upper"
)
FEEDBACK_TYPE = _label(
    "ml.feedback.type", "What was judged.",
    "task_completion", "ease_of_use", "accuracy", "speed", "overall",
)  # fmt: skip
FEEDBACK_SOURCE = _label("ml.feedback.source", "Who judged.", "end_user", "expert", "system")
FEEDBACK_ID = Attribute("ml.feedback.id", "The judgement: the same when it is told again.")
FEEDBACK_SCORE = Attribute("ml.feedback.score", "The judgement, 0 to 1.")
FEEDBACK_COMMENT = Attribute("ml.feedback.comment", "The judge's own words; on request.")
COMPONENT = _label("ml.component.name", "A part of the program.")
ACTION = _label("ml.component.action.name", "What the part did.")
ACTION_RESULT = _label("ml.component.action.result", "How it ended.", "success", "failure")
LEARNING_TYPE = _label("ml.learning.type", "How the component learns.")
OPTIMIZATION_CATEGORY = _label("ml.optimization.category", "What was optimized.")
OPTIMIZATION_ID = Attribute("ml.optimization.id", "The optimization.")
BEFORE = Attribute("ml.optimization.before", "The measure before an optimization.")
AFTER = Attribute("ml.optimization.after", "The measure after it.")
CHANGE = Attribute("ml.optimization.change.ratio", "(after - before) / |before|.")
USER_IMPACT = Attribute("ml.optimization.user_impact", "What users noticed, -1 to 1.")
ERROR_TYPE = _label("error.type", "The exception's type name.")
ERROR_SEVERITY = _label(
    "ml.error.severity", "How grave it was.", "low", "medium", "high", "critical"
)
ERROR_IMPACT = _label("ml.error.impact", "Who noticed.", "none", "degraded", "failed")
RECOVERY_SUCCESS = _label("ml.error.recovery.success", "Whether it recovered.", "true", "false")
RESOURCE_TYPE = _label("ml.resource.type", "Such as cpu, gpu, memory or disk.")
RESOURCE_NAME = _label("ml.resource.name", "Which one.")
SIGNAL = _label(
    "otel_confidence.signal", "What was recorded, or lost.",
    "prediction", "confidence", "outcome", "feedback", "usage", "performance", "learning",
    "optimization", "error", "resource", "data_quality", "feature", "attribute", "span", "event",
    "metric", "unknown",
)  # fmt: skip
REASON = _label("otel_confidence.reason", "Why it was not recorded.")
RULE_GROUP = _label("rule_group", "A group of rules: its file and name, as Prometheus has it.")
CHANNEL = _label("otel_confidence.channel", "Who is told of alerts, without anything secret.")
PLACE = _label("otel_confidence.place", "Where in the library a fault was contained.")
EVENT_NAME = Attribute("event.name", "The event's name again: Loki drops the record's own.")
SERVICE_NAME = Attribute("service.name", "The program that reports.")

_MODEL = (MODEL_NAME, MODEL_VERSION)
_Attributes = tuple[Attribute, ...]


def _counter(name: str, unit: str, about: str, attributes: _Attributes) -> Metric:
    return Metric(name, "counter", unit, about, attributes)


def _gauge(name: str, unit: str, about: str, attributes: _Attributes) -> Metric:
    return Metric(name, "gauge", unit, about, attributes)


def _histogram(
    name: str, unit: str, about: str, attributes: _Attributes, edges: tuple[float, ...]
) -> Metric:
    return Metric(name, "histogram", unit, about, attributes, edges)


PREDICTION_CONFIDENCE = _histogram(
    "ml.prediction.confidence", "1", "How sure the model was.",
    (*_MODEL, SOURCE, DECISION), CONFIDENCE_EDGES,
)  # fmt: skip
PREDICTION_UNCERTAINTY = _histogram(
    "ml.prediction.uncertainty", "{score}", "How unsure the model was.",
    (*_MODEL, UNCERTAINTY_METHOD), UNCERTAINTY_EDGES,
)  # fmt: skip
PREDICTION_DURATION = _histogram(
    "ml.prediction.duration", "s", "Time spent in one call that predicts.",
    (*_MODEL, ERROR_TYPE), LATENCY_EDGES,
)  # fmt: skip
PREDICTIONS = _counter(
    "ml.predictions", "{prediction}", "Predictions made.",
    (*_MODEL, DECISION, TIER, PREDICTION_CLASS),
)  # fmt: skip
PREDICTIONS_ACTIVE = Metric(
    "ml.prediction.active", "updown_counter", "{prediction}", "Predictions under way.", _MODEL
)
OUTCOMES = _counter(
    "ml.prediction.outcomes", "{prediction}", "Predictions whose truth became known.",
    (*_MODEL, OUTCOME),
)  # fmt: skip
PREDICTION_LABEL_DELAY = _histogram(
    "ml.prediction.label.delay", "s", "Time from a prediction to its truth.", _MODEL, DELAY_EDGES
)
CALIBRATION_PREDICTIONS = _counter(
    "ml.calibration.predictions", "{prediction}", "Predictions with known truth, by bin.",
    (*_MODEL, BIN, SOURCE),
)  # fmt: skip
CALIBRATION_CONFIDENCE = _counter(
    "ml.calibration.confidence", "{score}", "Sum of their confidences.", (*_MODEL, BIN, SOURCE)
)
CALIBRATION_CORRECT = _counter(
    "ml.calibration.correct", "{prediction}", "How many of them were correct.",
    (*_MODEL, BIN, SOURCE),
)  # fmt: skip
CALIBRATION_SQUARED_ERROR = _counter(
    "ml.calibration.squared_error", "{score}", "Sum of (confidence - correct) squared.",
    (*_MODEL, BIN, SOURCE),
)  # fmt: skip
REFERENCE_CONFIDENCE = _gauge(
    "ml.reference.confidence.ratio", "1", "The reference's share of confidences up to an edge.",
    (*_MODEL, REFERENCE_EDGE),
)  # fmt: skip
REFERENCE_FEATURE = _gauge(
    "ml.reference.feature.ratio", "1", "The reference's share of a feature's values, by bin.",
    (*_MODEL, FEATURE_NAME, FEATURE_BIN, FEATURE_STATE),
)  # fmt: skip
FEATURE_VALUES = _counter(
    "ml.feature.values", "{value}", "Feature values seen, by reference bin and state.",
    (*_MODEL, FEATURE_NAME, FEATURE_BIN, FEATURE_STATE),
)  # fmt: skip
_DRIFT = (*_MODEL, DRIFT_METHOD, DRIFT_TARGET, FEATURE_NAME)
DRIFT_SCORE = _gauge("ml.drift.score", "{score}", "How far the target drifted.", _DRIFT)
DRIFT_P_VALUE = _gauge("ml.drift.p_value", "{probability}", "Its p-value.", _DRIFT)
DRIFT_SAMPLES = _gauge("ml.drift.samples", "{sample}", "How many values were compared.", _DRIFT)
DRIFT_DETECTIONS = _counter(
    "ml.drift.detections", "{detection}", "How often drift was detected.",
    (*_MODEL, DRIFT_METHOD, DRIFT_TARGET, DRIFT_SEVERITY),
)  # fmt: skip
DATA_QUALITY_SCORE = _gauge(
    "ml.data_quality.score", "{score}", "Share of the checks that passed.", _MODEL
)
DATA_QUALITY_CHECKS = _counter(
    "ml.data_quality.checks", "{check}", "Checks run.", (*_MODEL, QUALITY_CHECK, QUALITY_RESULT)
)
PERFORMANCE_VALUE = _gauge(
    "ml.performance.value", "{score}", "Performance against the truth.",
    (*_MODEL, PERFORMANCE_METRIC),
)  # fmt: skip
PERFORMANCE_ESTIMATED = _gauge(
    "ml.performance.estimated", "{score}", "Performance estimated without the truth.",
    (*_MODEL, PERFORMANCE_METRIC, PERFORMANCE_BOUND),
)  # fmt: skip
FEEDBACK_SCORES = _histogram(
    "ml.feedback.score", "1", "What people thought of it, 0 to 1.",
    (*_MODEL, FEEDBACK_TYPE, FEEDBACK_SOURCE), SCORE_EDGES,
)  # fmt: skip
FEEDBACK_RESPONSES = _counter(
    "ml.feedback.responses", "{response}", "Judgements received.",
    (*_MODEL, FEEDBACK_TYPE, FEEDBACK_SOURCE),
)  # fmt: skip
COMPONENT_ACTIONS = _counter(
    "ml.component.actions", "{action}", "What people did with a component.",
    (COMPONENT, ACTION, ACTION_RESULT),
)  # fmt: skip
COMPONENT_ACTION_DURATION = _histogram(
    "ml.component.action.duration", "s", "How long it took.",
    (COMPONENT, ACTION, ACTION_RESULT), LATENCY_EDGES,
)  # fmt: skip
_LEARNING = (COMPONENT, LEARNING_TYPE)
LEARNING_ACCURACY = _gauge("ml.learning.accuracy.ratio", "1", "Accuracy reached.", _LEARNING)
LEARNING_CONFIDENCE = _gauge("ml.learning.confidence.ratio", "1", "Mean confidence.", _LEARNING)
LEARNING_IMPROVEMENT = _gauge(
    "ml.learning.improvement", "{score}", "Accuracy gained since before.", _LEARNING
)
LEARNING_SAMPLES = _counter("ml.learning.samples", "{sample}", "Samples learnt from.", _LEARNING)
_OPTIMIZATION = (COMPONENT, OPTIMIZATION_CATEGORY)
OPTIMIZATION_BEFORE = _gauge(
    "ml.optimization.before", "{score}", "The measure before.", _OPTIMIZATION
)
OPTIMIZATION_AFTER = _gauge("ml.optimization.after", "{score}", "The measure after.", _OPTIMIZATION)
OPTIMIZATION_CHANGE = _gauge(
    "ml.optimization.change.ratio", "1", "(after - before) / |before|.", _OPTIMIZATION
)
OPTIMIZATION_USER_IMPACT = _gauge(
    "ml.optimization.user_impact", "{score}", "What users noticed, -1 to 1.", _OPTIMIZATION
)
ERRORS = _counter(
    "ml.errors", "{error}", "Errors.",
    (*_MODEL, COMPONENT, ERROR_TYPE, ERROR_SEVERITY, ERROR_IMPACT),
)  # fmt: skip
ERROR_RECOVERIES = _counter(
    "ml.error.recoveries", "{recovery}", "Attempts to recover.",
    (*_MODEL, COMPONENT, ERROR_TYPE, RECOVERY_SUCCESS),
)  # fmt: skip
_RESOURCE = (RESOURCE_TYPE, RESOURCE_NAME)
RESOURCE_UTILIZATION = _gauge("ml.resource.utilization.ratio", "1", "Share in use.", _RESOURCE)
RESOURCE_USED = _gauge("ml.resource.used", "By", "In use.", _RESOURCE)
RESOURCE_ALLOCATED = _gauge("ml.resource.allocated", "By", "Set aside.", _RESOURCE)
RECORDS = _counter(
    "otel_confidence.records", "{record}", "What the library was given to record.", (SIGNAL,)
)
DROPPED = _counter(
    "otel_confidence.dropped", "{record}", "What of it was not recorded, and why.",
    (SIGNAL, REASON),
)  # fmt: skip
INTERNAL_ERRORS = _counter(
    "otel_confidence.internal.errors", "{error}", "Faults contained by the library's guard.",
    (PLACE, ERROR_TYPE),
)  # fmt: skip
EXPORT_DURATION = _histogram(
    "otel_confidence.export.duration", "s", "Time spent in one export.", (SIGNAL,), LATENCY_EDGES
)
INGESTED = _counter(
    "otel_confidence.ingest.records", "{record}",
    "Samples, spans and log records that the server keeps.", (SIGNAL,),
)  # fmt: skip
INGEST_REFUSED = _counter(
    "otel_confidence.ingest.refused", "{record}",
    "Points, spans, log records and whole requests that the server refused, and why.",
    (SIGNAL, REASON),
)  # fmt: skip
STORE_DAYS_DROPPED = _counter(
    "otel_confidence.store.dropped", "{day}",
    "Days that the server let go for their age or because the folder was too large.", (REASON,),
)  # fmt: skip

_GROUP, _CHANNEL = (RULE_GROUP,), (CHANNEL,)
RULE_EVALUATIONS = _counter(
    "otel_confidence.rule.evaluations", "{evaluation}", "Rules that the server evaluated.", _GROUP
)
RULE_FAILURES = _counter(
    "otel_confidence.rule.failures", "{evaluation}", "Evaluations of rules that failed.", _GROUP
)
RULE_MISSES = _counter(
    "otel_confidence.rule.misses", "{evaluation}",
    "Evaluations of groups that were left out, being late.", _GROUP,
)  # fmt: skip
RULE_DURATION = _gauge(
    "otel_confidence.rule.duration", "s", "Time that a group's last evaluation took.", _GROUP
)
NOTIFICATIONS = _counter(
    "otel_confidence.notifications", "{notification}",
    "Notifications of alerts that a channel, and alerts that an Alertmanager took.", _CHANNEL,
)  # fmt: skip
NOTIFICATION_FAILURES = _counter(
    "otel_confidence.notification.failures", "{attempt}",
    "Attempts to tell of alerts that failed; they are repeated.", _CHANNEL,
)  # fmt: skip
NOTIFICATIONS_DROPPED = _counter(
    "otel_confidence.notification.dropped", "{notification}",
    "Notifications or alerts that were given up.", _CHANNEL,
)  # fmt: skip
NOTIFICATION_BACKLOG = _gauge(
    "otel_confidence.notification.backlog", "{alert}", "Alerts that are still to be told.", _CHANNEL
)
DOCTOR_PROBE_TIME = _gauge(
    "otel_confidence.doctor.probe.time", "s",
    "When `doctor --stack` last sent its probe, epoch seconds.", (),
)  # fmt: skip

RESULT = Event("ml.prediction.result", "INFO", "A prediction; sampled.")
LOW_CONFIDENCE_RESULT = Event(
    "ml.prediction.low_confidence", "WARN", "A prediction below its threshold."
)
FEEDBACK = Event("ml.prediction.feedback", "INFO", "What somebody thought of a prediction.")
OUTCOME_KNOWN = Event("ml.prediction.outcome", "INFO", "The truth about a prediction.")
DRIFT_DETECTED = Event("ml.drift.detected", "WARN", "Drift beyond its threshold.")
DATA_QUALITY_VIOLATION = Event("ml.data_quality.violation", "WARN", "A failed data check.")
SLO_BREACH = Event("ml.slo.breach", "ERROR", "An objective was missed.")
ALERT_FIRED = Event("ml.alert.fired", "WARN", "An alert began to fire.")
ALERT_RESOLVED = Event("ml.alert.resolved", "INFO", "An alert ended.")
OPTIMIZATION_RESULT = Event("ml.optimization.result", "INFO", "What an optimization brought.")
DOCTOR_PROBE = Event("otel_confidence.doctor.probe", "INFO", "A probe of `doctor --stack`.")

SPAN_PREFIX: Final = "predict"
"""A prediction's span is named ``predict {ml.model.name}``."""
DOCTOR_SPAN: Final = "otel_confidence doctor"
"""The span of a probe of ``doctor --stack``; it says confidence 0, so that no sampling drops it."""
DOCTOR_SERVICE: Final = "otel-confidence-doctor"
"""The service that probes come from."""
RECEIPT_HEADER: Final = "ml-prediction-receipt"
"""The HTTP header and message attribute that carries a receipt; no dot, which proxies drop."""
RECEIPT_BAGGAGE: Final = "ml.prediction.receipt"
"""The key of OpenTelemetry's baggage that carries a receipt."""
SCOPE: Final = "otel_confidence"
"""The instrumentation scope of everything the library emits."""

METRICS: Final = tuple(v for v in list(vars().values()) if isinstance(v, Metric))
ATTRIBUTES: Final = tuple(v for v in list(vars().values()) if isinstance(v, Attribute))
EVENTS: Final = tuple(v for v in list(vars().values()) if isinstance(v, Event))
