"""
This module knocks at the door that telemetry leaves by, with the exporters that a program uses.

An export without any record leaves nothing behind and is answered as any other is.
"""

import os
from typing import Any, Final
from urllib.parse import urlsplit

from opentelemetry.sdk.metrics.export import MetricsData

from otel_confidence.doctor.checks import Cause, Check
from otel_confidence.doctor.doors import (
    EXPIRED,
    FOREIGN,
    NAMELESS,
    PLAIN,
    UNTRUSTED,
    WRONG,
    Door,
    misnamed,
    renamed,
    shown,
    untrusted,
)
from otel_confidence.sdk import exporters
from otel_confidence.sdk.delivery import is_success
from otel_confidence.sdk.outages import UNKNOWN, Outage

SIGNALS: Final = ("metrics", "traces", "logs")
"""What OpenTelemetry calls them."""
_TAKEN: Final = "are taken"
_START: Final = (
    "start otel-confidence up or a Collector there, or name another place in "
    "OTEL_EXPORTER_OTLP_ENDPOINT"
)
_WORDS: Final = {
    "certificate verify failed": UNTRUSTED,
    "certificate has expired": EXPIRED,
    "hostname mismatch": FOREIGN,
    "ip address mismatch": FOREIGN,
    "wrong version number": PLAIN,
    "name or service not known": NAMELESS,
    "temporary failure in name resolution": NAMELESS,
}
_ANSWER: Final = "answered "
_ASTRAY: Final = (f"{_ANSWER}3", f"{_ANSWER}200 with ")
_ELSEWHERE: Final = (
    "it leads elsewhere, as a login page or a proxy does; name the address that takes telemetry "
    "in OTEL_EXPORTER_OTLP_ENDPOINT"
)
_LATER: Final = "it is overloaded or its memory limiter refuses; it takes more later"
_REMEDIES: Final = {
    **WRONG,
    "answered 400": "it may want TLS: name it with https://",
    "answered 401": "give the token in OTEL_EXPORTER_OTLP_HEADERS='authorization=Bearer%20...'",
    "answered 403": "the token in OTEL_EXPORTER_OTLP_HEADERS may not send; ask for another",
    "answered 404": "name the address without a path: /v1/traces and the like are added to it",
    "unauthenticated": "give the token in OTEL_EXPORTER_OTLP_HEADERS='authorization=Bearer%20...'",
    "permission_denied": "the token in OTEL_EXPORTER_OTLP_HEADERS may not send; ask for another",
    "answered 429": "it is asked for too much; it takes more in a while",
    PLAIN: "name it with http:// in OTEL_EXPORTER_OTLP_ENDPOINT",
    "answered 503": _LATER,
}


def knock(signal: str, silent: dict[str, Cause]) -> tuple[Check, str]:
    """
    Whether the place that a signal is sent to takes it, and where that is.

    Args:
        signal: which one of ``SIGNALS``.
        silent: servers that answered nothing, and why: none is waited for twice.
    """
    exporter = exporters.otlp(signal)()
    endpoint = str(getattr(exporter, "_endpoint", ""))
    server = root(endpoint)
    if server in silent:
        exporter.shutdown()
        return Check.failing(signal, _TAKEN, silent[server]), endpoint
    why = _refusal(signal, exporter, endpoint)
    if why.startswith(_ANSWER):
        cause = Cause(f"{shown(endpoint)} does not take them ({why})", _remedy(why))
        return Check.failing(signal, _TAKEN, cause), endpoint
    if why:
        silent[server] = Cause(f"{shown(server)} does not take them ({why})", _remedy(why))
        return Check.failing(signal, _TAKEN, silent[server]), endpoint
    return Check(signal, _TAKEN, "ok", shown(endpoint)), endpoint


def _refusal(signal: str, exporter: Any, endpoint: str) -> str:
    """
    Why an export of nothing is not taken, empty when it is; it ends the exporter.
    """
    said: list[str] = []

    def say(_: str, why: str) -> None:
        if not said:
            exporter.shutdown()  # or it would try again and again
        said.append(why)

    nothing: Any = MetricsData([]) if signal == "metrics" else []
    with Outage(say).watched(endpoint) as attempt:
        attempt.arrived = is_success(exporter.export(nothing))
    if said:
        return _in_words(said[0], root(endpoint))
    exporter.shutdown()
    return ""


def _in_words(why: str, server: str) -> str:
    """
    What an exporter says, or else what can be found out by asking without it.
    """
    if why == UNKNOWN:
        return misnamed(os.environ) or Door(server, {}).get("/").unreachable or why
    return _WORDS.get(why, why)


def _remedy(why: str) -> str:
    if why == UNTRUSTED:
        return untrusted(os.environ)
    if why.startswith(_ASTRAY):
        return _ELSEWHERE
    return renamed(why) or _REMEDIES.get(why, _START)


def root(endpoint: str) -> str:
    """
    The server of an endpoint; over gRPC a place may have no scheme.
    """
    parts = urlsplit(endpoint if "://" in endpoint else f"http://{endpoint}")
    return f"{parts.scheme}://{parts.netloc}"
