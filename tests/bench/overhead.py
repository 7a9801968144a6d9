"""This module compares a decorated call with the same signals written by hand."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from opentelemetry._logs import SeverityNumber
from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor, ReadWriteLogRecord
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider

import otel_confidence as oc
from otel_confidence import conventions as c

RESULT = {"confidence": 0.93, "label": "cat"}
ROUNDS = 41
CALLS = 500


class _Nowhere(LogRecordProcessor):
    """
    Takes log records and lets go of them.
    """

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        """
        Nothing.
        """

    def shutdown(self) -> None:
        """
        Nothing.
        """

    def force_flush(self, timeout_millis: int = 0) -> bool:  # noqa: ARG002
        """
        Nothing.
        """
        return True


@dataclass(frozen=True)
class Providers:
    """
    Providers of the SDK that send nothing.
    """

    meters: MeterProvider
    tracers: TracerProvider
    loggers: LoggerProvider

    @classmethod
    def new(cls) -> "Providers":
        """
        Fresh ones.
        """
        loggers = LoggerProvider(shutdown_on_exit=False)
        loggers.add_log_record_processor(_Nowhere())
        meters = MeterProvider([InMemoryMetricReader()], shutdown_on_exit=False)
        return cls(meters, TracerProvider(shutdown_on_exit=False), loggers)


def predict() -> dict[str, Any]:
    """
    The function under observation, which costs next to nothing.
    """
    return RESULT


def decorated(providers: Providers) -> Callable[[], Any]:
    """
    The function with our decorator.
    """
    telemetry = oc.Telemetry(providers.meters, providers.tracers, providers.loggers)
    track = oc.track_confidence(
        model="m", version="1", confidence="confidence", label="label", threshold=0.7,
        telemetry=telemetry,
    )  # fmt: skip
    return track(predict)


def by_hand(providers: Providers) -> Callable[[], Any]:
    """
    The function with the same signals written against the OpenTelemetry API.
    """
    meter, tracer = providers.meters.get_meter("hand"), providers.tracers.get_tracer("hand")
    logger = providers.loggers.get_logger("hand")
    confidence = meter.create_histogram(
        "ml.prediction.confidence", "1", explicit_bucket_boundaries_advisory=c.CONFIDENCE_EDGES
    )
    duration = meter.create_histogram(
        "ml.prediction.duration", "s", explicit_bucket_boundaries_advisory=c.LATENCY_EDGES
    )
    predictions = meter.create_counter("ml.predictions", "{prediction}")
    active = meter.create_up_down_counter("ml.prediction.active", "{prediction}")
    model = {"ml.model.name": "m", "ml.model.version": "1"}

    def handwritten() -> Any:
        active.add(1, model)
        with tracer.start_as_current_span("predict m", attributes=model) as span:
            began = time.perf_counter()
            result = predict()
            took = time.perf_counter() - began
            sure = result["confidence"]
            decision = "accept" if sure >= 0.7 else "abstain"
            tier = "high" if sure >= 0.9 else "medium" if sure >= 0.6 else "low"
            source = {"ml.prediction.confidence.source": "reported"}
            duration.record(took, model)
            confidence.record(sure, {**model, **source, "ml.prediction.decision": decision})
            predictions.add(
                1,
                {
                    **model,
                    "ml.prediction.decision": decision,
                    "ml.prediction.confidence.tier": tier,
                },
            )
            detail = {
                **source,
                "ml.prediction.id": f"{time.time_ns():016x}",
                "ml.prediction.confidence": sure,
                "ml.prediction.confidence.tier": tier,
                "ml.prediction.decision": decision,
                "ml.prediction.threshold": 0.7,
                "ml.prediction.label": result["label"],
            }
            span.set_attributes(detail)
            logger.emit(
                timestamp=time.time_ns(),
                severity_number=SeverityNumber.INFO,
                severity_text="INFO",
                body="A prediction.",
                attributes={**model, **detail, "event.name": "ml.prediction.result"},
                event_name="ml.prediction.result",
            )
        active.add(-1, model)
        return result

    return handwritten


def compare() -> tuple[float, float, float]:
    """
    Microseconds of one decorated and one handwritten call, and the median ratio of pairs.
    """
    ours, theirs = decorated(Providers.new()), by_hand(Providers.new())
    pairs = [(_microseconds(ours), _microseconds(theirs)) for _ in range(ROUNDS)]
    medians = [statistics.median(column) for column in zip(*pairs, strict=True)]
    return medians[0], medians[1], statistics.median(a / b for a, b in pairs)


def _microseconds(call: Callable[[], Any]) -> float:
    began = time.perf_counter()
    for _ in range(CALLS):
        call()
    return (time.perf_counter() - began) / CALLS * 1e6
