"""
This module reads the URL of a ClickHouse server and finds the password that goes with it.

``clickhouse://user@host:8123/database?secure=true&cluster=name``: the server's HTTP interface. A
password is never part of the URL, since URLs end in process lists, shell histories and logs; it
comes from the environment or from a file that the environment names.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from otel_confidence.errors import ConfigurationError
from otel_confidence.settings import PREFIX
from otel_confidence.store.schema import DATABASE

PASSWORD: Final = f"{PREFIX}STORE_PASSWORD"
"""Environment variable with the password of the server's user."""
PASSWORD_FILE: Final = f"{PREFIX}STORE_PASSWORD_FILE"
"""Environment variable with the path of a file that holds that password."""

_SCHEME: Final = "clickhouse"
_FORM: Final = "clickhouse://user@host:8123/database?secure=true&cluster=name"
_PORTS: Final = {False: 8123, True: 8443}
_FLAGS: Final = {"true": True, "1": True, "": True, "false": False, "0": False}
_OPTIONS: Final = ("secure", "verify", "ca_cert", "cluster")


@dataclass(frozen=True, slots=True)
class Address:
    """
    Where a ClickHouse server listens, and as whom to speak to it.
    """

    host: str
    port: int
    secure: bool = False
    """Whether to speak HTTPS."""
    verify: bool = True
    """Whether the server's certificate is checked."""
    ca_cert: str = ""
    """File of the authorities to check it against; without, the system's."""
    user: str = "default"
    password: str = field(default="", repr=False)
    database: str = DATABASE
    cluster: str = ""
    """The cluster that the tables are spread over; without, they are the server's own."""

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        cluster = f"?cluster={self.cluster}" if self.cluster else ""
        return f"{_SCHEME}://{self.user}@{host}:{self.port}/{self.database}{cluster}"

    @classmethod
    def read(cls, url: str, environ: Mapping[str, str] | None = None) -> "Address":
        """
        The address that a URL and the environment give.

        Raises:
            ConfigurationError: The URL is none of a server, or the password cannot be read.
        """
        try:
            parts = urlsplit(url)
            options, port = _options(parts), parts.port
        except ValueError as error:
            if isinstance(error, ConfigurationError):
                raise
            raise ConfigurationError(f"the store's URL must be like {_FORM}") from None
        _check(parts)
        secure = _flag("secure", options.get("secure", "false"))
        return cls(
            host=str(parts.hostname),
            port=port or _PORTS[secure],
            secure=secure,
            verify=_flag("verify", options.get("verify", "true")),
            ca_cert=options.get("ca_cert", ""),
            user=unquote(parts.username or "default"),
            password=_password(os.environ if environ is None else environ),
            database=_name("database", unquote(parts.path.strip("/")) or DATABASE),
            cluster=_name("cluster", options["cluster"]) if "cluster" in options else "",
        )


def is_url(place: str | os.PathLike[str]) -> bool:
    """
    Whether a place is a URL rather than a folder.
    """
    return isinstance(place, str) and "://" in place


def _check(parts: SplitResult) -> None:
    if parts.scheme != _SCHEME or not parts.hostname or parts.fragment:
        raise ConfigurationError(f"the store's URL must be like {_FORM}")
    if parts.password is not None:
        raise ConfigurationError(
            f"the store's URL must not hold a password: put it into {PASSWORD}, or its file's "
            f"path into {PASSWORD_FILE}"
        )


def _options(parts: SplitResult) -> dict[str, str]:
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    if unknown := sorted(options.keys() - set(_OPTIONS)):
        raise ConfigurationError(
            f"unknown option {unknown[0]!r} of the store's URL, known: {', '.join(_OPTIONS)}"
        )
    return options


def _flag(name: str, text: str) -> bool:
    if text.lower() not in _FLAGS:
        raise ConfigurationError(f"{name} of the store's URL must be true or false, got {text!r}")
    return _FLAGS[text.lower()]


def _name(what: str, name: str) -> str:
    # Both stand in data definitions, where nothing can be bound.
    if not (name.isascii() and name.replace("-", "_").isidentifier()):
        raise ConfigurationError(
            f"the {what} must be of letters, digits, '_' and '-', got {name!r}"
        )
    return name


def _password(environ: Mapping[str, str]) -> str:
    if environ.get(PASSWORD):
        return environ[PASSWORD]
    path = environ.get(PASSWORD_FILE)
    if not path:
        return ""
    try:
        return Path(path).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{PASSWORD_FILE} {path!r} cannot be read: {error}") from None
