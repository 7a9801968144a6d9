"""
This module takes truths and judgements in: ``POST /api/v1/outcomes`` and ``/api/v1/feedback``.

The answer says of every record whether it was accepted, was told before, or is refused and why. It
is 200 where none is refused, 207 where some are, 422 where all of them are; 400 is for a body of
which nothing can be read. What is accepted is durable when the answer comes.
"""

import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import anyio
from anyio import CapacityLimiter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from otel_confidence import outcomes
from otel_confidence.errors import InvalidRecord, QueryError, StoreBusy, StoreError
from otel_confidence.ingest import truth_bodies, truth_records
from otel_confidence.ingest.pipeline import Ledger
from otel_confidence.ingest.truth_bodies import Splitting, TooMany
from otel_confidence.ingest.truth_records import Reading, Told
from otel_confidence.ingest.truths import Truths
from otel_confidence.server.addresses import API
from otel_confidence.server.bodies import BodyError, read_body

ACCEPTED: Final = "accepted"
REFUSED: Final = "refused"
_STATUS: Final = "status"
_WORKERS: Final = 4
_IN_FLIGHT: Final = 32
"""Requests that may wait at once; each may hold 20 MiB."""
_RETRY_AFTER_S: Final = {429: "1", 503: "5"}
_MIXED: Final = 207
_NONE_USABLE: Final = 422


@dataclass(frozen=True, slots=True)
class _Kind:
    """
    One address.
    """

    signal: str
    path: str
    read: Reading


_KINDS: Final = (
    _Kind("outcome", f"{API}/outcomes", truth_records.outcome),
    _Kind("feedback", f"{API}/feedback", truth_records.feedback),
)


class TruthReceiver:
    """
    The two addresses of late truth.
    """

    def __init__(
        self,
        truths: Truths,
        ledger: Ledger,
        *,
        keys: Sequence[str] = (),
        now: Callable[[], float] = time.time,
    ) -> None:
        self._truths = truths
        self._ledger = ledger
        self._keys = tuple(keys)
        self._now = now
        self._limiter = CapacityLimiter(_WORKERS)
        self._in_flight = 0

    def routes(self) -> list[BaseRoute]:
        """
        The routes to mount at the root.
        """
        return [Route(kind.path, self._endpoint(kind), methods=["POST"]) for kind in _KINDS]

    def _endpoint(self, kind: _Kind) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            given = request.headers.get("content-type", "")
            split = truth_bodies.splitting(given)
            if split is None:
                known = ", ".join(truth_bodies.TYPES)
                return self._fail(kind, 415, f"content type {given[:80]!r} is not one of {known}")
            if self._in_flight >= _IN_FLIGHT:
                return self._fail(kind, 429, f"{_IN_FLIGHT} requests are waiting")
            self._in_flight += 1
            try:
                return await self._answer(kind, split, request)
            finally:
                self._in_flight -= 1

        return endpoint

    async def _answer(self, kind: _Kind, split: Splitting, request: Request) -> Response:
        try:
            body = await read_body(request)
            status, content = await anyio.to_thread.run_sync(
                self._keep, kind, split, body, limiter=self._limiter
            )
        except BodyError as error:
            return self._fail(kind, error.status, str(error))
        except TooMany as error:
            return self._fail(kind, 413, str(error))
        except InvalidRecord as error:
            return self._fail(kind, 400, str(error))
        except StoreBusy as error:
            return self._fail(kind, 429, str(error))
        except (StoreError, QueryError) as error:
            return self._fail(kind, 503, str(error))
        return Response(content, status, media_type="application/json")

    def _keep(self, kind: _Kind, split: Splitting, body: bytes) -> tuple[int, bytes]:
        """
        Keep the records of a body; the answer's status and content.
        """
        now_s = self._now()
        read = [self._read(kind, record, now_s) for record in split(body)]
        new = iter(self._truths.keep([each for each in read if isinstance(each, Told)]))
        answers = [
            _refusal(index, each) if isinstance(each, InvalidRecord)
            else {"index": index, _STATUS: ACCEPTED if next(new) else outcomes.DUPLICATE}
            for index, each in enumerate(read)
        ]  # fmt: skip
        return self._counted(kind, answers)

    def _read(self, kind: _Kind, record: Any, now_s: float) -> Told | outcomes.Unusable:
        try:
            return kind.read(record, self._keys, now_s)
        except outcomes.Unusable as error:
            return error

    def _counted(self, kind: _Kind, answers: list[dict[str, Any]]) -> tuple[int, bytes]:
        counts = Counter(answer[_STATUS] for answer in answers)
        reasons = Counter(answer["reason"] for answer in answers if answer[_STATUS] == REFUSED)
        self._ledger.keep(kind.signal, counts[ACCEPTED])
        for reason, count in (reasons + Counter({outcomes.DUPLICATE: counts["duplicate"]})).items():
            self._ledger.lose(kind.signal, reason, count)
        summary = {name: counts[name] for name in (ACCEPTED, outcomes.DUPLICATE, REFUSED)}
        status = 200 if not counts[REFUSED] else _MIXED
        if answers and counts[REFUSED] == len(answers):
            status = _NONE_USABLE
        content = json.dumps({**summary, "results": answers}, separators=(",", ":"))
        return status, content.encode()

    def _fail(self, kind: _Kind, status: int, message: str) -> Response:
        self._ledger.lose(kind.signal, f"http_{status}")
        headers = {"Retry-After": _RETRY_AFTER_S[status]} if status in _RETRY_AFTER_S else {}
        if status in (408, 413):
            # What is left of the body is not worth reading.
            headers["Connection"] = "close"
        return JSONResponse({"error": message}, status, headers)


def _refusal(index: int, error: InvalidRecord) -> dict[str, Any]:
    reason = error.reason if isinstance(error, outcomes.Unusable) else outcomes.INVALID_VALUE
    return {"index": index, _STATUS: REFUSED, "reason": reason, "message": str(error)[:200]}
