"""This module finds ports for programs that cannot be handed a socket, nor say which they took."""

import os
import random
import socket
from itertools import count

_FIRST, _LAST = 20_000, 32_000
"""Below those the system gives to connections (32,768 on Linux), which take one at any moment."""
_WORKERS = 8
_worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % _WORKERS
_share = range(_FIRST + _worker, _LAST, _WORKERS)
_turn = count(random.randrange(len(_share)))


def free_port(address: str = "127.0.0.1") -> int:
    """A port that nothing listens at, and that this process gives nobody else for long."""
    for turn in _turn:
        port = _share[turn % len(_share)]
        if _is_free(address, port):
            return port
    raise AssertionError("counting never ends")


def _is_free(address: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
        return True
