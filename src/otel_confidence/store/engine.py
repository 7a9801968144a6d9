"""
This module is the store: one data folder, one writer, several readers.
"""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from typing import Any, Final

import pyarrow as pa
from clickhouse_connect.driver.client import Client

from otel_confidence.errors import StoreError
from otel_confidence.points import Batch, Exemplar, Labels, Matcher, Metadata, Selection
from otel_confidence.store.buckets import Buckets
from otel_confidence.store.catalog import Catalog
from otel_confidence.store.connection import failing, read
from otel_confidence.store.grids import Cells, Steps, computable, within_times
from otel_confidence.store.homes import Home, home
from otel_confidence.store.journal import Journal, Texts
from otel_confidence.store.memory import Memory
from otel_confidence.store.opening import MEMORY_SIZE, UPKEEP_S, Pools, opening
from otel_confidence.store.progress import Rolled
from otel_confidence.store.reader import MatcherSets, Reader
from otel_confidence.store.recent import Laid
from otel_confidence.store.rollups import offered
from otel_confidence.store.statement import judged
from otel_confidence.store.upkeep import Terms, Upkeep, writer

_MAX_SAMPLES: Final = 50_000_000
_MAX_EXEMPLARS: Final = 100_000
"""As many as Prometheus keeps by default."""


class Store:
    """
    Series with their samples, exemplars, events and spans, kept in a folder by ClickHouse.

    Safe for use by many threads. One process can have one store open at a time.
    """

    def __init__(
        self,
        place: Home,
        writing: Client,
        pools: Pools,
        catalog: Catalog,
        upkeep: Upkeep | None,
    ) -> None:
        self._home = place
        self._writing = writing
        self._upkeep = upkeep
        self._writer = writer(writing, catalog, upkeep)
        self._pools, self._pool = pools, pools.samples
        self._memory = upkeep.memory if upkeep is not None else Memory(0)
        self._reader = Reader(self._pool, catalog, self._memory.known, listing=pools.listing)
        self._journal = Journal(self._pool)

    @classmethod
    def open(
        cls,
        path: str | os.PathLike[str],
        *,
        retention_days: float = 15,
        retention_size: int = 0,
        memory_size: int = MEMORY_SIZE,
        upkeep_s: float = UPKEEP_S,
        now: Callable[[], float] = time.time,
    ) -> "Store":
        """
        Open a store, made if it does not exist, and keep what is younger than the retention.

        Args:
            path: A folder, which this process then has for itself, or the URL of a ClickHouse
                server, ``clickhouse://user@host:8123/database?secure=true&cluster=name``; its
                password comes from ``OTEL_CONFIDENCE_STORE_PASSWORD`` or the file that
                ``OTEL_CONFIDENCE_STORE_PASSWORD_FILE`` names.
            retention_days: How long everything is kept; rows leave with their UTC day.
            retention_size: How many bytes of a folder are kept before its oldest days go, whatever
                their age, though never today's; 0 for any number. Blocks that files do not fill,
                and for a minute parts that were merged into others, are not counted.
            memory_size: How many bytes the newest samples of a folder may take in memory, and half
                as much again while they are sorted; 0 to have every query ask the engine.
            upkeep_s: How long to rest between two rounds of rolling up and dropping, in seconds.
            now: The present in epoch seconds, by which a folder's days are rolled up and dropped.

        Raises:
            ConfigurationError: The retention is not a positive number of days or bytes, or given
                in bytes for a server; or the URL is wrong.
            StoreError: The folder is in use, cannot be written or cannot be read; the server does
                not answer; or a later release made the tables.
        """
        terms = Terms(retention_days, retention_size, upkeep_s, memory_size, now)
        with ExitStack() as undo:
            place = home(path)
            undo.callback(place.release)
            opened = cls(place, *opening(place, terms))
            undo.pop_all()
        return opened

    def write(self, batch: Batch) -> None:
        """
        Keep a batch; return when the engine has it. Blocks; batches written at once share inserts.

        A sample with the series and time of an earlier one replaces it.

        Raises:
            StoreBusy: Too much is waiting to be written.
            StoreError: The engine failed or the store is closed.
        """
        self._writer.write(batch)

    def select(
        self,
        matchers: Sequence[Matcher],
        start_ms: int,
        end_ms: int,
        *,
        max_samples: int = _MAX_SAMPLES,
    ) -> list[Selection]:
        """
        The samples with ``start_ms < time <= end_ms`` of the series that fulfil every matcher.

        Raises:
            QueryError: A regular expression is wrong, or there are more samples than allowed.
            StoreError: The engine failed.
        """
        laid = self._memory.read(matchers, start_ms, end_ms, max_samples)
        if laid is None:
            return self._reader.select(matchers, start_ms, end_ms, max_samples)
        edges = laid.offsets.tolist()
        return [
            Selection(labels, laid.times_ms[low:high], laid.values[low:high])
            for labels, low, high in zip(laid.labels, edges[:-1], edges[1:], strict=True)
        ]

    def at_hand(
        self, matchers: Sequence[Matcher], start_ms: int, end_ms: int, *, most: int
    ) -> Laid | None:
        """
        The samples that ``select`` finds, where they are in memory and no more than so many.

        Returns:
            They in the order of the labels, or None where the engine has to be asked.

        Raises:
            QueryError: A regular expression is wrong.
        """
        return self._memory.read(matchers, start_ms, end_ms, most)

    def grid(
        self,
        function: str,
        matchers: Sequence[Matcher],
        steps: Steps,
        *,
        max_cells: int = _MAX_SAMPLES,
    ) -> Cells | None:
        """
        A function of ranges at every step, computed where the samples are.

        Args:
            function: A PromQL function, or ``grids.NEWEST`` for the newest sample of each window.
            matchers: What the series fulfil.
            steps: The windows.
            max_cells: How many values there may be.

        Returns:
            None where the result would not be PromQL's to the last digits; read the samples then.

        Raises:
            QueryError: A regular expression is wrong, or there are more values than allowed.
            StoreError: The engine failed.
        """
        if not computable(function) or not within_times(steps):
            return None
        return self._reader.grid(function, matchers, steps, max_cells)

    def buckets(
        self,
        columns: Sequence[str],
        matchers: Sequence[Matcher],
        steps: Steps,
        width_ms: int,
        *,
        max_rows: int = _MAX_SAMPLES,
    ) -> Buckets | None:
        """
        The roll-ups of the series that fulfil every matcher, where ``rolled`` allows to use them.

        Args:
            columns: What to read, as the tables of roll-ups call it.
            matchers: What the series fulfil.
            steps: The windows in which the buckets lie.
            width_ms: How wide the buckets are.
            max_rows: How many buckets there may be.

        Returns:
            None where the buckets hold so few samples that reading those costs no more.

        Raises:
            QueryError: A regular expression is wrong, or there are more buckets than allowed.
            StoreError: The engine failed.
        """
        return self._reader.buckets(columns, matchers, steps, width_ms, max_rows)

    def series(
        self, matchers_sets: MatcherSets, start_ms: int, end_ms: int, *, limit: int = 0
    ) -> list[Labels]:
        """
        The labels of the series that fulfil one of the sets of matchers and have samples between.

        Args:
            matchers_sets: Alternatives; without any, every series counts.
            start_ms: The earliest time, inclusive.
            end_ms: The latest time, inclusive.
            limit: How many at most; 0 for all.
        """
        return self._reader.series(matchers_sets, start_ms, end_ms, limit)

    def label_names(
        self, matchers_sets: MatcherSets, start_ms: int, end_ms: int, *, limit: int = 0
    ) -> list[str]:
        """
        The labels of those series, sorted.
        """
        return self._reader.label_names(matchers_sets, start_ms, end_ms, limit)

    def label_values(
        self, label: str, matchers_sets: MatcherSets, start_ms: int, end_ms: int, *, limit: int = 0
    ) -> list[str]:
        """
        The values of a label on those series, sorted.
        """
        return self._reader.label_values(label, matchers_sets, start_ms, end_ms, limit)

    def metadata(self, metric: str = "", limit: int = 0) -> list[Metadata]:
        """
        Type, unit and help of one metric, or of all.
        """
        return self._reader.metadata(metric, limit)

    def exemplars(
        self,
        matchers: Sequence[Matcher],
        start_ms: int,
        end_ms: int,
        *,
        max_exemplars: int = _MAX_EXEMPLARS,
    ) -> list[Exemplar]:
        """
        The exemplars with ``start_ms <= time <= end_ms`` of the matching series, in time order.

        Raises:
            QueryError: A regular expression is wrong, or there are more than allowed.
            StoreError: The engine failed.
        """
        return self._reader.exemplars(matchers, start_ms, end_ms, max_exemplars)

    def told(self, event: str, predictions: Sequence[str], attribute: str) -> set[str]:
        """
        The values that an attribute has on the events of one name about these predictions.
        """
        return self._journal.told(event, predictions, attribute)

    def events(self, name: str, resource: Texts, after_ns: int) -> Iterator[tuple[int, Texts]]:
        """
        Time and attributes of one program's events of one name that are later, in order of time.
        """
        return self._journal.events(name, resource, after_ns)

    def ends(self, fingerprints: Sequence[int]) -> dict[int, tuple[int, float]]:
        """
        Time (milliseconds) and value of the last sample of series, by their fingerprints.
        """
        return self._journal.ends(fingerprints)

    def starts(self, fingerprints: Sequence[int]) -> dict[int, int]:
        """
        Since when series count (nanoseconds), by their fingerprints, where their senders said it.
        """
        return self._journal.starts(fingerprints)

    def newest_ms(self, matchers: Sequence[Matcher]) -> int | None:
        """
        The time of the last sample of the series that fulfil every matcher; None without any.
        """
        return self._journal.newest_ms(matchers)

    def rolled(self, start_ms: int, end_ms: int, step_ms: int, window_ms: int) -> Rolled | None:
        """
        The widest roll-ups that can stand for the samples of a grid of windows; None for none.

        Their buckets are complete, no write has touched them since, and every window's edges are
        edges of buckets. Where only the beginning of the grid is so, ``end_ms`` of the answer is
        its last step.

        Args:
            start_ms: The end of the first window.
            end_ms: The last step is not later; equal to the start for one window alone.
            step_ms: From the end of one window to that of the next.
            window_ms: How long each window is, open at its start.
        """
        if self._upkeep is None:
            return None
        widths = offered(start_ms - window_ms, int(self._upkeep.now() * 1000))
        return self._upkeep.progress.rolled(widths, start_ms, end_ms, step_ms, window_ms)

    def generation(self, check: Callable[[], None]) -> int:
        """
        A number that changes whenever days go, for who reads several times.

        Args:
            check: Called now and then while days are going, which is waited for; raises to stop.
        """
        return self._upkeep.retention.generations.current(check) if self._upkeep else 0

    def keep_up(self) -> None:
        """
        Roll up and drop all that is due now, instead of when the store does so by itself.

        Raises:
            StoreError: The engine failed.
        """
        if self._upkeep is not None:
            self._upkeep.run()

    def dropped(self) -> dict[str, int]:
        """
        How many days went since the store was opened, by why: ``age`` or ``size``.
        """
        return dict(self._upkeep.retention.dropped) if self._upkeep is not None else {}

    def sql(self, statement: str, parameters: Mapping[str, Any] | None = None) -> pa.Table:
        """
        Answer a SELECT over the tables of ``store.schema``, for reading only.

        Args:
            statement: ClickHouse SQL with placeholders such as ``{model:String}``.
            parameters: Their values.

        Raises:
            QueryError: The statement is wrong, not allowed, too slow or too large.
            StoreError: The engine failed.
        """
        with self._pools.sql.lend() as client:
            return read(client, judged(client, statement), parameters)

    def close(self) -> None:
        """
        Write what is waiting, stop what is read and let go of the folder; again does nothing.

        A folder that is still written to after some seconds is kept until the process ends.
        """
        if self._upkeep is not None:
            self._upkeep.stop()
        ended = self._writer.close(timeout_s=3)
        if ended:
            with suppress(StoreError), failing():
                self._writing.command(self._home.stopping)
            self._writing.close()
        if self._upkeep is not None:
            ended = self._upkeep.close(timeout_s=3) and ended
        self._pools.samples.close(timeout_s=1)
        self._pools.listing.close(timeout_s=0.5)
        self._pools.sql.close(timeout_s=0.5)
        if ended:
            self._home.release()
