"""This module checks what hooks that programs plug in can do to a call: nothing."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor, ReadWriteLogRecord
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    InMemoryMetricReader,
    MetricExporter,
    MetricExportResult,
    MetricsData,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import IdGenerator

import otel_confidence as oc
from otel_confidence import conventions
from otel_confidence.testing import Capture

FAULTS = [ValueError("hook"), GeneratorExit(), SystemExit(3), KeyboardInterrupt()]
RESULT = {"confidence": 0.4, "label": "cat"}


class Hook:
    """
    Whatever is asked of it, it raises.
    """

    def __init__(self, fault: BaseException) -> None:
        self._fault = fault

    def __call__(self, *_: Any, **__: Any) -> Any:
        raise self._fault


class Ids(IdGenerator):
    """
    An id generator that raises.
    """

    def __init__(self, hook: Hook) -> None:
        self.generate_span_id = self.generate_trace_id = hook  # type: ignore[method-assign]

    def generate_span_id(self) -> int:
        """
        Never asked.
        """
        return 0

    def generate_trace_id(self) -> int:
        """
        Never asked.
        """
        return 0


class Logs(LogRecordProcessor):
    """
    A log record processor that raises.
    """

    def __init__(self, hook: Hook) -> None:
        self._hook = hook

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        """
        Raise.
        """
        self._hook(log_record)

    def shutdown(self) -> None:
        """
        Nothing to end.
        """

    def force_flush(self, timeout_millis: int = 0) -> bool:  # noqa: ARG002
        """
        Nothing waits.
        """
        return True


class Metrics(MetricExporter):
    """
    A metric exporter that raises.
    """

    def __init__(self, hook: Hook) -> None:
        super().__init__()
        self._hook = hook

    def export(self, metrics_data: MetricsData, *_: Any, **__: Any) -> MetricExportResult:
        """
        Raise.
        """
        self._hook(metrics_data)
        return MetricExportResult.FAILURE

    def shutdown(self, timeout_millis: float = 0, **_: Any) -> None:
        """
        Nothing to end.
        """

    def force_flush(self, timeout_millis: float = 0) -> bool:  # noqa: ARG002
        """
        Nothing waits.
        """
        return True


def _loggers(hook: Hook) -> Capture:
    capture = Capture(oc.Settings())
    loggers = LoggerProvider(shutdown_on_exit=False)
    loggers.add_log_record_processor(Logs(hook))
    capture.telemetry.bind(capture.meter_provider, None, loggers)
    return capture


def _ids(hook: Hook) -> Capture:
    capture = Capture(oc.Settings())
    tracers = TracerProvider(id_generator=Ids(hook), shutdown_on_exit=False)
    capture.telemetry.bind(capture.meter_provider, tracers)
    return capture


DECLARED: dict[str, Callable[[Hook], dict[str, Any]]] = {
    "confidence": lambda hook: {"confidence": hook},
    "label": lambda hook: {"label": hook},
    "features": lambda hook: {
        "features": hook, "reference": oc.Reference.from_data(features={"a": [1.0, 2.0]})
    },
}  # fmt: skip
PLUGGED: dict[str, Callable[[Hook], Capture]] = {
    "redact": lambda hook: Capture(oc.Settings(redact=hook)),
    "log processor": _loggers,
    "id generator": _ids,
}


@pytest.mark.parametrize("fault", FAULTS[:3], ids=repr)
@pytest.mark.parametrize("where", [*DECLARED, *PLUGGED])
def test_a_hook_that_raises_stays_out_of_the_call(where: str, fault: BaseException) -> None:
    """
    Whatever a hook raises is contained and counted; the call's result and its count stay.
    """
    hook = Hook(fault)
    capture = PLUGGED[where](hook) if where in PLUGGED else Capture(oc.Settings())
    declared = {"confidence": "confidence", "label": "label"}
    declared |= DECLARED[where](hook) if where in DECLARED else {}

    @capture.track_confidence(model="m", **declared)
    def classify() -> dict[str, Any]:
        return RESULT

    assert RESULT is classify()
    assert 1 == capture.value("ml.predictions")
    assert 0 == capture.value("ml.prediction.active")
    assert 1 <= capture.value(
        "otel_confidence.internal.errors", error_type=type(fault).__name__
    )  # fmt: skip


def test_an_interrupt_of_the_program_is_its_own() -> None:
    """
    Ctrl-C that arrives while a hook runs ends the program as if there were no hook.
    """
    capture = Capture(oc.Settings())

    @capture.track_confidence(model="m", confidence=Hook(KeyboardInterrupt()))
    def classify() -> dict[str, Any]:
        return RESULT

    with pytest.raises(KeyboardInterrupt):
        classify()

    assert 0 == capture.value("ml.prediction.active")


def test_a_fallback_that_raises_leaves_the_unsure_answer() -> None:
    """
    The fallback is the program's own code: its error is recorded, and the first answer stands.

    What is no error but an order to stop, such as SystemExit, is obeyed.
    """
    capture = Capture(oc.Settings())

    @capture.track_confidence(
        model="m", confidence="confidence", threshold=0.5, fallback=Hook(ValueError("hook"))
    )
    def classify() -> dict[str, Any]:
        return RESULT

    @capture.track_confidence(
        model="n", confidence="confidence", threshold=0.5, fallback=Hook(SystemExit(3))
    )
    def stopped() -> dict[str, Any]:
        return RESULT

    assert RESULT is classify()
    with pytest.raises(SystemExit):
        stopped()
    assert {"ValueError": 1} == capture.errors_by_type()


def test_a_metric_exporter_that_raises_keeps_the_counts() -> None:
    """
    A failed export costs nothing: totals are there for the next.
    """
    hook = Hook(ValueError("hook"))
    kept = InMemoryMetricReader()
    broken = PeriodicExportingMetricReader(Metrics(hook), 3_600_000)
    provider = MeterProvider([broken, kept], shutdown_on_exit=False)
    telemetry = oc.Telemetry(provider)
    with oc.prediction(model="m", telemetry=telemetry) as p:
        p.set(confidence=0.5)
    broken.force_flush()

    assert 1 == telemetry.sums.value(conventions.PREDICTIONS)
    assert kept.get_metrics_data() is not None
    provider.shutdown()


class Stuck(SpanExporter):
    """
    An exporter that hangs until it is let go.
    """

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.released = threading.Event()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:  # noqa: ARG002
        """
        Hang.
        """
        self.entered.set()
        self.released.wait(30)
        return SpanExportResult.SUCCESS


def test_an_exporter_that_hangs_holds_up_no_call() -> None:
    """
    Calls go on while an exporter hangs, for exporters run in threads of their own.

    A hook that runs within the call, such as an extractor, takes the time it takes: it is part of
    the program, and no thread of ours could be interrupted in its stead.
    """
    exporter = Stuck()
    tracers = TracerProvider(shutdown_on_exit=False)
    tracers.add_span_processor(BatchSpanProcessor(exporter, max_export_batch_size=1))
    capture = Capture(oc.Settings())
    capture.telemetry.bind(capture.meter_provider, tracers)

    @capture.track_confidence(model="m", confidence="confidence")
    def classify() -> dict[str, Any]:
        return RESULT

    classify()
    entered = exporter.entered.wait(30)
    results = [classify() for _ in range(100)]
    hung = not exporter.released.is_set()
    exporter.released.set()
    tracers.shutdown()

    assert entered
    assert hung
    assert [RESULT] * 100 == results
    assert 101 == capture.value("ml.predictions")


@pytest.mark.parametrize("text", ["x" * 10_000_000, None], ids=["endless", "raising"])
def test_an_exception_that_the_program_records_is_bounded(
    text: str | None, telemetry: Capture
) -> None:
    """
    An exception written on the span by the program itself leaves bounded, or without a text.
    """

    class Odd(Exception):  # noqa: N818  it is none to tell about
        def __str__(self) -> str:
            if text is None:
                raise ValueError("no text")
            return text

    telemetry.telemetry.guard.strict = False

    @telemetry.track_confidence(model="m", confidence="confidence")
    def classify() -> dict[str, Any]:
        trace.get_current_span().record_exception(Odd())
        return RESULT

    assert RESULT is classify()
    (event,) = telemetry.spans()[0].events
    written = dict(event.attributes or {})
    assert "Odd" in str(written["exception.type"])
    assert len(str(written.get("exception.message", ""))) <= 1024
    assert len(str(written.get("exception.stacktrace", ""))) <= 16_384
