"""
This module keeps the attribute sets and sums of each model, built once and found again by a call.
"""

from bisect import bisect_right
from collections.abc import Mapping
from typing import Final, NamedTuple

from otel_confidence import conventions as c
from otel_confidence.decisions import Decisions
from otel_confidence.outcomes import BINS
from otel_confidence.sdk.sums import Attributes, Sum, Sums

OTHER: Final = "_OTHER"
"""OpenTelemetry's value for whatever has no series of its own."""
MAX_ERROR_TYPES: Final = 50
"""Exception types that one model's series tell apart."""
TIERS: Final = c.TIER.values
TIER_EDGES: Final = (c.LOW_CONFIDENCE, c.HIGH_CONFIDENCE)


class Bin(NamedTuple):
    """
    The four sums of one calibration bin.
    """

    predictions: Sum
    confidence: Sum
    correct: Sum
    squared_error: Sum


def tier_of(confidence: float) -> str:
    """
    The tier of a confidence.
    """
    return TIERS[bisect_right(TIER_EDGES, confidence)]


class ModelSeries:
    """
    The series of one model and version.

    Every table here is keyed by values of conventions, or capped: nothing grows without bound.
    """

    def __init__(self, sums: Sums, model: str, version: str) -> None:
        self.sums = sums
        self.attributes: Attributes = {c.MODEL_NAME.name: model}
        if version:
            self.attributes[c.MODEL_VERSION.name] = version
        self.span_name: str = f"{c.SPAN_PREFIX} {model}"
        self.active: Sum = sums.of(c.PREDICTIONS_ACTIVE, self.attributes)
        self._confidence: dict[tuple[str, str], Attributes] = {}
        self._uncertainty: dict[str, Attributes] = {}
        self._durations: dict[str, Attributes] = {}
        self._predictions: dict[tuple[str, str], Sum] = {}
        self._errors: dict[str, Sum] = {}
        self._outcomes: dict[str, Sum] = {}
        self._bins: dict[str, tuple[Bin, ...]] = {}
        self._feedback: dict[tuple[str, str], tuple[Attributes, Sum]] = {}
        for outcome in ("correct", "incorrect"):
            self.outcomes(outcome)

    def confidence(self, source: str, decision: str) -> Attributes:
        """
        Attributes of the confidence histogram.
        """
        found = self._confidence.get((source, decision))
        if found is None:
            found = self._with({c.SOURCE: source, c.DECISION: decision})
            self._confidence[source, decision] = found
        return found

    def uncertainty(self, method: str) -> Attributes:
        """
        Attributes of the uncertainty histogram.
        """
        found = self._uncertainty.get(method)
        if found is None:
            found = self._uncertainty[method] = self._with({c.UNCERTAINTY_METHOD: method})
        return found

    def failed_duration(self, error_type: str) -> Attributes:
        """
        Attributes of the duration of a call that failed.
        """
        found = self._durations.get(error_type)
        if found is None:
            found = self._durations[error_type] = self._with({c.ERROR_TYPE: error_type})
        return found

    def predictions(self, decision: str, tier: str) -> Sum:
        """
        Predictions made, by decision and tier; both empty where the confidence is unknown.
        """
        found = self._predictions.get((decision, tier))
        if found is None:
            attributes = self._with({c.DECISION: decision, c.TIER: tier})
            found = self._predictions[decision, tier] = self.sums.of(c.PREDICTIONS, attributes)
        return found

    def error_type(self, name: str) -> str:
        """
        The exception type as an attribute: itself, or one for all beyond the cap.
        """
        return name if name in self._errors or len(self._errors) < MAX_ERROR_TYPES else OTHER

    def errors(self, error_type: str) -> Sum:
        """
        Errors of one exception type.
        """
        found = self._errors.get(error_type)
        if found is None:
            attributes = self._with({c.ERROR_TYPE: error_type})
            found = self._errors[error_type] = self.sums.of(c.ERRORS, attributes)
        return found

    def outcomes(self, outcome: str) -> Sum:
        """
        Known truths, by how they turned out.
        """
        found = self._outcomes.get(outcome)
        if found is None:
            found = self.sums.of(c.OUTCOMES, self._with({c.OUTCOME: outcome}))
            self._outcomes[outcome] = found
        return found

    def bins(self, source: str) -> tuple[Bin, ...]:
        """
        The calibration bins of one source, each at zero from when it is first asked for.
        """
        found = self._bins.get(source)
        if found is None:
            found = self._bins[source] = tuple(self._bin(edge, source) for edge in BINS)
        return found

    def feedback(self, kind: str, source: str) -> tuple[Attributes, Sum]:
        """
        Attributes of the feedback histogram, and the sum of responses.
        """
        found = self._feedback.get((kind, source))
        if found is None:
            attributes = self._with({c.FEEDBACK_TYPE: kind, c.FEEDBACK_SOURCE: source})
            found = attributes, self.sums.of(c.FEEDBACK_RESPONSES, attributes)
            self._feedback[kind, source] = found
        return found

    def expect(self, decisions: Decisions, source: str = "") -> None:
        """
        Publish zero for every decision, tier and calibration bin that a confidence can lead to.
        """
        if source:
            self.bins(source)
        for least in (0.0, *TIER_EDGES, *decisions.edges):
            self.predictions(decisions.of(least), tier_of(least))

    def _bin(self, edge: str, source: str) -> Bin:
        attributes = self._with({c.BIN: edge, c.SOURCE: source})
        return Bin(
            self.sums.of(c.CALIBRATION_PREDICTIONS, attributes),
            self.sums.of(c.CALIBRATION_CONFIDENCE, attributes),
            self.sums.of(c.CALIBRATION_CORRECT, attributes),
            self.sums.of(c.CALIBRATION_SQUARED_ERROR, attributes),
        )

    def _with(self, more: Mapping[c.Attribute, str]) -> Attributes:
        return self.attributes | {key.name: value for key, value in more.items() if value}
