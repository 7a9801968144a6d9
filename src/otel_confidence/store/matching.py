"""
This module writes PromQL's matchers and time ranges as SQL conditions with bound parameters.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from otel_confidence.points import NAME_LABEL, Matcher
from otel_confidence.store.columns import DAY_MS

LAST_MS: Final = 65_536 * DAY_MS - 1
"""The end of the engine's type Date, in the year 2149."""


@dataclass(frozen=True, slots=True)
class Known:
    """
    The series that fulfil some matchers, by their fingerprints, where they are known already.
    """

    fingerprints: list[int]


Wanted = Sequence[Matcher] | Known


class Conditions:
    """
    A growing WHERE clause and the parameters it needs; no input ever enters the text.
    """

    def __init__(self) -> None:
        self.parameters: dict[str, Any] = {}

    def bind(self, value: Any, kind: str) -> str:
        """
        Bind the value; what stands for it in the text.
        """
        name = f"p{len(self.parameters)}"
        self.parameters[name] = value
        return f"{{{name}:{kind}}}"

    def matching(self, matchers: Sequence[Matcher]) -> str:
        """
        True for the series that fulfil every matcher; a missing label reads as the empty text.
        """
        return " AND ".join(self._matching(matcher) for matcher in matchers) or "true"

    def matching_any(self, sets: Sequence[Sequence[Matcher]]) -> str:
        """
        True for the series that fulfil one of the sets; without sets, for all.
        """
        return " OR ".join(f"({self.matching(matchers)})" for matchers in sets) or "true"

    def series(self, wanted: Wanted, start_ms: int, end_ms: int) -> str:
        """
        What follows ``fingerprint IN`` for the wanted series of every day that the range touches.
        """
        if isinstance(wanted, Known):
            return self.bind(wanted.fingerprints, "Array(UInt64)")
        return (
            f"(SELECT fingerprint FROM series WHERE {self.on_days(start_ms, end_ms)} "
            f"AND {self.matching(wanted)})"
        )

    def during(self, start_ms: int, end_ms: int, *, open_start: bool = False) -> str:
        """
        True for the rows with ``start <= time <= end``, or ``start < time`` when open.
        """
        start = self._moment(start_ms)
        return f"time {'>' if open_start else '>='} {start} AND time <= {self._moment(end_ms)}"

    def on_days(self, start_ms: int, end_ms: int) -> str:
        """
        True for the rows of ``series`` of every day that the range touches.
        """
        first, last = (_clamp(moment) // DAY_MS for moment in (start_ms, end_ms))
        earliest, latest = self.bind(first, "Int32"), self.bind(last, "Int32")
        return f"day BETWEEN toDate({earliest}) AND toDate({latest})"

    def label(self, name: str) -> str:
        """
        The expression that reads a label.
        """
        return "name" if name == NAME_LABEL else f"labels[{self.bind(name, 'String')}]"

    def _matching(self, matcher: Matcher) -> str:
        text = self.label(matcher.label)
        if matcher.op in ("=", "!="):
            return f"{text} {matcher.op} {self.bind(matcher.value, 'String')}"
        anchored = self.bind(f"^(?s:{matcher.value})$", "String")
        return f"{'' if matcher.op == '=~' else 'NOT '}match({text}, {anchored})"

    def _moment(self, moment_ms: int) -> str:
        return f"fromUnixTimestamp64Milli({self.bind(_clamp(moment_ms), 'Int64')}, 'UTC')"


def _clamp(moment_ms: int) -> int:
    return min(max(moment_ms, 0), LAST_MS)
