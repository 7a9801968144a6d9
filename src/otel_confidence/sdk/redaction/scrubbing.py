"""
This module replaces secrets and personal data in a text.

A clean short text must cost next to nothing, so that patterns are tried in three steps: one
search of a character class tells most texts from those worth a look; a gate each for tokens,
addresses, assignments and numbers tells which patterns could match; and a pattern's hints tell
whether its regular expression is run.
"""

import re
import string
from collections.abc import Iterable
from typing import Final

from otel_confidence.errors import ConfigurationError
from otel_confidence.sdk.redaction.contexts import CONTEXTS
from otel_confidence.sdk.redaction.credentials import CREDENTIALS
from otel_confidence.sdk.redaction.pattern import Case, Gate, Pattern
from otel_confidence.sdk.redaction.personal import OPTIONAL, PERSONAL

PATTERNS: Final = (*CREDENTIALS, *CONTEXTS, *PERSONAL, *OPTIONAL)
"""Every built-in pattern, in the order in which they are tried."""
KINDS: Final = tuple(dict.fromkeys(p.kind for p in PATTERNS))
"""Their kinds."""
_SHORTEST: Final = 6
_MARKED: Final = re.compile(r"[0-9@=:_/]")
_LONG: Final = re.compile(r"[A-Za-z.~+-]{14}")
_GATES: Final = {
    Gate.TOKEN: re.compile(r"[\w.~+/=-]{14}"),
    Gate.ADDRESS: re.compile(r"@|%40"),
    Gate.ASSIGNED: re.compile(r"[:=]|(?i:bearer|basic|token)\s"),
    Gate.NUMBER: re.compile(r"[0-9](?:[ ./()-]{0,2}[0-9]){5}"),
    Gate.BLOCK: re.compile(r"-----"),
    Gate.ANY: re.compile(""),
}
_SHAPES: Final = str.maketrans(
    {ord(ch): "9" for ch in string.digits} | {ord(ch): "A" for ch in string.ascii_uppercase}
)


def mark(kind: str) -> str:
    """
    What stands in the place of a finding.
    """
    return f"[redacted:{kind}]"


def chosen(also: Iterable[str] = (), leave: Iterable[str] = ()) -> tuple[Pattern, ...]:
    """
    The built-in patterns with optional kinds added and others left out.

    Raises:
        ConfigurationError: there is no such kind.
    """
    also, leave = frozenset(also), frozenset(leave)
    if unknown := sorted((also | leave).difference(KINDS)):
        raise ConfigurationError(
            f"unknown kind of secret or personal data {unknown[0]!r}, known: {', '.join(KINDS)}"
        )
    return tuple(p for p in PATTERNS if p.kind not in leave and (not p.optional or p.kind in also))


class Scrubber:
    """
    Replaces whatever its patterns recognize.

    Time grows linearly with the text's length for every built-in pattern.
    """

    def __init__(self, patterns: Iterable[Pattern] | None = None) -> None:
        self.patterns: Final = chosen() if patterns is None else tuple(patterns)
        groups = [(gate, [p for p in self.patterns if p.gate is gate]) for gate in Gate]
        self._groups = [(_GATES[gate].search, _Group(found)) for gate, found in groups if found]
        self._always = any(p.gate is Gate.ANY for p in self.patterns)

    def __call__(self, text: str) -> str:
        """
        The text with every finding replaced by ``[redacted:kind]``.
        """
        if not self._always and not _suspicious(text):
            return text
        for opens, group in self._groups:
            if opens(text):
                for pattern in group.candidates(text):
                    text = _replaced(pattern, text)
        return text


class _Group:
    """
    The patterns behind one gate, found by their hints.
    """

    def __init__(self, patterns: list[Pattern]) -> None:
        self._patterns = patterns
        self._unhinted = {i for i, p in enumerate(patterns) if not p.hints}
        self._hints: dict[Case, list[tuple[str, int]]] = {case: [] for case in Case}
        for number, pattern in enumerate(patterns):
            self._hints[pattern.case] += [(hint, number) for hint in pattern.hints]

    def candidates(self, text: str) -> list[Pattern]:
        """
        The patterns whose hints are present, in their order.
        """
        numbers = self._unhinted.copy()
        if hints := self._hints[Case.EXACT]:
            numbers.update([number for hint, number in hints if hint in text])
        if hints := self._hints[Case.FOLDED]:
            lower = text.lower()
            numbers.update([number for hint, number in hints if hint in lower])
        if hints := self._hints[Case.SHAPE]:
            shape = text.translate(_SHAPES)
            numbers.update([number for hint, number in hints if hint in shape])
        return [self._patterns[number] for number in sorted(numbers)]


def _suspicious(text: str) -> bool:
    """
    Whether a text could hold anything at all.
    """
    if len(text) < _SHORTEST:
        return False
    if _MARKED.search(text) or _LONG.search(text) or "-----" in text:
        return True
    return "asic " in text or "ASIC " in text


def _replaced(pattern: Pattern, text: str) -> str:
    parts: list[str] = []
    end = 0
    group: str | int = "value" if "value" in pattern.regex.groupindex else 0
    for found in pattern.regex.finditer(text):
        start, stop = found.span(group)
        if pattern.check is not None:
            stop = start + pattern.check(found[group])
        if stop > start:
            parts += text[end:start], mark(pattern.kind)
            end = stop
    return "".join((*parts, text[end:])) if parts else text
