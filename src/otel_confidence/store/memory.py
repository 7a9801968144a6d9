"""
This module keeps the newest samples of a folder in memory, beside the engine that has them all.

The engine takes some ten milliseconds for a statement, whatever it asks for; what people and alerts
look at most, the last hours of some series, is found here in one. Everything is added when the
engine has it and before its sender hears so. Whenever the two might not agree, because an insert
failed half-way, all is forgotten and read again.
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final

import numpy as np
from clickhouse_connect.driver.client import Client
from numpy.typing import NDArray

from otel_confidence.points import Matcher, Samples
from otel_confidence.store.columns import DAY_MS, described
from otel_confidence.store.connection import read
from otel_confidence.store.listening import is_listened_to
from otel_confidence.store.matching import LAST_MS, Conditions, Known
from otel_confidence.store.recent import Chunk, Laid, Recent
from otel_confidence.store.roster import Roster

SAMPLE_BYTES: Final = 16
_MOST_SERIES: Final = 300_000
"""As many as the catalog remembers; with more, the engine is asked."""
_MOST_NAMED: Final = 10_000
"""Series that a statement names one by one: 200 kB of its text."""
_AT_ONCE: Final = 2_000_000
"""How many samples are read at a time, and where the last second of a slice has more, those."""
_SHORTEST_MS: Final = 1000
"""What is not divided further."""
_FILLED: Final = 0.9
"""How much of the room is filled by what was there before."""
_REST_S: Final = 30.0
"""The least time from one load to the next."""
_AGAIN_S: Final = 3600.0
"""After how long it is looked again whether there are few enough series."""
_PARTS: Final = (
    "SELECT partition_id AS day, sum(rows) AS rows FROM system.parts WHERE active "
    "AND database = currentDatabase() AND table = 'samples' GROUP BY day ORDER BY day DESC"
)
_SERIES: Final = (
    "SELECT fingerprint, any(name) AS name, any(labels) AS labels FROM series "
    f"GROUP BY fingerprint LIMIT {_MOST_SERIES + 1}"
)
_Turn = AbstractContextManager[Any]
_log = logging.getLogger(__name__)


class _Held:
    """
    Series and their newest samples.
    """

    def __init__(self) -> None:
        self.roster = Roster()
        self.recent = Recent()
        self.ready = False
        """Whether what the engine had before is there too."""

    def add(self, samples: Samples) -> None:
        self.roster.add((each, series.labels) for each, series in samples.series.items())
        rows = self.roster.rows(samples.fingerprints)
        self.recent.add(Chunk.of(rows, samples.times_ms, samples.values))


class Memory:
    """
    The newest samples of every series, as many as there is room for.

    What changes it is called by whoever has the turn to write; reading waits for nobody.
    """

    def __init__(self, size_bytes: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        """
        Empty, and of no use before it is loaded.

        Args:
            size_bytes: How much room samples may take, and half as much again while they are
                sorted; 0 for none at all.
            clock: A steady clock in seconds.
        """
        self._most = size_bytes // SAMPLE_BYTES
        self._clock = clock
        self._held: _Held | None = None
        self._due = 0.0 if self._most else float("inf")
        self._earliest = 0.0
        """When it may be loaded again: not at once, should inserts go on failing."""

    def add(self, samples: Samples) -> None:
        """
        Add what the engine has just taken.
        """
        held, times = self._held, samples.times_ms
        if held is None or not len(samples):
            return
        if times.min() < 0 or times.max() > LAST_MS:
            self.distrust()  # the engine has them at another time
            return
        held.add(samples)
        held.recent.limit(self._most)
        if len(held.roster) > _MOST_SERIES:
            self._give_up()

    def distrust(self) -> None:
        """
        Forget all, since the engine may have something else; it is loaded again after a while.
        """
        self._held = None
        if self._most:
            self._due = self._earliest

    def forget(self, before_ms: int) -> None:
        """
        Forget the samples before a time, which the engine has no more.
        """
        if self._held is not None:
            self._held.recent.forget(before_ms - 1)

    def read(
        self, matchers: Sequence[Matcher], after_ms: int, end_ms: int, most: int
    ) -> Laid | None:
        """
        The samples with ``after < time <= end`` of the matching series, by the series' labels.

        Returns:
            None where the engine must be asked: not all of that time is here, or there are more
            samples than wanted, or somebody listens to what the engine is asked.

        Raises:
            QueryError: A regular expression is wrong.
        """
        held = self._held
        if held is None or not held.ready or is_listened_to():
            return None
        # Samples of a moment, then series: one that came between them has no samples yet.
        view = held.recent.view()
        found = held.roster.find(matchers)
        return view.read(found.labels, found.rows, after_ms, end_ms, most)

    def known(self, matchers: Sequence[Matcher]) -> Known | None:
        """
        The series with samples that fulfil every matcher.

        Returns:
            None where they are not known, or too many for a statement, or somebody listens to what
            the engine is asked.

        Raises:
            QueryError: A regular expression is wrong.
        """
        held = self._held
        if held is None or not held.ready or is_listened_to():
            return None
        rows = held.roster.find(matchers).rows
        return Known(held.roster.fingerprints(rows)) if len(rows) <= _MOST_NAMED else None

    def load(self, client: Client, turn: _Turn, *, stopping: Callable[[], bool]) -> None:
        """
        Read what the engine has, where that is due; what is written meanwhile is added to it.

        Args:
            client: A connection that nobody else uses.
            turn: The turn to write.
            stopping: Whether to leave it unfinished.

        Raises:
            StoreError: The engine failed; it is tried again the next time.
        """
        if self._clock() < self._due:
            return
        self._due = self._earliest = self._clock() + _REST_S
        coming = _Held()
        with turn:
            self._held = coming
        series = described(read(client, _SERIES))
        if len(series) > _MOST_SERIES:
            with turn:
                self._give_up()
            return
        with turn:
            coming.roster.add(series)
        base, floor_ms = self._base(client, coming, stopping)
        with turn:
            if self._held is coming and not stopping():
                coming.recent.found_below(base, floor_ms)
                coming.recent.limit(self._most)
                coming.ready, self._due = True, float("inf")

    def _give_up(self) -> None:
        _log.info("more than %d series: every query asks the engine", _MOST_SERIES)
        self._held = None
        self._due = self._clock() + _AGAIN_S

    def _base(
        self, client: Client, coming: _Held, stopping: Callable[[], bool]
    ) -> tuple[Chunk, int]:
        base = Recent()
        for after_ms, end_ms in _slices(client):
            if len(base) > _FILLED * self._most or stopping() or self._held is not coming:
                return base.joined(), end_ms
            base.add(_chunk(client, coming.roster, after_ms, end_ms))
        return base.joined(), -1


def _slices(client: Client) -> Iterator[tuple[int, int]]:
    """
    Spans of time, open at their start, with no more than so many samples, the newest first.
    """
    parts = read(client, _PARTS)
    for row in parts.to_pylist() if parts.num_rows else []:
        day_ms = int(np.datetime64(_dashed(row["day"]), "ms").astype(np.int64))
        whole = (day_ms - 1, day_ms - 1 + DAY_MS)
        yield from [whole] if row["rows"] <= _AT_ONCE else _halves(client, *whole)


def _halves(client: Client, after_ms: int, end_ms: int) -> Iterator[tuple[int, int]]:
    middle = (after_ms + end_ms) // 2
    for half in ((middle, end_ms), (after_ms, middle)):
        few = half[1] - half[0] <= _SHORTEST_MS or _count(client, *half) <= _AT_ONCE
        yield from [half] if few else _halves(client, *half)


def _count(client: Client, after_ms: int, end_ms: int) -> int:
    where = Conditions()
    statement = (
        "SELECT count() AS n FROM samples "
        f"WHERE {where.during(after_ms, end_ms, open_start=True)} SETTINGS final = 0"
    )
    return int(read(client, statement, where.parameters)["n"][0].as_py())


def _dashed(day: str) -> str:
    return f"{day[:4]}-{day[4:6]}-{day[6:]}"


def _chunk(client: Client, roster: Roster, after_ms: int, end_ms: int) -> Chunk:
    where = Conditions()
    statement = (
        "SELECT fingerprint, toUnixTimestamp64Milli(time) AS time_ms, value FROM samples "
        f"WHERE {where.during(after_ms, end_ms, open_start=True)} ORDER BY fingerprint, time"
    )
    found = read(client, statement, where.parameters)
    if not found.num_rows:
        return Chunk(np.empty(0, np.int64), np.empty(0))
    columns = (found[name].to_numpy() for name in ("fingerprint", "time_ms", "value"))
    fingerprints, times, values = columns
    starts = np.flatnonzero(np.append(True, fingerprints[1:] != fingerprints[:-1]))
    rows = _known(roster, fingerprints[starts])
    rows = np.repeat(rows, np.diff(np.append(starts, len(fingerprints))))
    # A series that nobody knows yet is being written: its samples are added by their writer.
    known = rows >= 0
    return Chunk.of(rows[known], times[known], values[known])


def _known(roster: Roster, fingerprints: NDArray[np.uint64]) -> NDArray[np.int64]:
    return np.array([roster.row(each) for each in fingerprints.tolist()], dtype=np.int64)
