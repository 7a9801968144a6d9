"""
This module opens ports, and says which one is taken and how to choose another.
"""

import re
import socket
from ipaddress import ip_address
from typing import Final

import grpc.aio

from otel_confidence.errors import ConfigurationError

_BACKLOG: Final = 512
_NUMBERS: Final = re.compile(r"[\d.]+")


def listen(host: str, port: int, flag: str) -> socket.socket:
    """
    A socket that listens; 0 takes any free port.

    Raises:
        ConfigurationError: The port is taken or the address is none of this machine's.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except socket.gaierror as error:
        raise ConfigurationError(f"--host {host!r} is no address: {error.strerror}") from error
    listening = socket.socket(family, kind, protocol)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(address)
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        raise _taken(host, port, flag, error.strerror or str(error)) from error
    return listening


def listen_grpc(server: grpc.aio.Server, host: str, port: int) -> int:
    """
    Have a gRPC server listen; the port it got.

    Raises:
        ConfigurationError: The port is taken or the address is none of this machine's.
    """
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        return int(server.add_insecure_port(address))
    except RuntimeError as error:
        raise _taken(host, port, "--otlp-grpc-port", "Address already in use") from error


def is_loopback(host: str) -> bool:
    """
    Whether only this machine reaches the address.
    """
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def checked(host: str) -> str:
    """
    The host, if it is an address or may be a name.

    Raises:
        ConfigurationError: It looks like an address and is none.
    """
    if _NUMBERS.fullmatch(host):
        try:
            ip_address(host)
        except ValueError as error:
            raise ConfigurationError(
                f"--host {host!r} is no address: four numbers from 0 to 255, such as 127.0.0.1"
            ) from error
    return host


def _taken(host: str, port: int, flag: str, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"port {port} of {host} cannot be opened ({why}); "
        f"choose another with {flag} (0 takes any free one)"
    )
