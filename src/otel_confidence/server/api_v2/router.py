"""
This module lays Alertmanager's HTTP API on addresses.

Errors are a text in JSON with the status that Alertmanager gives. What changes something is posted
as JSON, which no form of a foreign page can.
"""

import json
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from otel_confidence.alerting.service import Alerting
from otel_confidence.errors import ConfigurationError, QueryError, StoreError
from otel_confidence.server.api_v2.alerts import Alerts, Wanted
from otel_confidence.server.api_v2.silences import Silences
from otel_confidence.server.api_v2.status import Status
from otel_confidence.server.bodies import BodyError, read_body

PREFIX: Final = "/api/v2"
LONGEST_BYTES: Final = 1 << 16
_JSON: Final = "application/json"
Handler = Callable[[Request], Awaitable[Response]]


def routes(
    alerting: Alerting, *, external_url: str = "", now: Callable[[], float] = time.time
) -> list[BaseRoute]:
    """
    Alertmanager's HTTP API, without what takes alerts from elsewhere.

    Args:
        alerting: What has alerts, silences and channels.
        external_url: Where this server can be reached.
        now: The present in epoch seconds.
    """
    api = _Api(alerting, external_url, now)
    places: list[tuple[str, str, Handler]] = [
        ("GET", "/status", api.status),
        ("GET", "/receivers", api.receivers),
        ("GET", "/alerts", api.alerts),
        ("GET", "/alerts/groups", api.groups),
        ("GET", "/silences", api.silences),
        ("POST", "/silences", api.keep),
        ("GET", "/silence/{silence_id}", api.silence),
        ("DELETE", "/silence/{silence_id}", api.lift),
    ]
    return [
        Route(f"{PREFIX}{path}", partial(_answered, handler), methods=[method])
        for method, path, handler in places
    ]


class _Api:
    """
    One method a request; whatever blocks runs on threads.
    """

    def __init__(self, alerting: Alerting, external_url: str, now: Callable[[], float]) -> None:
        self._now = now
        self._alerts = Alerts(alerting, external_url)
        self._silences = Silences(alerting.silencing)
        self._status = Status(alerting.listeners.notifier, self._now_ms())

    def _now_ms(self) -> int:
        return int(self._now() * 1000)

    async def status(self, _: Request) -> Response:
        return _json(self._status.status())

    async def receivers(self, _: Request) -> Response:
        return _json(self._status.receivers())

    async def alerts(self, request: Request) -> Response:
        return _json(
            await run_in_threadpool(self._alerts.asked_for, _wanted(request), self._now_ms())
        )

    async def groups(self, request: Request) -> Response:
        wanted = _wanted(request)
        return _json(await run_in_threadpool(self._alerts.groups, wanted, self._now_ms()))

    async def silences(self, request: Request) -> Response:
        return _json(self._silences.asked_for(_filters(request), self._now_ms()))

    async def silence(self, request: Request) -> Response:
        found = self._silences.find(request.path_params["silence_id"], self._now_ms())
        return Response(status_code=404) if found is None else _json(found)

    async def keep(self, request: Request) -> Response:
        given = await _given(request)
        try:
            kept = await run_in_threadpool(self._silences.keep, given, self._now_ms())
        except LookupError as error:
            return _json(str(error.args[0]), 404)
        return _json({"silenceID": kept})

    async def lift(self, request: Request) -> Response:
        silence_id = request.path_params["silence_id"]
        try:
            await run_in_threadpool(self._silences.silencing.lift, silence_id, self._now_ms())
        except ConfigurationError:
            return Response(status_code=404)
        return Response()


async def _given(request: Request) -> Any:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != _JSON:
        raise BodyError(415, f"a silence must be posted as {_JSON}")
    body = await read_body(request, max_bytes=LONGEST_BYTES)
    try:
        return json.loads(body)
    except ValueError as error:
        raise BodyError(400, f"the silence cannot be read: {error}") from error


def _filters(request: Request) -> list[str]:
    return request.query_params.getlist("filter")


def _wanted(request: Request) -> Wanted:
    return Wanted.read(request.query_params, _filters(request))


async def _answered(handler: Handler, request: Request) -> Response:
    try:
        return await handler(request)
    except BodyError as error:
        return _json(str(error), error.status)
    except (ConfigurationError, QueryError) as error:
        return _json(str(error), 400)
    except StoreError as error:
        return _json(str(error), 500)


def _json(content: Any, status: int = 200) -> Response:
    text = json.dumps(content, ensure_ascii=False)
    return Response(text, status, media_type=_JSON, headers={"Cache-Control": "no-store"})
