"""
This module makes the metric attributes of what is reported: safe as text and few in number.

A text becomes one printable line; one that is long is cut, its end a digest of the whole. Of each
attribute so many values get series of their own as the settings say, whatever the OpenTelemetry SDK
limits by itself; every other value is recorded as ``_OTHER``, so that totals stay exact, and
counted in ``otel_confidence.dropped`` under ``too_many_values``.
"""

import threading
from collections.abc import Callable, Mapping
from typing import Any

from otel_confidence import conventions as c
from otel_confidence.sdk.guard import Guard
from otel_confidence.sdk.redaction.redactor import Redactor
from otel_confidence.sdk.sums import Attributes
from otel_confidence.settings import Settings
from otel_confidence.text import clean, label_text, type_name

Lose = Callable[[str, int], None]
"""Accounts for attributes that were lost: the reason, and how many."""


class Labels:
    """
    The values that each metric attribute has taken, and the attributes that users declared.
    """

    def __init__(self, settings: Settings, guard: Guard, redactor: Redactor, lose: Lose) -> None:
        self._guard = guard
        self._lose = lose
        self._seen: dict[str, dict[str, str]] = {}
        self.adjust(settings, redactor)
        self.restart()

    def adjust(self, settings: Settings, redactor: Redactor) -> None:
        """
        Take other settings; values that have series keep them.
        """
        self._redactor = redactor
        self._limit = settings.max_label_values
        self._declared = settings.metric_attributes

    def restart(self) -> None:
        """
        Renew the lock, in a forked child.
        """
        self._lock = threading.RLock()

    def of(self, known: Mapping[c.Attribute, str], given: Mapping[Any, Any]) -> Attributes:
        """
        The attributes of a record: its own where they are said, and those given and declared.
        """
        found = {key.name: self._known(key.name, text) for key, text in known.items() if text}
        return found | self._given(given) if given else found

    def _given(self, given: Mapping[Any, Any]) -> Attributes:
        found: Attributes = {}
        for name in self._declared:
            value = given.get(name)
            if value is not None:
                found[name] = self._known(name, label_text(value) or type_name(value))
        undeclared = [name for name in given if name not in self._declared]
        if undeclared:
            self._lose("undeclared", len(undeclared))
            self._guard.say_once(
                "metric_attributes",
                "otel_confidence: attribute %s is not recorded: name it in "
                "configure(metric_attributes=...), if it takes few values",
                _shown(undeclared[0]),
            )
        return found

    def _known(self, name: str, text: str) -> str:
        seen = self._seen.get(name) or self._seen.setdefault(name, {})
        return seen.get(text) or self._admit(
            name, self._redactor.name(label_text(text) or ""), seen
        )

    def _admit(self, name: str, text: str, seen: dict[str, str]) -> str:
        """
        The value itself, or the one that stands for all beyond the limit.
        """
        with self._lock:
            if text in seen or len(seen) < self._limit:
                return seen.setdefault(text, text)
        self._lose("too_many_values", 1)
        self._guard.say_once(
            f"values of {name}",
            "otel_confidence: %s has taken more than %d values, the rest is recorded as %s",
            name, self._limit, c.OTHER,
        )  # fmt: skip
        return c.OTHER


def _shown(name: object) -> str:
    return clean(name, 80) if isinstance(name, str) else "of type " + type_name(name)
