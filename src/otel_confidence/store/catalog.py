"""
This module remembers series: their fingerprints, their labels and the days they are recorded for.

It is a cache of the table ``series``; forgetting only costs a look-up or a row written again.
"""

import sys
import threading
from collections.abc import Iterable

from otel_confidence.points import Labels, Series

_DAY_BITS = 16


class Catalog:
    """
    A bounded memory of series, shared by the writer and the readers.
    """

    def __init__(self, *, size: int = 300_000) -> None:
        self._size = size
        self._lock = threading.Lock()
        self._fingerprints: dict[Labels, int] = {}
        self._labels: dict[int, Labels] = {}
        self._recorded: set[int] = set()

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
        Remember what was read from the table.
        """
        for fingerprint, labels in found:
            if fingerprint not in self._labels:
                self._remember(tuple((sys.intern(k), v) for k, v in labels), fingerprint)

    def is_recorded(self, fingerprint: int, day: int) -> bool:
        """
        Whether the table is known to have the series for the day (days since the epoch).
        """
        return (fingerprint << _DAY_BITS) + day in self._recorded

    def record(self, pairs: Iterable[tuple[int, int]]) -> None:
        """
        Note that the table has these series for these days.
        """
        if len(self._recorded) >= 2 * self._size:
            self._recorded.clear()
        self._recorded.update((fingerprint << _DAY_BITS) + day for fingerprint, day in pairs)

    def _remember(self, labels: Labels, fingerprint: int) -> None:
        with self._lock:
            if len(self._labels) >= self._size:
                self._labels.clear()
                self._fingerprints.clear()
            self._fingerprints[labels] = fingerprint
            self._labels[fingerprint] = labels
