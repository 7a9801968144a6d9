"""
This module writes: batches that wait at the same time go to the engine as one.

What is promised when ``write`` returns: the rows are in the engine's files, and a kill of the
process loses none of them. They are not forced to the disk, so that a power cut may lose the last
seconds, as with Prometheus itself. Series go in before samples, so that a sample is never found
without its labels. The samples of one batch within one UTC day appear together or not at all;
other days and other tables follow one after the other.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext
from operator import itemgetter
from typing import Any, Final

import pyarrow as pa
from clickhouse_connect.driver.client import Client

from otel_confidence.errors import StoreBusy, StoreError
from otel_confidence.points import Batch, Metadata, Samples, Start
from otel_confidence.store import columns
from otel_confidence.store.catalog import Catalog
from otel_confidence.store.connection import failing

_GROUP_ROWS: Final = 200_000
_REST_S: Final = 0.05
_DAY_S: Final = 86_400
_METADATA_SIZE: Final = 100_000
_STARTS_SIZE: Final = 500_000

_FAILURES: Final = (
    StoreError, OSError, ValueError, TypeError, LookupError, ArithmeticError, RuntimeError,
    pa.ArrowException,
)  # fmt: skip
"""What a batch that does not fit its columns, or an engine that cannot write, may raise."""

_Waiting = tuple[Batch, "Future[None]"]


class Writer:
    """
    One thread that inserts, and a bounded queue in front of it.
    """

    def __init__(
        self,
        client: Client,
        catalog: Catalog,
        *,
        max_rows: int = 1_000_000,
        inserting: Callable[[Samples], AbstractContextManager[Any]] = nullcontext,
        turn: AbstractContextManager[Any] | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        """
        Start the thread.

        Args:
            client: A connection that nobody else uses.
            catalog: The series known so far.
            max_rows: How many rows may wait.
            inserting: Entered on the thread around the insert of the samples it is called with;
                where it raises StoreError at first they are not, and their senders hear it.
            turn: Held around each insert.
            now: The present in epoch seconds.
        """
        self._client = client
        self._catalog = catalog
        self._max_rows = max_rows
        self._inserting = inserting
        self._turn = turn or nullcontext()
        self._now = now
        self._queue: deque[_Waiting] = deque()
        self._rows = 0
        self._closed = False
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self._metadata: dict[Metadata, int] = {}
        self._starts: dict[tuple[int, int, int], tuple[int, int]] = {}
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    def write(self, batch: Batch) -> None:
        """
        Insert a batch; return when the engine has it.

        Raises:
            StoreBusy: The queue is full.
            StoreError: The store is closed or the engine failed; some rows may have been kept.
        """
        if columns.size(batch):
            self._enqueue(batch).result()

    def close(self, *, timeout_s: float) -> bool:
        """
        Insert what is waiting, then end; whether that was done in time.
        """
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._closing.set()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _enqueue(self, batch: Batch) -> "Future[None]":
        done: Future[None] = Future()
        rows = columns.size(batch)
        with self._changed:
            if self._closed:
                raise StoreError("the store is closed")
            if self._queue and self._rows + rows > self._max_rows:
                raise StoreBusy(f"{self._rows} rows are waiting to be written; try again")
            self._queue.append((batch, done))
            self._rows += rows
            self._changed.notify()
        return done

    def _run(self) -> None:
        group: list[_Waiting] = []
        try:
            while group := self._next():
                began = time.perf_counter()
                self._insert_group(group)
                self._rest(time.perf_counter() - began)
        finally:
            self._abandon(group)

    def _rest(self, taken_s: float) -> None:
        """
        Let more batches gather where several senders write at once, for as long as the last took.

        An insert costs much the same however many rows it has. A lone sender never waits for this.
        """
        if self._queue and self._rows < _GROUP_ROWS:
            self._closing.wait(min(taken_s, _REST_S))

    def _abandon(self, group: Sequence[_Waiting]) -> None:
        with self._changed:
            self._closed = True
            left = [*group, *self._queue]
        for _, done in left:
            if not done.done():
                done.set_exception(StoreError("the writer has ended"))

    def _next(self) -> list[_Waiting]:
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._closed)
            group: list[_Waiting] = []
            taken = 0
            while self._queue:
                rows = columns.size(self._queue[0][0])
                if group and taken + rows > _GROUP_ROWS:
                    break
                group.append(self._queue.popleft())
                taken += rows
            self._rows -= taken
            return group

    def _insert_group(self, group: Sequence[_Waiting]) -> None:
        try:
            with self._turn:
                self._insert(columns.merge([batch for batch, _ in group]))
        except _FAILURES as error:
            self._fail(group, error)
        else:
            for _, done in group:
                done.set_result(None)

    def _fail(self, group: Sequence[_Waiting], error: Exception) -> None:
        if len(group) > 1:
            # One batch that cannot be stored must not take its neighbors along.
            for waiting in group:
                self._insert_group([waiting])
            return
        known = isinstance(error, StoreError)
        group[0][1].set_exception(error if known else StoreError(f"not written: {error!r}"))

    def _insert(self, batch: Batch) -> None:
        self._insert_series(batch)
        self._insert_metadata(batch.metadata)
        self._insert_starts(batch.starts)
        if len(batch.samples):
            rows = columns.samples_table(batch.samples)
            with self._inserting(batch.samples):
                self._into("samples", rows)
        if batch.exemplars:
            self._into("exemplars", columns.exemplars_table(batch.exemplars, self._catalog))
        if batch.spans:
            self._into("spans", columns.spans_table(batch.spans))
        if batch.events:
            self._into("events", columns.events_table(batch.events))

    def _insert_series(self, batch: Batch) -> None:
        new = self._unrecorded(batch)
        if new:
            self._into("series", columns.series_table(list(new)))
            self._catalog.record((fingerprint, day) for fingerprint, day, _ in new)
            self._catalog.learn((fingerprint, labels) for fingerprint, _, labels in new)

    def _unrecorded(self, batch: Batch) -> set[columns.Registration]:
        new = {
            (fingerprint, day, batch.samples.series[fingerprint].labels)
            for day, fingerprints in columns.by_day(batch.samples)
            for fingerprint in self._catalog.unrecorded(fingerprints, day)
        }
        for exemplar in batch.exemplars:
            fingerprint = self._catalog.fingerprint(exemplar.series)
            day = exemplar.time_ms // columns.DAY_MS
            if self._catalog.unrecorded([fingerprint], day):
                new.add((fingerprint, day, exemplar.series.labels))
        return new

    def _insert_metadata(self, entries: Sequence[Metadata]) -> None:
        today = int(self._now() // _DAY_S)
        new = [entry for entry in dict.fromkeys(entries) if self._metadata.get(entry) != today]
        if not new:
            return
        self._into("metadata", columns.metadata_table(new, today))
        if len(self._metadata) > _METADATA_SIZE:
            self._metadata.clear()
        self._metadata.update(dict.fromkeys(new, today))

    def _insert_starts(self, starts: Sequence[Start]) -> None:
        # Known by the first and last series of those that start together, and how many they are.
        today = int(self._now() // _DAY_S)
        new: dict[tuple[int, int, int], Start] = {}
        for start in starts:
            series, start_ns = start
            key = (series[0], series[-1], len(series))
            if self._starts.get(key, (0, 0)) < (today, start_ns):
                new[key] = max(start, new.get(key, start), key=itemgetter(1))
        if not new:
            return
        self._into("starts", columns.starts_table(list(new.values()), today))
        if len(self._starts) + len(new) > _STARTS_SIZE:
            self._starts.clear()
        self._starts.update({key: (today, start_ns) for key, (_, start_ns) in new.items()})

    def _into(self, table: str, rows: pa.Table) -> Any:
        with failing():
            return self._client.insert_arrow(table, rows)
