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
from otel_confidence.server.api import replies
from otel_confidence.server.api.explaining import Explaining
from otel_confidence.server.api.parameters import Parameters, parameters_of
from otel_confidence.server.api.queries import Catalog, Queries
from otel_confidence.server.api.replies import Reply
from otel_confidence.server.api.rules import Rules, Ruling
from otel_confidence.server.api.status import Status
from otel_confidence.server.api.turns import Turns
from otel_confidence.server.bodies import BodyError

PREFIX = "/api/v1"
MOST_QUERIES, FEWEST_QUERIES = 20, 4
"""How many queries are computed at a time: two for each processor within these bounds.

Prometheus's default is the first. More than the processors can work on would only hold memory,
and take time from what is written meanwhile; the others wait their turn.
"""
CONCURRENT_LOOKUPS = 8
"""How many other questions are answered at a time, beside the queries."""
Handler = Callable[[Parameters], Reply]
Endpoint = Callable[[Request], Awaitable[Response]]


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
    status = Status(now(), now, notified)
    queries, rules = Queries(engine, store, now), Rules(ruling)
    both, read = ["GET", "POST"], ["GET"]
    heavy: list[tuple[str, Handler, list[str]]] = [
        ("/query", queries.query, both),
        ("/query_range", queries.query_range, both),
        ("/explain", Explaining(engine, store, now).explain, both),
    ]
    light: list[tuple[str, Handler, list[str]]] = [
        ("/query_exemplars", queries.exemplars, both),
        ("/format_query", queries.format_query, both),
        ("/series", queries.series, both),
        ("/labels", queries.label_names, both),
        ("/label/{label:path}/values", queries.label_values, read),
        ("/metadata", queries.metadata, read),
        ("/targets", status.targets, read),
        ("/targets/metadata", status.target_metadata, read),
        ("/scrape_pools", status.scrape_pools, read),
        ("/alertmanagers", status.alertmanagers, read),
        ("/rules", rules.rules, read),
        ("/alerts", rules.alerts, read),
        ("/status/buildinfo", status.build, read),
        ("/status/runtimeinfo", status.runtime, read),
    ]
    api = [
        Route(f"{PREFIX}{path}", _answering(handler, turns), methods=methods)
        for turns, rows in ((Turns(_at_once()), heavy), (Turns(CONCURRENT_LOOKUPS), light))
        for path, handler, methods in rows
    ]
    return [
        *api,
        Route("/graph", _graph),
        Route("/-/ready", _says("Ready")),
        Route("/-/healthy", _says("Healthy")),
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
    return RedirectResponse(f"{PREFIX}/query?{asked}", 303)


def _says(state: str) -> Endpoint:
    async def endpoint(_: Request) -> Response:
        return PlainTextResponse(f"otel-confidence is {state}.\n")

    return endpoint
