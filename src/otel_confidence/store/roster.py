"""
This module finds series by their labels, in memory: each has a number, counted from zero.
"""

import threading
from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Final

import numpy as np
from numpy.typing import NDArray

from otel_confidence.points import NAME_LABEL, Labels, Matcher
from otel_confidence.store.patterns import compiled

_MOST_REMEMBERED: Final = 32 << 20
"""Bytes of all answers that are remembered."""
_ANSWER_BYTES: Final = 250
"""What an answer takes beside its series and texts, and again for each condition, about."""
_Condition = Callable[[Labels], bool]


@dataclass(frozen=True, slots=True)
class Found:
    """
    The series that fulfil some conditions, in the order of their labels.
    """

    labels: list[Labels]
    rows: NDArray[np.int64]
    """Their numbers."""
    seen: int
    """How many series were looked at; those that came later were not."""


class Roster:
    """
    Series by number, by fingerprint and by conditions on their labels.

    One thread adds; any number find.
    """

    def __init__(self) -> None:
        self._rows: dict[int, int] = {}
        self._labels: list[Labels] = []
        self._fingerprints = array("Q")
        self._named: dict[str, list[int]] = {}
        self._known: dict[tuple[Matcher, ...], Found] = {}
        self._remembered = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._labels)

    def add(self, series: Iterable[tuple[int, Labels]]) -> None:
        """
        Give those series a number that have none yet.
        """
        for fingerprint, labels in series:
            if fingerprint not in self._rows:
                row = len(self._labels)
                self._named.setdefault(_value(labels, NAME_LABEL), []).append(row)
                self._rows[fingerprint] = row
                self._fingerprints.append(fingerprint)
                self._labels.append(labels)

    def rows(self, fingerprints: NDArray[np.uint64]) -> NDArray[np.int64]:
        """
        The numbers of series that were added.
        """
        numbers = map(self._rows.__getitem__, fingerprints.tolist())
        return np.fromiter(numbers, np.int64, len(fingerprints))

    def row(self, fingerprint: int) -> int:
        """
        The number of a series, -1 without one.
        """
        return self._rows.get(fingerprint, -1)

    def fingerprints(self, rows: NDArray[np.int64]) -> list[int]:
        """
        The fingerprints of series, by their numbers.
        """
        return [self._fingerprints[row] for row in rows.tolist()]

    def find(self, matchers: Sequence[Matcher]) -> Found:
        """
        The series that fulfil every matcher; answers are remembered, and brought up to date.

        Raises:
            QueryError: A regular expression is wrong.
        """
        key = tuple(matchers)
        known, size = self._known.get(key), len(self._labels)
        if known is not None and known.seen == size:
            return known
        found = self._searched(matchers, known, size)
        self._remember(key, found)
        return found

    def _searched(self, matchers: Sequence[Matcher], known: Found | None, size: int) -> Found:
        first = known.seen if known is not None else 0
        conditions = [_condition(matcher) for matcher in matchers]
        candidates = ((self._labels[row], row) for row in self._candidates(matchers, first, size))
        new = [
            (labels, row)
            for labels, row in candidates
            if all(holds(labels) for holds in conditions)
        ]
        if known is not None:
            if not new:
                return Found(known.labels, known.rows, size)
            new += zip(known.labels, known.rows.tolist(), strict=True)
        new.sort(key=itemgetter(0))
        rows = np.array([row for _, row in new], dtype=np.int64)
        return Found([labels for labels, _ in new], rows, size)

    def _candidates(self, matchers: Sequence[Matcher], first: int, size: int) -> Iterable[int]:
        names = [each.value for each in matchers if each.label == NAME_LABEL and each.op == "="]
        if not names:
            return range(first, size)
        return [row for row in tuple(self._named.get(names[0], ())) if first <= row < size]

    def _remember(self, key: tuple[Matcher, ...], found: Found) -> None:
        with self._lock:
            before = self._known.pop(key, None)
            self._remembered += _weight(key, found) - (_weight(key, before) if before else 0)
            if self._remembered > _MOST_REMEMBERED:
                self._known.clear()
                self._remembered = _weight(key, found)
            self._known[key] = found


def _weight(key: tuple[Matcher, ...], found: Found) -> int:
    texts = sum(len(each.label) + len(each.value) for each in key)
    return 16 * len(found.rows) + texts + _ANSWER_BYTES * (1 + len(key))


def _value(labels: Labels, name: str) -> str:
    for label, value in labels:
        if label == name:
            return value
    return ""


def _condition(matcher: Matcher) -> _Condition:
    label, wanted = matcher.label, matcher.op in ("=", "=~")
    if matcher.op in ("=", "!="):
        pair = (label, matcher.value)
        if matcher.value:
            return lambda labels: (pair in labels) is wanted
        return lambda labels: (not _value(labels, label)) is wanted
    expression = compiled(matcher.value)
    decided: dict[str, bool] = {}

    def holds(labels: Labels) -> bool:
        value = _value(labels, label)
        if value not in decided:
            decided[value] = (expression.search(value) is not None) is wanted
        return decided[value]

    return holds
