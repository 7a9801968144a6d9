"""
This module reads numbers, durations and strings as Prometheus, which is to say Go, writes them.
"""

import math
import re
from typing import Final

NANOSECONDS: Final = 1_000_000_000
"""In a second."""
LARGEST: Final = (1 << 63) - 1
_UNITS_NS: Final = {
    "y": 365 * 86_400 * NANOSECONDS,
    "w": 7 * 86_400 * NANOSECONDS,
    "d": 86_400 * NANOSECONDS,
    "h": 3_600 * NANOSECONDS,
    "m": 60 * NANOSECONDS,
    "s": NANOSECONDS,
    "ms": 1_000_000,
}
_ORDER: Final = tuple(_UNITS_NS)
_PART: Final = re.compile(r"([0-9]+)([^0-9]+)")
_WHOLE: Final = re.compile(
    r"(?:0[xX]_?(?P<hex>[0-9a-fA-F]+(?:_[0-9a-fA-F]+)*)"
    r"|0[oO]?_?(?P<octal>[0-7]+(?:_[0-7]+)*)"
    r"|(?P<decimal>0|[1-9][0-9]*(?:_[0-9]+)*))"
)
_BASES: Final = {"hex": 16, "octal": 8, "decimal": 10}
_DIGITS: Final = r"[0-9]+(?:_[0-9]+)*"
_HEX: Final = r"[0-9a-fA-F]+(?:_[0-9a-fA-F]+)*"
_DECIMAL_FLOAT: Final = re.compile(
    rf"[+-]?(?:{_DIGITS}(?:\.(?:{_DIGITS})?)?|\.{_DIGITS})(?:[eE][+-]?{_DIGITS})?"
)
_HEX_FLOAT: Final = re.compile(
    rf"[+-]?0[xX]_?(?:{_HEX}(?:\.(?:{_HEX})?)?|\.{_HEX})[pP][+-]?{_DIGITS}"
)
_NAMED_FLOAT: Final = re.compile(r"[+-]?inf(?:inity)?|nan", re.IGNORECASE | re.ASCII)
_ESCAPE: Final = re.compile(
    r"\\(?:(?P<plain>[abfnrtv\\'\"])|(?P<octal>[0-7]{3})|x(?P<hex>[0-9a-fA-F]{2})"
    r"|u(?P<short>[0-9a-fA-F]{4})|U(?P<long>[0-9a-fA-F]{8}))"
)
_PLAIN: Final = dict(zip("abfnrtv\\'\"", b"\a\b\f\n\r\t\v\\'\"", strict=True))
_NAMED_ESCAPES: Final = {
    "\a": r"\a",
    "\b": r"\b",
    "\f": r"\f",
    "\n": r"\n",
    "\r": r"\r",
    "\t": r"\t",
    "\v": r"\v",
    "\\": r"\\",
}
_PLAIN_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MOST_DIGITS: Final = 20
"""Of a number of 64 bits."""
_LAST_BYTE: Final = 0x7F
_LAST_SHORT: Final = 0xFFFF


def float_of(text: str) -> float:
    """
    A number as Go's ``ParseFloat`` reads it.

    Raises:
        ValueError: It is none, or larger than the largest.
    """
    if _NAMED_FLOAT.fullmatch(text):
        return float(text)
    try:
        if _DECIMAL_FLOAT.fullmatch(text):
            value = float(text.replace("_", ""))
        elif _HEX_FLOAT.fullmatch(text):
            value = float.fromhex(text.replace("_", ""))
        else:
            raise ValueError(f"parsing {quoted(text)}: invalid syntax")
    except OverflowError:
        value = math.inf
    if math.isinf(value):
        raise ValueError(f"parsing {quoted(text)}: value out of range")
    return value


def number_of(text: str) -> float:
    """
    A number in an expression: a whole one in base 8, 10 or 16, or a float.

    Raises:
        ValueError: It is none, or larger than the largest.
    """
    found = _WHOLE.fullmatch(text)
    if found is not None and found.lastgroup is not None:
        whole = int(found[found.lastgroup].replace("_", ""), _BASES[found.lastgroup])
        if whole <= LARGEST:
            return float(whole)
    return float_of(text)


def duration_of(text: str) -> int:
    """
    A duration such as ``1h30m``, in nanoseconds; units go from the largest to the smallest.

    Raises:
        ValueError: It is none, or longer than 292 years.
    """
    total, last = 0, -1
    position = 0
    while position < len(text) or not position:
        part = _PART.match(text, position)
        if part is None:
            raise ValueError(f"not a valid duration string: {quoted(text)}")
        if part[2] not in _UNITS_NS:
            raise ValueError(f"unknown unit {quoted(part[2])} in duration {quoted(text)}")
        order = _ORDER.index(part[2])
        if order <= last:
            raise ValueError(f"not a valid duration string: {quoted(text)}")
        total += _count(part[1], text) * _UNITS_NS[part[2]]
        if total > LARGEST:
            raise ValueError("duration out of range")
        position, last = part.end(), order
    return total


def _count(digits: str, text: str) -> int:
    shortened = digits.lstrip("0")
    # 20 digits are more than any duration has, and int() refuses thousands of them.
    if len(shortened) > _MOST_DIGITS or int(shortened or "0") > 2 * LARGEST + 1:
        raise ValueError(f"not a valid duration string: {quoted(text)}")
    return int(shortened or "0")


def unquoted(text: str) -> str:
    """
    What a string means whose escapes are known to be right; bytes that are no UTF-8 as surrogates.
    """
    quote, inner = text[0], text[1:-1]
    if quote == "`" or "\\" not in inner:
        return inner
    pieces, position = [], 0
    for found in _ESCAPE.finditer(inner):
        pieces += [inner[position : found.start()].encode(), _escaped(found)]
        position = found.end()
    pieces.append(inner[position:].encode())
    return b"".join(pieces).decode("utf-8", "surrogateescape")


def _escaped(found: re.Match[str]) -> bytes:
    kind, digits = str(found.lastgroup), str(found[found.lastgroup or 0])
    if kind == "plain":
        return bytes([_PLAIN[digits]])
    if kind in ("octal", "hex"):
        return bytes([int(digits, 8 if kind == "octal" else 16)])
    return chr(int(digits, 16)).encode()


def is_text(text: str) -> bool:
    """
    Whether a string is UTF-8 throughout.
    """
    return text.isascii() or not any("\ud800" <= each <= "\udfff" for each in text)


def legible(text: str) -> str:
    """
    A string with a replacement character for each byte that is no UTF-8.
    """
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def quoted(text: str, quote: str = '"') -> str:
    """
    A string in quotes, as Go's ``%q`` writes it.
    """
    return f"{quote}{''.join(_quoted(each, quote) for each in text)}{quote}"


def label_name(name: str) -> str:
    """
    A label's name, in quotes unless it can stand without.
    """
    return name if _PLAIN_NAME.fullmatch(name) else quoted(name)


def _quoted(character: str, quote: str) -> str:
    if character == quote:
        return f"\\{quote}"
    if character in _NAMED_ESCAPES:
        return _NAMED_ESCAPES[character]
    if character.isprintable():
        return character
    code = ord(character)
    if "\udc80" <= character <= "\udcff":
        return f"\\x{code - 0xDC00:02x}"
    if code <= _LAST_BYTE:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= _LAST_SHORT else f"\\U{code:08x}"
