"""
This module lays the Prometheus HTTP API on addresses.
"""

import os
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from functools import partial
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from otel_confidence.errors import OtelConfidenceError
from otel_confidence.query.promql import Engine
from otel_confidence.server.addresses import API
from otel_confidence.server.api import replies
from otel_confidence.server.api.explaining import Explaining
from otel_confidence.server.api.parameters import Parameters, parameters_of
from otel_confidence.server.api.queries import Catalog, Queries
from otel_confidence.server.api.replies import Reply
from otel_confidence.server.api.rules import Rules, Ruling
from otel_confidence.server.api.status import Status
from otel_confidence.server.api.turns import Turns
from otel_confidence.server.bodies import BodyError

MOST_QUERIES, FEWEST_QUERIES = 20, 4
"""How many queries are computed at a time: two for each processor within these bounds.

Prometheus's default is the first. More than the processors can work on would only hold memory,
and take time from what is written meanwhile; the others wait their turn.
"""
CONCURRENT_LOOKUPS = 8
"""How many other questions are answered at a time, beside the queries."""
Handler = Callable[[Parameters], Reply]
Endpoint = Callable[[Request], Awaitable[Response]]
Row = tuple[str, Handler, list[str]]
"""An address, what answers there, and the methods that it takes."""
_BOTH, _READ = ["GET", "POST"], ["GET"]


def routes(
    engine: Engine,
    store: Catalog,
    *,
    now: Callable[[], float] = time.time,
    ruling: Ruling | None = None,
    notified: Sequence[str] = (),
) -> list[BaseRoute]:
    """
    The Prometheus HTTP API, and the address of a graph that alerts lead to.

    Args:
        engine: What evaluates expressions.
        store: What knows series, samples, metadata and exemplars.
        now: The present in epoch seconds.
        ruling: What has rule groups; without it there are none.
        notified: Addresses of the Alertmanagers that are told of alerts.
    """
    queries = Queries(engine, store, now)
    heavy = _heavy(queries, Explaining(engine, store, now))
    light = [*_light(queries), *_told(Status(now(), now, notified), Rules(ruling))]
    api = [
        Route(f"{API}{path}", _answering(handler, turns), methods=methods)
        for turns, rows in ((Turns(_at_once()), heavy), (Turns(CONCURRENT_LOOKUPS), light))
        for path, handler, methods in rows
    ]
    return [
        *api,
        Route("/graph", _graph),
        Route("/-/ready", _says("Ready")),
        Route("/-/healthy", _says("Healthy")),
    ]


def _heavy(queries: Queries, explaining: Explaining) -> list[Row]:
    return [
        ("/query", queries.query, _BOTH),
        ("/query_range", queries.query_range, _BOTH),
        ("/explain", explaining.explain, _BOTH),
    ]


def _light(queries: Queries) -> list[Row]:
    return [
        ("/query_exemplars", queries.exemplars, _BOTH),
        ("/format_query", queries.format_query, _BOTH),
        ("/series", queries.series, _BOTH),
        ("/labels", queries.label_names, _BOTH),
        ("/label/{label:path}/values", queries.label_values, _READ),
        ("/metadata", queries.metadata, _READ),
    ]


def _told(status: Status, rules: Rules) -> list[Row]:
    return [
        ("/targets", status.targets, _READ),
        ("/targets/metadata", status.target_metadata, _READ),
        ("/scrape_pools", status.scrape_pools, _READ),
        ("/alertmanagers", status.alertmanagers, _READ),
        ("/rules", rules.rules, _READ),
        ("/alerts", rules.alerts, _READ),
        ("/status/buildinfo", status.build, _READ),
        ("/status/runtimeinfo", status.runtime, _READ),
    ]


def _answering(handler: Handler, turns: Turns) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        packed = replies.takes_gzip(request.headers.get("accept-encoding", ""))
        try:
            given = await parameters_of(request)
            work = partial(_answer, handler, given, packed=packed)
            return await turns.run(work, given.course, request)
        except BodyError as error:
            return replies.unread(error.status, str(error))
        except OtelConfidenceError as error:
            return replies.failure(error)

    return endpoint


def _answer(handler: Handler, given: Parameters, *, packed: bool) -> Response:
    with closing(given.course) as course:
        course.check()
        return replies.success(handler(given), packed=packed)


def _at_once() -> int:
    return min(MOST_QUERIES, max(FEWEST_QUERIES, 2 * (os.cpu_count() or 1)))


async def _graph(request: Request) -> Response:
    """
    Lead to what an expression gives now: alerts name the address that Prometheus has for it.
    """
    asked = urlencode({"query": request.query_params.get("g0.expr", "")})
    return RedirectResponse(f"{API}/query?{asked}", 303)


def _says(state: str) -> Endpoint:
    async def endpoint(_: Request) -> Response:
        return PlainTextResponse(f"otel-confidence is {state}.\n")

    return endpoint
