"""
This module speaks to the engine: it opens connections, lends them fairly and translates errors.

A connection serializes its queries, several to one folder run side by side; therefore there is one
for writing and a pool for reading.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Final

import pyarrow as pa

from otel_confidence.errors import MissingExtraError, QueryError, StoreDamaged, StoreError
from otel_confidence.store.address import Address

try:
    import clickhouse_connect
    from clickhouse_connect.driver.client import Client
    from clickhouse_connect.driver.exceptions import ClickHouseError, DatabaseError
except ModuleNotFoundError as missing:
    raise MissingExtraError(f"the embedded store needs {missing.name!r}", "server") from missing

_CLEARINGS: Final = 5
_IN_PROCESS: Final = "chdb:"
_TIMED_OUT: Final = 159
_NO_SPACE: Final = 243
_TOO_MUCH_MEMORY: Final = frozenset({241, 396})
_DAMAGED: Final = frozenset({32, 33, 40, 246, 271, 432})
_ASKED_WRONGLY: Final = frozenset(
    # Syntax, unknown names, types, arguments, parameters, read-only, regular expressions.
    {6, 27, 36, 38, 41, 42, 43, 44, 46, 47, 53, 60, 62, 63, 70, 81, 130, 164, 168, 179, 184, 207,
     215, 386, 395, 427, 456, 457, 585, 801}
)  # fmt: skip


def connect(path: Path, *, database: str = "", settings: Mapping[str, Any] | None = None) -> Client:
    """
    Open one connection to the folder; the settings are applied in their order.
    """
    options: dict[str, Any] = {
        "path": str(path),
        "database": database or None,
        "settings": settings and dict(settings),
    }
    try:
        return clickhouse_connect.get_client(interface="chdb", **options)
    except ClickHouseError as error:
        raise StoreError(f"the engine cannot open {str(path)!r}: {error}") from error
    except (ImportError, RuntimeError) as error:
        raise StoreError(f"the engine does not start: {error}") from error


def connect_server(
    address: Address, *, database: str = "", settings: Mapping[str, Any] | None = None
) -> Client:
    """
    Open one connection to a ClickHouse server; the settings go along with every query.
    """
    options: dict[str, Any] = {
        "database": database or "default",
        "settings": settings and dict(settings),
        "ca_cert": address.ca_cert or None,
        "verify": address.verify,
    }
    try:
        return clickhouse_connect.get_client(
            interface="https" if address.secure else "http",
            host=address.host,
            port=address.port,
            username=address.user,
            password=address.password,
            # Queries need no session, and servers behind one address could not share it.
            autogenerate_session_id=False,
            form_encode_query_params=True,
            client_name="otel-confidence",
            **options,
        )
    except ClickHouseError as error:
        raise StoreError(f"{address} does not answer: {_unreached(error)}") from error


def read(client: Client, statement: str, parameters: Mapping[str, Any] | None = None) -> pa.Table:
    """
    Run a query with bound parameters and return its rows.
    """
    body = _asked(client, statement, parameters or {}, "Arrow")
    if not body:
        return pa.table({})
    return pa.ipc.open_file(pa.BufferReader(body)).read_all()


def read_lines(client: Client, statement: str) -> list[str]:
    """
    Run a statement that names no format and return the lines that it answers with.
    """
    return _asked(client, statement, {}, None).decode("utf-8", "replace").split("\n")[:-1]


def _asked(client: Client, statement: str, parameters: Mapping[str, Any], fmt: str | None) -> bytes:
    try:
        return client.raw_query(statement, dict(parameters), fmt=fmt)
    except DatabaseError as error:
        if client.uri.startswith(_IN_PROCESS):
            _clear(client)
        raise _translate(error) from error
    except ClickHouseError as error:
        raise StoreError(f"the engine failed: {error}") from error


@contextmanager
def failing() -> Iterator[None]:
    """
    Turn whatever the engine raises into StoreError, where what runs is ours and not the asker's.
    """
    try:
        yield
    except ClickHouseError as error:
        if isinstance(error, DatabaseError) and error.code == _NO_SPACE:
            raise StoreError(
                "there is not enough free space on the disk: nothing is kept until there is more"
            ) from error
        raise StoreError(f"the engine failed: {_sentence(str(error))}") from error


def _unreached(error: ClickHouseError) -> str:
    """
    What the system said where no connection came about, else what the server did.
    """
    causes: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in causes:
        causes.append(cause)
        cause = cause.__cause__ or cause.__context__
    for each in reversed(causes):
        if isinstance(each, OSError) and each.strerror:
            return f"{each.strerror}; is this the address and HTTP port of a ClickHouse server?"
    return _sentence(str(error))


def _clear(client: Client) -> None:
    # A query that fails after its first bytes leaves them in the connection, in front of the next
    # answer (chdb-core 26.9). Ask until an answer is clean.
    for _ in range(_CLEARINGS):
        with suppress(DatabaseError):
            if client.raw_query("SELECT 'clear'", fmt="TabSeparatedRaw") == b"clear\n":
                return
    raise StoreError("the engine does not recover from a failed query")


def _translate(error: DatabaseError) -> Exception:
    code, text = error.code or 0, _sentence(str(error))
    if code == _TIMED_OUT:
        return QueryError(f"the query took too long: {text}", kind="timeout", status=503)
    if code in _TOO_MUCH_MEMORY:
        return QueryError(f"the query needs too much: {text}", kind="execution", status=422)
    if code in _ASKED_WRONGLY:
        return QueryError(text)
    if code in _DAMAGED:
        return StoreDamaged(f"the engine failed: {text}")
    return StoreError(f"the engine failed: {text}")


def _sentence(text: str) -> str:
    return text.rpartition("DB::Exception: ")[2].strip() or text


class Pool:
    """
    Connections lent first come, first served.
    """

    def __init__(
        self,
        clients: Sequence[Client],
        *,
        patience_s: float = 30.0,
        on_damage: Callable[[StoreDamaged], None] = lambda _: None,
    ) -> None:
        self._size = len(clients)
        self._free = deque(clients)
        self._waiting: deque[SimpleQueue[Client]] = deque()
        self._lock = threading.Lock()
        self._patience_s = patience_s
        self._on_damage = on_damage
        self._closed = False

    @contextmanager
    def lend(self) -> Iterator[Client]:
        """
        Lend a connection; wait for one, in turn.

        Raises:
            QueryError: None became free in time.
        """
        client = self._take(self._patience_s)
        try:
            yield client
        except StoreDamaged as damage:
            self._on_damage(damage)
            raise
        finally:
            self._give(client)

    def close(self, *, timeout_s: float) -> None:
        """
        Close every connection, each as soon as its query ends, and give up after the timeout.
        """
        with self._lock:
            closed, self._closed = self._closed, True
        with suppress(QueryError):
            for _ in range(0 if closed else self._size):
                self._take(timeout_s, closing=True).close()

    def _take(self, timeout_s: float, *, closing: bool = False) -> Client:
        with self._lock:
            if self._closed and not closing:
                raise StoreError("the store is closed")
            if self._free:
                return self._free.popleft()
            turn: SimpleQueue[Client] = SimpleQueue()
            self._waiting.append(turn)
        try:
            return turn.get(timeout=timeout_s)
        except Empty:
            return self._leave(turn)

    def _leave(self, turn: SimpleQueue[Client]) -> Client:
        with self._lock:
            if turn not in self._waiting:
                return turn.get_nowait()
            self._waiting.remove(turn)
        raise QueryError(
            f"no reader became free within {self._patience_s:g} s", kind="timeout", status=503
        )

    def _give(self, client: Client) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().put(client)
            else:
                self._free.append(client)
