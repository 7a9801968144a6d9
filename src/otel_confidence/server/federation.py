"""
This module serves ``/federate``: the present value of series, for a Prometheus to scrape.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from otel_confidence.errors import OtelConfidenceError, QueryError
from otel_confidence.points import NAME_LABEL, Labels, Matcher, Metadata, Selection
from otel_confidence.query.promql import Engine, Limits
from otel_confidence.query.promql.costs import Share
from otel_confidence.query.promql.faults import bad_data
from otel_confidence.query.promql.windows import is_stale
from otel_confidence.server.addresses import API
from otel_confidence.server.api.parameters import Parameters, parameters_of
from otel_confidence.server.api.turns import Turns
from otel_confidence.server.exposition import VERSIONS, Escaping, Point, exposition

_AT_ONCE: Final = 4
_ELSEWHERE: Final = (
    "There is no /metrics here. What is kept, figures about this server among it, can be scraped "
    f"at /federate?match[]=SELECTOR and asked for at {API}/query.\n"
)
_INSTANCE: Final = "instance"


class Kept(Protocol):
    """
    Where samples are kept; :class:`otel_confidence.store.Store` is one.
    """

    def select(
        self, matchers: Sequence[Matcher], start_ms: int, end_ms: int, *, max_samples: int = ...
    ) -> list[Selection]:
        """
        The series that meet all conditions, with their samples after ``start_ms`` to ``end_ms``.
        """
        ...

    def metadata(self, metric: str = "", limit: int = 0) -> list[Metadata]:
        """
        Type, unit and help of metrics, the last seen first.
        """
        ...


def routes(engine: Engine, store: Kept, *, now: Callable[[], float] = time.time) -> list[BaseRoute]:
    """
    The address of federation.

    Args:
        engine: Whose queries leave room in memory for what is read here.
        store: Where the series are.
        now: The present in epoch seconds.
    """
    turns = Turns(_AT_ONCE)

    async def endpoint(request: Request) -> Response:
        escaping = _escaping(request.headers.get("accept", ""))
        try:
            given = await parameters_of(request)
            telling = _Telling(store, engine.limits, given, round(now() * 1000), escaping)
            work = partial(engine.beside, telling.text, given.course)
            text = await turns.run(work, given.course, request)
        except OtelConfidenceError as error:
            status = error.status if isinstance(error, QueryError) else 503
            return PlainTextResponse(f"{error}\n", status)
        version = f"version={VERSIONS[escaping]}; charset=utf-8; escaping={escaping}"
        return Response(text, media_type=f"text/plain; {version}")

    return [
        Route("/federate", endpoint, methods=["GET"]),
        Route("/metrics", _elsewhere, methods=["GET"]),
    ]


async def _elsewhere(_: Request) -> Response:
    return PlainTextResponse(_ELSEWHERE, 404)


@dataclass(frozen=True, slots=True)
class _Telling:
    """
    One answer on its way.
    """

    store: Kept
    limits: Limits
    given: Parameters
    now_ms: int
    escaping: Escaping

    def text(self, share: Share) -> str:
        """
        The series asked for, read within a share of the memory that queries have.
        """
        sets = self.given.matcher_sets()
        if not sets:
            raise bad_data('no match[] parameter provided, such as match[]={job="a"}')
        about: dict[str, Metadata] = {}
        for each in self.store.metadata():
            about.setdefault(each.name, each)
        points = self._points(sets, share)
        self.given.course.check()
        return exposition(points, about, self.escaping)

    def _points(self, sets: Sequence[Sequence[Matcher]], share: Share) -> list[Point]:
        found: dict[Labels, Point] = {}
        for matchers in sets:
            for each in self._selected(matchers, share):
                if not is_stale(each.values[-1:]).any():
                    last = int(each.times_ms[-1]), float(each.values[-1])
                    found[each.labels] = Point(_told_apart(each.labels), *last)
        return [point for point in found.values() if dict(point.labels).get(NAME_LABEL)]

    def _selected(self, matchers: Sequence[Matcher], share: Share) -> list[Selection]:
        since_ms, room = self.now_ms - self.limits.lookback_ms, self.limits.max_samples - share.held
        found = self.store.select(matchers, since_ms, self.now_ms, max_samples=room)
        share.hold(sum(len(each.times_ms) for each in found))
        return found


def _told_apart(labels: Labels) -> Labels:
    # Without one, a scraping Prometheus would add its own: that of this server.
    if any(name == _INSTANCE for name, _ in labels):
        return labels
    return tuple(sorted((*labels, (_INSTANCE, ""))))


def _escaping(accept: str) -> Escaping:
    asked = (each.replace(" ", "").lower() for each in accept.split(","))
    known = any("text/plain" in each and "escaping=allow-utf-8" in each for each in asked)
    return "allow-utf-8" if known else "values"
