"""
This module reads the heads of requests: addresses as long as they may be, and nothing without end.

Uvicorn keeps a head whatever its length, and its parser of addresses counts in 16 bits.
"""

from http import HTTPStatus
from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LONGEST_BYTES: Final = 1 << 20
"""Of a request's line and headers, as in Go's servers; a packet more if it brings their end."""
_LONGEST_PARSED: Final = (1 << 16) - 1
_TOO_LARGE: Final = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
_REASON: Final = f"the address and headers have more than {LONGEST_BYTES} bytes\n".encode()
_REFUSAL: Final = (
    f"HTTP/1.1 {_TOO_LARGE} {_TOO_LARGE.phrase}\r\ncontent-type: text/plain; charset=utf-8\r\n"
    f"content-length: {len(_REASON)}\r\nconnection: close\r\n\r\n"
).encode() + _REASON


class Protocol(HttpToolsProtocol):
    """
    HTTP/1.1 on one connection.
    """

    _of_head = 0
    """Bytes of the head that is being read."""
    _in_head = True

    def data_received(self, data: bytes) -> None:
        """
        Take what arrived; refuse a head that goes on and on.
        """
        if self._in_head:
            self._of_head += len(data)
        super().data_received(data)
        if self._in_head and self._of_head > LONGEST_BYTES:
            self.transport.write(_REFUSAL)
            self.transport.close()

    def on_headers_complete(self) -> None:
        """
        Begin to answer.
        """
        self._of_head, self._in_head = 0, False
        if len(self.url) <= _LONGEST_PARSED:
            super().on_headers_complete()
            return
        self.url, _, query = self.url.partition(b"?")
        super().on_headers_complete()
        self.scope["query_string"] = query

    def on_message_complete(self) -> None:
        """
        Be ready for the next head.
        """
        self._in_head = True
        super().on_message_complete()
