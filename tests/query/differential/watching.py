"""
This module sees how an engine's questions are answered: from samples, in the store, from roll-ups.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from otel_confidence.points import Matcher, Selection
from otel_confidence.store import Store
from otel_confidence.store.buckets import Buckets
from otel_confidence.store.grids import Cells, Steps
from otel_confidence.store.listening import listening
from otel_confidence.store.progress import Rolled
from otel_confidence.store.recent import Laid

MEMORY: Final = "memory"
SAMPLES: Final = "samples"
GRIDS: Final = "grid functions"
ROLLUPS: Final = "roll-ups"
NOTHING: Final = "no series"


class Watched:
    """
    A store as an engine sees it, which notes what it gave.

    Its memory can be asked and not asked in turn, since it would answer nearly everything.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._used: set[str] = set()
        self.remembers = False
        """Whether to answer from memory."""

    def used(self) -> str:
        """
        What was given since the last time this was asked.
        """
        used, self._used = self._used, set()
        return " + ".join(sorted(used)) or NOTHING

    def at_hand(
        self, matchers: Sequence[Matcher], start_ms: int, end_ms: int, **limits: int
    ) -> Laid | None:
        """
        Samples in memory.
        """
        if not self.remembers:
            return None
        found = self._store.at_hand(matchers, start_ms, end_ms, **limits)
        self._note(MEMORY, found.labels if found else None)
        return found

    def select(
        self, matchers: Sequence[Matcher], start_ms: int, end_ms: int, **limits: int
    ) -> list[Selection]:
        """
        Samples, from the engine.
        """
        with listening():
            found = self._store.select(matchers, start_ms, end_ms, **limits)
        self._note(SAMPLES, found)
        return found

    def grid(
        self, function: str, matchers: Sequence[Matcher], steps: Steps, **limits: int
    ) -> Cells | None:
        """
        What the engine of the store computed.
        """
        found = self._store.grid(function, matchers, steps, **limits)
        self._note(GRIDS, found.labels if found else None)
        return found

    def rolled(self, start_ms: int, end_ms: int, step_ms: int, window_ms: int) -> Rolled | None:
        """
        Which roll-ups there are.
        """
        return self._store.rolled(start_ms, end_ms, step_ms, window_ms)

    def buckets(
        self,
        columns: Sequence[str],
        matchers: Sequence[Matcher],
        steps: Steps,
        width_ms: int,
        **limits: int,
    ) -> Buckets | None:
        """
        Roll-ups, which count as used unless sums in them could have lost digits.
        """
        found = self._store.buckets(columns, matchers, steps, width_ms, **limits)
        if found is not None and _kept(found):
            self._note(ROLLUPS, found.labels)
        return found

    def _note(self, what: str, found: Sequence[Any] | None) -> None:
        if found:
            self._used.add(what)


def _kept(buckets: Buckets) -> bool:
    if "sum" not in buckets.columns:
        return True
    sums, least = buckets.columns["sum"], buckets.columns["min"]
    return bool(np.isfinite(sums).all() and (least >= 0).all())
