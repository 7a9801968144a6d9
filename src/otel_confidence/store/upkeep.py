"""
This module keeps a folder in order by itself: one thread rolls up and lets old days go.

It is made so that it may end at any moment, and so that the next one goes on.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Final

from clickhouse_connect.driver.client import Client

from otel_confidence.errors import ConfigurationError, QueryError, StoreDamaged, StoreError
from otel_confidence.points import Samples
from otel_confidence.store import schema
from otel_confidence.store.catalog import Catalog
from otel_confidence.store.connection import failing
from otel_confidence.store.memory import Memory
from otel_confidence.store.progress import Progress
from otel_confidence.store.retention import Retention
from otel_confidence.store.rollups import Roller
from otel_confidence.store.writer import Writer

_MIB: Final = 1 << 20
MAX_RETENTION_DAYS: Final = 20_000
"""Some 54 years: the engine's expiry times end in 2106, and what wraps around is gone at once."""
KEPT_FREE: Final = {"min_free_disk_bytes_to_perform_insert": 64 * _MIB}
"""An insert is refused before the disk is full, so that what drops and merges has room."""
WORKING: Final = {
    **KEPT_FREE,
    "final": 1,
    "do_not_merge_across_partitions_select_final": 1,
    "max_partitions_per_insert_block": 0,
    "max_threads": 1,
    "max_insert_threads": 1,
    "max_memory_usage": 2048 * _MIB,
    "max_bytes_before_external_group_by": 512 * _MIB,
}
"""What the job's connection is set to: it takes its time."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Terms:
    """
    How long and how much is kept, and how often that is seen to.
    """

    retention_days: float
    """How long a day is kept after its end."""
    retention_size: int
    """How many bytes are kept, 0 for any number."""
    every_s: float
    """The rest between two rounds."""
    memory_size: int
    """How many bytes the newest samples may take in memory."""
    now: Callable[[], float] = time.time
    """The present in epoch seconds: which days are over, and which one is today."""

    def __post_init__(self) -> None:
        if not 0 < self.retention_days <= MAX_RETENTION_DAYS:
            raise ConfigurationError(
                f"retention_days must be above 0 and at most {MAX_RETENTION_DAYS}, "
                f"got {self.retention_days!r}"
            )
        if self.retention_size < 0:
            raise ConfigurationError(
                f"retention_size must be 0 or more, got {self.retention_size!r}"
            )
        if self.memory_size < 0:
            raise ConfigurationError(f"memory_size must be 0 or more, got {self.memory_size!r}")


class Upkeep:
    """
    A thread that rolls up and drops in turn, every so often, and what it shares with the writer.
    """

    def __init__(
        self,
        notes: Client,
        client: Client,
        catalog: Catalog,
        terms: Terms,
        *,
        mend: Callable[[StoreDamaged], None] = lambda _: None,
    ) -> None:
        """
        Make the tables, finish what a killed process left undone and start the thread.

        Args:
            notes: A connection for what is noted while the writer waits.
            client: A connection for the work.
            catalog: The series known to be recorded.
            terms: What to keep.
            mend: What is to be done about damage that is met.
        """
        self._mend = mend
        with failing():
            for statement in schema.rolling():
                client.command(statement)
        self._clients = (notes, client)
        self.memory = Memory(terms.memory_size)
        self.progress = Progress(notes)
        self.retention = Retention(
            client,
            self.progress,
            catalog,
            self.memory,
            days=terms.retention_days,
            size_bytes=terms.retention_size,
            now=terms.now,
        )
        self.now = terms.now
        self._roller = Roller(client, self.progress, now=terms.now)
        self._every_s = terms.every_s
        self._told = threading.Event()
        self._working = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="store-upkeep", daemon=True)
        self._thread.start()

    def run(self) -> None:
        """
        Do all that is due; return when it is done.

        Raises:
            StoreError: The engine failed; what was not done is done the next time.
        """
        with self._working:
            self.retention.run()
            self._roller.run(stopping=self._told.is_set)
            self._load()

    def stop(self) -> None:
        """
        Tell the thread to end after the statement it is at.
        """
        self._told.set()

    def close(self, *, timeout_s: float) -> bool:
        """
        Wait for the thread and close its connections; whether it ended before the timeout.
        """
        self._told.set()
        self._thread.join(timeout_s)
        if self._thread.is_alive() or not self._working.acquire(timeout=timeout_s):
            _log.warning("the store's upkeep does not end")
            return False
        with suppress(StoreError), failing():
            for client in self._clients:
                client.close()
        self._working.release()
        return True

    @contextmanager
    def inserting(self, samples: Samples) -> Iterator[None]:
        """
        Around an insert of samples: what they touch is marked, and memory has what the engine has.
        """
        self.progress.touch(samples.times_ms)
        with ExitStack() as failing_insert:
            failing_insert.callback(self.memory.distrust)
            yield
            failing_insert.pop_all()
        self.memory.add(samples)

    def _load(self) -> None:
        self.memory.load(self._clients[1], self.progress.turn, stopping=self._told.is_set)

    def _load_at_first(self) -> None:
        with self._working:
            self._load()

    def _run(self) -> None:
        self._try(self._load_at_first)
        while not self._told.wait(self._every_s):
            self._try(self.run)

    def _try(self, work: Callable[[], None]) -> None:
        try:
            work()
        except StoreDamaged as damage:
            with suppress(StoreDamaged):  # it says itself what is missing now
                self._mend(damage)
        except (StoreError, QueryError) as error:
            if not self._told.is_set():
                _log.warning("the store's upkeep failed and will be tried again: %s", error)


def writer(writing: Client, catalog: Catalog, upkeep: Upkeep | None) -> Writer:
    """
    The writer of a store, which leaves marks for the upkeep where there is one.
    """
    if upkeep is None:
        return Writer(writing, catalog)
    for name, value in KEPT_FREE.items():
        writing.set_client_setting(name, value)
    return Writer(
        writing,
        catalog,
        inserting=upkeep.inserting,
        turn=upkeep.progress.turn,
    )
