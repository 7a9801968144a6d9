"""
This module receives OTLP over HTTP.

A request is acknowledged only after the store has its rows. Refusals are ``google.rpc.Status`` in
the request's own encoding; 429 and 503 tell the sender when to try again.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import anyio
from google.rpc import code_pb2
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from otel_confidence.errors import InvalidRecord, StoreBusy, StoreError
from otel_confidence.ingest import otlp
from otel_confidence.ingest.pipeline import Pipeline
from otel_confidence.server.admission import Admission
from otel_confidence.server.bodies import BodyError, read_body

_TYPES: Final[dict[otlp.Encoding, str]] = {
    "protobuf": "application/x-protobuf",
    "json": "application/json",
}
_CODES: Final = {
    400: code_pb2.INVALID_ARGUMENT,
    408: code_pb2.DEADLINE_EXCEEDED,
    413: code_pb2.RESOURCE_EXHAUSTED,
    415: code_pb2.INVALID_ARGUMENT,
    429: code_pb2.RESOURCE_EXHAUSTED,
    503: code_pb2.UNAVAILABLE,
}
_RETRY_AFTER_S: Final = {429: "1", 503: "5"}


class HttpReceiver:
    """
    The three addresses of OTLP over HTTP.
    """

    def __init__(self, pipeline: Pipeline, admission: Admission | None = None) -> None:
        self._pipeline = pipeline
        self._admission = admission or Admission()

    def routes(self) -> list[BaseRoute]:
        """
        The routes to mount at the root.
        """
        kinds = (otlp.METRICS, otlp.TRACES, otlp.LOGS)
        return [Route(kind.path, self._endpoint(kind), methods=["POST"]) for kind in kinds]

    def _endpoint(self, kind: otlp.Kind[Any]) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            encoding = _encoding(request)
            if encoding is None:
                known = " or ".join(_TYPES.values())
                given = request.headers.get("content-type", "")[:80]
                return self._refuse(kind, "json", 415, f"content type {given!r} is not {known}")
            return await self._answer(kind, encoding, request)

        return endpoint

    async def _answer(
        self, kind: otlp.Kind[Any], encoding: otlp.Encoding, request: Request
    ) -> Response:
        try:
            with self._admission.admitted():
                body = await read_body(request)
                answer = await anyio.to_thread.run_sync(
                    self._keep, kind, encoding, body, limiter=self._admission.limiter
                )
        except BodyError as error:
            return self._refuse(kind, encoding, error.status, str(error))
        except InvalidRecord as error:
            return self._refuse(kind, encoding, 400, str(error))
        except StoreBusy as error:
            return self._refuse(kind, encoding, 429, str(error))
        except StoreError as error:
            return self._refuse(kind, encoding, 503, str(error))
        return Response(answer, media_type=_TYPES[encoding])

    def _keep(self, kind: otlp.Kind[Any], encoding: otlp.Encoding, body: bytes) -> bytes:
        refusals = self._pipeline.accept(kind, otlp.read(body, kind, encoding))
        return otlp.written(otlp.response(kind, refusals), encoding)

    def _refuse(
        self, kind: otlp.Kind[Any], encoding: otlp.Encoding, status: int, message: str
    ) -> Response:
        self._pipeline.ledger.lose(kind.signal, f"http_{status}")
        headers = {"Retry-After": _RETRY_AFTER_S[status]} if status in _RETRY_AFTER_S else {}
        if status in (408, 413):
            # What is left of the body is not worth reading.
            headers["Connection"] = "close"
        content = otlp.written(otlp.status(message, _CODES[status]), encoding)
        return Response(content, status, headers, media_type=_TYPES[encoding])


def _encoding(request: Request) -> otlp.Encoding | None:
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return next((encoding for encoding, name in _TYPES.items() if name == given), None)
