"""
This module takes a protobuf message apart field by field, without building what it holds.

A parsed message may need thirty times the memory of its bytes when those are millions of empty
messages. Taking the outermost message apart lets the parts be counted, measured and parsed one at
a time.
"""

from collections.abc import Iterator
from typing import Final

from otel_confidence.errors import InvalidRecord

_LENGTH_DELIMITED: Final = 2
_FIXED_BYTES: Final = {1: 8, 5: 4}
_LONGEST_VARINT: Final = 10


def fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """
    The numbers and contents of a message's texts, bytes and messages, in their order.

    Raises:
        InvalidRecord: It is no message.
    """
    place, end = 0, len(message)
    while place < end:
        tag, start = varint(message, place)
        number, kind = tag >> 3, tag & 7
        place = start
        if kind == _LENGTH_DELIMITED:
            length, start = varint(message, place)
            place = start + length
        elif kind == 0:
            _, place = varint(message, place)
        elif kind in _FIXED_BYTES:
            place += _FIXED_BYTES[kind]
        else:
            raise InvalidRecord(f"not protobuf: wire type {kind} at byte {start}")
        if place > end or not number:
            raise InvalidRecord(f"not protobuf: field {number} at byte {start} is cut short")
        if kind == _LENGTH_DELIMITED:
            yield number, message[start:place]


def varint(message: bytes, place: int) -> tuple[int, int]:
    r"""
    The number of variable length at a place, and the place behind it.

    >>> varint(b"\xac\x02", 0)
    (300, 2)

    Raises:
        InvalidRecord: There is none.
    """
    if place < len(message) and message[place] < 0x80:  # noqa: PLR2004  as below, without a loop
        return message[place], place + 1
    number = 0
    for position, byte in enumerate(message[place : place + _LONGEST_VARINT]):
        number |= (byte & 0x7F) << (7 * position)
        if byte < 0x80:  # noqa: PLR2004  the bit that says there is more
            return number, place + position + 1
    raise InvalidRecord(f"the number at byte {place} is cut short")
