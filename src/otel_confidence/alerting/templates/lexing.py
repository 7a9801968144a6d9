"""
This module cuts a template into text and the tokens of its actions, as Go's text/template does.
"""

import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Final

from otel_confidence.errors import TemplateError

_OPEN: Final = re.compile(r"\{\{(?P<trim>-(?=[ \t\r\n]))?")
_COMMENT: Final = re.compile(r"[ \t\r\n]*/\*.*?\*/(?P<end>[ \t\r\n]+-)?\}\}", re.DOTALL)
_CLOSE: Final = re.compile(r"(?P<trim>[ \t\r\n]+-)?\}\}")
_BLANKS: Final = " \t\r\n"
_TOKEN: Final = re.compile(
    r"""
    (?P<space>[ \t\r\n]+)
    |(?P<string>"(?:[^"\\\n]|\\.)*")
    |(?P<raw>`[^`]*`)
    |(?P<char>'(?:[^'\\\n]|\\.)+')
    |(?P<number>[+-]?(?:0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+
        |(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?![\w.]))
    |(?P<field>\.[^\W\d]\w*)
    |(?P<variable>\$\w*)
    |(?P<word>[^\W\d]\w*)
    |(?P<sign>:=|[=|(),.])
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Token:
    """
    One piece of a template: ``text``, ``open``, ``close``, or what stands within an action.
    """

    kind: str
    text: str
    line: int


def tokens(template: str) -> Iterator[Token]:
    """
    The pieces of a template, from its start to its end.

    Raises:
        TemplateError: An action is not closed, or holds what is no token.
    """
    at, trimming = 0, False
    while True:
        opened = _OPEN.search(template, at)
        text = template[at : opened.start() if opened else len(template)]
        if trimming:
            text = text.lstrip(_BLANKS)
        if opened and opened["trim"]:
            text = text.rstrip(_BLANKS)
        if text:
            yield Token("text", text, _line(template, at))
        if opened is None:
            return
        comment = _COMMENT.match(template, opened.end())
        if comment is not None:
            at, trimming = comment.end(), bool(comment["end"])
            continue
        yield Token("open", "{{", _line(template, opened.start()))
        closed = yield from _action(template, opened.end())
        at, trimming = closed.end(), bool(closed["trim"])


def _action(template: str, at: int) -> Generator[Token, None, re.Match[str]]:
    while True:
        closed = _CLOSE.match(template, at)
        if closed is not None:
            yield Token("close", "}}", _line(template, at))
            return closed
        found = _TOKEN.match(template, at)
        if found is None:
            raise TemplateError(f"line {_line(template, at)}: {_complaint(template[at : at + 20])}")
        yield Token(str(found.lastgroup), found[0], _line(template, at))
        at = found.end()


def _complaint(rest: str) -> str:
    if not rest:
        return "unclosed action"
    if rest[0] in "\"'`":
        return f"unterminated quoted text: {rest!r}"
    return f"unexpected {rest[0]!r} in an action"


def _line(template: str, at: int) -> int:
    return template.count("\n", 0, at) + 1
