"""
This module turns OTLP metrics into Prometheus's series and samples.

It follows Prometheus 3's own OTLP receiver (``storage/remote/otlptranslator``). What cannot be kept
is refused point by point.
"""

import struct
from array import array
from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import repeat
from typing import Any, Final

import numpy as np
from opentelemetry.proto.metrics.v1 import metrics_pb2 as otlp

from otel_confidence.ingest import otlp_points
from otel_confidence.ingest.deltas import Folding
from otel_confidence.ingest.limits import Limits, Refusals, Refused
from otel_confidence.ingest.otlp_streams import Family, Stream, Streams
from otel_confidence.ingest.resources import TARGET_INFO, Origin
from otel_confidence.points import Batch, Gathering, Metadata

STALE: Final[float] = struct.unpack("<d", (0x7FF0000000000002).to_bytes(8, "little"))[0]
"""Prometheus's staleness marker: a NaN with these very bits."""
_NO_VALUE: Final = otlp.DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK
_NS_PER_MS: Final = 1_000_000
_INFO_STEP_MS: Final = 150_000
"""Half of the look-back, so that ``target_info`` is found throughout a request's span of time."""
_INFO_STEPS: Final = 24
"""At most an hour of them, however far apart a request's points lie."""


class MetricsDecoding:
    """
    One request on its way into a batch.
    """

    def __init__(self, limits: Limits, streams: Streams, folding: Folding, *, now_s: float) -> None:
        self.refusals = Refusals()
        self._batch = Batch()
        self._gathering = Gathering()
        self._limits = limits
        self._streams = streams
        self._folding = folding
        self._room = limits.points
        self._now_s = now_s
        # Well within what is accepted; nearer to the ends the exact rule decides.
        self._earliest_ns = int((now_s - limits.age_s) * 1e9) + _NS_PER_MS
        self._latest_ns = int((now_s + limits.lead_s) * 1e9) - _NS_PER_MS

    def batch(self) -> Batch:
        """
        What can be kept.
        """
        self._batch.samples = self._gathering.samples()
        return self._batch

    def add(self, resources: Iterable[Any]) -> None:
        """
        Add the points of these resources to the batch and what is refused to the refusals.
        """
        for resource in resources:
            metrics = [metric for scope in resource.scope_metrics for metric in scope.metrics]
            first = len(self._gathering.times_ms)
            try:
                here, info = self._streams.place(resource.resource)
            except Refused as refused:
                self.refusals.add("resource", refused, sum(map(_count, metrics)))
                continue
            for metric in metrics:
                self._metric(metric, here)
            if info is not None and len(self._gathering.times_ms) > first:
                self._info(info, self._gathering.times_ms[first:])

    def _metric(self, metric: Any, here: Origin) -> None:
        which = metric.WhichOneof("data") or ""
        points = otlp_points.points(metric, which)
        try:
            family = self._streams.family(metric, which, here)
        except Refused as refused:
            self.refusals.add(_where(metric), refused, len(points))
            return
        self._batch.metadata.append(family.about)
        if family.is_delta:
            self._prepare(points, family)
        for point in points:
            try:
                self._point(point, family)
            except Refused as refused:  # noqa: PERF203  the others of the request are kept
                self.refusals.add(_where(metric), refused)

    def _point(self, point: Any, family: Family) -> None:
        time_ns = point.time_unix_nano
        if not self._earliest_ns <= time_ns <= self._latest_ns:
            self._limits.check_time(time_ns, self._now_s)
        if len(self._gathering.values) >= self._room:
            raise Refused("too_many_points", f"more than {self._room} samples")
        more, values = family.read(point)
        stream = self._stream(point, family, more)
        time_ms = time_ns // _NS_PER_MS
        if point.flags & _NO_VALUE:
            values = [STALE] * len(values)
        elif family.is_delta:
            values = self._folded(point, family, stream, values)
        self._gather(stream, time_ms, values)
        if family.counts:
            self._began(point, family, stream)
        if family.shape != "summary" and point.exemplars:
            self._exemplars(point, family, stream, time_ms)

    def _stream(self, point: Any, family: Family, more: bytes) -> Stream:
        key = (family.number, more, *point.attributes[:])
        return self._streams.known(key) or self._streams.make(key, point, family)

    def _prepare(self, points: Iterable[Any], family: Family) -> None:
        """
        Find what the deltas are added to, for all points at once.
        """
        wanted: set[int] = set()
        for point in points:
            # What is wrong with a point is said when its turn comes.
            with suppress(Refused):
                wanted.update(self._stream(point, family, family.read(point)[0]).fingerprints)
        self._folding.load(wanted)

    def _folded(
        self, point: Any, family: Family, stream: Stream, values: Sequence[float]
    ) -> Sequence[float]:
        if family.about.type == "counter" and values[0] < 0:
            raise Refused("negative_delta", f"a counter cannot grow by {values[0]}")
        start_ns, time_ms = point.start_time_unix_nano, point.time_unix_nano // _NS_PER_MS
        return self._folding.fold(stream.fingerprints, start_ns, time_ms, values)

    def _gather(self, stream: Stream, time_ms: int, values: Sequence[float]) -> None:
        gathering = self._gathering
        if len(values) == 1:
            gathering.add(stream.order[0], stream.fingerprints[0], time_ms, values[0])
            return
        gathering.fingerprints.extend(stream.fingerprints)
        gathering.times_ms.extend(repeat(time_ms, len(values)))
        gathering.values.extend(values)
        gathering.series.update(stream.series)

    def _began(self, point: Any, family: Family, stream: Stream) -> None:
        start_ns = point.start_time_unix_nano
        if family.is_delta:
            start_ns = self._folding.start_ns(stream.fingerprints[-1])
        if 0 < start_ns <= point.time_unix_nano:
            self._batch.starts.append((stream.fingerprints, start_ns))

    def _exemplars(self, point: Any, family: Family, stream: Stream, time_ms: int) -> None:
        for exemplar in otlp_points.exemplars(point, family.shape, stream.order, time_ms):
            self._limits.check_time(exemplar.time_ms * _NS_PER_MS, self._now_s)
            self._limits.check_labels(exemplar.labels)
            self._batch.exemplars.append(exemplar)

    def _info(self, stream: Stream, times_ms: "array[int]") -> None:
        last = int(np.max(times_ms))
        first = max(int(np.min(times_ms)), last - _INFO_STEPS * _INFO_STEP_MS)
        for time_ms in (*range(first, last, _INFO_STEP_MS), last):
            self._gather(stream, time_ms, (1.0,))
        self._batch.metadata.append(Metadata(TARGET_INFO, "gauge", "", "Target metadata"))


def _count(metric: Any) -> int:
    return len(otlp_points.points(metric, metric.WhichOneof("data") or ""))


def _where(metric: Any) -> str:
    return f"metric {metric.name[:200]!r}"
