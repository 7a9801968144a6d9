"""
This module checks that the parts of an expression fit together, as Prometheus checks it.
"""

from typing import Final

from otel_confidence.errors import QueryError
from otel_confidence.points import NAME_LABEL
from otel_confidence.query.literals import quoted
from otel_confidence.query.promql.durations import Duration, Measure, seconds
from otel_confidence.query.promql.faults import bad_data
from otel_confidence.query.promql.nodes import (
    Aggregate,
    Binary,
    Call,
    Node,
    Paren,
    Range,
    Selector,
    Subquery,
    Unary,
    nodes,
    place,
    spine,
)
from otel_confidence.query.promql.operators import COMPARISONS, SETS
from otel_confidence.query.promql.patterns import matches_nothing
from otel_confidence.query.promql.signatures import FUNCTIONS, SHOWN, Kind

_OPERANDS: Final = "binary expression must contain only scalar and instant vector types"


class Checker:
    """
    Checks one expression; raises for the first thing that Prometheus would tell of.
    """

    def __init__(self, text: str) -> None:
        self._text = text

    def check(self, node: Node) -> None:
        """
        Make sure that a node and all below it can be evaluated.

        Raises:
            QueryError: One of them cannot.
        """
        match node:
            case Aggregate():
                self._aggregate(node)
            case Binary():
                left, chain = spine(node)
                self.check(left)
                for each in chain:
                    self._binary(each)
            case Call():
                self._call(node)
            case Paren():
                self.check(node.expr)
            case Unary():
                self._unary(node)
            case Subquery():
                self._subquery(node)
            case Range():
                self._selector(node.selector)
            case Selector():
                self._selector(node)
            case _:
                return

    def _fault(self, start: int, reason: str) -> QueryError:
        return bad_data(f"{place(self._text, start)}: parse error: {reason}")

    def _expect(self, node: Node, kind: Kind, context: str) -> None:
        self.check(node)
        if node.kind != kind:
            wanted, got = SHOWN.get(kind, kind), SHOWN.get(node.kind, node.kind)
            raise self._fault(node.start, f"expected type {wanted} in {context}, got {got}")

    def _aggregate(self, node: Aggregate) -> None:
        self._expect(node.expr, "vector", "aggregation expression")
        if node.param is not None:
            kind: Kind = "string" if node.op == "count_values" else "scalar"
            self._expect(node.param, kind, "aggregation parameter")

    def _unary(self, node: Unary) -> None:
        self.check(node.expr)
        if node.kind not in ("scalar", "vector"):
            got = quoted(SHOWN.get(node.kind, node.kind))
            reason = "unary expression only allowed on expressions of type scalar or instant vector"
            raise self._fault(node.start, f"{reason}, got {got}")

    def _subquery(self, node: Subquery) -> None:
        self.check(node.expr)
        if node.expr.kind != "vector":
            reason = f"subquery is only allowed on instant vector, got {node.expr.kind} instead"
            raise self._fault(node.start, reason)

    def _selector(self, node: Selector) -> None:
        if not node.name:
            if all(matches_nothing(each) for each in node.matchers):
                reason = "vector selector must contain at least one non-empty matcher"
                raise self._fault(node.start, reason)
            return
        for matcher in node.matchers[:-1]:
            if matcher.label == NAME_LABEL:
                both = f"{quoted(node.name)} or {quoted(matcher.value)}"
                raise self._fault(node.start, f"metric name must not be set twice: {both}")

    def _call(self, node: Call) -> None:
        signature, given = FUNCTIONS[node.name], len(node.args)
        if given < signature.least or (signature.most is not None and given > signature.most):
            few = "at least " if given < signature.least else "at most "
            wanted = signature.least if given < signature.least else signature.most
            exact = "" if signature.optional == 0 else few
            reason = f"expected {exact}{wanted} argument(s) in call to {quoted(node.name)}"
            raise self._fault(node.start, f"{reason}, got {given}")
        for number, argument in enumerate(node.args):
            kind = signature.kind(number)
            self._expect(argument, kind, f"call to function {quoted(node.name)}")

    def _binary(self, node: Binary) -> None:
        self.check(node.rhs)
        scalars = node.lhs.kind == node.rhs.kind == "scalar"
        if node.as_bool and node.op not in COMPARISONS:
            reason = "bool modifier can only be used on comparison operators"
            raise self._fault(node.place, reason)
        if node.op in COMPARISONS and scalars and not node.as_bool:
            reason = "comparisons between scalars must use BOOL modifier"
            raise self._fault(node.place, reason)
        self._shared_labels(node)
        for operand in (node.lhs, node.rhs):
            if operand.kind not in ("scalar", "vector"):
                raise self._fault(operand.start, _OPERANDS)
        if "scalar" in (node.lhs.kind, node.rhs.kind):
            self._with_scalar(node)
        elif node.op in SETS and node.matching.many:
            reason = f"no grouping allowed for {quoted(node.op)} operation"
            raise self._fault(node.start, reason)

    def _shared_labels(self, node: Binary) -> None:
        for label in node.matching.labels:
            if node.matching.on and label in node.matching.include:
                reason = f"label {quoted(label)} must not occur in ON and GROUP clause at once"
                raise self._fault(node.place, reason)

    def _with_scalar(self, node: Binary) -> None:
        if node.matching.labels:
            reason = "vector matching only allowed between instant vectors"
            raise self._fault(node.start, reason)
        if node.op in SETS:
            reason = f"set operator {quoted(node.op)} not allowed in binary scalar expression"
            raise self._fault(node.start, reason)


def check_durations(tree: Node, text: str, step_ms: int) -> None:
    """
    Make sure that what is made of the query's step is long enough.

    Raises:
        QueryError: A range, or the step of a subquery, is not.
    """
    for node in nodes(tree):
        for each in _lengths(node):
            if isinstance(each, Measure) and seconds(each, step_ms) <= 0:
                start, end = (
                    len(text[:at].encode("utf-8", "replace")) for at in (each.start, each.end)
                )
                raise bad_data(f"{start}:{end}: duration must be greater than 0")


def _lengths(node: Node) -> tuple[Duration, ...]:
    match node:
        case Range():
            return (node.range,)
        case Subquery():
            return (node.step, node.range)
        case _:
            return ()
