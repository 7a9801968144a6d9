"""
This module is the front door: the names users type.

    import otel_confidence as oc

    oc.configure(service_name="digits")

    @oc.track_confidence(model="digits", version="1", confidence="proba.max", label="label")
    def classify(pixels): ...
"""

from otel_confidence.errors import ConfigurationError, InvalidRecord, OtelConfidenceError
from otel_confidence.records import Failure, Feedback, Outcome, Prediction
from otel_confidence.reference import Reference
from otel_confidence.reports import (
    DataQuality,
    Learning,
    Optimization,
    Performance,
    Resource,
    Usage,
)
from otel_confidence.sdk.calls import Call
from otel_confidence.sdk.carriers import (
    baggage_with_receipt,
    extract_receipt,
    inject_receipt,
    receipt_from_baggage,
)
from otel_confidence.sdk.providers import configure, flush, shutdown
from otel_confidence.sdk.recording import record_feedback, record_outcome
from otel_confidence.sdk.reporting import (
    Action,
    record,
    record_data_quality,
    record_error,
    record_learning,
    record_optimization,
    record_performance,
    record_resource,
    record_usage,
    usage,
)
from otel_confidence.sdk.telemetry import Telemetry
from otel_confidence.sdk.tracking import (
    last_receipt,
    last_receipts,
    prediction,
    track_confidence,
    with_current_context,
)
from otel_confidence.settings import Settings

__all__ = [
    "Action",
    "Call",
    "ConfigurationError",
    "DataQuality",
    "Failure",
    "Feedback",
    "InvalidRecord",
    "Learning",
    "Optimization",
    "OtelConfidenceError",
    "Outcome",
    "Performance",
    "Prediction",
    "Reference",
    "Resource",
    "Settings",
    "Telemetry",
    "Usage",
    "baggage_with_receipt",
    "configure",
    "extract_receipt",
    "flush",
    "inject_receipt",
    "last_receipt",
    "last_receipts",
    "prediction",
    "receipt_from_baggage",
    "record",
    "record_data_quality",
    "record_error",
    "record_feedback",
    "record_learning",
    "record_optimization",
    "record_outcome",
    "record_performance",
    "record_resource",
    "record_usage",
    "shutdown",
    "track_confidence",
    "usage",
    "with_current_context",
]
