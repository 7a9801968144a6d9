"""
This module bounds what a receiver answers by HTTP: in time, in length, and unpacked.

The HTTP library's timeout holds for each read, so that an answer of a byte a second never ends, and
it unpacks a megabyte of gzip to a gigabyte in the user's process.
"""

import io
import time
import zlib
from http.client import HTTPResponse
from typing import Any, Final

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError, ReadTimeoutError

LIMIT: Final = 4 * 1024 * 1024
"""Bytes of an answer, head and body, as it comes and again unpacked; gRPC's own limit is this."""
_LONGEST_S: Final = 30.0
"""How long a whole answer may take where the exporter sets no time."""
_UNPACKED: Final = ("gzip", "x-gzip", "deflate")
_EITHER: Final = 32 + zlib.MAX_WBITS
"""Tells zlib to find out by itself which of them it is."""


class Boundless(requests.RequestException):
    """
    An answer that is too long, or packed in a way that cannot be bounded; not tried again.
    """


class Bounded(HTTPAdapter):
    """
    Sends requests whose answers are bounded, whoever reads them.
    """

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """
        Make connections whose answers are metered.
        """
        super().init_poolmanager(*args, **kwargs)
        _meter(self.poolmanager)

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        """
        The same through a proxy.
        """
        manager = super().proxy_manager_for(*args, **kwargs)
        _meter(manager)
        return manager

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:
        """
        Send, and read the whole answer.

        Raises:
            Boundless: the answer is too long.
        """
        request.headers["Accept-Encoding"] = "identity"
        response = None
        try:
            response = super().send(request, *args, **kwargs)
            packed = response.raw.read(decode_content=False)
            body = _unpacked(packed, response.headers.get("content-encoding", ""))
        except (_TooLongError, zlib.error) as error:
            status = "" if response is None else f" {response.status_code}"
            raise Boundless(f"answered{status} with {error}", request=request) from error
        except ReadTimeoutError as error:
            raise requests.ReadTimeout(error, request=request) from error
        except HTTPError as error:
            raise requests.ConnectionError(error, request=request) from error
        response.raw = io.BytesIO(body)
        return response


class _TooLongError(ValueError):
    """
    More than is read; no error of a connection, after which the HTTP library would try again.
    """

    def __init__(self) -> None:
        super().__init__(f"more than {LIMIT // 1024**2} MiB")


class _Answer(HTTPResponse):
    """
    An answer that is read through a meter.
    """

    def __init__(self, sock: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        plain: Any = self.fp
        self.fp = io.BufferedReader(_Meter(sock, plain.detach()))


class _Meter(io.RawIOBase):
    """
    What is read of a socket, up to a time and a length.
    """

    def __init__(self, sock: Any, raw: Any) -> None:
        self._sock = sock
        self._raw = raw
        self._deadline = time.monotonic() + (sock.gettimeout() or _LONGEST_S)
        self._left = LIMIT

    def readable(self) -> bool:
        """
        It is.
        """
        return True

    def readinto(self, buffer: Any) -> int | None:
        """
        Read what there is within the time that is left.
        """
        left_s = self._deadline - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("timed out")
        if not self._left:
            raise _TooLongError
        self._sock.settimeout(left_s)
        count: int | None = self._raw.readinto(memoryview(buffer)[: self._left])
        self._left -= count or 0
        return count

    def fileno(self) -> int:
        """
        The socket's.
        """
        return int(self._raw.fileno())

    def close(self) -> None:
        """
        Let go of the socket.
        """
        self._raw.close()
        super().close()


def _meter(manager: Any) -> None:
    """
    Let a manager's pools make connections whose answers are metered.
    """
    manager.pool_classes_by_scheme = {
        scheme: _metered(pool) for scheme, pool in manager.pool_classes_by_scheme.items()
    }


def _metered(pool: Any) -> Any:
    if issubclass(pool.ConnectionCls.response_class, _Answer):
        return pool  # a proxy's manager is asked for with each request, and kept
    made = type("_Connection", (pool.ConnectionCls,), {"response_class": _Answer})
    return type("_Pool", (pool,), {"ConnectionCls": made})


def _unpacked(body: bytes, encoding: str) -> bytes:
    """
    A body without the packing that nobody asked for.
    """
    name = encoding.strip().lower()
    if name in {"", "identity"}:
        return body
    if name not in _UNPACKED:
        raise zlib.error("a body in an encoding that was not asked for")
    unpacker = zlib.decompressobj(_EITHER)
    plain = unpacker.decompress(body, LIMIT)
    if unpacker.unconsumed_tail:
        raise _TooLongError
    return plain
