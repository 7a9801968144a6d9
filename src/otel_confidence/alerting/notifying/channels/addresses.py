"""
This module refuses to notify addresses that are not on the public internet.

Whoever can make a server call http://169.254.169.254 or a database on its own host has a door into
its network; hosts that are meant are named as trusted.
"""

import ipaddress
import socket
from collections.abc import Collection

from otel_confidence.errors import ConfigurationError


def public_address(host: str, port: int, trusted: Collection[str]) -> str:
    """
    The address to connect to for a host.

    Raises:
        ConfigurationError: It has none, or one that is not public though the host is not trusted.
    """
    found = _addresses(host, port)
    if host not in trusted:
        for address in found:
            if not _is_public(address):
                raise _private(host, address)
    return found[0]


def refuse_private(host: str, trusted: Collection[str]) -> None:
    """
    Refuse a host at once where it says itself that it is not public; no name is looked up.

    Raises:
        ConfigurationError: It is ``localhost`` or an address that is not public, and not trusted.
    """
    try:
        public = host != "localhost" and _is_public(host)
    except ValueError:
        return  # a name: what it stands for is seen each time somebody is to be told
    if not public and host not in trusted:
        raise _private(host)


def _private(host: str, address: str = "") -> ConfigurationError:
    is_ = f"is {address}, which is" if address not in ("", host) else "is"
    return ConfigurationError(
        f"{host} {is_} not on the public internet; --notify-host {host} allows it"
    )


def _addresses(host: str, port: int) -> list[str]:
    try:
        rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise ConfigurationError(f"{host} is not known: {error}") from error
    return [str(row[4][0]).partition("%")[0] for row in rows]


def _is_public(address: str) -> bool:
    found = ipaddress.ip_address(address)
    mapped = getattr(found, "ipv4_mapped", None) or found
    return bool(mapped.is_global and not mapped.is_multicast)
