"""
This module chooses exporters by the ``OTEL_*`` variables; a missing library names its extra.
"""

import os
from collections.abc import Callable
from importlib import import_module
from typing import Any, Final

from opentelemetry.sdk.metrics.export import MetricReader

from otel_confidence.errors import ConfigurationError, MissingExtraError
from otel_confidence.sdk.outages import listen
from otel_confidence.sdk.responses import session

_KNOWN: Final = {
    "metrics": ("otlp", "console", "prometheus", "none"),
    "traces": ("otlp", "console", "none"),
    "logs": ("otlp", "console", "none"),
}
_CLASSES: Final = {
    "metrics": ("metric_exporter", "OTLPMetricExporter"),
    "traces": ("trace_exporter", "OTLPSpanExporter"),
    "logs": ("_log_exporter", "OTLPLogExporter"),
}
_CREDENTIALS: Final = "OTEL_PYTHON_EXPORTER_OTLP_HTTP_"


def names(signal: str) -> list[str]:
    """
    The exporters that ``OTEL_<SIGNAL>_EXPORTER`` asks for; OTLP by default.

    Raises:
        ConfigurationError: one of them is not known.
    """
    variable = f"OTEL_{signal.upper()}_EXPORTER"
    chosen = [part.strip() for part in os.environ.get(variable, "").split(",") if part.strip()]
    for name in chosen:
        if name not in _KNOWN[signal]:
            raise ConfigurationError(f"{variable} must be of {_KNOWN[signal]}, got {name!r}")
    return [name for name in chosen or ["otlp"] if name != "none"]


def check() -> None:
    """
    Refuse what the variables say wrongly before anything is made.

    Raises:
        ConfigurationError: an exporter or protocol is not known, or its library not installed.
    """
    for signal in _KNOWN:
        if "otlp" in names(signal):
            otlp(signal)


def otlp(signal: str) -> Callable[[], Any]:
    """
    What makes the signal's OTLP exporter, over the protocol that the environment says.

    Raises:
        ConfigurationError: the protocol is not known, or needs a library that is not installed.
    """
    protocol = (
        os.environ.get(f"OTEL_EXPORTER_OTLP_{signal.upper()}_PROTOCOL")
        or os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL")
        or "http/protobuf"
    ).strip()
    if protocol == "grpc":
        made = _exporter_class("grpc", signal)
        stubs = import_module("otel_confidence.sdk.stubs")  # needs the library that is there now
        return stubs.reading(made)  # type: ignore[no-any-return]  # a class
    if protocol == "http/protobuf":
        made = _exporter_class("http", signal)
        if any(name.startswith(_CREDENTIALS) for name in os.environ):
            return made
        return lambda: made(session=session())
    raise ConfigurationError(
        f'OTEL_EXPORTER_OTLP_PROTOCOL must be "http/protobuf" or "grpc", got {protocol!r}'
    )


def prometheus_reader() -> MetricReader:
    """
    A reader that serves ``/metrics`` on ``OTEL_EXPORTER_PROMETHEUS_HOST`` and ``_PORT``.

    Raises:
        ConfigurationError: the library is not installed, or the port is taken.
    """
    try:
        exporter = import_module("opentelemetry.exporter.prometheus")
        client = import_module("prometheus_client")
    except ImportError as error:
        raise MissingExtraError(
            "this needs opentelemetry-exporter-prometheus", "prometheus"
        ) from error
    host = os.environ.get("OTEL_EXPORTER_PROMETHEUS_HOST", "localhost")
    port = os.environ.get("OTEL_EXPORTER_PROMETHEUS_PORT", "9464")
    try:
        client.start_http_server(port=int(port), addr=host)
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"OTEL_EXPORTER_PROMETHEUS_PORT: cannot serve on {host}:{port}: {error}"
        ) from error
    reader = exporter.PrometheusMetricReader()
    # Its own flush puts a copy of every series aside for the next page, which then repeats them,
    # under the labels of the first copy. A page is collected when it is asked for.
    reader.force_flush = _flush_nothing
    made: MetricReader = reader
    return made


def _flush_nothing(timeout_millis: float = 0) -> bool:  # noqa: ARG001  OpenTelemetry's signature
    return True


def _exporter_class(transport: str, signal: str) -> Callable[..., Any]:
    module, name = _CLASSES[signal]
    try:
        found = import_module(f"opentelemetry.exporter.otlp.proto.{transport}.{module}")
    except ImportError as error:
        library = f"opentelemetry-exporter-otlp-proto-{transport}"
        raise MissingExtraError(f"this needs {library}", transport) from error
    listen(found.__name__)
    listen(f"opentelemetry.exporter.otlp.proto.{transport}.exporter")
    made: Callable[..., Any] = getattr(found, name)
    return made
