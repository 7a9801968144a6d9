"""
This module serves the runbooks: what to do about each alert that comes along.

They are ``docs/runbooks.md``, which the package holds too, so that the links of alerts open where
nothing but ``up`` is at hand.
"""

from collections.abc import Iterator, Mapping
from importlib.resources import files
from itertools import pairwise
from pathlib import PurePosixPath
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from otel_confidence.server.rendering import Templates

PATH: Final = "/runbooks"
_FILE: Final = "runbooks.md"
_FOLDER: Final = PurePosixPath("docs")
"""Where the page is in the repository; what it points to is below."""


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


def text() -> str:
    """
    The runbooks as they were written, in Markdown.
    """
    return files("otel_confidence.server").joinpath(_FILE).read_text(encoding="utf-8")


def html(markdown: str) -> str:
    """
    Markdown as HTML: headings get anchors, and what points to another file names it instead.
    """
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse(markdown)
    for opening, content in pairwise(tokens):
        if opening.type == "heading_open":
            opening.attrSet("id", _anchor(content.content))
    for token in tokens:
        if token.children:
            token.children = list(_within(token.children))
    return str(parser.renderer.render(tokens, parser.options, {}))


def _anchor(heading: str) -> str:
    return heading.lower().replace(" ", "-")


def _within(tokens: list[Token]) -> Iterator[Token]:
    """
    The tokens of a line; of links those that lead within the page.
    """
    elsewhere = ""
    for token in tokens:
        target = str(token.attrGet("href") or "")
        if token.type == "link_open" and not target.startswith(("#", "https://")):
            elsewhere = str(_FOLDER / target)
        elif token.type == "link_close" and elsewhere:
            yield Token("text", "", 0, content=f" ({elsewhere})")
            elsewhere = ""
        else:
            yield token
