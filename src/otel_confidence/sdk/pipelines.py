"""
This module builds providers of ours as the ``OTEL_*`` variables say, flushes and ends them.
"""

import os
import queue
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, ConsoleLogRecordExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    ConsoleMetricExporter,
    MetricReader,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter

from otel_confidence.sdk import exporters
from otel_confidence.sdk.delivery import (
    Count,
    Delivery,
    EventDelivery,
    EventGate,
    MetricDelivery,
    SpanDelivery,
    SpanGate,
)
from otel_confidence.sdk.outages import Outage, Say

QUEUE_SIZE: Final = 8192
"""Spans, and events, that may wait to be sent: four times OpenTelemetry's, for bursts."""
EXPORT_INTERVAL_MS: Final = 10_000
"""How often metrics are sent where ``OTEL_METRIC_EXPORT_INTERVAL`` doesn't say, milliseconds."""

_STEP_S: Final = 0.05
"""How soon a wait learns that nobody answers, seconds."""

Job = Callable[[], object]


class Runner:
    """
    A thread that waits to run what may block for long, so that its caller can stop waiting.

    It exists beforehand because no thread can be started any more when the interpreter ends.
    """

    def __init__(self, name: str) -> None:
        self._jobs: queue.SimpleQueue[tuple[Job, threading.Event]] = queue.SimpleQueue()
        threading.Thread(target=self._run, name=f"otel_confidence {name}", daemon=True).start()

    def start(self, job: Job) -> threading.Event:
        """
        Run after what was started before; gives what is set when it has ended.
        """
        done = threading.Event()
        self._jobs.put((job, done))
        return done

    def _run(self) -> None:
        while True:
            job, done = self._jobs.get()
            job()
            done.set()


class Pipeline:
    """
    One signal's provider and what sends it.
    """

    def __init__(
        self,
        provider: Any,
        *,
        signal: str,
        guarded: Callable[[str, Job], Job],
        delivery: Delivery | None = None,
        metric: MetricDelivery | None = None,
        exporter: Any = None,
    ) -> None:
        self.provider = provider
        self.delivery = delivery
        self.metric = metric
        self._exporter = exporter
        self._guarded = guarded
        self._signal = signal
        self._runner = Runner(signal)
        self._lost = 0

    def flush(self) -> threading.Event:
        """
        Begin to send what waits.
        """
        return self._runner.start(self._guarded(f"flush.{self._signal}", self.provider.force_flush))

    def shutdown(self) -> threading.Event:
        """
        Begin to send what waits and to end.
        """
        return self._runner.start(self._guarded(f"shutdown.{self._signal}", self.provider.shutdown))

    def all_sent(self) -> bool:
        """
        Whether everything since the last question arrived.
        """
        arrived = self.metric is None or self.metric.arrived
        if self.delivery is None:
            return arrived
        lost, self._lost = self.delivery.lost - self._lost, self.delivery.lost
        return arrived and not lost and not self.delivery.waiting

    def interrupt(self) -> None:
        """
        Stop retrying, and count what waits as lost.
        """
        if self._exporter is not None:
            self._exporter.shutdown()
        if self.delivery is not None:
            self.delivery.abandon()

    def restart(self) -> None:
        """
        Begin again in a forked child.
        """
        self._runner = Runner(self._signal)
        self._lost = 0
        if self.delivery is not None:
            self.delivery.restart()


class Pipelines:
    """
    The providers made by us: flushed and ended together, within a time, and truthfully.
    """

    def __init__(
        self,
        *,
        service_name: str | None,
        count: Count,
        guarded: Callable[[str, Job], Job],
        say: Say,
        say_in_part: Say,
    ) -> None:
        exporters.check()
        self._attributes = {} if service_name is None else {SERVICE_NAME: service_name}
        self._count = count
        self._guarded = guarded
        self._outage = Outage(say, say_in_part)
        self.made: dict[str, Pipeline] = {}
        self.inherited: MeterProvider | None = None
        """That of the parent process, in a forked child; others' metrics still go through it."""
        self._periodic_readers: list[PeriodicExportingMetricReader] = []
        self._sent: bool | None = None

    def meter_provider(self) -> MeterProvider:
        """
        A provider with a reader for each of ``OTEL_METRICS_EXPORTER``.
        """
        readers: list[MetricReader] = []
        delivery: MetricDelivery | None = None
        for name in exporters.names("metrics"):
            if name == "otlp":
                delivery = MetricDelivery(exporters.otlp("metrics"), self._outage, self._count)
                readers.append(self._periodic(delivery))
            elif name == "console":
                readers.append(self._periodic(ConsoleMetricExporter()))
            else:
                readers.append(exporters.prometheus_reader())
        provider = MeterProvider(readers, self._resource(), shutdown_on_exit=False)
        self._add("metrics", provider, metric=delivery, exporter=delivery)
        return provider

    def tracer_provider(self) -> TracerProvider:
        """
        A provider with a processor for each of ``OTEL_TRACES_EXPORTER``.
        """
        provider = TracerProvider(resource=self._resource(), shutdown_on_exit=False)
        delivery, exporter = None, None
        for name in exporters.names("traces"):
            if name == "otlp":
                size = _queue_size("OTEL_BSP_MAX_QUEUE_SIZE")
                delivery = Delivery("span", size, self._count)
                exporter = SpanDelivery(exporters.otlp("traces"), delivery, self._outage)
                batches = BatchSpanProcessor(exporter, max_queue_size=size)
                provider.add_span_processor(SpanGate(batches, delivery))
            else:
                provider.add_span_processor(BatchSpanProcessor(ConsoleSpanExporter()))
        self._add("traces", provider, delivery=delivery, exporter=exporter)
        return provider

    def logger_provider(self) -> LoggerProvider:
        """
        A provider with a processor for each of ``OTEL_LOGS_EXPORTER``.
        """
        provider = LoggerProvider(resource=self._resource(), shutdown_on_exit=False)
        delivery, exporter = None, None
        for name in exporters.names("logs"):
            if name == "otlp":
                size = _queue_size("OTEL_BLRP_MAX_QUEUE_SIZE")
                delivery = Delivery("event", size, self._count)
                exporter = EventDelivery(exporters.otlp("logs"), delivery, self._outage)
                batches = BatchLogRecordProcessor(exporter, max_queue_size=size)
                provider.add_log_record_processor(EventGate(batches, delivery))
            else:
                provider.add_log_record_processor(
                    BatchLogRecordProcessor(ConsoleLogRecordExporter())
                )
        self._add("logs", provider, delivery=delivery, exporter=exporter)
        return provider

    def flush(self, timeout_s: float) -> bool:
        """
        Send what waits; True only when all of it arrived within the time.
        """
        if self._sent is not None:
            return self._sent
        return self._await(Pipeline.flush, Patience(timeout_s))

    def introduce(self) -> None:
        """
        Begin to send metrics for the first time, so that models are known before they predict.
        """
        if "metrics" in self.made and self._sent is None:
            self.made["metrics"].flush()

    def shutdown(self, timeout_s: float, *, hurried: bool = False) -> bool:
        """
        Send what waits and end, once; True only when all of it arrived within the time.

        Args:
            timeout_s: how long that may take, seconds.
            hurried: take a third of it where nobody answers.
        """
        if self._sent is not None:
            return self._sent
        self._sent = False
        outage = self._outage if hurried else None
        self._sent = self._await(Pipeline.shutdown, Patience(timeout_s, outage))
        for pipeline in self.made.values():
            pipeline.interrupt()
        return self._sent

    def restart(self) -> MeterProvider | None:
        """
        Begin again in a forked child; gives a fresh meter provider, at zero.
        """
        for pipeline in self.made.values():
            pipeline.restart()
        inherited = self.made.pop("metrics", None)
        if inherited is None or self._sent is not None:
            return None
        self.inherited = inherited.provider
        if inherited.metric is not None:
            inherited.metric.inherited = True
        for reader in self._periodic_readers:
            reader._export_lock = threading.Lock()  # noqa: SLF001  a thread left behind may hold it
        self._periodic_readers.clear()
        return self.meter_provider()

    def _await(self, begin: Callable[[Pipeline], threading.Event], patience: "Patience") -> bool:
        """
        Spans and events first, for at most two thirds of the time: metrics then tell their loss.
        """
        first = [p for name, p in self.made.items() if name != "metrics"]
        last = [p for name, p in self.made.items() if name == "metrics"]
        waited = [patience.for_all([begin(p) for p in first], 2 / 3 if last else 1.0)]
        waited.append(patience.for_all([begin(p) for p in last]))
        sent = [pipeline.all_sent() for pipeline in self.made.values()]
        return all(waited) and all(sent)

    def _add(self, name: str, provider: Any, **parts: Any) -> None:
        self.made[name] = Pipeline(provider, signal=name, guarded=self._guarded, **parts)

    def _periodic(self, exporter: Any) -> PeriodicExportingMetricReader:
        said = "OTEL_METRIC_EXPORT_INTERVAL" in os.environ
        made = PeriodicExportingMetricReader(exporter, None if said else EXPORT_INTERVAL_MS)
        self._periodic_readers.append(made)
        return made

    def _resource(self) -> Resource:
        return Resource.create(self._attributes)


class Patience:
    """
    How long the end of jobs is waited for: a third of the time once it is known nobody answers.
    """

    def __init__(self, timeout_s: float, outage: Outage | None = None) -> None:
        self._timeout_s = min(timeout_s, threading.TIMEOUT_MAX)
        self._outage = outage
        self._began = time.monotonic()

    def for_all(self, events: list[threading.Event], share: float = 1.0) -> bool:
        """
        Whether all of them happened within this share of the time.
        """
        return all(self._for(event, share) for event in events)

    def _for(self, event: threading.Event, share: float) -> bool:
        while not event.wait(min(max(self._left(share), 0.0), _STEP_S)):
            if self._left(share) <= 0:
                return False
        return True

    def _left(self, share: float) -> float:
        hurried = self._outage is not None and self._outage.lasts
        limit = self._timeout_s * share / (3 if hurried else 1)
        return self._began + limit - time.monotonic()


def _queue_size(variable: str) -> int:
    text = os.environ.get(variable, "")
    return int(text) if text.isdecimal() and int(text) else QUEUE_SIZE
