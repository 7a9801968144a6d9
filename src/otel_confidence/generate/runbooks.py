"""
This module writes the runbooks as HTML, for whoever follows the link of an alert.

They are ``docs/runbooks.md``, which the package holds too. ``up`` serves them itself; for the stack
they are a page of their own, which its Prometheus serves.
"""

from collections.abc import Iterator
from importlib.resources import files
from itertools import pairwise
from pathlib import PurePosixPath
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

_FILE: Final = "runbooks.md"
_FOLDER: Final = PurePosixPath("docs")
"""Where the page is in the repository; what it points to is below."""
_PAGE: Final = """\
<!DOCTYPE html>
<!-- Written by `{command}`: change docs/runbooks.md instead. -->
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Runbooks</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ max-width: 46rem; margin: 2rem auto; padding: 0 1rem; font: 1rem/1.5 sans-serif; }}
code, pre {{ font: 0.875em ui-monospace, monospace; overflow-wrap: anywhere; }}
pre {{ overflow-x: auto; }}
h2 {{ margin-top: 3rem; }}
h2:target {{ text-decoration: underline; }}
</style>
{body}</html>
"""


def text() -> str:
    """
    The runbooks as they were written, in Markdown.
    """
    return files("otel_confidence.generate").joinpath(_FILE).read_text(encoding="utf-8")


def page(command: str) -> str:
    """
    The runbooks as a page that needs no other file.

    Args:
        command: what writes it, as its header says.
    """
    return _PAGE.format(command=command, body=html(text()))


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
