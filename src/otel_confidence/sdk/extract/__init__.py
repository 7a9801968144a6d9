"""
This module is the door to extraction: what a function returned, made into confidence.
"""

from otel_confidence.sdk.extract.anomalies import AnomalyScore
from otel_confidence.sdk.extract.conformal import PredictionSet, covers
from otel_confidence.sdk.extract.ensembles import Ensemble, Votes
from otel_confidence.sdk.extract.extracted import Extracted
from otel_confidence.sdk.extract.extractor import extractor, source_of
from otel_confidence.sdk.extract.grammar import Declaration
from otel_confidence.sdk.extract.intervals import Interval
from otel_confidence.sdk.extract.logits import Logits
from otel_confidence.sdk.extract.logprobs import TokenLogprobs
from otel_confidence.sdk.extract.measured import Measured
from otel_confidence.sdk.extract.probabilities import BinaryScore, Probabilities
from otel_confidence.sdk.extract.reported import Reported
from otel_confidence.sdk.extract.tolerances import Tolerance, within
from otel_confidence.sdk.extract.verbalized import Judge, Verbalized

__all__ = [
    "AnomalyScore",
    "BinaryScore",
    "Declaration",
    "Ensemble",
    "Extracted",
    "Interval",
    "Judge",
    "Logits",
    "Measured",
    "PredictionSet",
    "Probabilities",
    "Reported",
    "TokenLogprobs",
    "Tolerance",
    "Verbalized",
    "Votes",
    "covers",
    "extractor",
    "source_of",
    "within",
]
