"""This module keeps series in memory as the store does, for simulations of days."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from otel_confidence.points import NAME_LABEL, Batch, Labels, Matcher, Sample, Selection
from otel_confidence.store.patterns import compiled


class _Column:
    """The samples of one series; later writes of a time replace earlier ones."""

    def __init__(self) -> None:
        self.times = np.empty(64, dtype=np.int64)
        self.values = np.empty(64)
        self.size = 0

    def put(self, time_ms: int, value: float) -> None:
        """Add one sample."""
        if self.size == len(self.times):
            self.times = np.concatenate([self.times, np.empty_like(self.times)])
            self.values = np.concatenate([self.values, np.empty_like(self.values)])
        at = int(np.searchsorted(self.times[: self.size], time_ms))
        if at < self.size and self.times[at] == time_ms:
            self.values[at] = value
            return
        for column, new in ((self.times, time_ms), (self.values, value)):
            column[at + 1 : self.size + 1] = column[at : self.size].copy()
            column[at] = new
        self.size += 1

    def between(self, start: int, end: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The samples after the start, up to the end."""
        low, high = np.searchsorted(self.times[: self.size], [start, end], side="right")
        return self.times[low:high].copy(), self.values[low:high].copy()


class MemoryStore:
    """Series in memory."""

    def __init__(self) -> None:
        self._by_name: dict[str, dict[Labels, _Column]] = {}
        self.writes = 0

    def write(self, batch: Batch) -> None:
        """Keep the samples of a batch."""
        self.writes += 1
        self.put(batch.samples)

    def put(self, samples: Iterable[Sample]) -> None:
        """Keep samples."""
        for sample in samples:
            labels = sample.series.labels
            named = self._by_name.setdefault(dict(labels).get(NAME_LABEL, ""), {})
            named.setdefault(labels, _Column()).put(sample.time_ms, sample.value)

    def select(
        self, matchers: Sequence[Matcher], start_ms: int, end_ms: int, *, max_samples: int = 0
    ) -> list[Selection]:
        """The matching series' samples, open at the start."""
        del max_samples
        found = []
        for labels, column in self._candidates(matchers):
            if all(_meets(dict(labels), matcher) for matcher in matchers):
                times, values = column.between(start_ms, end_ms)
                if len(times):
                    found.append(Selection(labels, times, values))
        return found

    def _candidates(self, matchers: Sequence[Matcher]) -> Iterator[tuple[Labels, _Column]]:
        names = [m.value for m in matchers if m.label == NAME_LABEL and m.op == "="]
        for name in names[:1] or list(self._by_name):
            yield from list(self._by_name.get(name, {}).items())


def _meets(labels: dict[str, str], matcher: Matcher) -> bool:
    value = labels.get(matcher.label, "")
    if matcher.op in ("=", "!="):
        return (value == matcher.value) == (matcher.op == "=")
    return (compiled(matcher.value).search(value) is not None) == (matcher.op == "=~")
