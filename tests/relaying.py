"""This module is a relay between a client and a server of TCP, whose connections can be cut."""

import socket
import struct
import threading
from collections.abc import Iterator
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
        self.address = f"127.0.0.1:{self._door.getsockname()[1]}"

    def serve(self) -> None:
        """Connect whoever comes, until the door is shut."""
        with suppress(OSError):
            while True:
                client, _ = self._door.accept()
                server = socket.create_connection(self._target)
                self._clients.append(client)
                for pair in ((client, server), (server, client)):
                    threading.Thread(target=_pass_on, args=pair, daemon=True).start()

    def cut(self) -> None:
        """Reset every connection, where any is to be cut."""
        if self.cuts > 0:
            self.cuts -= 1
            self.end()

    def end(self) -> None:
        """Reset every connection."""
        for client in self._clients:
            with suppress(OSError):
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
                client.shutdown(socket.SHUT_RD)  # or what waits in recv() keeps it open
                client.close()
        self._clients.clear()

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


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while some := source.recv(65_536):
            sink.sendall(some)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)
    sink.close()
