"""This module writes remote write requests byte by byte, to have a second source of the format."""

import struct
from collections.abc import Sequence

import pyarrow as pa

V1 = {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy"}
V2 = {**V1, "Content-Type": "application/x-protobuf;proto=io.prometheus.write.v2.Request"}
Pairs = Sequence[tuple[str | bytes, str | bytes]]


def packed(body: bytes) -> bytes:
    """A body as one Snappy block."""
    return bytes(pa.compress(body, "snappy", asbytes=True))


def varint(number: int) -> bytes:
    """A number in as few bytes as it needs; negative ones in ten."""
    number &= (1 << 64) - 1
    parts = bytearray()
    while number > 127:
        parts.append(number & 127 | 128)
        number >>= 7
    return bytes([*parts, number])


def field(number: int, content: bytes | str) -> bytes:
    """A text, bytes or message at its number."""
    content = content.encode() if isinstance(content, str) else content
    return varint(number << 3 | 2) + varint(len(content)) + content


def whole(number: int, value: int) -> bytes:
    """A whole number at its number."""
    return varint(number << 3) + varint(value)


def double(number: int, value: float) -> bytes:
    """A number of eight bytes at its number."""
    return varint(number << 3 | 1) + struct.pack("<d", value)


def sample(time_ms: int, value: float) -> bytes:
    """A sample, which both versions write alike."""
    return double(1, value) + whole(2, time_ms)


def labels(pairs: Pairs) -> bytes:
    """The labels of a series or exemplar of 1.0."""
    return b"".join(field(1, field(1, name) + field(2, value)) for name, value in pairs)


def series(pairs: Pairs, samples: Sequence[tuple[int, float]] = (), more: bytes = b"") -> bytes:
    """A series in a request of 1.0."""
    points = b"".join(field(2, sample(*each)) for each in samples)
    return field(1, labels(pairs) + points + more)


def exemplar(pairs: Pairs, time_ms: int, value: float) -> bytes:
    """An exemplar within a series of 1.0."""
    return field(3, labels(pairs) + double(2, value) + whole(3, time_ms))


def metadata(kind: int, name: str, about: str, unit: str) -> bytes:
    """What a request of 1.0 says of a metric."""
    return field(3, whole(1, kind) + field(2, name) + field(4, about) + field(5, unit))


class Symbols:
    """The table of texts of a request of 2.0."""

    def __init__(self) -> None:
        self._texts: list[str] = [""]

    def at(self, text: str) -> int:
        """Where a text stands."""
        if text not in self._texts:
            self._texts.append(text)
        return self._texts.index(text)

    def refs(self, *texts: str) -> bytes:
        """References to texts."""
        return field(1, b"".join(varint(self.at(text)) for text in texts))

    def __bytes__(self) -> bytes:
        return b"".join(field(4, text) for text in self._texts)
