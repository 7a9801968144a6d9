"""
This module serves the pages: all models, one model, one trace.

Each page is sent whole, and its data again as JSON at a second address, which the page's script
asks every few seconds: parts as HTML written by the same templates, and figures for Plotly.
"""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from plotly.io.json import to_json_plotly
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from otel_confidence.errors import QueryError, StoreError
from otel_confidence.query.answers import Metrics
from otel_confidence.query.predictions import Sql
from otel_confidence.query.questions import Scope
from otel_confidence.server import assets, formats, views
from otel_confidence.server.rendering import Templates

_TRACE_ID: Final = re.compile(r"[0-9a-f]{32}")
_HEADERS: Final = {
    "Cache-Control": "no-store",
    # Plotly writes a style element and style attributes; scripts come from files alone.
    "Content-Security-Policy": (
        "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
        "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
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
) -> list[BaseRoute]:
    """
    The pages, their data and the files they need.

    Args:
        metrics: Answers PromQL.
        store: Answers SQL over events and spans.
        otlp_http: Where programs send to, as the empty page tells its reader.
        update_s: Seconds from one update of an open page to the next.
        now: The clock, epoch seconds.
    """
    files = assets.load()
    templates = Templates(files, otlp_http=otlp_http, update_s=update_s)
    found = _Pages(views.Views(metrics, store, templates, now))
    places: tuple[tuple[str, str, Callable[[Request], Page]], ...] = (
        ("/", "/pages/models.json", found.models),
        ("/models/{name:path}", "/pages/models/{name:path}.json", found.model),
        ("/traces/{trace_id}", "/pages/traces/{trace_id}.json", found.trace),
    )
    return [
        *(Route(path, partial(_page, templates, page)) for path, _, page in places),
        *(Route(path, partial(_data, page)) for _, path, page in places),
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


def _page(templates: Templates, asked: Callable[[Request], Page], request: Request) -> Response:
    try:
        page = asked(request)
    except HTTPException as error:
        text = templates.render("problem", title="No such page", reason=f"{error.detail}.")
        return _html(text, error.status_code)
    try:
        view, notice = page.look(), ""
        if view.state == "empty" and (reason := view.unknown()):
            return _html(templates.render("problem", title="No such page", reason=reason), 404)
    except (QueryError, StoreError) as error:
        # The frame is sent all the same: its script goes on asking.
        view, notice = views.View({}), f"The data cannot be read: {error}"
    text = templates.render(
        page.template, title=page.title, data_url=page.data_url, parts=view.parts,
        state=view.state, notice=notice, **page.frame,
    )  # fmt: skip
    return _html(text, 503 if notice else 200)


def _data(asked: Callable[[Request], Page], request: Request) -> Response:
    try:
        view = asked(request).look()
        drawn = view.draw()
    except HTTPException as error:
        return _json({"error": error.detail}, error.status_code)
    except (QueryError, StoreError) as error:
        return _json({"error": f"the data cannot be read: {error}"}, 503)
    return _json({"state": view.state, "parts": view.parts, "figures": drawn})


def _window(request: Request) -> str:
    asked = request.query_params.get("window", next(iter(views.WINDOWS)))
    if asked not in views.WINDOWS:
        raise HTTPException(400, f"The window is one of {', '.join(views.WINDOWS)}")
    return asked


def _html(text: str, status: int) -> Response:
    return Response(text, status, headers=_HEADERS, media_type="text/html")


def _json(content: Mapping[str, Any], status: int = 200) -> Response:
    return Response(
        to_json_plotly(content), status, headers=_HEADERS, media_type="application/json"
    )
