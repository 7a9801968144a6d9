"""
This module tells that a counter began at zero, which a series' first sample alone doesn't say.

PromQL's ``increase()`` needs two samples: what a series had counted by its first one is lost to
every rate, and a program that runs for less than two exports has no rates at all. So a series that
is sent for the first time is sent as zero too, as of the export before: it did not exist then.
"""

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final, NamedTuple

from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Histogram,
    Metric,
    MetricsData,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)

from otel_confidence import conventions as c

Key = tuple[str, frozenset[tuple[str, Any]]]
"""A series of ours: its metric's name and its attributes."""

LONGEST_NS: Final = 300 * 10**9
"""How far back a zero may lie after an outage: backends refuse samples that are much older."""
_NOTHING: Final = MetricsData(())


class Born(NamedTuple):
    """
    The series of one export that were not sent before.
    """

    keys: frozenset[Key]
    zeros: MetricsData


class Births:
    """
    The series that one exporter has sent.
    """

    def __init__(self) -> None:
        self._known: set[Key] = set()
        self._sent_ns = self._zero_ns = time.time_ns()

    def of(self, data: MetricsData) -> Born:
        """
        What is new in an export; only what adds up over the process's life can begin at zero.
        """
        keys: set[Key] = set()
        self._zero_ns = max(self._sent_ns, time.time_ns() - LONGEST_NS)
        resources = []
        for resource in data.resource_metrics:
            scopes = [
                ScopeMetrics(scope.scope, list(self._zeros(scope, keys)), scope.schema_url)
                for scope in resource.scope_metrics
                if scope.scope.name == c.SCOPE
            ]
            if any(scope.metrics for scope in scopes):
                resources.append(ResourceMetrics(resource.resource, scopes, resource.schema_url))
        return Born(frozenset(keys), MetricsData(resources) if resources else _NOTHING)

    def known(self, born: Born) -> None:
        """
        Take series for sent.
        """
        self._known |= born.keys
        self._sent_ns = time.time_ns()

    def _zeros(self, scope: ScopeMetrics, keys: set[Key]) -> Iterator[Metric]:
        for metric in scope.metrics:
            data: Any = metric.data
            if not _adds_up(data):
                continue
            new = [
                (key, point)
                for point in data.data_points
                if (key := (metric.name, frozenset((point.attributes or {}).items())))
                not in self._known
            ]
            if new:
                keys.update(key for key, _ in new)
                points = [self._zero(point) for _, point in new]
                yield replace(metric, data=replace(data, data_points=points))

    def _zero(self, point: Any) -> Any:
        """
        The same point when nothing had been counted.
        """
        then = {"start_time_unix_nano": self._zero_ns, "time_unix_nano": self._zero_ns}
        if hasattr(point, "bucket_counts"):
            empty = [0] * len(point.bucket_counts)
            return replace(
                point, count=0, sum=0.0, bucket_counts=empty, min=0.0, max=0.0, exemplars=[], **then
            )
        return replace(point, value=0, exemplars=[], **then)


def _adds_up(data: Any) -> bool:
    if not isinstance(data, (Sum, Histogram)):
        return False
    cumulative = data.aggregation_temporality is AggregationTemporality.CUMULATIVE
    return cumulative and (isinstance(data, Histogram) or data.is_monotonic)
