"""
This module keeps samples in memory, sorted by series and time.

They lie in chunks that never change, each sorted by one key of series and time, the newest last.
What is added makes a chunk of its own; a chunk that is at least half as large as the one before is
merged into it, so that there are few, and each sample is moved some twenty times in its life
(a log-structured merge tree: O'Neil et al. 1996).
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from otel_confidence.points import Labels
from otel_confidence.store.matching import LAST_MS

_BITS: Final = 43
"""Of a key those that hold the time, milliseconds until the year 2248; above, a million series."""
_TIME: Final = (1 << _BITS) - 1
_GROWTH: Final = 2
_KEPT: Final = 0.75
"""The share that stays when there is too much."""
_LARGE: Final = 1 << 18
_MANY: Final = 512
"""From so many samples and series on searches through all samples miss the processor's cache."""
_LOOKED_AT: Final = 100_000
"""How many samples tell how times are distributed."""
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Laid:
    """
    Samples of several series laid end to end: series ``i`` is ``[offsets[i]:offsets[i + 1]]``.
    """

    labels: list[Labels]
    times_ms: Ints
    values: Floats
    offsets: Ints


@dataclass(frozen=True, eq=False)
class Chunk:
    """
    Samples in the order of their keys, no key twice.
    """

    keys: Ints
    values: Floats

    @classmethod
    def of(cls, rows: Ints, times_ms: Ints, values: Floats) -> "Chunk":
        """
        Sort samples; of several with one series and time the last one stays.
        """
        return cls(*_last_of_each((rows << _BITS) | times_ms, values))

    def __len__(self) -> int:
        return len(self.keys)

    def after(self, time_ms: int) -> "Chunk":
        """
        The samples that are later.
        """
        kept = (self.keys & _TIME) > time_ms
        return self if kept.all() else Chunk(self.keys[kept], self.values[kept])

    def with_newer(self, newer: "Chunk") -> "Chunk":
        """
        Both as one; where both have a sample, the newer chunk's stays.
        """
        at = np.searchsorted(self.keys, newer.keys)
        inside = np.minimum(at, len(self) - 1)
        replaces = self.keys[inside] == newer.keys if len(self) else np.zeros(len(at), np.bool_)
        places = at + np.cumsum(~replaces) - 1 + replaces
        older = np.ones(len(self) + len(newer) - np.count_nonzero(replaces), np.bool_)
        older[places] = False
        left = np.ones(len(self), np.bool_)
        left[at[replaces]] = False
        keys, values = np.empty(len(older), np.int64), np.empty(len(older))
        keys[places], values[places] = newer.keys, newer.values
        keys[older], values[older] = self.keys[left], self.values[left]
        return Chunk(keys, values)

    def spans(self, rows: Ints, after_ms: int, end_ms: int) -> tuple[Ints, Ints]:
        """
        For each series where its samples with ``after < time <= end`` begin and end.
        """
        lines = rows << _BITS
        low = self._after(rows, lines + after_ms)
        return low, np.maximum(low, self._after(rows, lines + end_ms))

    def _after(self, rows: Ints, keys: Ints) -> Ints:
        if len(self) < _LARGE or len(rows) < _MANY:
            return np.searchsorted(self.keys, keys, side="right")
        last = len(self._starts) - 1
        return _first_beyond(
            self.keys, keys,
            self._starts[np.minimum(rows, last)], self._starts[np.minimum(rows + 1, last)],
        )  # fmt: skip

    @cached_property
    def _starts(self) -> Ints:
        """
        Where each series begins, by its number, and after the last one where it ends.
        """
        series = int(self.keys[-1] >> _BITS) + 1
        return np.searchsorted(self.keys, np.arange(series + 1) << _BITS)


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """
    What there is at one moment: nothing up to the floor, and everything later.
    """

    floor_ms: int
    chunks: tuple[Chunk, ...]
    """In the order in which one replaces another."""

    def after(self, time_ms: int) -> "View":
        """
        The same without the samples up to a time.
        """
        left = (each.after(time_ms) for each in self.chunks)
        return View(self.floor_ms, tuple(each for each in left if len(each)))

    def read(
        self, labels: list[Labels], rows: Ints, after_ms: int, end_ms: int, most: int
    ) -> Laid | None:
        """
        The samples of series with ``after < time <= end``.

        Args:
            labels: The series in the order they shall have.
            rows: Their numbers.
            after_ms: The time after which samples count.
            end_ms: The time of the last.
            most: How many samples there may be.

        Returns:
            None where some may lie below the floor, or where there are more than so many.
        """
        start, end = (min(max(each, -1), LAST_MS) for each in (after_ms, end_ms))
        if start < self.floor_ms:
            return None
        spans = [(chunk, *chunk.spans(rows, start, end)) for chunk in self.chunks]
        spans = [(chunk, low, high) for chunk, low, high in spans if (high > low).any()]
        if sum(int((high - low).sum()) for _, low, high in spans) > most:
            return None
        if len(spans) == 1:
            keys, values, counts = _taken(*spans[0])
        else:
            keys, values, counts = _taken_together(spans, len(rows))
        some = np.flatnonzero(counts)
        named = [labels[each] for each in some.tolist()]
        offsets = np.concatenate(([0], np.cumsum(counts[some])))
        return Laid(named, keys & _TIME, values, offsets)


class Recent:
    """
    The samples later than a floor. One thread at a time changes it; any number read.
    """

    def __init__(self) -> None:
        self._state = View(-1, ())

    def __len__(self) -> int:
        return sum(map(len, self._state.chunks))

    def view(self) -> View:
        """
        What there is now; it stays so, whatever is added.
        """
        return self._state

    def add(self, chunk: Chunk) -> None:
        """
        Add samples; they replace those that have their series and time.
        """
        state = self._state
        chunk = chunk.after(state.floor_ms)
        if not len(chunk):
            return
        chunks = [*state.chunks, chunk]
        while len(chunks) > 1 and len(chunks[-2]) < _GROWTH * len(chunks[-1]):
            newer = chunks.pop()
            chunks[-1] = chunks[-1].with_newer(newer)
        self._state = View(state.floor_ms, tuple(chunks))

    def joined(self) -> Chunk:
        """
        All of it as one chunk.
        """
        whole = Chunk(np.empty(0, np.int64), np.empty(0))
        for each in self._state.chunks:
            whole = whole.with_newer(each) if len(whole) else each
        return whole

    def found_below(self, base: Chunk, floor_ms: int) -> None:
        """
        Add what there was before all that was added, which replaces it; nothing up to the floor.
        """
        before = self._state
        floor_ms = max(floor_ms, before.floor_ms)  # of what was added some may be gone already
        self._state = View(floor_ms, (base,)).after(floor_ms)
        for each in before.chunks:
            self.add(each)

    def forget(self, until_ms: int) -> None:
        """
        Let go of the samples up to a time, of which there are none any more.
        """
        self._state = self._state.after(until_ms)

    def limit(self, most: int) -> None:
        """
        Raise the floor where there are more samples than so many.
        """
        if len(self) <= most:
            return
        every = max(1, len(self) // _LOOKED_AT)
        times = np.concatenate([each.keys[::every] & _TIME for each in self._state.chunks])
        floor_ms = max(self._state.floor_ms, int(np.quantile(times, 1 - _KEPT * most / len(self))))
        self._state = View(floor_ms, self._state.after(floor_ms).chunks)


def _first_beyond(keys: Ints, wanted: Ints, low: Ints, high: Ints) -> Ints:
    """
    Where the first key beyond each wanted one lies, in ``low <= place <= high``.
    """
    longest = int((high - low).max()) if len(low) else 0
    for _ in range(longest.bit_length()):
        middle = (low + high) >> 1
        beyond = keys[np.minimum(middle, len(keys) - 1)] > wanted
        low, high = (
            np.where(beyond | (low == high), low, middle + 1),
            np.where(beyond, middle, high),
        )
    return low


def _taken(chunk: Chunk, low: Ints, high: Ints) -> tuple[Ints, Floats, Ints]:
    counts = high - low
    if len(counts) == 1:
        inside = slice(int(low[0]), int(high[0]))
        return chunk.keys[inside], chunk.values[inside].copy(), counts
    ends = np.cumsum(counts)
    at = np.arange(int(ends[-1])) + np.repeat(low - (ends - counts), counts)
    return chunk.keys[at], chunk.values[at], counts


def _taken_together(
    spans: list[tuple[Chunk, Ints, Ints]], series: int
) -> tuple[Ints, Floats, Ints]:
    # Keys of the order that is wanted take the place of those by number.
    keys, values = [np.empty(0, np.int64)], [np.empty(0)]
    for chunk, low, high in spans:
        taken, found, counts = _taken(chunk, low, high)
        keys.append(np.repeat(np.arange(series) << _BITS, counts) | (taken & _TIME))
        values.append(found)
    ordered, chosen = _last_of_each(np.concatenate(keys), np.concatenate(values))
    return ordered, chosen, np.bincount(ordered >> _BITS, minlength=series)


def _last_of_each(keys: Ints, values: Floats) -> tuple[Ints, Floats]:
    if len(keys) > 1 and not (keys[1:] > keys[:-1]).all():
        order = np.argsort(keys, kind="stable")  # merges the runs that it finds
        keys, values = keys[order], values[order]
        last = np.append(keys[1:] != keys[:-1], True)
        if not last.all():
            keys, values = keys[last], values[last]
    return keys, values
