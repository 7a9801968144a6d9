"""
This module turns OTLP metrics into Prometheus's series and samples.

It follows Prometheus 3's own OTLP receiver (``storage/remote/otlptranslator``). What cannot be kept
is refused point by point.
"""

import struct
from collections.abc import Iterable
from typing import Final

from opentelemetry.proto.metrics.v1 import metrics_pb2 as otlp

from otel_confidence import spelling
from otel_confidence.ingest import otlp_points
from otel_confidence.ingest.limits import Limits, Refusals, Refused
from otel_confidence.ingest.otlp_points import Key, Point
from otel_confidence.ingest.resources import TARGET_INFO, Origin, origin
from otel_confidence.points import Batch, Gathering, Metadata, Series

STALE: Final[float] = struct.unpack("<d", (0x7FF0000000000002).to_bytes(8, "little"))[0]
"""Prometheus's staleness marker: a NaN with these very bits."""
_NO_VALUE: Final = otlp.DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK
_NS_PER_MS: Final = 1_000_000
_INFO_STEP_MS: Final = 150_000
"""Half of the look-back, so that ``target_info`` is found throughout a request's span of time."""
_INFO_STEPS: Final = 24
"""At most an hour of them, however far apart a request's points lie."""


class Streams:
    """
    The series of points seen before, so that the next point of the same costs little.
    """

    def __init__(self, limits: Limits, *, size: int = 50_000) -> None:
        self._limits = limits
        self._size = size
        self._known: dict[Key, tuple[tuple[Series, int], ...]] = {}

    def __len__(self) -> int:
        return len(self._known)

    def of(self, point: Point, name: str, here: Origin) -> tuple[tuple[Series, int], ...]:
        """
        The series of a point and their fingerprints, in the order of its values.
        """
        key = otlp_points.key(point, name, here)
        known = self._known.get(key)
        if known is None:
            made = otlp_points.series_of(point, name, here)
            self._limits.check_labels(made[-1].labels)
            known = tuple((each, each.fingerprint) for each in made)
            if len(self._known) >= self._size:
                self._known.clear()
            self._known[key] = known
        return known


class MetricsDecoding:
    """
    One request on its way into a batch.
    """

    def __init__(self, limits: Limits, streams: Streams, *, now_s: float) -> None:
        self.refusals = Refusals()
        self._batch = Batch()
        self._gathering = Gathering()
        self._limits = limits
        self._streams = streams
        self._now_s = now_s
        self._span_ms = (1 << 62, 0)

    def batch(self) -> Batch:
        """
        What can be kept.
        """
        self._batch.samples = self._gathering.samples()
        return self._batch

    def add(self, resources: Iterable[otlp.ResourceMetrics]) -> None:
        """
        Add the points of these resources to the batch and what is refused to the refusals.
        """
        for resource in resources:
            self._span_ms = (1 << 62, 0)
            metrics = [metric for scope in resource.scope_metrics for metric in scope.metrics]
            try:
                here = origin(resource.resource, self._limits)
            except Refused as refused:
                count = sum(len(otlp_points.points(metric)) for metric in metrics)
                self.refusals.add("resource", refused, count)
                continue
            for metric in metrics:
                self._metric(metric, here)
            self._info(here)

    def _metric(self, metric: otlp.Metric, here: Origin) -> None:
        points, where = otlp_points.points(metric), f"metric {metric.name[:200]!r}"
        try:
            name = self._name(metric)
        except Refused as refused:
            self.refusals.add(where, refused, len(points))
            return
        for point in points:
            try:
                self._point(point, name, here)
            except Refused as refused:  # noqa: PERF203  the others of the request are kept
                self.refusals.add(where, refused)

    def _name(self, metric: otlp.Metric) -> str:
        kind, kept_as = otlp_points.kind(metric)
        try:
            name = spelling.metric_name(metric.name, metric.unit, kind)
        except ValueError as error:
            raise Refused("invalid_name", str(error)) from None
        self._limits.check_labels([("__name__", name), ("unit", metric.unit)])
        help_text = metric.description[: self._limits.label_value_bytes]
        unit = spelling.unit_name(metric.unit)
        self._batch.metadata.append(Metadata(name, kept_as, unit, help_text))
        return name

    def _point(self, point: Point, name: str, here: Origin) -> None:
        self._limits.check_time(point.time_unix_nano, self._now_s)
        if len(self._gathering.values) >= self._limits.points:
            raise Refused("too_many_points", f"more than {self._limits.points} samples")
        values = otlp_points.values(point)
        if point.flags & _NO_VALUE:
            values = [STALE] * len(values)
        made = self._streams.of(point, name, here)
        time_ms = point.time_unix_nano // _NS_PER_MS
        for (series, fingerprint), value in zip(made, values, strict=True):
            self._gathering.add(series, fingerprint, time_ms, value)
        if not isinstance(point, otlp.SummaryDataPoint) and point.exemplars:
            self._exemplars(point, tuple(series for series, _ in made), time_ms)
        self._span_ms = (min(self._span_ms[0], time_ms), max(self._span_ms[1], time_ms))

    def _exemplars(self, point: Point, made: tuple[Series, ...], time_ms: int) -> None:
        for exemplar in otlp_points.exemplars(point, made, time_ms):
            self._limits.check_time(exemplar.time_ms * _NS_PER_MS, self._now_s)
            self._limits.check_labels(exemplar.labels)
            self._batch.exemplars.append(exemplar)

    def _info(self, here: Origin) -> None:
        first, last = self._span_ms
        if here.info is None or not last:
            return
        first = max(first, last - _INFO_STEPS * _INFO_STEP_MS)
        times = [*range(first, last, _INFO_STEP_MS), last]
        for time_ms in times:
            self._gathering.add(here.info, here.info.fingerprint, time_ms, 1.0)
        self._batch.metadata.append(Metadata(TARGET_INFO, "gauge", "", "Target metadata"))
