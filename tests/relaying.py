"""This module is a relay between a client and a server of TCP, whose connections can be cut."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

_AT_ONCE = struct.pack("ii", 1, 0)
"""Ends a connection by a reset, as a program that dies does."""


class Relay:
    """A relay on a free port of 127.0.0.1 to another one."""

    def __init__(self, target: str) -> None:
        """
        Begin.

        Args:
            target: host and port that connections lead to.
        """
        host, _, port = target.rpartition(":")
        self._target = host, int(port)
        self._door = socket.create_server(("127.0.0.1", 0))
        self._clients: list[socket.socket] = []
        self.cuts = 0
        """How many more connections are to be cut."""
        self.keeps_back: Callable[[bytes], bool] = lambda _: False
        """Told how a request began: whether a reset comes in the place of its answer."""
        self.address = f"127.0.0.1:{self._door.getsockname()[1]}"

    def serve(self) -> None:
        """Connect whoever comes, until the door is shut."""
        with suppress(OSError):
            while True:
                client, _ = self._door.accept()
                server = socket.create_connection(self._target)
                self._clients.append(client)
                asked: list[bytes] = []
                for job, pair in ((self._ask, (client, server)), (self._answer, (server, client))):
                    threading.Thread(target=job, args=(*pair, asked), daemon=True).start()

    def cut(self) -> None:
        """Reset every connection, where any is to be cut."""
        if self.cuts > 0:
            self.cuts -= 1
            self.end()

    def end(self) -> None:
        """Reset every connection."""
        for client in self._clients:
            _reset(client)
        self._clients.clear()

    def _ask(self, client: socket.socket, server: socket.socket, asked: list[bytes]) -> None:
        with suppress(OSError):
            while some := client.recv(65_536):
                if some.startswith(b"POST "):
                    asked.append(some)
                server.sendall(some)
        _hang_up(server)

    def _answer(self, server: socket.socket, client: socket.socket, asked: list[bytes]) -> None:
        with suppress(OSError):
            while some := server.recv(65_536):
                if self.keeps_back(asked[-1] if asked else b""):
                    _reset(client)
                    break
                client.sendall(some)
        _hang_up(client)

    def close(self) -> None:
        """Shut the door, and end."""
        with suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()
        self.end()


@contextmanager
def relaying(target: str) -> Iterator[Relay]:
    """A relay to a server, for as long as it is needed."""
    relay = Relay(target)
    thread = threading.Thread(target=relay.serve, daemon=True)
    thread.start()
    try:
        yield relay
    finally:
        relay.close()
        thread.join()


def _reset(client: socket.socket) -> None:
    with suppress(OSError):
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        client.shutdown(socket.SHUT_RD)  # or what waits in recv() keeps it open
        client.close()


def _hang_up(sink: socket.socket) -> None:
    with suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)
    sink.close()
