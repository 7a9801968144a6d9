"""
This module opens a store: the tables, the connections to them, and the work in the background.
"""

from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from typing import Any, Final, NamedTuple

from clickhouse_connect.driver.client import Client

from otel_confidence.errors import ConfigurationError, StoreDamaged
from otel_confidence.store import migrations, reader
from otel_confidence.store.catalog import Catalog
from otel_confidence.store.connection import Pool
from otel_confidence.store.homes import Embedded, Home
from otel_confidence.store.upkeep import WORKING, Terms, Upkeep

_READERS: Final = 4
_LISTERS: Final = 2
"""For what is known of series, which is not to wait for the samples that queries read."""
_SQL_READERS: Final = 2
_MIB: Final = 1 << 20
UPKEEP_S: Final = 10.0
MEMORY_SIZE: Final = 384 * _MIB
"""Room for 25 million samples: a day of 2,900 series at an interval of ten seconds."""
_WRITING: Final = {
    "max_partitions_per_insert_block": 0,
    "max_insert_threads": 1,
    "max_threads": 1,
}
_READING: Final = {
    "final": 1,
    "do_not_merge_across_partitions_select_final": 1,
    "output_format_arrow_compression_method": "none",
    "allow_experimental_time_series_aggregate_functions": 1,
    "max_query_size": 16 * _MIB,
    "max_execution_time": 120,
    "max_memory_usage": 2048 * _MIB,
}
_SQL: Final = {
    **_READING,
    "max_query_size": _MIB,
    "max_execution_time": 30,
    "max_memory_usage": 1024 * _MIB,
    "max_result_rows": 1_000_000,
    "max_ast_elements": 50_000,
    "allow_introspection_functions": 0,
    "readonly": 1,
}


class Pools(NamedTuple):
    """
    The connections that read.
    """

    samples: Pool
    listing: Pool
    """For what is known of series."""
    sql: Pool
    """For users' statements."""


Parts = tuple[Client, Pools, Catalog, Upkeep | None]


def opening(place: Home, terms: Terms) -> Parts:
    """
    Open the connections, read what is remembered and start the upkeep where there is one.

    Returns:
        The writer's connection, those of the readers and of users' statements, the series known,
        and the upkeep.

    Raises:
        ConfigurationError: What a server cannot do is asked of one.
        StoreError: The tables cannot be made or read.
    """
    catalog = Catalog()
    with ExitStack() as undo:
        writing = undo.enter_context(closing(_prepared(place, terms.retention_days)))
        readers = [_client(place, _READING, undo) for _ in range(_READERS)]
        listers = [_client(place, _READING, undo) for _ in range(_LISTERS)]
        sql_readers = [_client(place, _SQL, undo) for _ in range(_SQL_READERS)]
        reader.remember(readers[0], catalog)
        mend = place.mending(writing)
        upkeep = _upkeep(place, catalog, terms, mend, undo)
        pools = Pools(*(Pool(each, on_damage=mend) for each in (readers, listers, sql_readers)))
        undo.pop_all()
    return writing, pools, catalog, upkeep


def _upkeep(
    place: Home,
    catalog: Catalog,
    terms: Terms,
    mend: Callable[[StoreDamaged], None],
    undo: ExitStack,
) -> Upkeep | None:
    # What is rolled up is known in the memory of the one process that has a folder; a server has
    # writers that do not know of each other, and disks that are its operator's.
    if isinstance(place, Embedded):
        notes, working = (_client(place, WORKING, undo) for _ in range(2))
        return Upkeep(notes, working, catalog, terms, mend=mend)
    if terms.retention_size:
        raise ConfigurationError("retention_size is for folders; a server's disks are its own")
    return None


def _prepared(place: Home, retention_days: float) -> Client:
    client = place.connect(_WRITING)
    with ExitStack() as undo:
        undo.callback(client.close)
        migrations.prepare(client, place.layout, retention_days)
        client.database = place.layout.database
        undo.pop_all()
    return client


def _client(place: Home, settings: Mapping[str, Any], undo: ExitStack) -> Client:
    client = place.connect(settings, database=place.layout.database)
    undo.callback(client.close)
    return client
