"""
This module rolls samples up into buckets of a minute, five minutes, an hour and a day.

All of it happens in the engine: the finest width that is worth it for a day is computed from the
samples, each other from the one before. A range is rolled up as a whole and may be rolled up again
at any time: its rows replace those with a lower version, and only when all are in the tables is the
range noted as done.
"""

import logging
import time
from collections.abc import Callable, Iterator
from typing import Final

from clickhouse_connect.driver.client import Client

from otel_confidence.store.columns import DAY_MS
from otel_confidence.store.connection import failing, read
from otel_confidence.store.densities import LIGHT, Density, due, measured
from otel_confidence.store.progress import UNIT_MS, Progress, ceiling
from otel_confidence.store.schema import FINEST, FINEST_DAYS, ROLLUPS

HOUR_MS: Final = 3_600_000
_LAG_MS: Final = 60_000
"""How late samples may be without anything being rolled up twice."""
_DAY_ROWS: Final = 5_000_000
"""Days with more samples are rolled up by the hour, to bound what a statement holds in memory."""
_STALE: Final = "reinterpretAsUInt64(value) = 0x7FF0000000000002"
_COLUMNS: Final = (
    "fingerprint, time, count, sum, min, max, first_time, first, last_time, last, "
    "correction, resets, changes, nans, version"
)
_log = logging.getLogger(__name__)


class Roller:
    """
    The job that brings the roll-ups up to date.
    """

    def __init__(
        self,
        client: Client,
        progress: Progress,
        *,
        light: int = LIGHT,
        now: Callable[[], float] = time.time,
    ) -> None:
        """
        Make the job.

        Args:
            client: The upkeep's connection.
            progress: What is rolled up.
            light: Days with fewer samples have every width.
            now: The present in epoch seconds.
        """
        self._client = client
        self._progress = progress
        self._light = light
        self._now = now

    def run(self, *, stopping: Callable[[], bool] = lambda: False) -> None:
        """
        Roll up what was touched and what is complete by now; return when done or told to stop.

        Raises:
            StoreError: The engine failed; what was not done is done the next time.
        """
        until_ms = (int(self._now() * 1000) - _LAG_MS) // UNIT_MS * UNIT_MS
        for start, end in self._touched():
            if stopping():
                return
            # A day that is not over yet is judged as it goes on.
            if ceiling(end, DAY_MS) <= self._progress.until_ms:
                self._weigh(start // DAY_MS, self._progress.until_ms)
            self._roll(start, end)
        for start, end in self._complete(until_ms):
            if stopping():
                return
            self._weigh(start // DAY_MS, end)
            self._roll(start, end, until_ms=end)

    def _touched(self) -> Iterator[tuple[int, int]]:
        for start, end in runs(self._progress.dirty(0, self._progress.until_ms)):
            yield from self._steps(start, end)

    def _complete(self, until_ms: int) -> Iterator[tuple[int, int]]:
        start = self._progress.until_ms or self._first(until_ms)
        yield from self._steps(start, until_ms)

    def _first(self, until_ms: int) -> int:
        # What is written from here on leaves marks: it may be older than all that is found.
        self._progress.claim(until_ms)
        (row,) = read(
            self._client,
            "SELECT count() AS n, toUnixTimestamp64Milli(min(time)) AS first FROM samples "
            "SETTINGS final = 0",
        ).to_pylist()
        first = ceiling(row["first"], UNIT_MS) - UNIT_MS if row["n"] else until_ms
        return min(first, until_ms - UNIT_MS)

    def _steps(self, start_ms: int, end_ms: int) -> Iterator[tuple[int, int]]:
        while start_ms < end_ms:
            width = DAY_MS if self._rows(start_ms // DAY_MS) <= _DAY_ROWS else HOUR_MS
            step_end = min(ceiling(start_ms + 1, width), end_ms)
            yield start_ms, step_end
            start_ms = step_end

    def _weigh(self, day: int, until_ms: int) -> None:
        # Noted before rows of a width are left out, and after all rows of a new one are there: a
        # width is offered only where none is missing.
        samples, known = self._rows(day), self._progress.density(day)
        if not due(samples, known, light=self._light):
            return
        density = Density(samples, measured(self._client, day, until_ms))
        if density.finest_ms < known.finest_ms:
            rolled_ms = min((day + 1) * DAY_MS, self._progress.until_ms)
            for start, end in self._steps(day * DAY_MS, rolled_ms):
                self._roll(start, end, finest_ms=density.finest_ms)
        self._progress.judge(day, density)

    def _rows(self, day: int) -> int:
        statement = "SELECT count() AS n FROM samples WHERE _partition_id = {id:String}"
        partition = time.strftime("%Y%m%d", time.gmtime(day * DAY_MS // 1000))
        (row,) = read(
            self._client, f"{statement} SETTINGS final = 0", {"id": partition}
        ).to_pylist()
        return int(row["n"])

    def _roll(
        self,
        start_ms: int,
        end_ms: int,
        *,
        until_ms: int | None = None,
        finest_ms: int | None = None,
    ) -> None:
        began = time.monotonic()
        if finest_ms is None:
            finest_ms = self._progress.density(start_ms // DAY_MS).finest_ms
        version = self._progress.claim(end_ms)
        ends = self._progress.dirty(start_ms, end_ms)
        until = max(self._progress.until_ms, end_ms)
        for statement in statements(start_ms, end_ms, until, version, finest_ms):
            with failing():
                self._client.command(statement)
        self._progress.settle(version, ends, until_ms)
        _log.debug("rolled up %d..%d in %.3f s", start_ms, end_ms, time.monotonic() - began)


def offered(start_ms: int, now_ms: int) -> list[int]:
    """
    The widths whose roll-ups are kept for samples from this time on.
    """
    fine = start_ms >= now_ms - FINEST_DAYS * DAY_MS
    return [width for width, table in ROLLUPS.items() if fine or table != FINEST]


def runs(ends_ms: list[int]) -> Iterator[tuple[int, int]]:
    """
    Ranges that cover these units, one for those whose hours follow each other within a day.
    """
    start = last = 0
    for end in ends_ms:
        unit_start = end - UNIT_MS
        near = unit_start // HOUR_MS <= (last - 1) // HOUR_MS + 1
        same_day = unit_start // DAY_MS == (last - 1) // DAY_MS
        if last and near and same_day:
            last = end
            continue
        if last:
            yield start, last
        start, last = unit_start, end
    if last:
        yield start, last


def statements(
    start_ms: int, end_ms: int, until_ms: int, version: int, finest_ms: int = 0
) -> Iterator[str]:
    """
    What rolls up the samples with ``start < time <= end``, and with them every bucket they lie in.

    Args:
        start_ms: A whole number of units.
        end_ms: A whole number of units.
        until_ms: Buckets that end later are left for when they are complete.
        version: The version of the rows.
        finest_ms: Narrower buckets are not made.
    """
    source = ""
    made = {width: table for width, table in ROLLUPS.items() if width >= finest_ms}
    for width, table in made.items():
        start = start_ms // width * width
        end = min(ceiling(end_ms, width), until_ms // width * width)
        if start < end:
            rows = _from_rows(source, width) if source else _from_samples(width)
            yield f"INSERT INTO {table} ({_COLUMNS}) {rows}".format(
                start=f"fromUnixTimestamp64Milli({start}, 'UTC')",
                end=f"fromUnixTimestamp64Milli({end}, 'UTC')",
                version=version,
            )
        source = table


def _bucket(width_ms: int) -> str:
    last = "toUnixTimestamp64Milli(time)"
    ends = f"intDiv({last} + {width_ms - 1}, {width_ms}) * {width_ms}"
    return f"fromUnixTimestamp64Milli({ends}, 'UTC')"


def _from_samples(width_ms: int) -> str:
    return f"""
        WITH sorted.2 AS values, arrayPopBack(values) AS earlier, arrayPopFront(values) AS later
        SELECT fingerprint, bucket, length(values), if(isNaN(exact), plain, exact),
            if(numbers = 0, nan, least_value), if(numbers = 0, nan, largest_value),
            sorted[1].1, sorted[1].2, sorted[-1].1, sorted[-1].2,
            arraySum((p, c) -> if(c < p, p, 0), earlier, later),
            arrayCount((p, c) -> c < p, earlier, later),
            arrayCount((p, c) -> c != p AND NOT (isNaN(c) AND isNaN(p)), earlier, later),
            length(values) - numbers, {{version}}
        FROM (
            WITH {_STALE} AS stale
            SELECT fingerprint, {_bucket(width_ms)} AS bucket,
                arraySort(groupArrayIf((time, value), NOT stale)) AS sorted,
                sumKahanIf(value, NOT stale) AS exact, sumIf(value, NOT stale) AS plain,
                countIf(NOT isNaN(value)) AS numbers,
                minIf(value, NOT isNaN(value)) AS least_value,
                maxIf(value, NOT isNaN(value)) AS largest_value
            FROM samples FINAL WHERE time > {{start}} AND time <= {{end}}
            GROUP BY fingerprint, bucket
        )
    """


def _from_rows(source: str, width_ms: int) -> str:
    return f"""
        WITH arrayPopBack(sorted.4) AS earlier, arrayPopFront(sorted.2) AS later
        SELECT fingerprint, bucket, samples, if(isNaN(exact), plain, exact),
            if(samples = unknown, nan, least_value), if(samples = unknown, nan, largest_value),
            sorted[1].1, sorted[1].2, sorted[-1].3, sorted[-1].4,
            within + arraySum((p, c) -> if(c < p, p, 0), earlier, later),
            falls + arrayCount((p, c) -> c < p, earlier, later),
            turns + arrayCount((p, c) -> c != p AND NOT (isNaN(c) AND isNaN(p)), earlier, later),
            unknown, {{version}}
        FROM (
            SELECT fingerprint, {_bucket(width_ms)} AS bucket, sum(fine.count) AS samples,
                arraySort(groupArrayIf((first_time, first, last_time, last), fine.count > 0))
                    AS sorted,
                sumKahan(fine.sum) AS exact, sum(fine.sum) AS plain,
                minIf(fine.min, fine.count > nans) AS least_value,
                maxIf(fine.max, fine.count > nans) AS largest_value,
                sum(correction) AS within, sum(resets) AS falls, sum(changes) AS turns,
                sum(nans) AS unknown
            FROM {source} AS fine FINAL WHERE time > {{start}} AND time <= {{end}}
            GROUP BY fingerprint, bucket
        )
    """
