"""
This module reads the constants of a template: numbers, characters and texts, as Go writes them.
"""

import re
from typing import Any, Final

from otel_confidence.alerting.templates.lexing import Token
from otel_confidence.errors import TemplateError

_ESCAPE: Final = re.compile(
    r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|(.))", re.DOTALL
)
_PLAIN: Final = {
    "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\",
    '"': '"', "'": "'",
}  # fmt: skip


def literal(token: Token) -> Any:
    """
    The value of a constant.

    Raises:
        TemplateError: It has none.
    """
    if token.kind == "raw":
        return token.text[1:-1]
    if token.kind == "string":
        return _unquoted(token)
    if token.kind == "char":
        return _character(token)
    return _number(token)


def _number(token: Token) -> int | float:
    text = token.text.replace("_", "")
    digits = text.lstrip("+-").lower()
    try:
        if digits.startswith(("0x", "0b", "0o")):
            return int(text, 0)
        if any(sign in digits for sign in ".e"):
            return float(text)
        return int(text, 8 if len(digits) > 1 and digits[0] == "0" else 10)
    except ValueError as error:
        raise TemplateError(f"line {token.line}: bad number: {token.text!r}") from error


def _character(token: Token) -> int:
    text = _unquoted(token)
    if len(text) != 1:
        raise TemplateError(f"line {token.line}: {token.text} is not one character")
    return ord(text)


def _unquoted(token: Token) -> str:
    def character(found: re.Match[str]) -> str:
        codes = [code for code in found.groups()[:3] if code]
        if codes:
            return chr(int(codes[0], 16))
        if found[4]:
            return chr(int(found[4], 8))
        if found[5] not in _PLAIN:
            raise TemplateError(f"line {token.line}: {token.text} has an escape Go does not know")
        return _PLAIN[found[5]]

    try:
        return _ESCAPE.sub(character, token.text[1:-1])
    except (ValueError, OverflowError) as error:
        raise TemplateError(f"line {token.line}: {token.text}: {error}") from error
