"""
This module keeps the references of models: published as gauges, and features counted against them.
"""

from typing import TYPE_CHECKING, Any, Final

from otel_confidence import conventions as c
from otel_confidence.errors import InvalidRecord
from otel_confidence.reference import Cell, Feature, Reference
from otel_confidence.reference.features import OUTLIER, UNSEEN
from otel_confidence.sdk.guard import Guard
from otel_confidence.sdk.series import OTHER, ModelSeries
from otel_confidence.sdk.sums import Attributes, Sum, Sums

if TYPE_CHECKING:
    from otel_confidence.reference.counting import FeatureCounter

_NOT_IN_REFERENCES: Final = frozenset((OUTLIER, UNSEEN))


class Comparison:
    """
    What one model sees, counted in the bins of its reference, each at zero from the start.
    """

    def __init__(
        self, sums: Sums, series: ModelSeries, reference: Reference, max_features: int
    ) -> None:
        self.reference = reference
        self._sums = sums
        self._series = series
        self._features = reference.features[:max_features]
        self._cells = [self._counters(feature) for feature in self._features]
        self._counter = _counter(reference, self._features)
        self._publish()

    def count(self, values: Any) -> None:
        """
        Count one row or many.

        Raises:
            InvalidRecord: the values hold no features.
        """
        if self._counter is None:
            raise InvalidRecord("the reference has no features")
        counted = self._counter.count(values)
        with self._sums.lock:
            for place, cell, number in counted:
                self._cells[place][cell].value += number

    def _publish(self) -> None:
        confidence = self.reference.confidence
        if confidence is not None:
            for edge, share in zip(confidence.edges, confidence.cumulative, strict=True):
                attributes = self._series.attributes | {c.REFERENCE_EDGE.name: str(edge)}
                self._sums.set(c.REFERENCE_CONFIDENCE, attributes, share)
        for feature in self._features:
            for cell, share in zip(feature.cells, feature.shares, strict=True):
                if cell.state not in _NOT_IN_REFERENCES:
                    attributes = self._attributes(feature, cell)
                    self._sums.set(c.REFERENCE_FEATURE, attributes, share)

    def _counters(self, feature: Feature) -> list[Sum]:
        return [
            self._sums.of(c.FEATURE_VALUES, self._attributes(feature, cell))
            for cell in feature.cells
        ]

    def _attributes(self, feature: Feature, cell: Cell) -> Attributes:
        attributes = {c.FEATURE_NAME.name: feature.name, c.FEATURE_STATE.name: cell.state}
        if cell.bin:
            attributes[c.FEATURE_BIN.name] = cell.bin
        return self._series.attributes | attributes


class References:
    """
    The references of one ``Telemetry``, by model.
    """

    def __init__(self, sums: Sums, guard: Guard) -> None:
        self._sums = sums
        self._guard = guard
        self._known: dict[ModelSeries, Comparison] = {}

    def add(self, series: ModelSeries, reference: Reference, max_features: int) -> None:
        """
        Compare a model with this reference; the first one stays.
        """
        if series.attributes[c.MODEL_NAME.name] == OTHER:
            return
        known = self._known.get(series)
        if known is None:
            self._account_excess(reference, max_features)
            self._known[series] = Comparison(self._sums, series, reference, max_features)
        elif known.reference != reference:
            self._guard.say_once(
                f"reference {series.span_name}",
                "otel_confidence: %s keeps its first reference %s, got %s too; give the new one a "
                "version of its own", series.attributes, known.reference.id, reference.id,
            )  # fmt: skip

    def count(self, series: ModelSeries, values: Any) -> str:
        """
        Count what a model saw; gives the reason when nothing could be counted.
        """
        known = self._known.get(series)
        if known is None:
            return "no_reference"
        try:
            known.count(values)
        except InvalidRecord as error:
            self._guard.say_once(
                f"features {series.span_name}",
                "otel_confidence: features of %s were not counted: %s", series.attributes, error,
            )  # fmt: skip
            return "invalid_value"
        return ""

    def _account_excess(self, reference: Reference, max_features: int) -> None:
        """
        Say once which features are too many, and count each of them once.
        """
        excess = [feature.name for feature in reference.features[max_features:]]
        if not excess:
            return
        signal = {c.SIGNAL.name: "feature"}
        self._sums.add(c.RECORDS, signal, len(excess))
        self._sums.add(c.DROPPED, signal | {c.REASON.name: "max_features"}, len(excess))
        self._guard.say_once(
            f"max_features {reference.id}",
            "otel_confidence: a reference has more than %d features, not counted: %s",
            max_features, ", ".join(excess[:20]),
        )  # fmt: skip


def _counter(reference: Reference, features: tuple[Feature, ...]) -> "FeatureCounter | None":
    if not features:
        return None
    from otel_confidence.reference.counting import FeatureCounter  # numpy, needed only here

    return FeatureCounter(features, [feature.name for feature in reference.features])
