"""
This module fills formats such as ``%.2f`` as Go's fmt does.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from otel_confidence.alerting.templates.values import (
    float_text,
    not_finite,
    shown,
    type_of,
)

_VERB: Final = re.compile(
    r"%(?P<flags>[-+# 0]*)(?P<width>\*|\d+)?(?:(?P<point>\.)(?P<precision>\*|\d+)?)?(?P<verb>.)?",
    re.DOTALL,
)
_MOST: Final = 1000
"""The widest that a value can be asked to be."""
_BASES: Final = {"d": "d", "b": "b", "o": "o", "O": "o", "x": "x", "X": "X"}
_LAST_CHARACTER: Final = 0x10FFFF
_PREFIXES: Final = {"x": "0x", "X": "0X", "b": "0b", "o": "0", "O": "0o"}


@dataclass(frozen=True, slots=True)
class _Asked:
    flags: str
    width: int
    precision: int | None
    verb: str


def formatted(form: str, values: Sequence[Any]) -> str:
    """
    A format with its verbs replaced by the values, in their order.
    """
    left = list(values)

    def number(text: str | None) -> int | None:
        if text != "*":
            return int(text) if text else None
        given = left.pop(0) if left else None
        return given if isinstance(given, int) and not isinstance(given, bool) else None

    def replaced(found: re.Match[str]) -> str:
        verb = found["verb"]
        if verb is None:
            return "%!(NOVERB)"
        width = number(found["width"])
        precision = number(found["precision"]) if found["point"] else None
        if found["point"] and precision is None:
            precision = 0
        if verb == "%":
            return "%"
        if not left:
            return f"%!{verb}(MISSING)"
        asked = _Asked(found["flags"], min(abs(width or 0), _MOST), _bounded(precision), verb)
        return _one(asked, left.pop(0))

    text = _VERB.sub(replaced, form)
    if left:
        extra = ", ".join(f"{type_of(v)}={shown(v)}" if v is not None else "<nil>" for v in left)
        text += f"%!(EXTRA {extra})"
    return text


def _bounded(precision: int | None) -> int | None:
    return None if precision is None else min(precision, _MOST)


def _one(asked: _Asked, value: Any) -> str:
    if asked.verb == "T":
        return _padded(asked, type_of(value) if value is not None else "<nil>")
    if asked.verb == "v" and not isinstance(value, float):
        return _padded(asked, _detailed(value) if "#" in asked.flags else shown(value))
    writer = _WRITERS.get(type(value))
    text = None if writer is None else writer(asked, value)
    if text is None and asked.verb == "s" and not isinstance(value, (bool, int, float)):
        text = "%!s(<nil>)" if value is None else _padded(asked, shown(value))
    return _unfit(asked, value) if text is None else text


def _unfit(asked: _Asked, value: Any) -> str:
    if value is None:
        return f"%!{asked.verb}(<nil>)"
    plain = _Asked(asked.flags, asked.width, asked.precision, "v")
    inner = _float(plain, value) if isinstance(value, float) else _padded(asked, shown(value))
    return f"%!{asked.verb}({type_of(value)}={inner})"


def _detailed(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else shown(value)


def _padded(asked: _Asked, text: str, *, zeros: bool = False) -> str:
    if "-" in asked.flags:
        return text.ljust(asked.width)
    if zeros and "0" in asked.flags:
        sign = text[: len(text) - len(text.lstrip("+- "))]
        return sign + text[len(sign) :].rjust(asked.width - len(sign), "0")
    return text.rjust(asked.width)


def _signed(asked: _Asked, text: str) -> str:
    if text.startswith(("-", "+")):
        return text
    return ("+" if "+" in asked.flags else " " if " " in asked.flags else "") + text


def _float(asked: _Asked, value: float) -> str | None:
    verb, precision = asked.verb, asked.precision
    if verb not in "veEfFgG":
        return None
    strange = not_finite(value)
    if strange:
        text = strange if "+" in asked.flags else strange.removeprefix("+" if asked.width else "")
        return _padded(asked, text)
    if verb in "vgG" and precision is None:
        text = float_text(value)
        text = text.upper() if verb == "G" else text
    else:
        kind = {"v": "g", "F": "f"}.get(verb, verb)
        text = format(value, f".{6 if precision is None else precision}{kind}")
    return _padded(asked, _signed(asked, text), zeros=True)


def _character(code: int) -> str:
    return chr(code) if 0 <= code <= _LAST_CHARACTER else "\ufffd"


def _int(asked: _Asked, value: int) -> str | None:
    if asked.verb == "c":
        return _padded(asked, _character(value))
    if asked.verb == "U":
        return _padded(asked, f"U+{value:04X}")
    if asked.verb == "q":
        return _padded(asked, f"'{_character(value)}'")
    if asked.verb not in _BASES:
        return None
    digits = format(abs(value), _BASES[asked.verb]).rjust(asked.precision or 0, "0")
    prefix = _PREFIXES.get(asked.verb, "") if "#" in asked.flags or asked.verb == "O" else ""
    return _padded(asked, _signed(asked, ("-" if value < 0 else "") + prefix + digits), zeros=True)


def _text(asked: _Asked, value: str) -> str | None:
    cut = value if asked.precision is None else value[: asked.precision]
    if asked.verb == "s":
        return _padded(asked, cut, zeros=True)
    if asked.verb == "q":
        return _padded(asked, json.dumps(cut, ensure_ascii=False))
    if asked.verb in "xX":
        digits = cut.encode().hex()
        return _padded(asked, digits.upper() if asked.verb == "X" else digits)
    return None


def _bool(asked: _Asked, value: bool) -> str | None:  # noqa: FBT001  one of the writers
    return _padded(asked, shown(value)) if asked.verb == "t" else None


_WRITERS: Final[Mapping[type, Callable[[_Asked, Any], str | None]]] = {
    float: _float, int: _int, str: _text, bool: _bool,
}  # fmt: skip
