"""
This module bounds how deep an expression nests before it is parsed.

The parser and its tree are recursive in native code, where nothing can be caught: some 20,000
levels, which 40 kB of text can hold, end the process, and a few thousand take it seconds.
"""

from dataclasses import dataclass
from typing import Final

from otel_confidence.query.promql.locating import signs

_OPENING: Final = frozenset("([{")
_CLOSING: Final = frozenset(")]}")
_OPERATORS: Final = frozenset(
    {"+", "-", "*", "/", "%", "^", "==", "!=", ">", "<", ">=", "<=", "and", "or", "unless", "atan2"}
)


@dataclass(slots=True)
class _Group:
    """
    What stands between two brackets, or in the whole text.
    """

    operators: int = 0
    """Those since the last comma: a chain of them is a tree as deep as it is long."""
    inner: int = 0
    """Depth of the deepest group since the last comma."""
    before: int = 0
    """Depth of the deepest argument before the last comma."""

    @property
    def depth(self) -> int:
        return max(self.before, self.operators + self.inner)

    def next_argument(self) -> None:
        self.before, self.operators, self.inner = self.depth, 0, 0

    def hold(self, group: "_Group") -> None:
        self.inner = max(self.inner, group.depth + 1)


def most_levels(text: str) -> int:
    """
    A number of levels that the tree of an expression does not exceed.
    """
    groups = [_Group()]
    for sign in signs(text):
        if sign in _OPENING:
            # One subquery behind another nests, although its brackets stand side by side.
            groups[-1].operators += sign == "["
            groups.append(_Group())
        elif sign in _CLOSING and len(groups) > 1:
            closed = groups.pop()
            groups[-1].hold(closed)
        elif sign == ",":
            groups[-1].next_argument()
        elif sign.lower() in _OPERATORS:
            groups[-1].operators += 1
    while len(groups) > 1:
        closed = groups.pop()
        groups[-1].hold(closed)
    return groups[0].depth
