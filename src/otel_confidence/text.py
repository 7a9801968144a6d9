"""
This module makes text of foreign values without calling anything of theirs that could misbehave.
"""

import datetime as dt
import decimal
import enum
import fractions
import hashlib
import uuid
from itertools import islice
from typing import Any, Final

LABEL_LIMIT: Final = 256
"""Longest label on spans and events, characters; the rest is cut with a mark."""
COMMENT_LIMIT: Final = 2048
"""Longest comment of a feedback, characters."""
_DEPTH: Final = 4
_ITEMS: Final = 32
_MEMBERS: Final = 4096
"""Members of a set that are sorted to name it, so that equal sets have one name."""
_ARRAYS: Final = frozenset(("numpy", "torch", "jax", "jaxlib", "cupy", "tensorflow"))
_DIGITS: Final = 1024
_PLAIN: Final = (
    dt.date, dt.time, dt.timedelta, decimal.Decimal, fractions.Fraction, uuid.UUID,
)  # fmt: skip


def clean(text: str, limit: int = LABEL_LIMIT) -> str:
    """
    The text on one line, cut, with everything unprintable escaped.

    Lone surrogates, NUL, line breaks, terminal escapes and bidirectional overrides become what a
    Python literal would show: they break exporters, logs and pages.
    """
    text = str.__getitem__(text, slice(limit + 1))
    if len(text) > limit:
        text = text[: limit - 1] + "\u2026"
    if text.isprintable():
        return text
    return "".join(ch if ch.isprintable() else ch.encode("unicode_escape").decode() for ch in text)


def type_name(value: object) -> str:
    """
    The name of a value's type, printable and bounded.
    """
    return clean(type.__getattribute__(type(value), "__name__"), 80)


def label_text(value: Any, *, depth: int = _DEPTH) -> str | None:
    """
    A label as text, the same for equal labels of different libraries; None for a foreign object.

    Labels are compared as text because they meet across processes and formats: ``4``, ``4.0``,
    ``np.int64(4)`` and ``"4"`` of a CSV file are one label.
    """
    kind = type(value)
    if kind is str:
        return value if len(value) <= LABEL_LIMIT and value.isprintable() else _long_text(value)
    if kind is bool or value is None:
        return str(value)
    if issubclass(kind, int):
        return int.__repr__(value) if int.bit_length(value) <= _DIGITS else None
    if issubclass(kind, float):
        return _float_text(value)
    return _rare_text(value, kind, depth)


def _long_text(text: str) -> str:
    """
    Text cut to the limit, its end a digest of the whole, so that long labels stay different.
    """
    if len(text) <= LABEL_LIMIT:
        return clean(text)
    digest = hashlib.blake2b(text.encode("utf-8", "backslashreplace"), digest_size=8).hexdigest()
    return clean(text, LABEL_LIMIT - len(digest) - 1) + "#" + digest


def _float_text(value: float) -> str:
    number = float.__add__(value, 0.0)
    return str(int(number)) if number.is_integer() and abs(number) < 2**63 else repr(number)


def _rare_text(value: Any, kind: type, depth: int) -> str | None:
    if issubclass(kind, enum.Enum):
        return label_text(value._value_, depth=depth - 1) if depth else None
    if issubclass(kind, str):
        return _long_text(str.__getitem__(value, slice(None)))
    if issubclass(kind, bytes):
        return _long_text(bytes.__getitem__(value, slice(None)).decode("utf-8", "backslashreplace"))
    if issubclass(kind, _PLAIN):
        return clean(str(value))
    return _group_text(value, depth) if depth else None


def _is_array(kind: type) -> bool:
    """
    Whether a type is an array or scalar of a library known to answer; others are asked nothing.
    """
    module = type.__getattribute__(kind, "__module__")
    known = isinstance(module, str) and module.partition(".")[0] in _ARRAYS
    return known and all(hasattr(kind, name) for name in ("shape", "item", "tolist"))


def _group_text(value: Any, depth: int) -> str | None:
    if _is_array(type(value)):
        if value.shape == ():
            return label_text(value.item(), depth=depth - 1)
        value = value[(slice(_ITEMS),) * len(value.shape)].tolist()
    if type(value) in {set, frozenset}:
        if len(value) > _MEMBERS:
            return None
        parts = sorted(label_text(v, depth=depth - 1) or type_name(v) for v in value)
    elif type(value) in {list, tuple}:
        parts = [label_text(v, depth=depth - 1) or type_name(v) for v in value[:_ITEMS]]
    elif type(value) is dict:
        parts = sorted(
            f"{label_text(k, depth=depth - 1)}:{label_text(v, depth=depth - 1)}"
            for k, v in islice(value.items(), _ITEMS)
        )
    else:
        return None
    return clean("[" + ",".join(parts) + "]")
