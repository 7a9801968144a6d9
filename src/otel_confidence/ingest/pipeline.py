"""
This module takes requests in: it decodes them, hands what can be kept to a sink, and counts.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otel_confidence.ingest import otlp, otlp_shallow
from otel_confidence.ingest.deltas import Deltas, Ends, Folding, Starts
from otel_confidence.ingest.limits import Limits, Refusals
from otel_confidence.ingest.otlp_metrics import MetricsDecoding
from otel_confidence.ingest.otlp_records import RecordsDecoding
from otel_confidence.ingest.otlp_streams import Streams
from otel_confidence.points import Batch


class Ledger:
    """
    How many records came in and how many did not, by signal and reason; nothing is lost silently.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: Counter[str] = Counter()
        self._lost: Counter[tuple[str, str]] = Counter()

    def keep(self, signal: str, count: int) -> None:
        """
        Count records that the sink took.
        """
        with self._lock:
            self._kept[signal] += count

    def lose(self, signal: str, reason: str, count: int = 1) -> None:
        """
        Count records, or a request whose records cannot be counted, that were refused.
        """
        with self._lock:
            self._lost[signal, reason] += count

    def snapshot(self) -> tuple[Counter[str], Counter[tuple[str, str]]]:
        """
        What was kept by signal, and what was lost by signal and reason, since the start.
        """
        with self._lock:
            return self._kept.copy(), self._lost.copy()


class Pipeline:
    """
    From a request to the sink. Blocks as long as the sink does; safe for use by many threads.
    """

    def __init__(
        self,
        sink: Callable[[Batch], None],
        *,
        limits: Limits | None = None,
        ledger: Ledger | None = None,
        ends: Ends = lambda _: {},
        starts: Starts = lambda _: {},
        now: Callable[[], float] = time.time,
    ) -> None:
        """
        Make one with nothing known yet.

        Args:
            sink: Takes what can be kept, durably.
            limits: The most that a record or request may carry.
            ledger: Where records are counted.
            ends: The last sample of series that the sink has; deltas are added to it.
            starts: Since when series count, as the sink has it.
            now: The present in epoch seconds.
        """
        self.ledger = ledger or Ledger()
        self._deltas = Deltas(ends, starts)
        self._sink = sink
        self._limits = limits or Limits()
        self._streams = Streams(self._limits)
        self._now = now

    def accept(self, kind: otlp.Kind[Any], request: Any) -> Refusals:
        """
        Keep what can be kept of a request; return once the sink has it.

        Args:
            kind: Which service it is for.
            request: What ``otlp.read`` or ``otlp.parse`` made of it.

        Raises:
            StoreBusy: The sink is full; nothing was kept.
            StoreError: The sink failed.
        """
        with self._deltas.folding() as folding:
            batch, refusals = self._decode(request, folding)
            count = len(batch.samples) + len(batch.events) + len(batch.spans)
            if count:
                self._sink(batch)
        self.ledger.keep(kind.signal, count)
        for reason, lost in refusals.counts.items():
            self.ledger.lose(kind.signal, reason, lost)
        return refusals

    def _decode(self, request: Any, folding: Folding) -> tuple[Batch, Refusals]:
        if isinstance(request, ExportMetricsServiceRequest):
            request = otlp_shallow.request().FromString(request.SerializeToString())
        if isinstance(request, otlp_shallow.request()):
            metrics = MetricsDecoding(self._limits, self._streams, folding, now_s=self._now())
            metrics.add(request.resource_metrics)
            return metrics.batch(), metrics.refusals
        records = RecordsDecoding(self._limits, now_s=self._now())
        if isinstance(request, ExportTraceServiceRequest):
            records.add_spans(request.resource_spans)
        elif isinstance(request, ExportLogsServiceRequest):
            records.add_logs(request.resource_logs)
        return records.batch, records.refusals
