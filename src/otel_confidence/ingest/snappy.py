"""
This module decompresses Snappy's block format, never to more than is allowed.

A block begins with the length of what it holds. That length is judged before any memory is set
aside for it: by what is allowed, and by what a block of its size can hold at all.
"""

from typing import Final

import pyarrow as pa

from otel_confidence.errors import InvalidRecord
from otel_confidence.ingest.limits import Refused
from otel_confidence.ingest.wire import varint

TOO_LARGE: Final = "too_large"
_MOST_GAIN: Final = 22
"""The densest element, a copy, makes 64 bytes out of three."""


def decompressed(block: bytes, *, max_bytes: int) -> bytes:
    """
    What the block holds.

    Raises:
        InvalidRecord: It is damaged, or holds more than allowed (reason ``too_large``).
    """
    length, start = _length(block)
    if length > max_bytes:
        raise Refused(TOO_LARGE, f"the body has more than {max_bytes} bytes decompressed")
    if length > (len(block) - start) * _MOST_GAIN:
        raise InvalidRecord(f"{len(block)} bytes of Snappy cannot hold {length}: cut short?")
    if not length:
        return b""
    try:
        held: bytes = pa.decompress(block, length, "snappy", asbytes=True)
    except (OSError, pa.ArrowException) as error:
        raise InvalidRecord(f"the body is no whole Snappy block: {error}") from None
    return held


def _length(block: bytes) -> tuple[int, int]:
    try:
        return varint(block, 0)
    except InvalidRecord:
        raise InvalidRecord(
            "the body is no Snappy block: it does not begin with a length"
        ) from None
