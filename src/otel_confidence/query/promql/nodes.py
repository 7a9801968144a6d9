"""
This module holds what an expression is once it is parsed: a tree of frozen nodes.

A node is as deep as what is below it, and a chain of operators such as ``a + b + c``, whose tree
leans to the left, counts as one level however long it is: whoever walks a tree follows ``lhs`` in
a loop and recurs for everything else.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

from otel_confidence.points import Matcher
from otel_confidence.query.promql.aggregation import Grouping
from otel_confidence.query.promql.durations import Duration, Number
from otel_confidence.query.promql.matching import Matching
from otel_confidence.query.promql.signatures import FOLLOWING_TIME, FUNCTIONS, Kind


@dataclass(frozen=True, slots=True)
class Text:
    """
    A string, with a surrogate for each byte that is no UTF-8.
    """

    start: int
    value: str
    kind: Kind = "string"
    fixed: bool = True
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Moved:
    """
    Where else than at the time of evaluation something looks.
    """

    at: int | Literal["start", "end"] | None = None
    """What ``@`` says: a time in milliseconds, or an end of the query."""
    offset: Duration = 0


NOWHERE: Final = Moved()


@dataclass(frozen=True, slots=True)
class Selector:
    """
    An instant vector selector.
    """

    start: int
    name: str
    """The metric, where it stands before the braces."""
    matchers: tuple[Matcher, ...]
    """The conditions in the order they are written in, that of the name last."""
    moved: Moved = NOWHERE
    kind: Kind = "vector"
    depth: int = 0

    @property
    def fixed(self) -> bool:
        """
        Whether it looks at the same time at every step.
        """
        return self.moved.at is not None


@dataclass(frozen=True, slots=True)
class Range:
    """
    A range vector selector.
    """

    selector: Selector
    range: Duration
    kind: Kind = "matrix"
    depth: int = 1

    @property
    def start(self) -> int:
        """
        Where it begins.
        """
        return self.selector.start

    @property
    def fixed(self) -> bool:
        """
        Whether it looks at the same time at every step.
        """
        return self.selector.fixed

    @property
    def moved(self) -> Moved:
        """
        Where it looks.
        """
        return self.selector.moved


@dataclass(frozen=True, slots=True)
class Subquery:
    """
    An expression evaluated over a range.
    """

    expr: "Node"
    range: Duration
    step: Duration
    """Zero for the engine's own."""
    moved: Moved = NOWHERE
    kind: Kind = "matrix"
    depth: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "depth", self.expr.depth + 1)

    @property
    def start(self) -> int:
        """
        Where it begins.
        """
        return self.expr.start

    @property
    def fixed(self) -> bool:
        """
        Whether it looks at the same time at every step.
        """
        return self.moved.at is not None


@dataclass(frozen=True, slots=True)
class Call:
    """
    A function called.
    """

    start: int
    name: str
    args: tuple["Node", ...]
    kind: Kind = field(init=False)
    fixed: bool = field(init=False)
    depth: int = field(init=False)

    def __post_init__(self) -> None:
        fixed = self.name not in FOLLOWING_TIME and all(each.fixed for each in self.args)
        object.__setattr__(self, "kind", FUNCTIONS[self.name].gives)
        object.__setattr__(self, "fixed", fixed)
        object.__setattr__(self, "depth", 1 + max((each.depth for each in self.args), default=0))


@dataclass(frozen=True, slots=True)
class Aggregate:
    """
    An aggregation over series.
    """

    start: int
    op: str
    expr: "Node"
    param: "Node | None"
    grouping: Grouping
    kind: Kind = "vector"
    depth: int = field(init=False)

    def __post_init__(self) -> None:
        deepest = max(self.expr.depth, self.param.depth if self.param else 0)
        object.__setattr__(self, "depth", deepest + 1)

    @property
    def fixed(self) -> bool:
        """
        Whether it is the same at every step.

        Its parameter is not asked: Prometheus takes it from the first step then.
        """
        return self.expr.fixed


@dataclass(frozen=True, slots=True)
class Binary:
    """
    An operator between two expressions.
    """

    op: str
    lhs: "Node"
    rhs: "Node"
    matching: Matching
    as_bool: bool
    place: int
    """Where the operator stands."""
    start: int = field(init=False)
    kind: Kind = field(init=False)
    fixed: bool = field(init=False)
    depth: int = field(init=False)

    def __post_init__(self) -> None:
        scalars = self.lhs.kind == self.rhs.kind == "scalar"
        left = self.lhs.depth + (not isinstance(self.lhs, Binary))
        object.__setattr__(self, "start", self.lhs.start)
        object.__setattr__(self, "kind", "scalar" if scalars else "vector")
        object.__setattr__(self, "fixed", self.lhs.fixed and self.rhs.fixed)
        object.__setattr__(self, "depth", max(left, self.rhs.depth + 1))


@dataclass(frozen=True, slots=True)
class Paren:
    """
    An expression in parentheses.
    """

    start: int
    expr: "Node"
    kind: Kind = field(init=False)
    fixed: bool = field(init=False)
    depth: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", self.expr.kind)
        object.__setattr__(self, "fixed", self.expr.fixed)
        object.__setattr__(self, "depth", self.expr.depth + 1)


@dataclass(frozen=True, slots=True)
class Unary:
    """
    A sign before an expression.
    """

    start: int
    op: str
    expr: "Node"
    kind: Kind = field(init=False)
    fixed: bool = field(init=False)
    depth: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", self.expr.kind)
        object.__setattr__(self, "fixed", self.expr.fixed)
        object.__setattr__(self, "depth", self.expr.depth + 1)


Node = Number | Text | Selector | Range | Subquery | Call | Aggregate | Binary | Paren | Unary


def children(node: Node) -> list[Node]:
    """
    The nodes right below one.
    """
    match node:
        case Call():
            return list(node.args)
        case Binary():
            return [node.lhs, node.rhs]
        case Aggregate():
            return [node.param, node.expr] if node.param is not None else [node.expr]
        case Range():
            return [node.selector]
        case Paren() | Unary() | Subquery():
            return [node.expr]
        case _:
            return []


def nodes(tree: Node) -> Iterator[Node]:
    """
    A tree's nodes from the top, each before those below it, in the order of the text.
    """
    pending = [tree]
    while pending:
        node = pending.pop()
        yield node
        pending.extend(reversed(children(node)))


def spine(node: Binary) -> tuple[Node, list[Binary]]:
    """
    The leftmost operand of a chain of operators, and the operators from there on.
    """
    chain, left = [node], node.lhs
    while isinstance(left, Binary):
        chain.append(left)
        left = left.lhs
    return left, chain[::-1]


def unwrapped(node: Node) -> Node:
    """
    A node without the parentheses around it.
    """
    while isinstance(node, Paren):
        node = node.expr
    return node


def selectors_of(tree: Node) -> list[list[Matcher]]:
    """
    The conditions of every selector in an expression.
    """
    return [list(node.matchers) for node in nodes(tree) if isinstance(node, Selector)]


def place(text: str, start: int) -> str:
    """
    Line and column, counted from one and in bytes, of a position in an expression's text.
    """
    before = text[:start].encode("utf-8", "replace")
    return f"{before.count(10) + 1}:{len(before) - before.rfind(10)}"
