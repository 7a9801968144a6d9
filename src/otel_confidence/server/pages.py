"""
This module serves the pages: all models, one model, one trace, alerts, rules, objectives.

Each page is sent whole, and its data again as JSON at a second address, which the page's script
asks every few seconds: parts as HTML written by the same templates, and figures for Plotly.
"""

import re
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from plotly.io.json import to_json_plotly
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from otel_confidence.alerting.service import Alerting
from otel_confidence.errors import ConfigurationError, QueryError, StoreError
from otel_confidence.query.answers import Metrics
from otel_confidence.query.predictions import Sql
from otel_confidence.query.questions import Scope
from otel_confidence.server import assets, formats, runbooks, views, watching
from otel_confidence.server.bodies import BodyError
from otel_confidence.server.rendering import Templates
from otel_confidence.server.silencing import Draft, form_of

_TRACE_ID: Final = re.compile(r"[0-9a-f]{32}")
_PLACES: Final = (("Models", "/"), ("Alerts", "/alerts"), ("Rules", "/rules"), ("SLOs", "/slos"))
_HEADERS: Final = {
    "Cache-Control": "no-store",
    # Plotly writes a style element and style attributes; scripts come from files alone.
    "Content-Security-Policy": (
        "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
        "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    # Forms of a page without any referrer come with an origin of "null", which is refused.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class Page:
    """
    A page that was asked for: what stands still in it, and how to read what moves.
    """

    template: str
    title: str
    data_url: str
    frame: Mapping[str, Any]
    look: Callable[[], views.View]


def routes(
    metrics: Metrics,
    store: Sql,
    *,
    otlp_http: str = "http://127.0.0.1:4318",
    update_s: float = 5,
    now: Callable[[], float] = time.time,
    alerting: Alerting | None = None,
) -> list[BaseRoute]:
    """
    The pages, their data and the files they need.

    Args:
        metrics: Answers PromQL.
        store: Answers SQL over events and spans.
        otlp_http: Where programs send to, as the empty page tells its reader.
        update_s: Seconds from one update of an open page to the next.
        now: The clock, epoch seconds.
        alerting: Rules, alerts and silences; without it there are no pages of them.
    """
    files = assets.load()
    shown = _PLACES if alerting else ()
    templates = Templates(files, otlp_http=otlp_http, update_s=update_s, places=shown)
    found = _Pages(views.Views(metrics, store, templates, now))
    places: list[tuple[str, str, Callable[[Request], Page]]] = [
        ("/", "/pages/models.json", found.models),
        ("/models/{name:path}", "/pages/models/{name:path}.json", found.model),
        ("/traces/{trace_id}", "/pages/traces/{trace_id}.json", found.trace),
    ]
    changing: list[BaseRoute] = []
    if alerting is not None:
        watched = _Watched(watching.Watching(alerting, metrics, templates, now))
        places.extend(watched.places())
        changing = watched.changing(templates)
    return [
        *changing,
        *(Route(path, partial(_page, templates, page)) for path, _, page in places),
        *(Route(path, partial(_data, page)) for _, path, page in places),
        *runbooks.routes(templates, _HEADERS),
        *files.routes(),
    ]


class _Pages:
    """
    Which page a request asks for, one method a page.
    """

    def __init__(self, found: views.Views) -> None:
        self._views = found

    def models(self, request: Request) -> Page:
        """
        The page of all models.
        """
        window = _window(request)
        frame = {
            "place": "Models",
            "window": window,
            "windows": [(each, f"/?window={each}") for each in views.WINDOWS],
        }
        data_url = f"/pages/models.json?window={window}"
        return Page("models", "Models", data_url, frame, partial(self._views.models, window))

    def model(self, request: Request) -> Page:
        """
        The page of one model, or one of its versions.
        """
        model = request.path_params["name"] or request.query_params.get("name", "")
        window, version = _window(request), request.query_params.get("version", "")
        addresses = [
            (each, formats.model_url(model, window=each, version=version)) for each in views.WINDOWS
        ]
        return Page(
            "model",
            formats.shortened(model),
            formats.model_url(model, "/pages", ".json", window=window, version=version),
            {"model": model, "window": window, "windows": addresses},
            partial(self._views.model, Scope(model, version), window),
        )

    def trace(self, request: Request) -> Page:
        """
        The page of one trace.
        """
        trace_id = request.path_params["trace_id"]
        if not _TRACE_ID.fullmatch(trace_id):
            raise HTTPException(404, "A trace id is 32 hexadecimal digits in lower case")
        return Page(
            "trace",
            f"Trace {trace_id[:8]}",
            f"/pages/traces/{trace_id}.json",
            {"trace_id": trace_id},
            partial(self._views.trace, trace_id),
        )


class _Watched:
    """
    The pages of alerts, rules and objectives, and what their forms change.
    """

    def __init__(self, found: watching.Watching) -> None:
        self._watching = found

    def places(self) -> list[tuple[str, str, Callable[[Request], Page]]]:
        """
        The addresses of pages and of their data.
        """
        return [
            ("/alerts", "/pages/alerts.json", self.alerts),
            ("/rules", "/pages/rules.json", self.rules),
            ("/slos", "/pages/slos.json", self.objectives),
        ]

    def changing(self, templates: Templates) -> list[BaseRoute]:
        """
        The addresses that forms post to.
        """
        return [
            Route("/alerts", partial(_answered, templates, self.silence), methods=["POST"]),
            Route(
                "/alerts/silences/{silence_id}/lift",
                partial(_answered, templates, self.lift),
                methods=["POST"],
            ),
        ]

    def alerts(self, request: Request) -> Page:
        """
        The page of alerts; what its form holds may stand in the address.
        """
        return self._alerts(Draft.of(request.query_params))

    def _alerts(self, draft: Draft, problem: str = "") -> Page:
        frame = {"place": "Alerts", "draft": draft, "problem": problem}
        return Page("alerts", "Alerts", "/pages/alerts.json", frame, self._watching.alerts)

    def rules(self, _: Request) -> Page:
        """
        The page of rules.
        """
        frame = {"place": "Rules"}
        return Page("rules", "Rules", "/pages/rules.json", frame, self._watching.rules)

    def objectives(self, request: Request) -> Page:
        """
        The page of objectives, with the burn of one of them.
        """
        window = _window(request, watching.PERIODS)
        chosen = request.query_params.get("slo", "")
        addresses = [(each, formats.slo_url(chosen, each)) for each in watching.PERIODS]
        return Page(
            "slos",
            "SLOs",
            f"/pages{formats.slo_url(chosen, window, '.json')}",
            {"place": "SLOs", "window": window, "windows": addresses},
            partial(self._watching.objectives, window, chosen),
        )

    async def silence(self, request: Request) -> Page | str:
        """
        Keep the silence that the form holds; where to go then, or the form with what is wrong.
        """
        draft, at_ms = Draft.of(await form_of(request)), int(self._watching.now() * 1000)
        try:
            silence = draft.silence(at_ms)
        except ConfigurationError as error:
            return self._alerts(draft, str(error))
        await run_in_threadpool(self._watching.alerting.silencing.keep, silence, at_ms)
        return "/alerts#silences"

    async def lift(self, request: Request) -> Page | str:
        """
        Take a silence back; one that is gone already is no fault.
        """
        with suppress(ConfigurationError):
            silence_id = request.path_params["silence_id"]
            at_ms = int(self._watching.now() * 1000)
            await run_in_threadpool(self._watching.alerting.silencing.lift, silence_id, at_ms)
        return "/alerts#silences"


async def _answered(
    templates: Templates, change: Callable[[Request], Awaitable[Page | str]], request: Request
) -> Response:
    try:
        changed = await change(request)
        if isinstance(changed, str):
            return RedirectResponse(changed, 303, headers=_HEADERS)
        text, _ = await run_in_threadpool(_written, templates, changed)
        return _html(text, 400)
    except BodyError as error:
        text = templates.render("problem", title="Not understood", reason=f"{error}.")
        return _html(text, error.status)
    except StoreError as error:
        text = templates.render("problem", title="Nothing was changed", reason=f"{error}.")
        return _html(text, 503)


def _page(templates: Templates, asked: Callable[[Request], Page], request: Request) -> Response:
    try:
        page = asked(request)
    except HTTPException as error:
        text = templates.render("problem", title="No such page", reason=f"{error.detail}.")
        return _html(text, error.status_code)
    return _html(*_written(templates, page))


def _written(templates: Templates, page: Page) -> tuple[str, int]:
    """
    A page with what it shows now, and the status to answer with.
    """
    try:
        view, notice = page.look(), ""
        if view.state == "empty" and (reason := view.unknown()):
            return templates.render("problem", title="No such page", reason=reason), 404
    except (QueryError, StoreError) as error:
        # The frame is sent all the same: its script goes on asking.
        view, notice = views.View({}), f"The data cannot be read: {error}"
    text = templates.render(
        page.template, title=page.title, data_url=page.data_url, parts=view.parts,
        state=view.state, notice=notice, **page.frame,
    )  # fmt: skip
    return text, 503 if notice else 200


def _data(asked: Callable[[Request], Page], request: Request) -> Response:
    try:
        view = asked(request).look()
        drawn = view.draw()
    except HTTPException as error:
        return _json({"error": error.detail}, error.status_code)
    except (QueryError, StoreError) as error:
        return _json({"error": f"the data cannot be read: {error}"}, 503)
    return _json({"state": view.state, "parts": view.parts, "figures": drawn})


def _window(request: Request, choices: Mapping[str, int] = views.WINDOWS) -> str:
    asked = request.query_params.get("window", next(iter(choices)))
    if asked not in choices:
        raise HTTPException(400, f"The window is one of {', '.join(choices)}")
    return asked


def _html(text: str, status: int) -> Response:
    return Response(text, status, headers=_HEADERS, media_type="text/html")


def _json(content: Mapping[str, Any], status: int = 200) -> Response:
    return Response(
        to_json_plotly(content), status, headers=_HEADERS, media_type="application/json"
    )
