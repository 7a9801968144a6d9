"""
This module lets whole days go: those past the retention, and the oldest while there is too much.

A day leaves every table at once or, after a kill, as soon as the store is opened again: the wish is
written down first, the writer waits meanwhile, and what is left undone is done before anything else
is written. Today never goes.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import date, datetime, timedelta, timezone
from typing import Final

import pyarrow as pa
from clickhouse_connect.driver.client import Client

from otel_confidence.store.catalog import Catalog
from otel_confidence.store.connection import failing, read
from otel_confidence.store.densities import Density
from otel_confidence.store.generations import Generations
from otel_confidence.store.memory import Memory
from otel_confidence.store.progress import Progress
from otel_confidence.store.schema import DAILY, FINEST, FINEST_DAYS, RAW, ROLLUPS

_FIRST_DAY: Final = date(1970, 1, 1)
_DAY_MS: Final = 86_400_000
_FINEST_KEPT: Final = timedelta(days=FINEST_DAYS, hours=1)
"""An hour more than they are offered, so that none goes under a query."""
_NEXT_MS: Final = sorted(ROLLUPS)[1]
"""The finest width of the days that have lost the finest."""
_PARTS: Final = (
    "SELECT table, partition_id AS day, sum(bytes_on_disk) AS bytes FROM system.parts "
    "WHERE database = currentDatabase() AND active GROUP BY table, day"
)
_UNDONE: Final = (
    "SELECT day, max(asked) AS version FROM drops GROUP BY day HAVING max(done) < version"
)
_Part = tuple[str, str, int]
"""Table, partition, bytes."""
_log = logging.getLogger(__name__)


class Retention:
    """
    The job that keeps a folder within its time and its size.
    """

    def __init__(
        self,
        client: Client,
        progress: Progress,
        catalog: Catalog,
        memory: Memory,
        *,
        days: float,
        size_bytes: int = 0,
        now: Callable[[], float] = time.time,
    ) -> None:
        """
        Finish what a killed process began.

        Args:
            client: The upkeep's connection.
            progress: What is rolled up.
            catalog: The series known to be recorded.
            memory: The newest samples.
            days: How long a day is kept after its end.
            size_bytes: How much there may be, 0 for any.
            now: The present in epoch seconds.
        """
        self._client = client
        self._progress = progress
        self._catalog = catalog
        self._memory = memory
        self._kept = timedelta(days=days)
        self._size_bytes = size_bytes
        self._now = now
        self._over = False
        self.generations = Generations()
        """How often days went."""
        self.dropped = Counter(age=0, size=0)
        """How many days went, by why: ``age`` or ``size``."""
        for row in read(client, _UNDONE).to_pylist():
            _log.info("finishing to drop %s", row["day"])
            self._finish(row["day"], row["version"])

    def run(self) -> None:
        """
        Drop what has expired, then the oldest day for as long as there is too much.

        Raises:
            StoreError: The engine failed; what was not done is done the next time.
        """
        now = datetime.fromtimestamp(self._now(), timezone.utc)
        parts = self._parts()
        expired = [day for day in _days(parts) if _end(day) + self._kept <= now]
        if expired:
            self._drop(expired, "age")
        self._thin(parts, now)
        while self._size_bytes and (excess := self._excess()) > 0:
            oldest = _oldest(self._parts(), excess, now.date())
            if not oldest:
                self._complain(excess)
                return
            self._drop(oldest, "size")
        self._over = False

    def _thin(self, parts: Sequence[_Part], now: datetime) -> None:
        old = [
            partition
            for table, partition, _ in parts
            if table == FINEST and _end(_day(partition)) + _FINEST_KEPT <= now
        ]
        for partition in old:
            self._give_up_finest(_number(_day(partition)))
        if old:
            self._command(FINEST, old)

    def _give_up_finest(self, day: int) -> None:
        # Noted before they go, so that a clock that is set back does not have them offered again.
        known = self._progress.density(day)
        if known.finest_ms < _NEXT_MS:
            self._progress.judge(day, Density(known.samples, _NEXT_MS))

    def _excess(self) -> int:
        return sum(bytes_ for _, _, bytes_ in self._parts()) - self._size_bytes

    def _complain(self, excess: int) -> None:
        if not self._over:
            _log.warning("today alone is %d bytes above the size to keep", excess)
        self._over = True

    def _drop(self, days: Sequence[date], why: str) -> None:
        last = max(days)
        version = self._progress.version()
        with self._progress.turn, self.generations.changing():
            self._note(last, asked=version)
            self._finish(last, version)
        self.dropped[why] += len(days)
        _log.info("dropped %s for its %s", ", ".join(map(str, sorted(days))), why)

    def _finish(self, last: date, version: int) -> None:
        midnight_ms = (_number(last) + 1) * _DAY_MS
        self._mark(midnight_ms)
        with ExitStack() as halfway:
            halfway.callback(self._memory.distrust)
            for table, days in self._partitions(last).items():
                self._command(table, days)
            halfway.pop_all()
        self._catalog.forget(midnight_ms // _DAY_MS)
        self._memory.forget(midnight_ms)
        self._progress.forget(midnight_ms)
        self._mark(midnight_ms)  # the row of the former mark went with its day
        self._note(last, done=version)

    def _mark(self, midnight_ms: int) -> None:
        # What the roll-ups of a midnight hold belongs to the next day by a millisecond: they are
        # marked before they go, so that nobody takes them for complete meanwhile.
        if midnight_ms <= self._progress.until_ms:
            self._progress.mark([midnight_ms])

    def _command(self, table: str, partitions: Sequence[str]) -> None:
        # Of those that are gone in the meantime nothing is said.
        drops = ", ".join(f"DROP PARTITION ID '{each}'" for each in sorted(partitions))
        with failing():
            self._client.command(f"ALTER TABLE {table} {drops}")

    def _partitions(self, last: date) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for table, partition, _ in self._parts():
            if table in DAILY and _day(partition) <= last:
                found.setdefault(table, []).append(partition)
        return found

    def _parts(self) -> list[_Part]:
        rows = read(self._client, _PARTS).to_pylist()
        return [(row["table"], row["day"], row["bytes"]) for row in rows]

    def _note(self, day: date, *, asked: int = 0, done: int = 0) -> None:
        row = {"day": pa.array([day]), "asked": [asked], "done": [done]}
        with failing():
            self._client.insert_arrow("drops", pa.table(row))


def _days(parts: Sequence[_Part]) -> set[date]:
    return {_day(partition) for table, partition, _ in parts if table in RAW}


def _oldest(parts: Sequence[_Part], excess: int, today: date) -> list[date]:
    """
    As many days as take up the excess, all at once: each drop makes queries begin again.
    """
    held: Counter[date] = Counter()
    for table, partition, bytes_ in parts:
        if table in DAILY:
            held[_day(partition)] += bytes_
    going: list[date] = []
    for day in sorted(day for day in _days(parts) if day < today):
        if excess <= 0:
            break
        going.append(day)
        excess -= held[day]
    return going


def _day(partition: str) -> date:
    return datetime.strptime(partition, "%Y%m%d").replace(tzinfo=timezone.utc).date()


def _number(day: date) -> int:
    return (day - _FIRST_DAY).days


def _end(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=timezone.utc) + timedelta(days=1)
