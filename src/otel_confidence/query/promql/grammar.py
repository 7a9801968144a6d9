"""
This module reads an expression's tokens into a tree, by Prometheus's grammar.

The mistakes it tells of, the words for them and their places are those of Prometheus 3.9.1
(``promql/parser/generated_parser.y``).
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from otel_confidence.errors import QueryError
from otel_confidence.points import NAME_LABEL, Matcher
from otel_confidence.query.literals import quoted, unquoted
from otel_confidence.query.promql.aggregation import Grouping
from otel_confidence.query.promql.amounts import (
    EXPECTED,
    moment,
    number,
    offset,
    positive,
)
from otel_confidence.query.promql.conditions import conditions, grouping_labels
from otel_confidence.query.promql.cursor import METRICS, Cursor
from otel_confidence.query.promql.durations import Duration, Measure, Number
from otel_confidence.query.promql.faults import bad_data
from otel_confidence.query.promql.matching import Matching
from otel_confidence.query.promql.nodes import (
    Aggregate,
    Binary,
    Call,
    Moved,
    Node,
    Paren,
    Range,
    Selector,
    Subquery,
    Text,
    Unary,
)
from otel_confidence.query.promql.signatures import (
    EXPERIMENTAL,
    EXPERIMENTAL_AGGREGATIONS,
    FUNCTIONS,
    NATIVE,
)
from otel_confidence.query.promql.tokens import (
    AGGREGATIONS,
    DURATION,
    END,
    FAULT,
    IDENTIFIER,
    NUMBER,
    STRING,
    Token,
)

MAX_DEPTH: Final = 200
PRECEDENCE: Final[Mapping[str, int]] = {
    "or": 1,
    **dict.fromkeys(("and", "unless"), 2),
    **dict.fromkeys(("==", "!=", ">", "<", ">=", "<="), 3),
    **dict.fromkeys(("+", "-"), 4),
    **dict.fromkeys(("*", "/", "%", "atan2"), 5),
    "^": 6,
}
_OF_POWER: Final = PRECEDENCE["^"]
_APPLIED: Final = (frozenset({"("}), frozenset({"(", "by", "without"}))
"""What follows the name of a function that is called, and that of an aggregation."""
_WITH_PARAMETER: Final = frozenset({"bottomk", "count_values", "quantile", "topk"})


class Parser:
    """
    Reads one expression.
    """

    def __init__(self, text: str) -> None:
        self._cursor = Cursor(text)
        self._level = 0

    def whole(self) -> Node:
        """
        The tree of the text.

        Raises:
            QueryError: It is no expression.
        """
        if self._cursor.token.kind == END:
            raise self._cursor.fault(0, "no expression found in input")
        tree = self._expression()
        if self._cursor.token.kind != END:
            self._cursor.unexpected()
        return tree

    def _deeper(self, node: Node) -> Node:
        if node.depth > MAX_DEPTH:
            raise self._too_deep()
        return node

    def _too_deep(self) -> QueryError:
        return bad_data(f"the query is nested more than {MAX_DEPTH} deep")

    def _expression(self, least: int = 1) -> Node:
        self._level += 1
        if self._level > MAX_DEPTH + 1:
            raise self._too_deep()
        left = self._operand()
        while (binds := PRECEDENCE.get(self._cursor.token.kind, 0)) >= least:
            operator = self._cursor.take()
            as_bool, matching = self._matching()
            right = self._expression(binds + (binds != _OF_POWER))
            made = Binary(operator.kind, left, right, matching, as_bool, operator.start)
            left = self._deeper(made)
        self._level -= 1
        return left

    def _matching(self) -> tuple[bool, Matching]:
        as_bool = self._cursor.taken("bool") is not None
        if self._cursor.token.kind not in ("on", "ignoring"):
            return as_bool, Matching(on=False, labels=())
        on = self._cursor.take().kind == "on"
        labels, many = grouping_labels(self._cursor), ""
        include: tuple[str, ...] = ()
        if self._cursor.token.kind in ("group_left", "group_right"):
            many = self._cursor.take().kind.removeprefix("group_")
            if self._cursor.token.kind == "(" or not self._cursor.begins():
                include = grouping_labels(self._cursor)
        return as_bool, Matching(on=on, labels=labels, many=many, include=include)

    def _operand(self) -> Node:
        kind = self._cursor.token.kind
        read = _OPERANDS.get(kind)
        if read is not None:
            node = read(self)
        else:
            if kind not in METRICS:
                self._cursor.unexpected()
            name = self._cursor.take()
            applied = self._cursor.token.kind in _APPLIED[kind in AGGREGATIONS]
            is_selector = not applied or kind not in AGGREGATIONS | {IDENTIFIER}
            node = self._selector(name) if is_selector else self._applied(name)
        while (modify := _MODIFIERS.get(self._cursor.token.kind)) is not None:
            node = self._deeper(modify(self, node))
        return node

    def _signed(self) -> Node:
        sign = self._cursor.take()
        inner = self._expression(_OF_POWER)
        if isinstance(inner, Number):
            value = -inner.value if sign.kind == "-" else inner.value
            return replace(inner, value=value, start=sign.start)
        return self._deeper(Unary(sign.start, sign.kind, inner))

    def _paren(self) -> Node:
        opening = self._cursor.take()
        inner = self._expression()
        self._cursor.required(")")
        return self._deeper(Paren(opening.start, inner))

    def _string(self) -> Node:
        token = self._cursor.take()
        return Text(token.start, unquoted(token.text))

    def _amount(self) -> Node:
        return number(self._cursor)

    def _selector(self, token: Token) -> Node:
        matchers = conditions(self._cursor) if self._cursor.token.kind == "{" else ()
        named = Matcher(NAME_LABEL, "=", token.text)
        return Selector(token.start, token.text, (*matchers, named))

    def _braced(self) -> Node:
        start = self._cursor.token.start
        return Selector(start, "", conditions(self._cursor))

    def _applied(self, name: Token) -> Node:
        # As few calls as can be lie between an argument and what it is one of: 200 levels of them
        # have to fit into the thousand that Python allows.
        aggregates = name.kind in AGGREGATIONS
        self._cursor.aggregations += aggregates
        grouping = self._grouping() if aggregates else None
        self._cursor.required("(")
        arguments: list[Node] = []
        while self._cursor.taken(")") is None:
            arguments.append(self._expression())
            self._next_argument()
        if not aggregates:
            return self._call(name, tuple(arguments))
        grouping = grouping or self._grouping() or Grouping()
        self._cursor.aggregations -= 1
        return self._aggregation(name, arguments, grouping)

    def _next_argument(self) -> None:
        comma = self._cursor.taken(",")
        if comma is None:
            if self._cursor.token.kind != ")":
                self._cursor.unexpected()
        elif not self._cursor.begins() and self._cursor.token.kind != FAULT:
            reason = "trailing commas not allowed in function call args"
            raise self._cursor.fault(comma.start, reason)

    def _call(self, name: Token, arguments: tuple[Node, ...]) -> Node:
        if name.text in EXPERIMENTAL:
            reason = f"{name.text}() is experimental and not supported"
            raise self._cursor.fault(name.start, reason)
        if name.text in NATIVE:
            raise self._cursor.fault(
                name.start,
                f"{name.text}() works on native histograms, which are not supported; "
                "classic ones have _sum and _count series",
            )
        if name.text not in FUNCTIONS:
            reason = f"unknown function with name {quoted(name.text)}"
            raise self._cursor.fault(name.start, reason)
        return self._deeper(Call(name.start, name.text, arguments))

    def _aggregation(self, name: Token, arguments: list[Node], grouping: Grouping) -> Node:
        if not arguments:
            reason = "no arguments for aggregate expression provided"
            raise self._cursor.fault(name.start, reason)
        if name.kind in EXPERIMENTAL_AGGREGATIONS:
            reason = f"{name.kind}() is experimental and not supported"
            raise self._cursor.fault(name.start, reason)
        wanted = 1 + (name.kind in _WITH_PARAMETER)
        if len(arguments) != wanted:
            raise self._cursor.fault(
                name.start,
                "wrong number of arguments for aggregate expression provided, "
                f"expected {wanted}, got {len(arguments)}",
            )
        param = arguments[0] if wanted > 1 else None
        return self._deeper(Aggregate(name.start, name.kind, arguments[-1], param, grouping))

    def _grouping(self) -> Grouping | None:
        if self._cursor.token.kind not in ("by", "without"):
            return None
        without = self._cursor.take().kind == "without"
        return Grouping(without=without, labels=grouping_labels(self._cursor))

    def _range(self, node: Node) -> Node:
        opening = self._cursor.take()
        length = positive(self._cursor, "subquery or range selector", EXPECTED)
        if self._cursor.taken(":") is None:
            self._cursor.required("]", "subquery or range", '":" or "]"')
            return self._selected_range(node, opening, length)
        step: Duration = 0
        if self._cursor.token.kind != "]":
            step = positive(self._cursor, "subquery selector", f'{EXPECTED} or "]"')
        self._cursor.required("]", "subquery selector", '"]"')
        return Subquery(node, length, step)

    def _selected_range(self, node: Node, opening: Token, length: Duration) -> Node:
        if not isinstance(node, Selector):
            raise self._cursor.fault(opening.start, "ranges only allowed for vector selectors")
        # Prometheus misses an offset here that is made of the query's step.
        if node.moved.offset and not isinstance(node.moved.offset, Measure):
            raise self._cursor.fault(opening.start, "no offset modifiers allowed before range")
        if node.moved.at is not None:
            raise self._cursor.fault(opening.start, "no @ modifiers allowed before range")
        return Range(node, length)

    def _offset(self, node: Node) -> Node:
        self._cursor.take()
        by = offset(self._cursor)
        moved = _moved(node)
        if moved is None:
            raise self._cursor.fault(
                node.start,
                "offset modifier must be preceded by an instant vector selector or "
                "range vector selector or a subquery",
            )
        if moved.offset:
            raise self._cursor.fault(node.start, "offset may not be set multiple times")
        return _with(node, replace(moved, offset=by))

    def _at(self, node: Node) -> Node:
        self._cursor.take()
        at = moment(self._cursor, node)
        moved = _moved(node)
        if moved is None:
            raise self._cursor.fault(
                node.start,
                "@ modifier must be preceded by an instant vector selector or "
                "range vector selector or a subquery",
            )
        if moved.at is not None:
            raise self._cursor.fault(node.start, "@ <timestamp> may not be set multiple times")
        return _with(node, replace(moved, at=at))

    def _experimental(self, node: Node) -> Node:
        word = self._cursor.token.kind
        raise self._cursor.fault(node.start, f"{word} modifier is experimental and not supported")


def _moved(node: Node) -> Moved | None:
    return node.moved if isinstance(node, Selector | Range | Subquery) else None


def _with(node: Node, moved: Moved) -> Node:
    if isinstance(node, Range):
        return replace(node, selector=replace(node.selector, moved=moved))
    if isinstance(node, Selector | Subquery):
        return replace(node, moved=moved)
    return node


_OPERANDS: Final[Mapping[str, Callable[[Parser], Node]]] = {
    "(": Parser._paren,  # noqa: SLF001  a table of this file's own methods
    "{": Parser._braced,  # noqa: SLF001
    "+": Parser._signed,  # noqa: SLF001
    "-": Parser._signed,  # noqa: SLF001
    STRING: Parser._string,  # noqa: SLF001
    NUMBER: Parser._amount,  # noqa: SLF001
    DURATION: Parser._amount,  # noqa: SLF001
}
_MODIFIERS: Final[Mapping[str, Callable[[Parser, Node], Node]]] = {
    "[": Parser._range,  # noqa: SLF001
    "@": Parser._at,  # noqa: SLF001
    "offset": Parser._offset,  # noqa: SLF001
    "anchored": Parser._experimental,  # noqa: SLF001
    "smoothed": Parser._experimental,  # noqa: SLF001
}
