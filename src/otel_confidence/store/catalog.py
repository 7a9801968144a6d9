"""
This module remembers series: their fingerprints, their labels and the days they are recorded for.

It is a cache of the table ``series``; forgetting only costs a look-up or a row written again.
"""

import threading
from collections.abc import Collection, Iterable

from otel_confidence.points import Labels, Series

_PAIR_BYTES = 150
"""What a label takes beside its texts, about."""


class Catalog:
    """
    A bounded memory of series, shared by the writer and the readers.
    """

    def __init__(self, *, size: int = 300_000, size_bytes: int = 256 << 20) -> None:
        self._size = size
        self._size_bytes = size_bytes
        self._lock = threading.Lock()
        self._fingerprints: dict[Labels, int] = {}
        self._labels: dict[int, Labels] = {}
        self._bytes = 0
        self._recorded: dict[int, set[int]] = {}

    def __len__(self) -> int:
        return len(self._labels)

    def fingerprint(self, series: Series) -> int:
        """
        The series' fingerprint, computed once for as long as it is remembered.
        """
        known = self._fingerprints.get(series.labels)
        if known is not None:
            return known
        fingerprint = series.fingerprint
        self._remember(series.labels, fingerprint)
        return fingerprint

    def labels(self, fingerprint: int) -> Labels | None:
        """
        The labels behind a fingerprint, None where they must be read from the table.
        """
        return self._labels.get(fingerprint)

    def learn(self, found: Iterable[tuple[int, Labels]]) -> None:
        """
        Remember what the table has.
        """
        for fingerprint, labels in found:
            if fingerprint not in self._labels:
                self._remember(labels, fingerprint)

    def unrecorded(self, fingerprints: Collection[int], day: int) -> set[int]:
        """
        Those series that the table is not known to have for the day (days since the epoch).
        """
        return set(fingerprints) - self._recorded.get(day, set())

    def record(self, pairs: Iterable[tuple[int, int]]) -> None:
        """
        Note that the table has these series for these days.
        """
        if sum(map(len, self._recorded.values())) >= 2 * self._size:
            self._recorded.clear()
        for fingerprint, day in pairs:
            self._recorded.setdefault(day, set()).add(fingerprint)

    def forget(self, before_day: int) -> None:
        """
        Forget that the table has any series for the days before this one.
        """
        for day in [day for day in self._recorded if day < before_day]:
            del self._recorded[day]

    def _remember(self, labels: Labels, fingerprint: int) -> None:
        weight = sum(len(name) + len(value) + _PAIR_BYTES for name, value in labels)
        with self._lock:
            if len(self._labels) >= self._size or self._bytes + weight > self._size_bytes:
                self._labels.clear()
                self._fingerprints.clear()
                self._bytes = 0
            self._bytes += weight
            self._fingerprints[labels] = fingerprint
            self._labels[fingerprint] = labels
