"""
This module says why the gateway did not take a probe, and what mends it.
"""

import os
from http import HTTPStatus
from typing import Final

from otel_confidence.doctor.checks import Cause
from otel_confidence.doctor.doors import (
    OTHER_PROTOCOL,
    PLAIN,
    PLAIN_TO_TLS,
    UNTRUSTED,
    WRONG,
    renamed,
    shown,
    untrusted,
)
from otel_confidence.doctor.probes import Answer

_LOGS: Final = "docker compose logs otel-gateway"
_KNOWN: Final[dict[int, tuple[str, str]]] = {
    HTTPStatus.UNAUTHORIZED: (
        "it asks who is calling",
        "give its token: OTEL_EXPORTER_OTLP_HEADERS='authorization=Bearer%20...'",
    ),
    HTTPStatus.FORBIDDEN: (
        "the token is not allowed to send",
        "check what OTEL_EXPORTER_OTLP_HEADERS gives, and the gateway's authenticator",
    ),
    HTTPStatus.NOT_FOUND: (
        "it takes no OTLP of this kind at this address",
        "--gateway is its OTLP/HTTP address without a path; is there a pipeline for this kind?",
    ),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: (
        "even a probe is too large for it",
        "raise max_request_body_size of its receiver, or that of a proxy in front",
    ),
    HTTPStatus.TOO_MANY_REQUESTS: (
        "it takes no more at present",
        "send less, or add gateways; what its queues hold: docs/runbooks.md#collectorqueuefilling",
    ),
}


def cause(answer: Answer, gateway: str) -> Cause:
    """
    Why an export was not taken, or not all of it.
    """
    where = shown(gateway)
    if answer.rejected:
        return Cause(
            f"{where} answers 200, and rejects {answer.rejected}: {answer.said or 'no reason'}",
            f"what it says is what it wants; more of it: {_LOGS}",
        )
    if not answer.status:
        return _silent(answer, where)
    said = f" ({answer.said})" if answer.said else ""
    if HTTPStatus.MULTIPLE_CHOICES <= answer.status < HTTPStatus.BAD_REQUEST:
        return Cause(
            f"{where} answers {answer.status}: it leads elsewhere",
            "a proxy or a login page stands in front; name the gateway's own address in --gateway",
        )
    if PLAIN_TO_TLS in answer.said:
        return Cause(f"{where} speaks TLS only", "name it with https:// in --gateway")
    if "memory" in answer.said:
        return Cause(
            f"{where} answers {answer.status}: its memory limiter refuses{said}",
            "give it more memory (mem_limit and GOMEMLIMIT in docker-compose.yml), or send less",
        )
    why, remedy = _KNOWN.get(answer.status, ("it refuses", f"see {_LOGS}"))
    return Cause(f"{where} answers {answer.status}: {why}{said}", remedy)


def _silent(answer: Answer, where: str) -> Cause:
    remedies = {
        **WRONG,
        UNTRUSTED: untrusted(os.environ),
        PLAIN: "name it with http:// in --gateway",
        OTHER_PROTOCOL: "is this its gRPC port? --gateway is the one for HTTP, 4318 by default",
    }
    start = (
        "start it (docker compose up --detach otel-gateway), or name its OTLP/HTTP address "
        "with --gateway"
    )
    remedy = renamed(answer.said) or remedies.get(answer.said, start)
    return Cause(f"{where} does not take it: {answer.said}", remedy)
