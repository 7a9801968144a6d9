"""
This module receives Prometheus's remote write, 1.0 and 2.0.

A request is acknowledged only after the store has its rows. What is busy or failing answers 503 and
never 429, which a Prometheus takes as a reason to drop what it sent unless it is told otherwise.
"""

from typing import Final

import anyio
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from otel_confidence.errors import InvalidRecord, StoreError
from otel_confidence.ingest.remote_requests import Version
from otel_confidence.ingest.remote_write import SIGNAL, RemoteWriter, Written
from otel_confidence.server.addresses import API
from otel_confidence.server.admission import Admission
from otel_confidence.server.bodies import BodyError, read_body

PATH: Final = f"{API}/write"
_TYPE: Final = "application/x-protobuf"
_VERSIONS: Final[dict[str, Version]] = {
    "": "1.0",
    "prometheus.WriteRequest": "1.0",
    "io.prometheus.write.v2.Request": "2.0",
}
_WRITTEN: Final = "X-Prometheus-Remote-Write-{}-Written"
_RETRY_AFTER_S: Final = "5"


class RemoteWriteReceiver:
    """
    The address of remote write.
    """

    def __init__(self, writer: RemoteWriter, admission: Admission | None = None) -> None:
        self._writer = writer
        self._admission = admission or Admission()

    def routes(self) -> list[BaseRoute]:
        """
        The route to mount at the root.
        """
        return [Route(PATH, self._endpoint, methods=["POST"])]

    async def _endpoint(self, request: Request) -> Response:
        try:
            with self._admission.admitted():
                return await self._answer(request)
        except BodyError as error:
            return self._refuse(error.status, str(error))
        except InvalidRecord as error:
            return self._refuse(400, str(error))
        except StoreError as error:
            return self._refuse(503, str(error))

    async def _answer(self, request: Request) -> Response:
        version = _version(request)
        block = await read_body(request, raw=True)
        written = await anyio.to_thread.run_sync(
            self._writer.accept, block, version, limiter=self._admission.limiter
        )
        headers = _headers(written)
        if written.refusals.total:
            said = f"{written.samples} samples were kept; refused: {written.refusals.message}\n"
            return PlainTextResponse(said, 400, headers)
        return Response(status_code=204, headers=headers)

    def _refuse(self, status: int, message: str) -> Response:
        self._writer.ledger.lose(SIGNAL, f"http_{status}")
        headers = _headers(Written())
        if status == 503:  # noqa: PLR2004  the one status that asks to come again
            headers["Retry-After"] = _RETRY_AFTER_S
        if status in (408, 413):
            # What is left of the body is not worth reading.
            headers["Connection"] = "close"
        return PlainTextResponse(f"{message}\n", status, headers)


def _version(request: Request) -> Version:
    encoding = request.headers.get("content-encoding", "snappy").strip().lower()
    if encoding != "snappy":
        raise BodyError(415, f"content encoding {encoding[:40]!r} is not snappy")
    given = request.headers.get("content-type", _TYPE)
    kind, *parameters = (part.strip() for part in given.split(";"))
    named = dict(each.partition("=")[::2] for each in parameters if "=" in each)
    proto = named.get("proto", "").strip('"')
    if kind.lower() != _TYPE or proto not in _VERSIONS:
        known = " or ".join(f"{_TYPE};proto={name}" for name in _VERSIONS if name)
        raise BodyError(415, f"content type {given[:120]!r} is not {known}")
    return _VERSIONS[proto]


def _headers(written: Written) -> dict[str, str]:
    counts = {"Samples": written.samples, "Histograms": 0, "Exemplars": written.exemplars}
    return {_WRITTEN.format(name): str(count) for name, count in counts.items()}
