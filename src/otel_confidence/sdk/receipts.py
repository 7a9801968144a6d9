"""
This module writes and reads receipts: all that is needed to account for the truth later, as text.

Nothing is kept in the predicting process. A receipt is URL-safe text of at most 200 bytes, made of
a fixed head, three short texts and a seal: a keyed HMAC where a key is set, else a checksum that
catches accidents. Its first byte is the version; readers refuse versions they don't know.
"""

import base64
import binascii
import hashlib
import hmac
import math
import struct
import zlib
from dataclasses import dataclass
from typing import Final

from otel_confidence import conventions as c
from otel_confidence.errors import InvalidRecord
from otel_confidence.records import NOWHERE, Link

NAMES_LIMIT: Final = 76
"""UTF-8 bytes that model and version may take together, so that a receipt fits 200 bytes."""
LIMIT: Final = 200
"""Longest receipt, bytes."""
_VERSION: Final = 1
_SIGNED, _TRACED, _SAMPLED, _LABELED, _HASHED, _CONFIDENT = 1, 2, 4, 8, 16, 32
_KNOWN_FLAGS: Final = 63
_HEAD: Final = struct.Struct(">BBB6sQd")
"""Version, flags, source, milliseconds since the epoch, prediction id, confidence."""
_TRACE: Final = struct.Struct(">16sQ")
_SEALS: Final = {True: 12, False: 4}
_DIGEST: Final = 8
_RAW_LIMIT: Final = LIMIT * 3 // 4
_SOURCES: Final = ("", *c.SOURCE.values)
_MAX_MS: Final = 2**48 - 1


@dataclass(frozen=True, slots=True)
class Receipt:
    """
    What a receipt says about one prediction.
    """

    model: str
    version: str
    confidence: float | None
    source: str
    label: bytes | None
    """The predicted label as UTF-8 text, or its digest where ``hashed``; None where unknown."""
    hashed: bool
    time_ms: int
    prediction_id: int
    link: Link = NOWHERE

    def predicted(self, label: str) -> bool | None:
        """
        Whether this label is the predicted one; None where the receipt doesn't know its label.
        """
        if self.label is None:
            return None
        given = label.encode("utf-8", "backslashreplace")
        return (_digest(given) if self.hashed else given) == self.label


def names_fit(model: str, version: str) -> bool:
    """
    Whether receipts can carry a model and its version.
    """
    return len(model.encode()) + len(version.encode()) <= NAMES_LIMIT


def write(
    *,
    model: str,
    version: str,
    confidence: float | None,
    source: str,
    label: str | None,
    time_s: float,
    prediction_id: int,
    hashed: bool = False,
    link: Link = NOWHERE,
    key: str = "",
) -> str:
    """
    The receipt of one prediction; its label is a digest where it must not be read, or is long.
    """
    flags = _SIGNED if key else 0
    flags |= 0 if confidence is None else _CONFIDENT
    trace = b""
    if link.trace_id:
        flags |= _TRACED | (_SAMPLED if link.sampled else 0)
        trace = _TRACE.pack(link.trace_id.to_bytes(16, "big"), link.span_id)
    texts = _text(model) + _text(version)
    if label is not None:
        flags |= _LABELED
        room = _RAW_LIMIT - _HEAD.size - len(trace) - len(texts) - 1 - _SEALS[bool(key)]
        kept = label.encode("utf-8", "backslashreplace")
        if hashed or len(kept) > room:
            flags, kept = flags | _HASHED, _digest(kept)
        texts += bytes((len(kept),)) + kept
    milliseconds = min(max(int(time_s * 1000), 0), _MAX_MS).to_bytes(6, "big")
    number = math.nan if confidence is None else confidence
    source_number = _SOURCES.index(source)
    head = _HEAD.pack(_VERSION, flags, source_number, milliseconds, prediction_id, number)
    body = head + trace + texts
    return base64.urlsafe_b64encode(body + _seal(body, key)).rstrip(b"=").decode("ascii")


def read(text: str, *, key: str = "") -> Receipt:
    """
    What a receipt says.

    Raises:
        InvalidRecord: it is forged, damaged, cut, or of a later version.
    """
    raw = _decoded(text)
    version, flags = raw[0], raw[1]
    if version != _VERSION or flags & ~_KNOWN_FLAGS:
        raise InvalidRecord(f"receipt of version {version}, this library reads {_VERSION}")
    if bool(flags & _SIGNED) != bool(key):
        raise InvalidRecord("receipt is unsigned, a key is set" if key else "receipt needs a key")
    size = _SEALS[bool(key)]
    body, seal = raw[:-size], raw[-size:]
    if not hmac.compare_digest(_seal(body, key), seal):
        raise InvalidRecord("receipt is damaged or forged")
    try:
        return _parsed(body, flags)
    except (IndexError, UnicodeDecodeError, struct.error) as error:
        raise InvalidRecord("receipt is malformed") from error


def _parsed(body: bytes, flags: int) -> Receipt:
    _, _, source, milliseconds, prediction_id, number = _HEAD.unpack_from(body)
    confident = bool(flags & _CONFIDENT)
    if confident and not 0 <= number <= 1:
        raise InvalidRecord(f"receipt's confidence must be within 0..1, got {number!r}")
    at, link = _HEAD.size, NOWHERE
    if flags & _TRACED:
        trace_id, span_id = _TRACE.unpack_from(body, at)
        at += _TRACE.size
        link = Link(int.from_bytes(trace_id, "big"), span_id, bool(flags & _SAMPLED))
    model, at = _slice(body, at)
    version, at = _slice(body, at)
    label = None
    if flags & _LABELED:
        label, at = _slice(body, at)
    if at != len(body):
        raise InvalidRecord("receipt is longer than it says")
    return Receipt(
        model=model.decode(),
        version=version.decode(),
        confidence=number if confident else None,
        source=_SOURCES[source],
        label=label,
        hashed=bool(flags & _HASHED),
        time_ms=int.from_bytes(milliseconds, "big"),
        prediction_id=prediction_id,
        link=link,
    )


def _decoded(text: str) -> bytes:
    if not isinstance(text, str) or not text:
        raise InvalidRecord(f"receipt must be text, got {type(text).__name__}")
    if len(text) > LIMIT:
        raise InvalidRecord(f"receipt must be at most {LIMIT} bytes, got {len(text)}")
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidRecord("receipt is not base64url") from error
    if len(raw) < _HEAD.size + _SEALS[False]:
        raise InvalidRecord("receipt is cut")
    return raw


def _text(value: str) -> bytes:
    raw = value.encode()
    return bytes((len(raw),)) + raw


def _slice(body: bytes, at: int) -> tuple[bytes, int]:
    end = at + 1 + body[at]
    if end > len(body):
        raise InvalidRecord("receipt is cut")
    return body[at + 1 : end], end


def _digest(raw: bytes) -> bytes:
    return hashlib.blake2b(raw, digest_size=_DIGEST).digest()


def _seal(body: bytes, key: str) -> bytes:
    if key:
        return hmac.digest(key.encode(), body, "sha256")[: _SEALS[True]]
    return zlib.crc32(body).to_bytes(4, "big")
