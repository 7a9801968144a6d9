"""
This module knocks at the door that telemetry leaves by, with the exporters that a program uses.

An export without any record leaves nothing behind and is answered as any other is.
"""

from typing import Any, Final
from urllib.parse import urlsplit

from opentelemetry.sdk.metrics.export import MetricsData

from otel_confidence.doctor.checks import Cause, Check
from otel_confidence.doctor.doors import shown
from otel_confidence.sdk import exporters
from otel_confidence.sdk.delivery import is_success
from otel_confidence.sdk.outages import Outage

SIGNALS: Final = ("metrics", "traces", "logs")
"""What OpenTelemetry calls them."""
_START: Final = (
    "start otel-confidence up or a Collector there, or name another place in "
    "OTEL_EXPORTER_OTLP_ENDPOINT"
)
_REDIRECT: Final = "answered 3"
_ELSEWHERE: Final = (
    "it leads elsewhere, as a login page or a proxy does; name the address that takes telemetry "
    "in OTEL_EXPORTER_OTLP_ENDPOINT"
)
_REMEDIES: Final = {
    "answered 401": "give the token in OTEL_EXPORTER_OTLP_HEADERS='authorization=Bearer%20...'",
    "answered 403": "the token in OTEL_EXPORTER_OTLP_HEADERS may not send; ask for another",
    "answered 404": "name the address without a path: /v1/traces and the like are added to it",
    "unauthenticated": "give the token in OTEL_EXPORTER_OTLP_HEADERS='authorization=Bearer%20...'",
    "permission_denied": "the token in OTEL_EXPORTER_OTLP_HEADERS may not send; ask for another",
    "answered 429": "it is asked for too much; it takes more in a while",
    "service unavailable": "it is overloaded or its memory limiter refuses; it takes more later",
}


def knock(signal: str) -> tuple[Check, str]:
    """
    Whether the place that a signal is sent to takes it, and where that is.
    """
    exporter = exporters.otlp(signal)()
    endpoint = str(getattr(exporter, "_endpoint", ""))
    said: list[str] = []

    def say(_: str, why: str) -> None:
        if not said:
            exporter.shutdown()  # or it would try again and again
        said.append(why)

    nothing: Any = MetricsData([]) if signal == "metrics" else []
    with Outage(say).watched(endpoint) as attempt:
        attempt.arrived = is_success(exporter.export(nothing))
    if not said:
        exporter.shutdown()
        return Check(signal, "are taken", "ok", shown(endpoint)), endpoint
    remedy = _ELSEWHERE if said[0].startswith(_REDIRECT) else _REMEDIES.get(said[0], _START)
    cause = Cause(f"{shown(endpoint)} does not take them ({said[0]})", remedy)
    return Check.failing(signal, "are taken", cause), endpoint


def root(endpoint: str) -> str:
    """
    The server of an endpoint; over gRPC a place may have no scheme.
    """
    parts = urlsplit(endpoint if "://" in endpoint else f"http://{endpoint}")
    return f"{parts.scheme}://{parts.netloc}"
