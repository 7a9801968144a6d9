"""
This module reads request bodies: decompressed on the way in, and never more than allowed.
"""

import zlib
from collections.abc import Iterator
from typing import Final

import anyio
from starlette.requests import ClientDisconnect, Request

MAX_BYTES: Final = 20 * 1024 * 1024
"""The most a body may measure, decompressed; also what gRPC takes."""
_PIECE_BYTES: Final = 1024 * 1024
PATIENCE_S: Final = 10.0
_ENCODINGS: Final[dict[str, int]] = {"gzip": 31, "x-gzip": 31, "deflate": 15}
"""Window bits by which zlib knows the format; 15 is zlib's own, which HTTP calls deflate."""


class BodyError(Exception):
    """
    A body that is not read, with the HTTP status that says why.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


async def read_body(
    request: Request,
    *,
    max_bytes: int = MAX_BYTES,
    raw: bool = False,
    patience_s: float = PATIENCE_S,
) -> bytes:
    """
    The whole body, decompressed.

    Args:
        request: The request whose body it is.
        max_bytes: The most it may measure.
        raw: Leave it as it came, whatever its encoding.
        patience_s: How long it may take to arrive.

    Raises:
        BodyError: 413 too large, 415 an unknown encoding, 400 damaged, 408 too slow.
    """
    if _length(request) > max_bytes:
        raise BodyError(413, f"the body has more than {max_bytes} bytes")
    encoding = "identity" if raw else request.headers.get("content-encoding", "identity")
    decoder = _decoder(encoding.strip().lower())
    body = bytearray()
    try:
        with anyio.fail_after(patience_s):
            async for chunk in request.stream():
                for piece in decoder.pieces(chunk):
                    body += piece
                    if len(body) > max_bytes:
                        raise BodyError(413, f"the body has more than {max_bytes} bytes")
    except TimeoutError:
        raise BodyError(408, f"the body did not arrive within {patience_s:g} s") from None
    except ClientDisconnect:
        raise BodyError(400, "the sender went away") from None
    decoder.end()
    return bytes(body)


def _length(request: Request) -> int:
    length = request.headers.get("content-length", "0")
    return int(length) if length.isascii() and length.isdigit() and len(length) < 20 else 0  # noqa: PLR2004  beyond any size


class _Plain:
    """
    A body as it comes.
    """

    def pieces(self, chunk: bytes) -> Iterator[bytes]:
        """
        The chunk.
        """
        yield chunk

    def end(self) -> None:
        """
        Nothing can be missing.
        """


class _Inflater:
    """
    A body compressed by gzip or zlib.
    """

    def __init__(self, encoding: str) -> None:
        self._encoding = encoding
        self._inflate = zlib.decompressobj(_ENCODINGS[encoding])

    def pieces(self, chunk: bytes) -> Iterator[bytes]:
        """
        The chunk inflated, a little at a time: a thousandfold never stands in memory at once.
        """
        while chunk:
            if self._inflate.eof:
                raise BodyError(400, f"data follows the end of the {self._encoding} stream")
            try:
                yield self._inflate.decompress(chunk, _PIECE_BYTES)
            except zlib.error as error:
                raise BodyError(400, f"the body is no {self._encoding}: {error}") from None
            chunk = self._inflate.unused_data or self._inflate.unconsumed_tail

    def end(self) -> None:
        """
        Refuse a stream that is not complete.
        """
        if not self._inflate.eof:
            raise BodyError(400, f"the {self._encoding} stream is cut short")


def _decoder(encoding: str) -> _Plain | _Inflater:
    if encoding in ("", "identity"):
        return _Plain()
    if encoding not in _ENCODINGS:
        known = ", ".join(sorted(_ENCODINGS))
        raise BodyError(415, f"content encoding {encoding[:40]!r} is not one of {known}")
    return _Inflater(encoding)
