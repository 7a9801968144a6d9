"""
This module writes and reads receipts: all that is needed to account for the truth later, as text.

Nothing is kept in the predicting process. A receipt is URL-safe text of at most 200 bytes, made of
a fixed head, the names of model and version, what was predicted and a seal: a keyed HMAC where a
key is set, else a checksum that catches accidents. Its first byte is the version; readers refuse
versions they don't know.
"""

import base64
import binascii
import hashlib
import hmac
import math
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from otel_confidence import conventions as c
from otel_confidence.errors import InvalidRecord
from otel_confidence.records import NOWHERE, Link

NAMES_LIMIT: Final = 70
"""UTF-8 bytes that model and version may take together, so that a receipt fits 200 bytes."""
LIMIT: Final = 200
"""Longest receipt, bytes."""
_VERSION: Final = 1
_SIGNED, _TRACED, _SAMPLED, _CONFIDENT = 1, 2, 4, 64
_KIND_SHIFT: Final = 3
_KIND_MASK: Final = 7
_NOTHING, _LABEL, _DIGEST, _NEAR, _BETWEEN, _AMONG = range(6)
_KNOWN_FLAGS: Final = 127
_HEAD: Final = struct.Struct(">BBB6sQd")
"""Version, flags, source, milliseconds since the epoch, prediction id, confidence."""
_TRACE: Final = struct.Struct(">16sQ")
_PAIR: Final = struct.Struct(">dd")
_SEALS: Final = {True: 12, False: 4}
_DIGEST_SIZE: Final = 8
_MEMBER_SIZES: Final = (4, 3)
"""Bytes of a digest of a set's member: a wrong label passes for one once in 16 million or less."""
_RAW_LIMIT: Final = LIMIT * 3 // 4
_SOURCES: Final = ("", *c.SOURCE.values)
_MAX_MS: Final = 2**48 - 1


@dataclass(frozen=True, slots=True)
class Label:
    """
    A predicted label, as text.
    """

    text: str
    hidden: bool = False
    """Whether it must not be read from the receipt, only compared with."""


@dataclass(frozen=True, slots=True)
class Near:
    """
    A predicted value: right when the truth is no further from it than the tolerance.
    """

    value: float
    tolerance: float


@dataclass(frozen=True, slots=True)
class Between:
    """
    A prediction interval: right when the truth is within it, its ends included.
    """

    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class Among:
    """
    A prediction set: the share of its labels, 1 / size, that is right when the truth is in it.

    That is what the confidence ``(1 - alpha) / size`` of such a set promises. Only digests of the
    labels are kept; a set too large for a receipt is not.
    """

    labels: tuple[str, ...]


Answer = Label | Near | Between | Among
"""What was predicted, as far as the truth is compared with it."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """
    What a receipt says about one prediction.
    """

    model: str
    version: str
    confidence: float | None
    source: str
    kind: int
    answer: bytes
    """What was predicted, packed as its kind says."""
    time_ms: int
    prediction_id: int
    link: Link = NOWHERE

    def correctness(self, *, label: str | None = None, value: float | None = None) -> float | None:
        """
        How right the prediction was, 0 to 1; None where the receipt doesn't know what to compare.

        Args:
            label: the true label as text; one that is a number is a value too.
            value: the true value.
        """
        if self.kind in {_NEAR, _BETWEEN}:
            return self._of_value(_number(label) if value is None else value)
        return None if label is None else self._of_label(label)

    def _of_value(self, truth: float | None) -> float | None:
        if truth is None:
            return None
        first, second = _PAIR.unpack(self.answer)
        if self.kind == _NEAR:
            return float(abs(truth - first) <= second)
        return float(first <= truth <= second)

    def _of_label(self, label: str) -> float | None:
        given = _encoded(label)
        if self.kind == _LABEL:
            return float(given == self.answer)
        if self.kind == _DIGEST:
            return float(_digest(given, self.prediction_id, _DIGEST_SIZE) == self.answer)
        return self._of_member(given) if self.kind == _AMONG else None

    def _of_member(self, given: bytes) -> float:
        size, members = self.answer[0], self.answer[1:]
        if not members:
            return 0.0
        wanted = _digest(given, self.prediction_id, size)
        kept = {members[at : at + size] for at in range(0, len(members), size)}
        return size / len(members) if wanted in kept else 0.0


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
    answer: Answer | None,
    time_s: float,
    prediction_id: int,
    link: Link = NOWHERE,
    key: str = "",
) -> str:
    """
    The receipt of one prediction.
    """
    flags = (_SIGNED if key else 0) | (0 if confidence is None else _CONFIDENT)
    trace = b""
    if link.trace_id:
        flags |= _TRACED | (_SAMPLED if link.sampled else 0)
        trace = _TRACE.pack(link.trace_id.to_bytes(16, "big"), link.span_id)
    names = _text(model) + _text(version)
    room = _RAW_LIMIT - _HEAD.size - len(trace) - len(names) - 1 - _SEALS[bool(key)]
    kind, kept = (_NOTHING, b"") if answer is None else _packed(answer, prediction_id, room)
    milliseconds = min(max(int(time_s * 1000), 0), _MAX_MS).to_bytes(6, "big")
    head = _HEAD.pack(
        _VERSION, flags | kind << _KIND_SHIFT, _SOURCES.index(source), milliseconds, prediction_id,
        math.nan if confidence is None else confidence,
    )  # fmt: skip
    body = head + trace + names + bytes((len(kept),)) + kept
    return _encode(body + _seal(body, key))


def read(text: str, *, keys: Sequence[str] = ()) -> Receipt:
    """
    What a receipt says.

    Args:
        text: the receipt.
        keys: the secrets of which one must have signed it; without any, it must be unsigned.

    Raises:
        InvalidRecord: it is forged, damaged, cut, or of a later version.
    """
    raw = _decoded(text)
    version, flags = raw[0], raw[1]
    if version != _VERSION or flags & ~_KNOWN_FLAGS:
        raise InvalidRecord(f"receipt of version {version}, this library reads {_VERSION}")
    signed = bool(flags & _SIGNED)
    if signed != bool(keys):
        why = "needs a key" if signed else "is unsigned, a key is set"
        raise InvalidRecord(f"receipt {why}")
    body, seal = raw[: -_SEALS[signed]], raw[-_SEALS[signed] :]
    if not any(hmac.compare_digest(_seal(body, key), seal) for key in keys or ("",)):
        raise InvalidRecord("receipt is damaged or forged")
    try:
        return _parsed(body, flags)
    except (IndexError, UnicodeDecodeError, struct.error) as error:
        raise InvalidRecord("receipt is malformed") from error


def _packed(answer: Answer, prediction_id: int, room: int) -> tuple[int, bytes]:
    if isinstance(answer, Label):
        raw = _encoded(answer.text)
        if answer.hidden or len(raw) > room:
            return _DIGEST, _digest(raw, prediction_id, _DIGEST_SIZE)
        return _LABEL, raw
    if isinstance(answer, Among):
        return _members(answer.labels, prediction_id, room)
    if isinstance(answer, Near):
        return _pair(_NEAR, answer.value, answer.tolerance)
    return _pair(_BETWEEN, answer.lower, answer.upper)


def _pair(kind: int, first: float, second: float) -> tuple[int, bytes]:
    if not (math.isfinite(first) and math.isfinite(second)):
        return _NOTHING, b""
    return kind, _PAIR.pack(first, second)


def _members(labels: Sequence[str], prediction_id: int, room: int) -> tuple[int, bytes]:
    distinct = sorted({_encoded(label) for label in labels})
    for size in _MEMBER_SIZES:
        if 1 + size * len(distinct) <= room:
            digests = {_digest(label, prediction_id, size) for label in distinct}
            if len(digests) == len(distinct):
                return _AMONG, bytes((size,)) + b"".join(sorted(digests))
    return _NOTHING, b""


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
    answer, at = _slice(body, at)
    if at != len(body):
        raise InvalidRecord("receipt is longer than it says")
    name, version_name = model.decode(), version.decode()
    if not name or not (name + version_name).isprintable():
        raise InvalidRecord("receipt names no model")
    return Receipt(
        model=name,
        version=version_name,
        confidence=number if confident else None,
        source=_SOURCES[source],
        kind=_kind(flags, answer),
        answer=answer,
        time_ms=int.from_bytes(milliseconds, "big"),
        prediction_id=prediction_id,
        link=link,
    )


def _kind(flags: int, answer: bytes) -> int:
    """
    The kind of a packed answer, which must have the size that its kind takes.
    """
    kind = flags >> _KIND_SHIFT & _KIND_MASK
    size = len(answer)
    if kind == _AMONG:
        sound = size > 0 and answer[0] in _MEMBER_SIZES and (size - 1) % answer[0] == 0
    else:
        sizes = {_NOTHING: 0, _DIGEST: _DIGEST_SIZE, _NEAR: _PAIR.size, _BETWEEN: _PAIR.size}
        sound = kind == _LABEL or sizes.get(kind) == size
    if not sound:
        raise InvalidRecord("receipt is malformed")
    return kind


def _decoded(text: str) -> bytes:
    if not isinstance(text, str):
        raise InvalidRecord(f"receipt must be text, got {type(text).__name__}")
    if not text:
        raise InvalidRecord("receipt is empty: the call it is of failed or was not recorded")
    if len(text) > LIMIT:
        raise InvalidRecord(f"receipt must be at most {LIMIT} bytes, got {len(text)}")
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidRecord("receipt is not base64url") from error
    if len(raw) < _HEAD.size + _SEALS[False]:
        raise InvalidRecord("receipt is cut")
    if _encode(raw) != text:
        # Bits that decoding ignores: one receipt has one spelling.
        raise InvalidRecord("receipt is damaged or forged")
    return raw


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _encoded(label: str) -> bytes:
    return label.encode("utf-8", "backslashreplace")


def _number(label: str | None) -> float | None:
    try:
        number = math.nan if label is None else float(label)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _text(value: str) -> bytes:
    raw = value.encode()
    return bytes((len(raw),)) + raw


def _slice(body: bytes, at: int) -> tuple[bytes, int]:
    end = at + 1 + body[at]
    if end > len(body):
        raise InvalidRecord("receipt is cut")
    return body[at + 1 : end], end


def _digest(raw: bytes, prediction_id: int, size: int) -> bytes:
    """
    A digest that is of use for this prediction only: equal labels have no equal digests.
    """
    salt = prediction_id.to_bytes(8, "big")
    return hashlib.blake2b(raw, digest_size=size, salt=salt).digest()


def _seal(body: bytes, key: str) -> bytes:
    if key:
        return hmac.digest(key.encode(), body, "sha256")[: _SEALS[True]]
    return zlib.crc32(body).to_bytes(4, "big")
