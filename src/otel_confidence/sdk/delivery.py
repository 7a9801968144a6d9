"""
This module accounts for what providers of ours send: every span and event is delivered or counted.

OpenTelemetry's queue drops silently, its flush says True with nothing delivered, its exporters take
for delivered what a receiver rejects of a request, and a forked child shares its parent's
connection. So admission to the queue and the exporter are both wrapped here.
"""

import os
import threading
from collections.abc import Callable, Sequence
from typing import Any, Final

from opentelemetry.sdk._logs import LogRecordProcessor, ReadWriteLogRecord
from opentelemetry.sdk._logs.export import LogRecordExporter
from opentelemetry.sdk.metrics.export import (
    MetricExporter,
    MetricExportResult,
    MetricsData,
    ResourceMetrics,
)
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import SpanExporter

from otel_confidence import conventions as c
from otel_confidence.sdk.births import Births
from otel_confidence.sdk.outages import Outage
from otel_confidence.sdk.portions import portions

Count = Callable[[str, str, int], None]
"""Called with signal, reason of a drop (empty for a record received) and a number."""


REJECTED: Final = "rejected_by_collector"
"""Why something is lost although a request with it was taken."""


class Delivery:
    """
    The ledger of one signal: received = delivered + dropped by reason + still waiting.
    """

    def __init__(self, signal: str, capacity: int, count: Count) -> None:
        self.signal = signal
        self._capacity = capacity
        self._count = count
        self._lock = threading.RLock()
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

    def settle(self, count: int, *, delivered: bool, rejected: int = 0) -> None:
        """
        Account for records that an exporter has finished with.

        Args:
            count: how many.
            delivered: whether a receiver took them.
            rejected: how many of them it said not to have taken all the same.
        """
        lost = min(rejected, count) if delivered else count
        with self._lock:
            self.waiting = max(self.waiting - count, 0)
            self.lost += lost
        if lost:
            self._count(self.signal, REJECTED if delivered else "export_failed", lost)

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
        self._lock = threading.RLock()
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


class _Gate:
    """
    What both gates do alike: a queue's processor is ended and flushed as it stands.
    """

    def __init__(self, processor: Any, delivery: Delivery) -> None:
        self._processor = processor
        self._delivery = delivery

    def shutdown(self) -> None:
        """
        End the processor.
        """
        self._processor.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """
        Send what waits.
        """
        return bool(self._processor.force_flush(timeout_millis))


class SpanGate(_Gate, SpanProcessor):
    """
    Lets ended spans into a processor's queue while there is room.
    """

    def on_end(self, span: ReadableSpan) -> None:
        """
        Pass on a span that is sampled.
        """
        if span.context and span.context.trace_flags.sampled and self._delivery.admit():
            self._processor.on_end(span)


class EventGate(_Gate, LogRecordProcessor):
    """
    Lets log records into a processor's queue while there is room.
    """

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        """
        Pass on a record.
        """
        if self._delivery.admit():
            self._processor.on_emit(log_record)


class _Sender:
    """
    An exporter of ours whose outages are noted; nothing ever waits in it.
    """

    def __init__(self, make: Callable[[], Any], outage: Outage) -> None:
        self._remade = Remade(make)
        self._outage = outage

    def send(self, batch: Any, *args: Any, **kwargs: Any) -> tuple[Any, int]:
        """
        Export a batch; gives the exporter's answer, and how many records a receiver rejected.
        """
        exporter = self._remade.exporter
        with self._outage.watched(getattr(exporter, "_endpoint", "")) as attempt:
            result = exporter.export(batch, *args, **kwargs)
            attempt.arrived = is_success(result)
        return result, attempt.rejected

    def shutdown(self, *_: Any, **__: Any) -> None:
        """
        End the exporter, interrupting its retries.
        """
        self._remade.shutdown()

    def force_flush(self, timeout_millis: float = 30_000) -> bool:
        """
        Nothing waits in an exporter.
        """
        return bool(self._remade.exporter.force_flush(timeout_millis))


class _Accounted(_Sender):
    """
    An exporter whose results are accounted for.
    """

    def __init__(self, make: Callable[[], Any], delivery: Delivery, outage: Outage) -> None:
        super().__init__(make, outage)
        self._delivery = delivery

    def export(self, batch: Sequence[Any]) -> Any:
        """
        Send a batch, in several requests where one would be too large.
        """
        rest, refused = len(batch), None
        try:
            for portion in portions(batch):
                if refused is not None and self._outage.lasts:
                    break  # nobody is there, so that the others need not be tried one by one
                result, rejected = self.send(portion)
                rest -= len(portion)
                self._delivery.settle(len(portion), delivered=is_success(result), rejected=rejected)
                refused = refused if is_success(result) else result
        finally:
            if rest:
                self._delivery.settle(rest, delivered=False)
        return result if refused is None else refused


class SpanDelivery(_Accounted, SpanExporter):
    """
    A span exporter whose results are accounted for.
    """


class EventDelivery(_Accounted, LogRecordExporter):
    """
    A log record exporter whose results are accounted for.
    """


def is_success(result: Any) -> bool:
    """
    Whether an exporter of whichever signal says that everything arrived.
    """
    return getattr(result, "name", "") == "SUCCESS"


class MetricDelivery(_Sender, MetricExporter):
    """
    A metric exporter that knows whether its last export arrived.

    Totals are cumulative: a failed export is made good by the next one that succeeds.
    """

    def __init__(
        self, make: Callable[[], MetricExporter], outage: Outage, count: Count = lambda *_: None
    ) -> None:
        _Sender.__init__(self, make, outage)
        self._count = count
        self._rejected = 0
        inner = self._remade.exporter
        MetricExporter.__init__(
            self,
            inner._preferred_temporality,  # noqa: SLF001  what its reader would ask it
            inner._preferred_aggregation,  # noqa: SLF001
        )
        self._births = Births()
        self.arrived = True
        """Whether the last export succeeded as a whole; true before the first."""
        self.inherited = False
        """Whether a parent process made it: its totals of ours are the parent's to report."""

    def export(
        self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any
    ) -> MetricExportResult:
        """
        Send metrics, before them the zeros of series that are sent for the first time.
        """
        arrived, self._rejected = False, 0
        try:
            result = self._export(metrics_data, timeout_millis, **kwargs)
            arrived = is_success(result) and not self._rejected
        finally:
            # Only now: a flush that asks during the next export means the one that it waited for.
            self.arrived = arrived
        return result

    def _export(
        self, metrics_data: MetricsData, timeout_millis: float, **kwargs: Any
    ) -> MetricExportResult:
        data = _without_ours(metrics_data) if self.inherited else metrics_data
        born = self._births.of(data)
        result = MetricExportResult.SUCCESS
        if born.zeros.resource_metrics:
            result = self._sent(born.zeros, timeout_millis, **kwargs)
        if data.resource_metrics and (is_success(result) or not self._outage.lasts):
            result = self._sent(data, timeout_millis, **kwargs)
        if is_success(result):
            self._births.known(born)
        return result

    def _sent(self, data: MetricsData, timeout_millis: float, **kwargs: Any) -> MetricExportResult:
        result, rejected = self.send(data, timeout_millis, **kwargs)
        # It may say any number, up to one beyond which no total of ours could be sent any more.
        rejected = rejected and min(rejected, _points(data))
        self._rejected += rejected
        if rejected:
            self._count("metric", REJECTED, rejected)
        return result  # type: ignore[no-any-return]  # the exporter's


def _points(data: MetricsData) -> int:
    return sum(
        len(metric.data.data_points)
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    )


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
