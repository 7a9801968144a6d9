"""
This module accounts for what providers of ours send: every span and event is delivered or counted.

OpenTelemetry's queue drops silently, its flush says True with nothing delivered, its HTTP client
takes a redirect for success, and a forked child shares its parent's connection. So admission to the
queue and the exporter are both wrapped here.
"""

import os
import threading
from collections.abc import Callable, Sequence
from typing import Any, Final

import requests
from opentelemetry.sdk._logs import LogRecordProcessor, ReadableLogRecord, ReadWriteLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.metrics.export import (
    MetricExporter,
    MetricExportResult,
    MetricsData,
    ResourceMetrics,
)
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from otel_confidence import conventions as c

Count = Callable[[str, str, int], None]
"""Called with signal, reason of a drop (empty for a record received) and a number."""

_REDIRECTS: Final = range(300, 400)


class Delivery:
    """
    The ledger of one signal: received = delivered + dropped by reason + still waiting.
    """

    def __init__(self, signal: str, capacity: int, count: Count) -> None:
        self.signal = signal
        self._capacity = capacity
        self._count = count
        self._lock = threading.Lock()
        self.waiting = 0
        """Records received and not yet settled."""
        self.lost = 0
        """Records dropped so far."""
        self.closed = False

    def admit(self) -> bool:
        """
        Whether there is room for one more record.
        """
        with self._lock:
            admitted = self.waiting < self._capacity and not self.closed
            self.waiting += admitted
            self.lost += not admitted
        self._count(self.signal, "", 1)
        if not admitted:
            self._count(self.signal, "shutdown" if self.closed else "queue_full", 1)
        return admitted

    def settle(self, count: int, *, delivered: bool) -> None:
        """
        Account for records that an exporter has finished with.
        """
        with self._lock:
            self.waiting = max(self.waiting - count, 0)
            self.lost += 0 if delivered else count
        if not delivered:
            self._count(self.signal, "export_failed", count)

    def abandon(self) -> None:
        """
        Count what waits as lost: nothing will be sent any longer.
        """
        with self._lock:
            count, self.waiting, self.closed = self.waiting, 0, True
            self.lost += count
        if count:
            self._count(self.signal, "shutdown", count)

    def restart(self) -> None:
        """
        Begin again in a forked child, whose queues are empty.
        """
        self._lock = threading.Lock()
        self.waiting = self.lost = 0


class Remade:
    """
    An exporter, made again in a forked child: a connection must not be shared with the parent.
    """

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._pid = os.getpid()
        self._exporter = make()
        self._ended = False

    @property
    def exporter(self) -> Any:
        """
        The exporter of this process.
        """
        if self._pid != os.getpid():
            self._pid, self._exporter, self._ended = os.getpid(), self._make(), False
        return self._exporter

    def shutdown(self) -> None:
        """
        End the exporter once, interrupting its retries.
        """
        exporter = self.exporter
        if not self._ended:
            self._ended = True
            exporter.shutdown()


class SpanGate(SpanProcessor):
    """
    Lets ended spans into a processor's queue while there is room.
    """

    def __init__(self, processor: SpanProcessor, delivery: Delivery) -> None:
        self._processor = processor
        self._delivery = delivery

    def on_end(self, span: ReadableSpan) -> None:
        """
        Pass on a span that is sampled.
        """
        if span.context and span.context.trace_flags.sampled and self._delivery.admit():
            self._processor.on_end(span)

    def shutdown(self) -> None:
        """
        End the processor.
        """
        self._processor.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """
        Send what waits.
        """
        return self._processor.force_flush(timeout_millis)


class EventGate(LogRecordProcessor):
    """
    Lets log records into a processor's queue while there is room.
    """

    def __init__(self, processor: LogRecordProcessor, delivery: Delivery) -> None:
        self._processor = processor
        self._delivery = delivery

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        """
        Pass on a record.
        """
        if self._delivery.admit():
            self._processor.on_emit(log_record)

    def shutdown(self) -> None:
        """
        End the processor.
        """
        self._processor.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """
        Send what waits.
        """
        return self._processor.force_flush(timeout_millis)


class SpanDelivery(SpanExporter):
    """
    A span exporter whose results are accounted for.
    """

    def __init__(self, make: Callable[[], SpanExporter], delivery: Delivery) -> None:
        self._remade = Remade(make)
        self._delivery = delivery

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """
        Send spans.
        """
        delivered = False
        try:
            result: SpanExportResult = self._remade.exporter.export(spans)
            delivered = result is SpanExportResult.SUCCESS
        finally:
            self._delivery.settle(len(spans), delivered=delivered)
        return result

    def shutdown(self) -> None:
        """
        End the exporter, interrupting its retries.
        """
        self._remade.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """
        Nothing waits in an exporter.
        """
        return bool(self._remade.exporter.force_flush(timeout_millis))


class EventDelivery(LogRecordExporter):
    """
    A log record exporter whose results are accounted for.
    """

    def __init__(self, make: Callable[[], LogRecordExporter], delivery: Delivery) -> None:
        self._remade = Remade(make)
        self._delivery = delivery

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        """
        Send log records.
        """
        delivered = False
        try:
            result: LogRecordExportResult = self._remade.exporter.export(batch)
            delivered = result is LogRecordExportResult.SUCCESS
        finally:
            self._delivery.settle(len(batch), delivered=delivered)
        return result

    def shutdown(self) -> None:
        """
        End the exporter, interrupting its retries.
        """
        self._remade.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """
        Nothing waits in an exporter.
        """
        return bool(self._remade.exporter.force_flush(timeout_millis))


class MetricDelivery(MetricExporter):
    """
    A metric exporter that knows whether its last export arrived.

    Totals are cumulative: a failed export is made good by the next one that succeeds.
    """

    def __init__(self, make: Callable[[], MetricExporter]) -> None:
        self._remade = Remade(make)
        inner = self._remade.exporter
        super().__init__(
            inner._preferred_temporality,  # noqa: SLF001  what its reader would ask it
            inner._preferred_aggregation,  # noqa: SLF001
        )
        self.arrived = True
        """Whether the last export succeeded; true before the first."""
        self.inherited = False
        """Whether a parent process made it: its totals of ours are the parent's to report."""

    def export(
        self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any
    ) -> MetricExportResult:
        """
        Send metrics.
        """
        self.arrived = False
        data = _without_ours(metrics_data) if self.inherited else metrics_data
        if not data.resource_metrics:
            return MetricExportResult.SUCCESS
        result: MetricExportResult = self._remade.exporter.export(data, timeout_millis, **kwargs)
        self.arrived = result is MetricExportResult.SUCCESS
        return result

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:  # noqa: ARG002
        """
        End the exporter, interrupting its retries.
        """
        self._remade.shutdown()

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """
        Nothing waits in an exporter.
        """
        return bool(self._remade.exporter.force_flush(timeout_millis))


def session() -> requests.Session:
    """
    An HTTP session in which a redirect is a failure: telemetry sent to a login page is lost.
    """
    made = requests.Session()
    made.hooks["response"].append(_refuse_redirect)
    return made


def _refuse_redirect(response: requests.Response, *_: Any, **__: Any) -> requests.Response:
    if response.status_code in _REDIRECTS:
        raise requests.TooManyRedirects(f"answered {response.status_code} instead of accepting")
    return response


def _without_ours(data: MetricsData) -> MetricsData:
    """
    The metrics of other libraries.
    """
    return MetricsData(
        [
            ResourceMetrics(
                resource.resource,
                kept,
                resource.schema_url,
            )
            for resource in data.resource_metrics
            if (kept := [s for s in resource.scope_metrics if s.scope.name != c.SCOPE])
        ]
    )
