"""
This module chooses loopback addresses, so that several stacks run beside each other.

A run owns the addresses 127.0.R.1 to 127.0.R.254 of the first free R from 1 on, and every service
has one of them: each keeps its own ports, as it would in a container. A run holds its R by a
socket that ends with the process, however that ends.
"""

import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from tools.stack.compose import Port, Service
from tools.stack.errors import StackError

_HELD_BY: Final = 17714
"""The port that a run binds on its first address to hold them all; none that systems hand out."""
_RUNS: Final = range(1, 255)
_KINDS: Final = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}


@dataclass(slots=True)
class Addresses:
    """
    The addresses of one run, by service.
    """

    by_service: dict[str, str]
    _holder: socket.socket = field(repr=False)

    def __getitem__(self, service: str) -> str:
        return self.by_service[service]

    def release(self) -> None:
        """
        Let another run have them.
        """
        self._holder.close()


def choose(services: Sequence[Service], runs: Iterable[int] = _RUNS) -> Addresses:
    """
    Addresses at which every port of every service is free.

    Raises:
        StackError: a port is taken on all addresses.
    """
    taken = f"Other runs hold them, or port {_HELD_BY} of every address is in use."
    for run in runs:
        holder = _bound(f"127.0.{run}.1", _HELD_BY, "tcp")
        if holder is None:
            continue
        by_service = {s.name: f"127.0.{run}.{n}" for n, s in enumerate(services, 2)}
        in_use = _in_use(services, by_service)
        if not in_use:
            return Addresses(by_service, holder)
        holder.close()
        taken = in_use
    raise StackError(f"no addresses are free for the stack. {taken}")


def _in_use(services: Sequence[Service], by_service: dict[str, str]) -> str:
    for service in services:
        for port in service.ports:
            if not _free(by_service[service.name], port):
                return (
                    f"Port {port.number} of {service.name} is in use at "
                    f"{by_service[service.name]}: 'ss -anp | grep :{port.number}' shows by what. "
                    "A program that listens on 0.0.0.0 takes a port of every address."
                )
    return ""


def _free(address: str, port: Port) -> bool:
    probe = _bound(address, port.number, port.protocol)
    if probe is None:
        return False
    probe.close()
    return True


def _bound(address: str, port: int, protocol: str) -> socket.socket | None:
    kind = _KINDS[protocol]
    probe = socket.socket(socket.AF_INET, kind)
    if kind == socket.SOCK_STREAM and port != _HELD_BY:
        # As servers do: connections of an earlier run that are not forgotten yet are no hindrance.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        probe.bind((address, port))
        if kind == socket.SOCK_STREAM:
            probe.listen(1)
    except OSError:
        probe.close()
        return None
    return probe
