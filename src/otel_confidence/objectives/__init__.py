"""
This module offers objectives: what a model promises, and how fast it may break that promise.
"""

from otel_confidence.objectives.indicators import (
    Accuracy,
    Availability,
    Calibration,
    Confidence,
    ErrorRate,
    Freshness,
    Indicator,
    Latency,
    Satisfaction,
    Throughput,
)
from otel_confidence.objectives.objective import Objective, check_names, confidence_bounds
from otel_confidence.objectives.reading import DEFAULT_FILE, read, read_text
from otel_confidence.objectives.windows import BURN_RATES, BurnWindow, burn_windows

__all__ = [
    "BURN_RATES",
    "DEFAULT_FILE",
    "Accuracy",
    "Availability",
    "BurnWindow",
    "Calibration",
    "Confidence",
    "ErrorRate",
    "Freshness",
    "Indicator",
    "Latency",
    "Objective",
    "Satisfaction",
    "Throughput",
    "burn_windows",
    "check_names",
    "confidence_bounds",
    "read",
    "read_text",
]
