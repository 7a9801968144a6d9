"""
This module adds deltas up: a point of a stream becomes the total of all its points so far.

It follows the Collector's ``deltatocumulative`` processor: a point that is not later than the last
of its stream is refused as ``out_of_order``, one that begins before the stream did as
``older_start``, gaps are fine. Totals are remembered within bounds and otherwise read back from
where the samples went, so that they go on after a restart.
"""

import math
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from otel_confidence.errors import QueryError, StoreError
from otel_confidence.ingest.limits import Refused
from otel_confidence.ingest.recent import Recent

Ends = Callable[[Sequence[int]], Mapping[int, tuple[int, float]]]
"""Finds time (milliseconds) and value of the last sample of series by their fingerprints."""
Starts = Callable[[Sequence[int]], Mapping[int, int]]
"""Finds since when series count, in nanoseconds, by their fingerprints."""
_TOTAL_BYTES: Final = 300
"""What one series takes, about."""


@dataclass(frozen=True, slots=True)
class Total:
    """
    What one series has come to.
    """

    start_ns: int = 0
    """When its stream began, 0 where that is not known."""
    time_ms: int = -1
    value: float = 0.0


class Deltas:
    """
    The totals of all streams.

    One request adds up at a time, from its first delta until it is written: what is told again
    after a failure must be counted from what was written.
    """

    def __init__(
        self,
        ends: Ends = lambda _: {},
        starts: Starts = lambda _: {},
        *,
        size: int = 500_000,
    ) -> None:
        self._ends = ends
        self._starts = starts
        self._lock = threading.Lock()
        self._totals: Recent[int, Total] = Recent(size=size, size_bytes=size * _TOTAL_BYTES)

    @contextmanager
    def folding(self) -> "Iterator[Folding]":
        """
        Add up what one request brings; kept if the block ends well, else read back when needed.
        """
        folding = Folding(self._lock, self._totals, self._ends, self._starts)
        try:
            yield folding
            folding.commit()
        finally:
            folding.end()


class Folding:
    """
    The deltas of one request. Waits for its turn when the first of them comes.
    """

    def __init__(
        self, lock: threading.Lock, totals: Recent[int, Total], ends: Ends, starts: Starts
    ) -> None:
        self._lock = lock
        self._totals = totals
        self._ends = ends
        self._starts = starts
        self._has_lock = False
        self._committed = False
        self._staged: dict[int, Total] = {}
        self._moved: set[int] = set()

    def load(self, fingerprints: Iterable[int]) -> None:
        """
        Find the totals of series, at once for those that must be looked for.

        Raises:
            StoreError: They cannot be read now.
        """
        if not self._has_lock:
            self._has_lock = self._lock.acquire()
        missing = []
        for fingerprint in set(fingerprints).difference(self._staged):
            total = self._totals.get(fingerprint)
            if total is None:
                missing.append(fingerprint)
            self._staged[fingerprint] = total or Total()
        self._staged.update(self._found(missing) if missing else {})

    def start_ns(self, fingerprint: int) -> int:
        """
        Since when a series that was loaded adds up; 0 where that is not known.
        """
        return self._staged[fingerprint].start_ns

    def _found(self, missing: Sequence[int]) -> Mapping[int, Total]:
        try:
            ends = self._ends(missing)
            starts = self._starts(list(ends)) if ends else {}
            return {
                fingerprint: Total(starts.get(fingerprint, 0), time_ms, value)
                for fingerprint, (time_ms, value) in ends.items()
            }
        except QueryError as error:
            raise StoreError(f"the totals of deltas cannot be read: {error}") from error

    def fold(
        self, fingerprints: Sequence[int], start_ns: int, time_ms: int, values: Sequence[float]
    ) -> list[float]:
        """
        The totals of a point's series.

        Raises:
            Refused: The point is too late, or no number that can be added.
        """
        self.load(fingerprints)
        before = [self._staged[fingerprint] for fingerprint in fingerprints]
        _check(before, start_ns, time_ms)
        if not all(map(math.isfinite, values)):
            raise Refused("not_finite", "a delta that is no finite number cannot be added")
        after = [total.value + value for total, value in zip(before, values, strict=True)]
        start_ns = before[-1].start_ns if before[-1].time_ms >= 0 else start_ns
        for fingerprint, value in zip(fingerprints, after, strict=True):
            self._staged[fingerprint] = Total(start_ns, time_ms, value)
        self._moved.update(fingerprints)
        return after

    def commit(self) -> None:
        """
        Remember the totals: what they came to is written.
        """
        self._committed = True
        for fingerprint in self._moved:
            self._totals.put(fingerprint, self._staged[fingerprint], _TOTAL_BYTES)

    def end(self) -> None:
        """
        Let the next request have its turn. What may be written or not is forgotten.
        """
        if not self._committed:
            for fingerprint in self._moved:
                self._totals.forget(fingerprint)
        if self._has_lock:
            self._lock.release()
            self._has_lock = False


def _check(before: Sequence[Total], start_ns: int, time_ms: int) -> None:
    last_ms = max(total.time_ms for total in before)
    if time_ms <= last_ms:
        raise Refused("out_of_order", f"a delta of {time_ms} ms came after one of {last_ms} ms")
    if 0 < start_ns < before[-1].start_ns:
        raise Refused(
            "older_start", f"the delta begins {before[-1].start_ns - start_ns} ns before its stream"
        )
