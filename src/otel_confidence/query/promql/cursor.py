"""
This module goes over an expression's tokens and says where in the text something is wrong.
"""

from typing import Final, NoReturn

from otel_confidence.errors import QueryError
from otel_confidence.query.promql.faults import bad_data
from otel_confidence.query.promql.nodes import place
from otel_confidence.query.promql.tokens import (
    DURATION,
    FAULT,
    IDENTIFIER,
    METRIC,
    NUMBER,
    STRING,
    WORDS,
    Token,
    Tokens,
)

METRICS: Final = frozenset(
    {IDENTIFIER, METRIC, *WORDS} - {"atan2", "bool", "group_left", "group_right", "ignoring", "on"}
)
"""Tokens that may be the name of a metric."""
BEGINNINGS: Final = frozenset({"(", "{", "+", "-", DURATION, NUMBER, STRING}) | METRICS
"""Tokens that an expression can begin with."""


class Cursor:
    """
    Stands at one token of an expression.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = Tokens(text)
        self.token = self._tokens.next()
        self.end = 0
        """Where the last token that was taken ends."""
        self.aggregations = 0
        """How many aggregations are being read."""

    def fault(self, start: int, reason: str) -> QueryError:
        """
        What is wrong with the text, and where.
        """
        where = place(self._text, start) if self._text else "unknown position"
        return bad_data(f"{where}: parse error: {reason}")

    def unexpected(self, context: str = "", expected: str = "") -> NoReturn:
        """
        Refuse the token here.

        Args:
            context: What it stands in.
            expected: What should be here.
        """
        if self.token.kind == FAULT:
            raise self.fault(self.token.start, self.token.text)
        context = context or ("aggregation" if self.aggregations else "")
        within = f" in {context}" if context else ""
        wanted = f", expected {expected}" if expected else ""
        raise self.fault(self.token.start, f"unexpected {self.token}{within}{wanted}")

    def take(self) -> Token:
        """
        Step over the token here, and return it.
        """
        token = self.token
        self.end = token.start + len(token.text)
        self.token = self._tokens.next()
        return token

    def taken(self, kind: str) -> Token | None:
        """
        The same if it is of a kind, else None.
        """
        return self.take() if self.token.kind == kind else None

    def required(self, kind: str, context: str = "", expected: str = "") -> Token:
        """
        The same if it is of a kind, else refuse it.
        """
        if self.token.kind != kind:
            self.unexpected(context, expected)
        return self.take()

    def begins(self) -> bool:
        """
        Whether an expression could begin here.
        """
        return self.token.kind in BEGINNINGS
