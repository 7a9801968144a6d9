"""
This module says what a redaction pattern is.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import cached_property


class Gate(Enum):
    """
    What a text must contain before a pattern is tried at all; each is looked for once a text.
    """

    TOKEN = "token"  # noqa: S105  a gate, no secret
    """A run of 14 characters that tokens are made of."""
    ADDRESS = "address"
    """An at sign."""
    ASSIGNED = "assigned"
    """A colon, an equals sign, or the name of an HTTP authentication scheme."""
    NUMBER = "number"
    """Six digits, at most two separators apart."""
    BLOCK = "block"
    """Five dashes."""
    ANY = "any"
    """Nothing in particular."""


class Case(Enum):
    """
    In which form of the text a pattern's hints are looked for.
    """

    EXACT = "exact"
    FOLDED = "folded"
    """In lower case."""
    SHAPE = "shape"
    """With a 9 for every digit and an A for every capital."""


@dataclass(frozen=True)
class Pattern:
    """
    One kind of secret or personal data, and how it is recognized.
    """

    kind: str
    """Stands in the text instead of what was found: ``[redacted:kind]``."""
    about: str
    source: str
    """A regular expression; what is replaced is its group ``value``, or all of it."""
    gate: Gate
    hints: tuple[str, ...] = ()
    """Texts of which one must be present; without any the pattern is always tried."""
    check: Callable[[str], int] | None = None
    """How many characters of a finding are meant, from its start; 0 for a false one."""
    case: Case = Case.EXACT
    optional: bool = False
    """Whether it is searched for only on request."""
    personal: bool = False
    """Whether it is personal data, not a secret."""

    @cached_property
    def regex(self) -> "re.Pattern[str]":
        """
        The regular expression, compiled when it is first tried: all of them take some 20 ms.
        """
        return re.compile(self.source)
