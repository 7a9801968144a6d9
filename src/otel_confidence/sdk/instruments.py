"""
This module makes the histograms, each when it first records, so that every threshold is an edge.

The edges of an OpenTelemetry instrument can't change once it exists. Thresholds are declared when
functions are decorated, and predictions come later; so the confidence histogram is made at the
first prediction, with all thresholds known by then. One declared after that is not an edge and is
said once; ``configure(thresholds=...)`` names it beforehand.
"""

import threading

from opentelemetry.metrics import Histogram, Meter

from otel_confidence import conventions as c


class Instruments:
    """
    The histograms of one meter.
    """

    def __init__(self, meter: Meter, thresholds: set[float]) -> None:
        self._meter = meter
        self._thresholds = thresholds
        self._made: dict[str, Histogram] = {}
        self._lock = threading.RLock()

    def histogram(self, metric: c.Metric) -> Histogram:
        """
        The instrument of a metric.
        """
        return self._made.get(metric.name) or self._make(metric)

    @property
    def names(self) -> frozenset[str]:
        """
        The histograms that were asked for so far.
        """
        return frozenset(self._made)

    @property
    def edges_settled(self) -> bool:
        """
        Whether the confidence histogram exists and takes no more edges.
        """
        return c.PREDICTION_CONFIDENCE.name in self._made

    def _make(self, metric: c.Metric) -> Histogram:
        with self._lock:
            if metric.name not in self._made:
                more = self._thresholds if metric is c.PREDICTION_CONFIDENCE else set()
                self._made[metric.name] = self._meter.create_histogram(
                    metric.name,
                    metric.unit,
                    metric.about,
                    explicit_bucket_boundaries_advisory=sorted({*metric.edges, *more}),
                )
            return self._made[metric.name]
