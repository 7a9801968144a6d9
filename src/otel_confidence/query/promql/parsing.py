"""
This module turns the text of an expression into a tree, or says what is wrong and where.

It is the only way in: whatever the text is, there comes out a tree or a ``QueryError``.
"""

from functools import lru_cache
from typing import Final

from otel_confidence.points import Matcher
from otel_confidence.query.promql.checking import Checker
from otel_confidence.query.promql.faults import bad_data
from otel_confidence.query.promql.grammar import Parser
from otel_confidence.query.promql.nodes import NOWHERE, Node, Selector
from otel_confidence.query.promql.printing import pretty

MAX_LENGTH: Final = 100_000
_KNOWN: Final = 500
_KNOWN_LENGTH: Final = 4_000
"""Characters; longer expressions are parsed each time, so that what is known stays small."""


def parse(text: str) -> Node:
    """
    The tree of an expression; of those asked again and again it is known.

    Raises:
        QueryError: The text is no expression, or needs something the engine does not have.
    """
    if len(text) > MAX_LENGTH:
        raise bad_data(f"the query has {len(text)} characters, more than {MAX_LENGTH}")
    return _known(text) if len(text) <= _KNOWN_LENGTH else _parsed(text)


def _parsed(text: str) -> Node:
    tree = Parser(text).whole()
    Checker(text).check(tree)
    return tree


_known = lru_cache(maxsize=_KNOWN)(_parsed)


def selector(text: str) -> list[Matcher]:
    """
    The conditions of a text that is one instant vector selector, as ``match[]`` takes it.

    Raises:
        QueryError: It is something else.
    """
    tree = parse(text)
    if not isinstance(tree, Selector) or tree.moved != NOWHERE:
        raise bad_data(f'expected an instant vector selector such as up{{job="a"}}, got {text!r}')
    return list(tree.matchers)


def formatted(text: str) -> str:
    """
    An expression laid out over lines; as it came where a chain of operators is too long for that.
    """
    laid_out = pretty(parse(text))
    return text.strip() if laid_out is None else laid_out
