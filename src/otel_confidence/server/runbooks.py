"""
This module serves the runbooks: what to do about each alert that comes along.
"""

from collections.abc import Mapping
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from otel_confidence.generate.runbooks import html, text
from otel_confidence.server.rendering import Templates

PATH: Final = "/runbooks"


def routes(templates: Templates, headers: Mapping[str, str]) -> list[BaseRoute]:
    """
    The page; each alert's heading has the alert's name in small letters as its anchor.
    """

    def render() -> str:
        return templates.render("runbooks", title="Runbooks", body=html(text()))

    async def answer(_: Request) -> Response:
        body = await run_in_threadpool(render)
        return Response(body, media_type="text/html", headers=dict(headers))

    return [Route(PATH, answer)]
