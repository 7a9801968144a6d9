"""
This module brings a store to the tables of this release, or refuses one that is ahead of it.

The version of the tables is written beside them, last: a process that ends half way leaves the
older version, and whoever opens the store next does the whole again. Every step may be repeated,
and adds or lets rows stay, so that an interrupted one loses nothing.
"""

import re

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from otel_confidence.errors import StoreError
from otel_confidence.store import schema
from otel_confidence.store.cluster import Layout
from otel_confidence.store.connection import failing

_DENIED = 497
_DATABASES = "SELECT name FROM system.databases WHERE name = {database:String}"
_KNOWN = "SELECT name, create_table_query FROM system.tables WHERE database = {database:String}"
_INTERVAL = re.compile(r"toIntervalSecond\((\d+)\)")


def prepare(client: Client, layout: Layout, retention_days: float) -> None:
    """
    Make what is missing, change what is older, and set the retention.

    Raises:
        StoreError: A later release made the tables, or the engine does not let us make them.
    """
    with failing():
        if not client.query(_DATABASES, {"database": layout.database}).result_rows:
            _run(client, layout.creation())
        found = _found(client, layout)
        version = _version(client, layout, found)
    if version > schema.VERSION:
        raise StoreError(
            f"the store was made by a later release (tables of version {version}, this release "
            f"knows {schema.VERSION}): upgrade otel-confidence, or use another store"
        )
    for statement in _due(layout, found, version, retention_days):
        _run(client, statement)
    if version < schema.VERSION:
        _run(client, layout.record())


def _found(client: Client, layout: Layout) -> dict[str, str]:
    rows = client.query(_KNOWN, {"database": layout.database}).result_rows
    return {str(name): str(definition) for name, definition in rows}


def _version(client: Client, layout: Layout, found: dict[str, str]) -> int:
    if schema.VERSIONS in found:
        recorded = int(client.query(layout.newest()).result_rows[0][0])
        if recorded:
            return recorded
    return 1 if any(layout.kept(table) in found for table in schema.TABLES) else 0


def _due(layout: Layout, found: dict[str, str], version: int, retention_days: float) -> list[str]:
    due = [
        statement for name, statement in layout.tables(retention_days).items() if name not in found
    ]
    if version:
        for older in range(version, schema.VERSION):
            due += layout.changes(older)
    due += [
        layout.retention(table, retention_days)
        for table in schema.TABLES
        if _kept_s(found.get(layout.kept(table), "")) not in (None, layout.kept_s(retention_days))
    ]
    if version < schema.VERSION or "metrics" not in found:
        due.append(layout.view())
    return due


def _kept_s(definition: str) -> int | None:
    seconds = _INTERVAL.search(definition)
    return int(seconds[1]) if seconds else None


def _run(client: Client, statement: str) -> None:
    try:
        with failing():
            client.command(statement)
    except StoreError as error:
        cause = error.__cause__
        if isinstance(cause, DatabaseError) and cause.code == _DENIED:
            raise StoreError(
                "the server's user may not make the store's tables: grant it CREATE and ALTER on "
                "the database, or apply what 'otel-confidence store schema' prints as an "
                f"administrator ({error})"
            ) from error
        raise
