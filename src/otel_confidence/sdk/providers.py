"""
This module wires the library to OpenTelemetry: ``configure()``, ``flush()`` and ``shutdown()``.

Providers that the program has set are used as they are. Only where none is set, ours are made from
OpenTelemetry's own variables, set as the global ones, flushed and ended with the process.
"""

import atexit
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakSet

from opentelemetry import _logs, metrics, trace

from otel_confidence.sdk.current import current
from otel_confidence.sdk.telemetry import Telemetry
from otel_confidence.settings import Settings

if TYPE_CHECKING:
    from otel_confidence.sdk.pipelines import Pipelines

_lock = threading.Lock()
_pipelines: "Pipelines | None" = None
_service_name: str | None = None
_hooked = False
_made: Final[WeakSet[Any]] = WeakSet()
"""Every provider of ours so far: one that has ended stays OpenTelemetry's global one."""
_LAST: Final = -100
"""When multiprocessing's finalizers run: those of the program first, its own at 0 and above."""


def configure(
    *,
    service_name: str | None = None,
    meter_provider: metrics.MeterProvider | None = None,
    tracer_provider: trace.TracerProvider | None = None,
    logger_provider: _logs.LoggerProvider | None = None,
    thresholds: Sequence[float] | None = None,
    event_sample_ratio: float | None = None,
    receipt_key: str | None = None,
    former_receipt_keys: Sequence[str] | None = None,
    metric_attributes: Sequence[str] | None = None,
    capture: Mapping[str, Any] | None = None,
    redact: Callable[[str, str], str | None] | None = None,
    redact_patterns: Mapping[str, Any] | None = None,
    redact_also: Sequence[str] | None = None,
    redact_except: Sequence[str] | None = None,
    hash_key: str | None = None,
    shutdown_timeout_s: float | None = None,
    strict: bool | None = None,
) -> Telemetry:
    """
    Begin to send what is recorded; again, to change settings: nothing is made or sent twice.

    Without providers it takes the global ones, and makes OTLP ones, of ``service_name``, where none
    is set: for ``OTEL_EXPORTER_OTLP_ENDPOINT``, else ``http://localhost:4318``. See ``Settings``.

    Raises:
        ConfigurationError: a setting or variable is wrong, or an optional library is missing.
    """
    settings = Settings.read(
        thresholds=thresholds, event_sample_ratio=event_sample_ratio, receipt_key=receipt_key,
        former_receipt_keys=former_receipt_keys, metric_attributes=metric_attributes,
        capture=capture, redact=redact, redact_patterns=redact_patterns, redact_also=redact_also,
        redact_except=redact_except, hash_key=hash_key, shutdown_timeout_s=shutdown_timeout_s,
        strict=strict,
    )  # fmt: skip
    with _lock:
        telemetry = _adjusted(settings)
        _connect(telemetry, service_name, meter_provider, tracer_provider, logger_provider)
    return telemetry


def flush(timeout_s: float = 5.0) -> bool:
    """
    Send what waits; True only when everything recorded so far was delivered.

    Providers of the program's own are flushed too, and believed.
    """
    with current().guard("flush"):
        pipelines = _pipelines
        deadline = time.monotonic() + timeout_s
        ours = pipelines is None or pipelines.flush(timeout_s)
        theirs = [_flush_theirs(p, deadline) for p in _foreign()]
        return ours and all(theirs)
    return False


def shutdown(timeout_s: float | None = None) -> bool:
    """
    Send what waits and end delivery; True only when all of it was delivered. Twice does no harm.
    """
    telemetry = current()
    with telemetry.guard("shutdown"):
        limit = telemetry.settings.shutdown_timeout_s if timeout_s is None else timeout_s
        pipelines = _pipelines
        if pipelines is None:
            return flush(limit)
        sent = pipelines.shutdown(limit, hurried=timeout_s is None)
        telemetry.closed = True
        return sent
    return False


def _adjusted(settings: Settings) -> Telemetry:
    telemetry = current()
    telemetry.adjust(settings)
    telemetry.enabled = os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() != "true"
    return telemetry


def _connect(
    telemetry: Telemetry,
    service_name: str | None,
    meter_provider: metrics.MeterProvider | None,
    tracer_provider: trace.TracerProvider | None,
    logger_provider: _logs.LoggerProvider | None,
) -> None:
    global _pipelines, _service_name
    if not telemetry.enabled:
        return
    if _pipelines is not None and not telemetry.closed:
        if service_name not in {None, _service_name}:
            telemetry.guard.say_once(
                "service_name", "otel_confidence: service.name stays %r, got %r", _service_name,
                service_name,
            )  # fmt: skip
        if meter_provider or tracer_provider or logger_provider:
            telemetry.bind(meter_provider, tracer_provider, logger_provider)
        return
    meter_provider = meter_provider or _already(metrics.get_meter_provider())
    tracer_provider = tracer_provider or _already(trace.get_tracer_provider())
    logger_provider = logger_provider or _already(_logs.get_logger_provider())
    if not (meter_provider and tracer_provider and logger_provider):
        made = _make(telemetry, service_name)
        meter_provider = meter_provider or made.meter_provider()
        tracer_provider = tracer_provider or made.tracer_provider()
        logger_provider = logger_provider or made.logger_provider()
        _made.update(pipeline.provider for pipeline in made.made.values())
        _publish(made)
        _pipelines, _service_name = made, service_name
        _hook()
    telemetry.bind(meter_provider, tracer_provider, logger_provider)
    telemetry.closed = False
    if _pipelines is not None:
        telemetry.when_declared(_pipelines.introduce)


def _make(telemetry: Telemetry, service_name: str | None) -> "Pipelines":
    from otel_confidence.sdk.outages import IN_PART, MESSAGE
    from otel_confidence.sdk.pipelines import Pipelines  # the SDK, which not everybody needs

    def count(signal: str, reason: str, number: int) -> None:
        if reason:
            telemetry.dropped(signal, reason, number)
        else:
            telemetry.recorded(signal, number)

    def guarded(place: str, job: Callable[[], object]) -> Callable[[], object]:
        return telemetry.guard.wrap(place, job)

    def say(place: str, why: str) -> None:
        telemetry.guard.say_once("outage", MESSAGE, place, why)

    def say_in_part(place: str, why: str) -> None:
        telemetry.guard.say_once("in part", IN_PART, place, why)

    return Pipelines(
        service_name=service_name, count=count, guarded=guarded, say=say, say_in_part=say_in_part
    )


def _publish(made: "Pipelines") -> None:
    """
    Set what was made as the global providers, where none is set.
    """
    if "metrics" in made.made and _is_unset(metrics.get_meter_provider()):
        metrics.set_meter_provider(made.made["metrics"].provider)
    if "traces" in made.made and _is_unset(trace.get_tracer_provider()):
        trace.set_tracer_provider(made.made["traces"].provider)
    if "logs" in made.made and _is_unset(_logs.get_logger_provider()):
        _logs.set_logger_provider(made.made["logs"].provider)


def _already(provider: Any) -> Any:
    """
    The provider, or None where none is set or one of ours that has ended.
    """
    return None if _is_unset(provider) or provider in _made else provider


def _is_unset(provider: Any) -> bool:
    """
    Whether it is only the API's proxy or no-op.
    """
    api = ("opentelemetry.metrics", "opentelemetry.trace", "opentelemetry._logs")
    return type(provider).__module__.startswith((*api, "opentelemetry.util"))


def _foreign() -> list[Any]:
    # Of what a fork inherited any lock may be held by a thread that it left behind.
    found = (trace.get_tracer_provider(), _logs.get_logger_provider(), metrics.get_meter_provider())
    return [p for p in found if hasattr(p, "force_flush") and p not in _made]


def _flush_theirs(provider: Any, deadline: float) -> bool:
    answer: list[bool] = []
    job = current().guard.wrap(
        "flush.theirs", lambda: answer.append(provider.force_flush() is not False)
    )
    thread = threading.Thread(target=job, name="otel_confidence flush", daemon=True)
    thread.start()
    thread.join(max(deadline - time.monotonic(), 0))
    return answer == [True]


def _hook() -> None:
    global _hooked  # noqa: PLW0603  hooks can't be taken back, so they are set once
    if _hooked:
        return
    _hooked = True
    atexit.register(shutdown)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_after_fork_in_child)
    _outlive()


def _outlive() -> None:
    """
    End delivery with a process of multiprocessing: it leaves without what atexit was told.

    Its children forget every finalizer they inherit and run what is registered here once they have,
    so that each makes one of its own; one that has begun already makes it at once.
    """
    util = sys.modules.get("multiprocessing.util")
    if util is not None:
        util.register_after_fork(_at_end_of_child, _at_end_of_child)
        _at_end_of_child()


def _at_end_of_child(_: object = None) -> None:
    util, process = (sys.modules[f"multiprocessing.{name}"] for name in ("util", "process"))
    if process.parent_process() is not None:
        util.Finalize(None, shutdown, exitpriority=_LAST)


def _after_fork_in_child() -> None:
    """
    Measure from zero in a child: what the parent counted is the parent's to report.
    """
    global _lock  # noqa: PLW0603  the inherited lock may be held by a thread left behind
    _lock = threading.Lock()
    telemetry = current()
    with telemetry.guard("fork"):
        telemetry.restart()
        fresh = None if _pipelines is None else _pipelines.restart()
        if fresh is not None:
            telemetry.measure_with(fresh)
    _outlive()
