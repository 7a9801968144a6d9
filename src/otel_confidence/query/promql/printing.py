"""
This module writes a tree as text again, on one line or laid out over several, as Prometheus does.
"""

import re
from typing import Final

from otel_confidence.points import Matcher
from otel_confidence.query.literals import label_name, quoted
from otel_confidence.query.numbers import decimal
from otel_confidence.query.promql.aggregation import Grouping
from otel_confidence.query.promql.durations import Duration, Measure, Number, milliseconds
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
    spine,
)

_WIDTH: Final = 100
"""Characters; what is longer is laid out over lines."""
_LONGEST_CHAIN: Final = 1000
"""Operators; each further one is indented further, and a long chain would be mostly spaces."""
_INDENT: Final = "  "
_PLAIN_GROUPING: Final = re.compile(r"[A-Za-z_:][A-Za-z0-9_:]*")
_UNITS_MS: Final = (
    ("y", 31_536_000_000, True),
    ("w", 604_800_000, True),
    ("d", 86_400_000, False),
    ("h", 3_600_000, False),
    ("m", 60_000, False),
    ("s", 1_000, False),
    ("ms", 1, False),
)
"""Each unit, and whether it is only used where nothing smaller remains."""


def pretty(tree: Node) -> str | None:
    """
    An expression laid out; None where a chain of operators in it is too long.
    """
    try:
        return _laid_out(tree, 0)
    except _TooLong:
        return None


class _TooLong(Exception):  # noqa: N818  never leaves this file
    pass


def written(node: Node) -> str:  # noqa: C901, PLR0911  one case for each kind
    """
    An expression on one line.
    """
    match node:
        case Number():
            return _number(node)
        case Text():
            return quoted(node.value)
        case Selector():
            return f"{_selected(node)}{_moved(node.moved)}"
        case Range():
            return f"{_selected(node.selector)}[{_length(node.range)}]{_moved(node.moved)}"
        case Subquery():
            return f"{written(node.expr)}{_subquery(node)}"
        case Call():
            return f"{node.name}({', '.join(map(written, node.args))})"
        case Aggregate():
            param = f"{written(node.param)}, " if node.param is not None else ""
            return f"{_aggregation(node)}({param}{written(node.expr)})"
        case Paren():
            return f"({written(node.expr)})"
        case Unary():
            return f"{node.op}{written(node.expr)}"
        case Binary():
            left, chain = spine(node)
            rest = (f" {_operator(each)} {written(each.rhs)}" for each in chain)
            return f"{written(left)}{''.join(rest)}"


def _laid_out(node: Node, level: int) -> str:  # noqa: PLR0911  one case for each kind
    indent = _INDENT * level
    if isinstance(node, Unary):
        return f"{indent}{node.op}{_laid_out(node.expr, level).strip()}"
    line = written(node)
    if len(line.encode()) <= _WIDTH or isinstance(node, Number | Text | Selector | Range):
        # Prometheus forgets to indent a subquery that fits into a line.
        return line if isinstance(node, Subquery) else f"{indent}{line}"
    match node:
        case Subquery():
            return f"{_laid_out(node.expr, level)}{_subquery(node)}"
        case Call():
            inner = ",\n".join(_laid_out(each, level + 1) for each in node.args)
            return f"{indent}{node.name}(\n{inner}\n{indent})"
        case Aggregate():
            both = [node.expr] if node.param is None else [node.param, node.expr]
            inner = ",\n".join(_laid_out(each, level + 1) for each in both)
            return f"{indent}{_aggregation(node)}(\n{inner}\n{indent})"
        case Paren():
            return f"{indent}(\n{_laid_out(node.expr, level + 1)}\n{indent})"
        case Binary():
            return _chain(node, level)
    return f"{indent}{line}"


def _chain(node: Binary, level: int) -> str:
    left, chain = spine(node)
    if len(chain) > _LONGEST_CHAIN:
        raise _TooLong
    # What stands to the left of an operator is one level further in.
    within = level + len(chain)
    line, laid_out = written(left), _laid_out(left, within)
    for each in chain:
        within -= 1
        line = f"{line} {_operator(each)} {written(each.rhs)}"
        if len(line.encode()) <= _WIDTH:
            laid_out = f"{_INDENT * within}{line}"
        else:
            right = _laid_out(each.rhs, within + 1)
            laid_out = f"{laid_out}\n{_INDENT * within}{_operator(each)}\n{right}"
    return laid_out


def _number(node: Number) -> str:
    if not node.is_duration:
        return decimal(node.value)
    return duration(int(node.value * 1000))


def duration(length_ms: int) -> str:
    """
    A duration such as ``1h30m``.
    """
    if not length_ms:
        return "0s"
    sign, rest = ("-" if length_ms < 0 else ""), abs(length_ms)
    parts = []
    for unit, size, whole in _UNITS_MS:
        if rest >= size and not (whole and rest % size):
            parts.append(f"{rest // size}{unit}")
            rest %= size
    return f"{sign}{''.join(parts)}"


def _length(of: Duration) -> str:
    if isinstance(of, Measure):
        return _measure(of)
    return f"{'-' if of < 0 else ''}{duration(milliseconds(abs(of), 0))}"


def _measure(node: Number | Measure) -> str:
    if isinstance(node, Number):
        return _number(node)
    inner = ", ".join(map(_measure, node.of))
    return f"-{inner}" if node.op == "-" else f"{node.op}({inner})"


def _moved(moved: Moved) -> str:
    at = offset = ""
    if moved.at is not None:
        where = f"{moved.at}()" if isinstance(moved.at, str) else f"{moved.at / 1000:.3f}"
        at = f" @ {where}"
    if moved.offset:
        offset = f" offset {_length(moved.offset)}"
    return f"{at}{offset}"


def _selected(node: Selector) -> str:
    matchers = node.matchers[:-1] if node.name else node.matchers
    inner = ",".join(sorted(map(_matcher, matchers)))
    return f"{node.name}{{{inner}}}" if inner or not node.name else node.name


def _matcher(matcher: Matcher) -> str:
    return f"{label_name(matcher.label)}{matcher.op}{quoted(matcher.value)}"


def _subquery(node: Subquery) -> str:
    step = _length(node.step) if node.step else ""
    return f"[{_length(node.range)}:{step}]{_moved(node.moved)}"


def _aggregation(node: Aggregate) -> str:
    return f"{node.op}{_grouping(node.grouping)}"


def _grouping(grouping: Grouping) -> str:
    if not grouping.without and not grouping.labels:
        return ""
    word = "without" if grouping.without else "by"
    return f" {word} ({_labels(grouping.labels)}) "


def _labels(labels: tuple[str, ...]) -> str:
    return ", ".join(each if _PLAIN_GROUPING.fullmatch(each) else quoted(each) for each in labels)


def _operator(node: Binary) -> str:
    vectors = node.lhs.kind == node.rhs.kind == "vector"
    matching = _matching(node.matching) if vectors else ""
    return f"{node.op}{' bool' if node.as_bool else ''}{matching}"


def _matching(matching: Matching) -> str:
    found = ""
    if matching.labels or matching.on or matching.many:
        found = f" {'on' if matching.on else 'ignoring'} ({_labels(matching.labels)})"
    if matching.many:
        found += f" group_{matching.many} ({_labels(matching.include)})"
    return found
