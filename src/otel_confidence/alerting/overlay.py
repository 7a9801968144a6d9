"""
This module lets the rules of a group see what those before them gave, before it is stored.

A group's series are written once per evaluation, in one insert, instead of once per rule.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from otel_confidence.points import Labels, Matcher, Selection
from otel_confidence.query.promql.selecting import Source
from otel_confidence.store.patterns import compiled

STALE: Final = float(np.array([0x7FF0000000000002], dtype=np.uint64).view(np.float64)[0])
"""The value that says a series has ended."""
_MAX_SAMPLES: Final = 50_000_000


@dataclass(slots=True)
class Overlay:
    """
    A source of samples, with those of one time on top.
    """

    source: Source
    time_ms: int
    rows: dict[Labels, float] = field(default_factory=dict)

    def add(self, labels: Labels, value: float) -> bool:
        """
        Take a sample on; whether there was none yet, the first one being kept.
        """
        if labels in self.rows:
            return bool(np.float64(self.rows[labels]).tobytes() == np.float64(value).tobytes())
        self.rows[labels] = value
        return True

    def touches(self, conditions: Sequence[Sequence[Matcher]]) -> bool:
        """
        Whether one of several selectors finds a sample on top.
        """
        return any(any(True for _ in self._found(matchers)) for matchers in conditions)

    def select(
        self,
        matchers: Sequence[Matcher],
        start_ms: int,
        end_ms: int,
        *,
        max_samples: int = _MAX_SAMPLES,
    ) -> list[Selection]:
        """
        The samples of the source and those on top.
        """
        found = self.source.select(matchers, start_ms, end_ms, max_samples=max_samples)
        if not start_ms < self.time_ms <= end_ms:
            return found
        by_labels = {each.labels: each for each in found}
        for labels, value in self._found(matchers):
            by_labels[labels] = self._with(labels, value, by_labels.get(labels))
        return list(by_labels.values())

    def _found(self, matchers: Sequence[Matcher]) -> "list[tuple[Labels, float]]":
        return [row for row in self.rows.items() if all(_meets(row[0], m) for m in matchers)]

    def _with(self, labels: Labels, value: float, known: Selection | None) -> Selection:
        time, number = np.array([self.time_ms]), np.array([value])
        if known is None:
            return Selection(labels, time.astype(np.int64), number)
        earlier, later = known.times_ms < self.time_ms, known.times_ms > self.time_ms
        return Selection(
            labels,
            np.concatenate([known.times_ms[earlier], time, known.times_ms[later]]),
            np.concatenate([known.values[earlier], number, known.values[later]]),
        )


def _meets(labels: Labels, matcher: Matcher) -> bool:
    value = dict(labels).get(matcher.label, "")
    if matcher.op in ("=", "!="):
        return (value == matcher.value) == (matcher.op == "=")
    return (compiled(matcher.value).search(value) is not None) == (matcher.op == "=~")
