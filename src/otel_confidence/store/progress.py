"""
This module knows which roll-ups are complete, and which were touched by later writes.

Roll-ups are made five minutes at a time. Everything up to ``until`` has been rolled up once; of
that, the units that were written to since are kept in the table ``touched`` until they have been
rolled up again. A unit is marked there before the samples that touch it are inserted, under the
same lock under which the job takes marks over; therefore a kill at any moment can leave a mark
without a sample, which costs some work, and never a sample without a mark.

Versions are numbers that only grow, past the end of the process too: their upper half counts how
often the folder was opened.
"""

import threading
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from clickhouse_connect.driver.client import Client
from numpy.typing import NDArray

from otel_confidence.store.columns import DAY_MS
from otel_confidence.store.connection import failing, read
from otel_confidence.store.densities import Densities, Density

UNIT_MS: Final = 300_000
_EPOCH_BITS: Final = 32
_MS = pa.timestamp("ms", "UTC")


def ceiling(time_ms: int, width_ms: int) -> int:
    """
    The end of the bucket that holds the time: buckets are open at their start.
    """
    return -(-time_ms // width_ms) * width_ms


@dataclass(frozen=True, slots=True)
class Rolled:
    """
    Which roll-ups can stand for the samples of a grid of windows.
    """

    width_ms: int
    """The width of the buckets, a key of ``schema.ROLLUPS``."""
    end_ms: int
    """The last step that they answer; the steps behind it need the samples."""


class Progress:
    """
    A mirror in memory of what the tables ``progress`` and ``touched`` say.
    """

    def __init__(self, client: Client) -> None:
        """
        Read the tables and begin a new epoch of versions.

        Args:
            client: The writer's connection, used by whoever holds the turn to write.
        """
        self._client = client
        self._lock = threading.Lock()
        self.turn = threading.Lock()
        """Held while rows are inserted, and while marks are taken over or days dropped."""
        epoch, self._until = _progress(client)
        self._claimed = self._until
        self._dirty = _dirty(client)
        self._densities = Densities(client)
        self._version = self._taken = (epoch + 1) << _EPOCH_BITS
        self._record(epoch=epoch + 1)

    @property
    def until_ms(self) -> int:
        """
        Up to where everything has been rolled up once; 0 before anything has.
        """
        return self._until

    def version(self) -> int:
        """
        A number above all that were handed out before.
        """
        with self._lock:
            self._version += 1
            return self._version

    def touch(self, times_ms: NDArray[np.int64]) -> None:
        """
        Mark the units that samples of these times are about to change; the turn must be held.

        Raises:
            StoreError: The mark could not be written, and the samples must not be.
        """
        if not len(times_ms) or self._claimed < times_ms.min():
            return
        late = times_ms[times_ms <= self._claimed]
        ends = np.unique(-(-late // UNIT_MS)) * UNIT_MS
        new = [end for end in ends.tolist() if self._dirty.get(end, 0) <= self._taken]
        if new:
            self.mark(new)

    def mark(self, ends_ms: Collection[int]) -> None:
        """
        Have these units rolled up again; the turn must be held.
        """
        version = self.version()
        self._insert("touched", time=_times(ends_ms), marked=_numbers(version, ends_ms))
        with self._lock:
            self._dirty.update(dict.fromkeys(ends_ms, version))

    def claim(self, until_ms: int) -> int:
        """
        Begin to roll up; writes that come later and are not later than ``until_ms`` leave marks.

        Returns:
            The version of the rows to be made.
        """
        with self.turn:
            self._claimed = max(self._claimed, until_ms)
            self._taken = self.version()
            return self._taken

    def settle(self, version: int, ends_ms: Collection[int], until_ms: int | None = None) -> None:
        """
        Note that what was claimed with the version is in the tables.

        Args:
            version: What ``claim`` returned.
            ends_ms: Units that were rolled up again.
            until_ms: Up to where everything has been rolled up now.
        """
        with self.turn:
            if ends_ms:
                self._insert("touched", time=_times(ends_ms), settled=_numbers(version, ends_ms))
            if until_ms is not None:
                self._record(until_ms=until_ms)
        with self._lock:
            for end in ends_ms:
                if self._dirty.get(end, version) < version:
                    del self._dirty[end]
            self._until = max(self._until, until_ms or 0)

    def density(self, day: int) -> Density:
        """
        At which widths a day since the epoch is rolled up.
        """
        return self._densities.of(day)

    def judge(self, day: int, density: Density) -> None:
        """
        Have a day rolled up at these widths; all rows of one that it lacked are in the tables.
        """
        version = self.version()
        with self.turn:
            self._densities.note(day, density, version)

    def forget(self, before_ms: int) -> None:
        """
        Forget what is noted about the days before a midnight, whose rows are gone from the tables.

        The unit that ends there is kept: it holds a millisecond of the day after.
        """
        with self._lock:
            self._dirty = {end: mark for end, mark in self._dirty.items() if end >= before_ms}
        self._densities.forget(before_ms // DAY_MS)

    def dirty(self, start_ms: int, end_ms: int) -> list[int]:
        """
        The ends of the marked units with ``start < end <= end``, in order.
        """
        with self._lock:
            return sorted(end for end in self._dirty if start_ms < end <= end_ms)

    def rolled(
        self, widths_ms: Iterable[int], start_ms: int, end_ms: int, step_ms: int, window_ms: int
    ) -> Rolled | None:
        """
        The widest of the widths whose buckets can answer the grid, or its beginning.
        """
        with self._lock:
            until = self._until
            touched = (end for end in self._dirty if end > start_ms - window_ms)
            clean = min(until, min(touched, default=until + UNIT_MS) - UNIT_MS)
        step_ms = step_ms if end_ms > start_ms else 0
        for width in sorted(widths_ms, reverse=True):
            if start_ms % width or step_ms % width or window_ms % width or not window_ms:
                continue
            # A unit that was touched spoils every bucket that it shares a moment with.
            whole = min(clean, self._densities.gap_ms(width, start_ms - window_ms))
            last = _last_step(start_ms, min(end_ms, whole // width * width), step_ms)
            if last is not None:
                return Rolled(width, last)
        return None

    def _record(self, *, epoch: int = 0, until_ms: int = 0) -> None:
        self._insert("progress", epoch=_numbers(epoch, [0]), until=_numbers(until_ms, [0]))

    def _insert(self, table: str, **columns: pa.Array) -> None:
        with failing():
            self._client.insert_arrow(table, pa.table(columns))


def _last_step(start_ms: int, end_ms: int, step_ms: int) -> int | None:
    if end_ms < start_ms:
        return None
    return end_ms - (end_ms - start_ms) % step_ms if step_ms else start_ms


def _progress(client: Client) -> tuple[int, int]:
    (row,) = read(client, "SELECT max(epoch) AS e, max(until) AS u FROM progress").to_pylist()
    return row["e"], row["u"]


def _dirty(client: Client) -> dict[int, int]:
    found = read(
        client,
        "SELECT toUnixTimestamp64Milli(time) AS end, max(marked) AS mark FROM touched "
        "GROUP BY time HAVING mark > max(settled)",
    )
    return {row["end"]: row["mark"] for row in found.to_pylist()}


def _times(ends_ms: Collection[int]) -> pa.Array:
    return pa.array(list(ends_ms), pa.int64()).cast(_MS)


def _numbers(number: int, like: Collection[int]) -> pa.Array:
    return pa.array([number] * len(like), pa.uint64())
