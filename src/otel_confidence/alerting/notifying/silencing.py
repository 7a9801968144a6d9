"""
This module keeps silences in the book: new ones, changed ones, and those that were taken back.
"""

import threading
import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from otel_confidence.alerting.notifying.book import Book
from otel_confidence.alerting.notifying.silences import Silence, matcher_text, matchers_of
from otel_confidence.errors import ConfigurationError

REMEMBERED_MS: Final = 5 * 86_400_000
"""How long a silence can be looked at after its end, as in Alertmanager."""


class Silencing:
    """
    The silences of a book; safe for use by many threads.
    """

    def __init__(self, book: Book) -> None:
        self._book = book
        self._lock = threading.Lock()
        self._kept = {each.id: each for each in _read(book)}

    def all(self) -> list[Silence]:
        """
        Every silence, those that are over among them, the one that ends last first.
        """
        # No lock: desks ask while they hold the book, which the lock's holders wait for.
        return sorted(self._kept.copy().values(), key=lambda each: (-each.ends_ms, each.id))

    def holding(self, labels: Mapping[str, str], at_ms: int) -> list[str]:
        """
        The ids of the silences that hold at a time and are about an alert with these labels.
        """
        kept = self._kept.copy().values()
        return sorted(each.id for each in kept if each.active(at_ms) and each.covers(labels))

    def keep(self, silence: Silence, at_ms: int) -> str:
        """
        Keep a silence, in place of the one with its id if it has any; its id.

        One that already held keeps its id only if nothing changes but its end and words: of what
        was silenced when, the past is not rewritten. The old one ends and a new one begins then.

        Raises:
            ConfigurationError: It has an id that no silence has.
        """
        with self._lock:
            known = self._kept.get(silence.id)
            if silence.id and known is None:
                raise ConfigurationError(f"there is no silence {silence.id!r}")
            if known is not None and not _same_to_be(known, silence, at_ms):
                self._end(known, at_ms)
                silence = replace(silence, id="")
            kept = replace(silence, id=silence.id or str(uuid.uuid4()), updated_ms=at_ms)
            self._put(kept)
        return kept.id

    def lift(self, silence_id: str, at_ms: int) -> None:
        """
        End a silence now; one that is over stays so, one that has not begun is forgotten.

        Raises:
            ConfigurationError: There is none with this id.
        """
        with self._lock:
            known = self._kept.get(silence_id)
            if known is None:
                raise ConfigurationError(f"there is no silence {silence_id!r}")
            self._end(known, at_ms)

    def forget(self, at_ms: int) -> None:
        """
        Forget the silences that have been over for long.
        """
        with self._lock:
            for each in self.all():
                if each.ends_ms < at_ms - REMEMBERED_MS:
                    self._drop(each)

    def _end(self, silence: Silence, at_ms: int) -> None:
        if silence.starts_ms >= at_ms:
            self._drop(silence)
        elif silence.ends_ms > at_ms:
            self._put(replace(silence, ends_ms=at_ms, updated_ms=at_ms))

    def _put(self, silence: Silence) -> None:
        row = {
            "id": silence.id,
            "matchers": "\n".join(map(matcher_text, silence.matchers)),
            "starts_ms": silence.starts_ms,
            "ends_ms": silence.ends_ms,
            "comment": silence.comment,
            "made_by": silence.by,
            "updated_ms": silence.updated_ms,
        }
        self._book.put("silences", row)
        self._kept[silence.id] = silence

    def _drop(self, silence: Silence) -> None:
        self._book.run("DELETE FROM silences WHERE id = ?", silence.id)
        self._kept.pop(silence.id, None)


def _same_to_be(known: Silence, new: Silence, at_ms: int) -> bool:
    if known.ends_ms <= at_ms or sorted(map(matcher_text, known.matchers)) != sorted(
        map(matcher_text, new.matchers)
    ):
        return False
    if known.starts_ms <= at_ms:
        return known.starts_ms == new.starts_ms
    return new.starts_ms >= at_ms


def _read(book: Book) -> list[Silence]:
    found = book.rows(
        "SELECT id, matchers, starts_ms, ends_ms, comment, made_by, updated_ms FROM silences"
    )
    return [
        Silence(
            matchers_of(matchers.split("\n")), starts_ms, ends_ms, comment, by, silence_id, updated
        )
        for silence_id, matchers, starts_ms, ends_ms, comment, by, updated in found
    ]
