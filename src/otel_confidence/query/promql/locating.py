"""
This module finds where in an expression something stands, which promql-parser does not say.
"""

import re
from collections.abc import Iterator

_TOKEN = re.compile(
    r"""(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)"""
    r"""|(?P<comment>\#[^\r\n]*)"""
    r"""|(?P<word>[A-Za-z_:][A-Za-z0-9_:.]*)"""
    r"""|(?P<number>[0-9.][0-9A-Za-z_.]*)"""
    r"""|(?P<sign>=~|!~|!=|==|>=|<=|[^\s])""",
    re.DOTALL,
)
_NAMED = re.compile(r"'([^']+)'|\"([^\"]+)\"")


def signs(text: str) -> Iterator[str]:
    """
    An expression's words, numbers and signs, without strings and comments.
    """
    for found in _TOKEN.finditer(text):
        if found.lastgroup not in ("string", "comment"):
            yield found.group()


def negative_at(text: str) -> str | None:
    """
    Where an ``@`` is followed by a negative number, if anywhere.
    """
    signs = [found for found in _TOKEN.finditer(text) if found.lastgroup != "comment"]
    for at, sign, number in zip(signs, signs[1:], signs[2:], strict=False):
        if at.group() == "@" and sign.group() == "-" and number.lastgroup == "number":
            return _line_and_column(text, at.start())
    return None


def place_of(text: str, reason: str) -> str:
    """
    Line and column, counted from one, of what a message names; the text's end if it names nothing.
    """
    names = {first or second for first, second in _NAMED.findall(reason)} or {reason}
    for found in _TOKEN.finditer(text):
        if found.lastgroup not in ("string", "comment") and found.group() in names:
            return _line_and_column(text, found.start())
    return _line_and_column(text, len(text.rstrip()))


def _line_and_column(text: str, position: int) -> str:
    line = text.count("\n", 0, position) + 1
    column = position - (text.rfind("\n", 0, position) + 1) + 1
    return f"{line}:{column}"
