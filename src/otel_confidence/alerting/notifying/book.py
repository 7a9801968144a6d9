"""
This module remembers, across restarts, what alerts there are and who was told what.
"""

import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from otel_confidence.alerting.notifying.messages import Said
from otel_confidence.errors import StoreError

SCHEMA: Final = 2
_TABLES: Final = """
CREATE TABLE IF NOT EXISTS incidents (
  alert TEXT, labels TEXT NOT NULL, annotations TEXT NOT NULL, expression TEXT NOT NULL,
  starts_ms INTEGER, ends_ms INTEGER, value REAL, PRIMARY KEY (alert, starts_ms));
CREATE TABLE IF NOT EXISTS told (
  channel TEXT, grouped TEXT, alert TEXT, starts_ms INTEGER, state TEXT NOT NULL,
  PRIMARY KEY (channel, grouped, alert, starts_ms));
CREATE TABLE IF NOT EXISTS groups (
  channel TEXT, grouped TEXT, due_ms INTEGER NOT NULL, said_ms INTEGER, tries INTEGER NOT NULL,
  failing_ms INTEGER, PRIMARY KEY (channel, grouped));
CREATE TABLE IF NOT EXISTS silences (
  id TEXT PRIMARY KEY, matchers TEXT NOT NULL, starts_ms INTEGER NOT NULL,
  ends_ms INTEGER NOT NULL, comment TEXT NOT NULL, made_by TEXT NOT NULL,
  updated_ms INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS history (
  number INTEGER PRIMARY KEY AUTOINCREMENT, alert TEXT NOT NULL, labels TEXT NOT NULL,
  annotations TEXT NOT NULL, value REAL, starts_ms INTEGER NOT NULL, ends_ms INTEGER);
CREATE INDEX IF NOT EXISTS history_of ON history (alert, starts_ms);
CREATE TABLE IF NOT EXISTS deliveries (
  number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, channel TEXT NOT NULL,
  grouped TEXT NOT NULL, at_ms INTEGER NOT NULL, firing INTEGER NOT NULL,
  resolved INTEGER NOT NULL, outcome TEXT NOT NULL, reason TEXT NOT NULL);
"""


_SINCE_1: Final = "ALTER TABLE silences ADD COLUMN updated_ms INTEGER NOT NULL DEFAULT 0"
"""What a file of the first version lacks."""
Key = tuple[str, int]
"""What tells an incident from others: its alert's fingerprint, and when it began."""


@dataclass(frozen=True, slots=True)
class Incident:
    """
    One alert from when it fired to its end, which is None as long as it goes on.
    """

    alert: str
    labels: dict[str, str]
    annotations: dict[str, str]
    starts_ms: int
    ends_ms: int | None
    value: float
    expression: str = ""

    @property
    def key(self) -> Key:
        """
        What tells it from others.
        """
        return self.alert, self.starts_ms

    def said(self) -> Said:
        """
        The incident as a notification tells of it.
        """
        return Said(self.labels, self.annotations, self.starts_ms, self.ends_ms, self.expression)


@dataclass(frozen=True, slots=True)
class Delivery:
    """
    One attempt to tell a channel of a group.
    """

    id: str
    channel: str
    group: tuple[tuple[str, str], ...]
    at_ms: int
    firing: int
    resolved: int
    outcome: str
    """``sent``, ``failed`` or ``given up``."""
    reason: str


class Book:
    """
    A file of SQLite; what a method writes is on disk when it returns.

    Safe for use by many threads.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._lock = threading.RLock()

    @classmethod
    def open(cls, path: Path) -> "Book":
        """
        Open the file, made if it does not exist.

        Raises:
            StoreError: It cannot be opened, or a later version wrote it.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version > SCHEMA:
                connection.close()
                raise StoreError(f"{path} was written by a later version")
            connection.executescript(_upgrade(version))
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"{path} cannot be opened: {error}") from error
        return cls(connection)

    @contextmanager
    def changing(self) -> Iterator[None]:
        """
        What happens in the block happens as a whole or not at all.

        Raises:
            StoreError: It cannot be written.
        """
        with self._lock:
            try:
                outermost = not self._connection.in_transaction
                if outermost:
                    self._connection.execute("BEGIN IMMEDIATE")
                done = False
                try:
                    yield
                    done = True
                finally:
                    if outermost:
                        self._connection.execute("COMMIT" if done else "ROLLBACK")
            except sqlite3.Error as error:
                raise StoreError(f"the notes on alerts cannot be written: {error}") from error

    def rows(self, statement: str, *given: Any) -> list[Any]:
        """
        The rows that a statement gives.
        """
        with self._lock:
            try:
                return self._connection.execute(statement, given).fetchall()
            except sqlite3.Error as error:
                raise StoreError(f"the notes on alerts cannot be read: {error}") from error

    def put(self, table: str, row: Mapping[str, Any]) -> None:
        """
        Write a row, in place of the one with the same key.
        """
        names, marks = ", ".join(row), ", ".join("?" * len(row))
        with self.changing():
            self._connection.execute(
                f"INSERT OR REPLACE INTO {table} ({names}) VALUES ({marks})",  # noqa: S608  names of this package
                tuple(row.values()),
            )

    def run(self, statement: str, *given: Any) -> None:
        """
        Carry a statement out.
        """
        with self.changing():
            self._connection.execute(statement, given)

    def close(self) -> None:
        """
        Let go of the file.
        """
        with self._lock:
            self._connection.close()


def _upgrade(version: int) -> str:
    """
    The statements that make a file of that version, 0 for a new one, one of ours.

    All in one transaction: a kill in between leaves the file as it was, to be upgraded again.
    """
    since = f"{_SINCE_1};" if version == 1 else ""
    return f"BEGIN IMMEDIATE;{_TABLES}{since}PRAGMA user_version = {SCHEMA};COMMIT;"


def packed(pairs: Sequence[tuple[str, str]] | Mapping[str, str]) -> str:
    """
    Pairs as one text.
    """
    return json.dumps(dict(pairs), ensure_ascii=False, sort_keys=True)


def unpacked(text: str) -> dict[str, str]:
    """
    The pairs of such a text.
    """
    found: dict[str, str] = json.loads(text)
    return found
