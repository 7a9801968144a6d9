"""
This module puts damaged parts of tables aside, so that the rest can be read, and says so.

The engine checks what it reads, and at its start the sizes of all files. A part that is found
broken at the start it puts aside by itself; one whose bytes have changed would fail every query
that meets it. Nothing is deleted: the parts lie in ``detached`` folders, where they can be attached
from again.
"""

import logging
import re
import threading
from pathlib import Path
from typing import Any, Final

from clickhouse_connect.driver.client import Client

from otel_confidence.errors import StoreDamaged, StoreError
from otel_confidence.store.connection import failing

_PLACE: Final = re.compile(r"/store/\w{3}/(?P<table>[0-9a-f-]{36})/(?P<part>\d{8}(?:_\d+){3,4})/")
_PART: Final = (
    "SELECT parts.table AS table, rows FROM system.parts AS parts "
    "INNER JOIN system.tables AS tables ON parts.database = tables.database "
    "AND parts.table = tables.name "
    "WHERE toString(tables.uuid) = {table:String} AND parts.name = {part:String} AND active"
)
_ASIDE: Final = (
    "SELECT table, path FROM system.detached_parts "
    "WHERE database = currentDatabase() AND startsWith(reason, 'broken') ORDER BY table, name"
)
_log = logging.getLogger(__name__)


class Mender:
    """
    What is done about damage in a folder; safe for use by many threads.
    """

    def __init__(self, client: Client) -> None:
        """
        Say which parts the engine put aside when it started.
        """
        self._client = client
        self._lock = threading.Lock()
        with failing():
            for table, path in client.query(_ASIDE).result_rows:
                _log.error(
                    "a damaged part of %s was put aside, its rows are missing: %s", table, path
                )

    def mend(self, damage: StoreDamaged) -> None:
        """
        Put aside the part that a query failed on, if it is damaged indeed.

        Raises:
            StoreDamaged: It was; the next query goes without it.
        """
        found = _PLACE.search(str(damage))
        if found is None:
            return
        with self._lock, failing():
            for table, rows in self._client.query(_PART, found.groupdict()).result_rows:
                if self._is_damaged(table, found["part"]):
                    self._put_aside(table, found["part"], rows)

    def _is_damaged(self, table: str, part: str) -> bool:
        # A checksum can also fail for want of memory or descriptors: look again before acting.
        answer: Any = self._client.query(
            f"CHECK TABLE {table} PART '{part}' SETTINGS check_query_single_value_result = 1"
        ).result_rows
        return not answer[0][0]

    def _put_aside(self, table: str, part: str, rows: int) -> None:
        self._client.command(f"ALTER TABLE {table} DETACH PART '{part}'")
        said = f"part {part} of {table} is damaged and was put aside; its {rows} rows are missing"
        _log.error(said)
        raise StoreDamaged(said)


def empty_definitions(path: Path) -> list[Path]:
    """
    The files of table definitions that have lost their content, which keep an engine from starting.
    """
    found = path.glob("store/*/*/*.sql") if path.is_dir() else iter(())
    return sorted(file for file in found if not file.stat().st_size)


def explained(path: Path, error: StoreError) -> StoreError:
    """
    Why an engine does not start, where the folder shows it.
    """
    empty = empty_definitions(path)
    if not empty:
        return error
    return StoreDamaged(
        f"the data folder is damaged: {', '.join(map(str, empty))} "
        f"{'is' if len(empty) == 1 else 'are'} empty; restore them, or use another folder"
    )
