"""
This module holds the two places a store can live in: a folder of this process, or a server.

Everything that differs between the embedded engine and a ClickHouse server is here and in
``cluster``; what writes and reads takes connections and cannot tell.
"""

import os
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Protocol

from clickhouse_connect.driver.client import Client

from otel_confidence.errors import StoreDamaged, StoreError
from otel_confidence.store.address import Address, is_url
from otel_confidence.store.cluster import Layout
from otel_confidence.store.connection import connect, connect_server
from otel_confidence.store.damage import Mender, explained
from otel_confidence.store.folder import Folder

_ENGINE: Final = "chdb"
_ON_SERVERS: Final = {
    # Replicas drop an insert that equals a former one, even if another value came in between.
    "insert_deduplicate": 0,
}
_BESIDE: Final = {"distributed_product_mode": "local"}
"""A series and its samples are in one shard: each answers for its own."""
_ACROSS: Final = {"distributed_product_mode": "global"}
"""Users' statements join whatever they like: what they join goes to every shard."""
_AT_ONCE: Final = {"distributed_foreground_insert": 1}
"""An insert is acknowledged when the shards have it, not when it waits to be sent."""


class Home(Protocol):
    """
    A place that a store is opened in.
    """

    @property
    def layout(self) -> Layout:
        """
        How its tables are laid out.
        """

    @property
    def stopping(self) -> str:
        """
        The statement that ends the queries of this store, and no others.
        """

    def connect(self, settings: Mapping[str, Any], *, database: str = "") -> Client:
        """
        Open a connection.
        """

    def mending(self, client: Client) -> Callable[[StoreDamaged], None]:
        """
        What is to be done about damage that a query met.
        """

    def release(self) -> None:
        """
        Let go of it.
        """


def home(place: str | os.PathLike[str]) -> Home:
    """
    The home that a path or a URL names.

    Raises:
        ConfigurationError: The URL is wrong.
        StoreError: The folder is in use or cannot be written.
    """
    if is_url(place):
        return Server(Address.read(os.fspath(place)))
    return Embedded(Folder(Path(place).resolve()))


class Embedded:
    """
    A folder, and the engine in this process.
    """

    layout = Layout(expires=False)
    stopping = "KILL QUERY WHERE query NOT LIKE 'KILL%' ASYNC"

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    def connect(self, settings: Mapping[str, Any], *, database: str = "") -> Client:
        """
        Open a connection to the folder.
        """
        path = self._folder.path / _ENGINE
        try:
            return connect(path, database=database, settings=settings)
        except StoreError as error:
            raise explained(path, error) from error

    def mending(self, client: Client) -> Callable[[StoreDamaged], None]:
        """
        Put a damaged part aside and say so.
        """
        return Mender(client).mend

    def release(self) -> None:
        """
        Let another process have the folder.
        """
        self._folder.release()


class Server:
    """
    A ClickHouse server or cluster, shared with whoever else uses it.
    """

    def __init__(self, address: Address) -> None:
        self._address = address
        self._tag = f"otel-confidence/{uuid.uuid4()}"
        self.layout = Layout(address.database, address.cluster)

    @property
    def stopping(self) -> str:
        """
        The statement that ends the queries that carry this store's mark.
        """
        on = f" ON CLUSTER '{self._address.cluster}'" if self._address.cluster else ""
        return (
            f"KILL QUERY{on} WHERE Settings['log_comment'] = '{self._tag}' "
            "AND query NOT LIKE 'KILL%' ASYNC"
        )

    def connect(self, settings: Mapping[str, Any], *, database: str = "") -> Client:
        """
        Open a connection to the server.
        """
        spread = {**_AT_ONCE, **(_ACROSS if "readonly" in settings else _BESIDE)}
        every = {**settings, **_ON_SERVERS, "log_comment": self._tag}
        if self._address.cluster:
            every |= spread
        return connect_server(self._address, database=database, settings=every)

    def mending(self, client: Client) -> Callable[[StoreDamaged], None]:
        """
        Nothing: replicas mend each other, and what else there is to do is its operator's.
        """
        del client
        return lambda _: None

    def release(self) -> None:
        """
        Nothing is held.
        """
