"""
This module reads what a node of promql-parser's tree says.
"""

from collections.abc import Iterator
from typing import Any, Literal

import promql_parser

from otel_confidence.points import NAME_LABEL, Matcher
from otel_confidence.query.promql import dates
from otel_confidence.query.promql.aggregation import Grouping
from otel_confidence.query.promql.matching import Matching

FOLLOWS_TIME = frozenset({*dates.CALENDAR, "predict_linear", "time", "timestamp"})
"""Functions whose result changes with the time of evaluation even on unchanging arguments."""
_KINDS = {
    "MatrixSelector": "matrix",
    "NumberLiteral": "scalar",
    "StringLiteral": "string",
    "SubqueryExpr": "matrix",
}


def nodes(tree: Any, depth: int = 0) -> Iterator[tuple[Any, int]]:
    """
    A tree's nodes, each with its depth, from the top.
    """
    pending = [(tree, depth)]
    while pending:
        node, level = pending.pop()
        yield node, level
        pending.extend((child, level + 1) for child in reversed(children(node)))


def children(node: Any) -> list[Any]:
    """
    The nodes right below one.
    """
    match type(node).__name__:
        case "Call":
            return list(node.args)
        case "BinaryExpr":
            return [node.lhs, node.rhs]
        case "AggregateExpr":
            return [node.param, node.expr] if node.param is not None else [node.expr]
        case "MatrixSelector":
            return [node.vector_selector]
        case "ParenExpr" | "UnaryExpr" | "SubqueryExpr":
            return [node.expr]
        case _:
            return []


def matchers_of(node: Any) -> list[Matcher]:
    """
    The conditions of a vector selector, its name among them.
    """
    found = [
        Matcher(matcher.name, _sign(matcher.op), matcher.value)
        for matcher in node.matchers.matchers
    ]
    if node.name is not None:
        found.append(Matcher(NAME_LABEL, "=", node.name))
    return found


def _sign(operator: Any) -> Literal["=", "!=", "=~", "!~"]:
    if operator == promql_parser.MatchOp.Equal:
        return "="
    if operator == promql_parser.MatchOp.NotEqual:
        return "!="
    return "=~" if operator == promql_parser.MatchOp.Re else "!~"


def selectors_of(tree: Any) -> list[list[Matcher]]:
    """
    The conditions of every selector in an expression.
    """
    return [matchers_of(node) for node, _ in nodes(tree) if type(node).__name__ == "VectorSelector"]


def unwrapped(node: Any) -> Any:
    """
    A node without the parentheses around it.
    """
    while type(node).__name__ == "ParenExpr":
        node = node.expr
    return node


def kind_of(node: Any) -> str:
    """
    What a tree evaluates to: ``vector``, ``scalar``, ``matrix`` or ``string``.
    """
    match type(node).__name__:
        case "Call":
            return str(node.func.return_type).rpartition(".")[2].lower()
        case "ParenExpr" | "UnaryExpr":
            return kind_of(node.expr)
        case "BinaryExpr":
            both = {kind_of(node.lhs), kind_of(node.rhs)}
            return "scalar" if both == {"scalar"} else "vector"
        case name:
            return _KINDS.get(name, "vector")


def is_invariant(node: Any) -> bool:
    """
    Whether a node has the same value at every step, as its selectors all look at a fixed time.

    An aggregation's parameter is not asked: Prometheus takes it from the first step then.
    """
    match type(node).__name__:
        case "VectorSelector" | "SubqueryExpr":
            return node.at is not None
        case "MatrixSelector":
            return node.vector_selector.at is not None
        case "NumberLiteral" | "StringLiteral":
            return True
        case "AggregateExpr":
            return is_invariant(node.expr)
        case "Call" if node.func.name in FOLLOWS_TIME:
            return False
        case _:
            return all(is_invariant(child) for child in children(node))


def grouping_of(modifier: Any) -> Grouping:
    """
    Which labels an aggregation keeps.
    """
    if modifier is None:
        return Grouping()
    without = modifier.type == promql_parser.AggModifierType.Without
    return Grouping(without=without, labels=tuple(modifier.labels))


def matching_of(modifier: Any) -> Matching:
    """
    How the two sides of a binary operator match.
    """
    if modifier is None:
        return Matching(on=False, labels=())
    given = modifier.matching
    return Matching(
        on=given is not None and given.type == promql_parser.LabelModifierType.Include,
        labels=tuple(given.labels) if given is not None else (),
        many=_many_side(modifier.card),
        include=tuple(modifier.group_labels or ()),
    )


def _many_side(cardinality: Any) -> str:
    if cardinality == promql_parser.VectorMatchCardinality.ManyToOne:
        return "left"
    return "right" if cardinality == promql_parser.VectorMatchCardinality.OneToMany else ""
