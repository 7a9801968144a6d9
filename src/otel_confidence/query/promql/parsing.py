"""
This module turns the text of an expression into promql-parser's tree, or says what is wrong.

The parser follows Prometheus 2.45 and newer; what it accepts and Prometheus 3 does not, or what
the engine does not compute, is refused here before anything runs.
"""

import math
from datetime import timedelta
from functools import lru_cache
from typing import Any, Final

import promql_parser

from otel_confidence.errors import QueryError
from otel_confidence.points import Matcher
from otel_confidence.query.promql.faults import bad_data
from otel_confidence.query.promql.locating import negative_at, place_of
from otel_confidence.query.promql.nesting import most_levels
from otel_confidence.query.promql.reading import matchers_of, nodes
from otel_confidence.query.promql.selecting import Span, fixed_time
from otel_confidence.store.patterns import compiled

EXPERIMENTAL = frozenset(
    {
        "double_exponential_smoothing",
        "end",
        "first_over_time",
        "histogram_quantiles",
        "info",
        "limit_ratio",
        "limitk",
        "mad_over_time",
        "max_of",
        "min_of",
        "range",
        "sort_by_label",
        "sort_by_label_desc",
        "start",
        "step",
        "ts_of_first_over_time",
        "ts_of_last_over_time",
        "ts_of_max_over_time",
        "ts_of_min_over_time",
    }
)
"""Functions and aggregations that Prometheus only offers behind a feature flag."""
NATIVE = frozenset(
    {
        "histogram_avg",
        "histogram_count",
        "histogram_stddev",
        "histogram_stdvar",
        "histogram_sum",
    }
)
"""Functions that only native histograms have an answer for."""
LONGEST = timedelta(microseconds=2**63 // 1000)
"""The longest duration: what fits into 64 bits of nanoseconds, 292 years."""
MAX_LENGTH = 100_000
MAX_DEPTH = 200
_KNOWN: Final = 500
_KNOWN_LENGTH: Final = 4_000
"""Characters; longer expressions are parsed each time, so that what is known stays small."""


def parse(text: str) -> Any:
    """
    The tree of an expression; of those asked again and again it is known.

    Raises:
        QueryError: The text is no expression, or needs something the engine does not have.
    """
    if len(text) > MAX_LENGTH:
        raise bad_data(f"the query has {len(text)} characters, more than {MAX_LENGTH}")
    return _known(text) if len(text) <= _KNOWN_LENGTH else _parsed(text)


@lru_cache(maxsize=_KNOWN)
def _known(text: str) -> Any:
    return _parsed(text)


def _parsed(text: str) -> Any:
    if most_levels(text) > 2 * MAX_DEPTH:
        raise _too_deep()
    at = negative_at(text)
    if at is not None:
        raise bad_data(f"{at}: parse error: negative @ timestamps are not supported")
    try:
        tree = promql_parser.parse(text)
    except ValueError as error:
        raise _parse_error(text, str(error)) from error
    for node, depth in nodes(tree):
        if depth > MAX_DEPTH:
            raise _too_deep()
        _check(text, node)
    return tree


def _too_deep() -> QueryError:
    return bad_data(f"the query is nested more than {MAX_DEPTH} deep")


def _parse_error(text: str, reason: str) -> QueryError:
    return bad_data(f"{place_of(text, reason)}: parse error: {reason}")


def _check(text: str, node: Any) -> None:
    match type(node).__name__:
        case "Call":
            _refuse_experimental(text, node.func.name)
            _refuse_native(text, node.func.name)
        case "AggregateExpr":
            _refuse_experimental(text, str(node.op))
        case "BinaryExpr":
            _refuse_fill(text, node)
        case "VectorSelector":
            _check_selector(text, node)
            _check_times(text, node)
        case "MatrixSelector" | "SubqueryExpr":
            _check_times(text, node)
        case "NumberLiteral" if math.isinf(node.val) and "inf" not in text.lower():
            raise bad_data(f"{place_of(text, '')}: parse error: number out of range")
        case _:
            return


def _refuse_experimental(text: str, name: str) -> None:
    if name in EXPERIMENTAL:
        place = place_of(text, f"'{name}'")
        raise bad_data(f"{place}: parse error: {name}() is experimental and not supported")


def _check_times(text: str, node: Any) -> None:
    durations = (getattr(node, name, None) for name in ("range", "offset", "step"))
    if any(each is not None and abs(each) > LONGEST for each in durations):
        raise bad_data(f"{place_of(text, '')}: parse error: duration out of range")
    try:
        fixed_time(getattr(node, "at", None), Span(0, 0))
    except (OverflowError, ValueError) as error:
        place = place_of(text, "@")
        raise bad_data(f"{place}: parse error: timestamp out of bounds for @ modifier") from error


def _refuse_native(text: str, name: str) -> None:
    if name in NATIVE:
        place = place_of(text, f"'{name}'")
        raise bad_data(
            f"{place}: parse error: {name}() works on native histograms, which are not supported; "
            "classic ones have _sum and _count series"
        )


def _refuse_fill(text: str, node: Any) -> None:
    fill = node.modifier.fill_values if node.modifier else None
    if fill is not None and (fill.lhs is not None or fill.rhs is not None):
        raise bad_data(f"{place_of(text, 'fill')}: parse error: fill modifiers are not supported")


def _check_selector(text: str, node: Any) -> None:
    if node.matchers.or_matchers:
        place = place_of(text, "or")
        raise bad_data(f"{place}: parse error: 'or' between label matchers is not supported")
    for matcher in node.matchers.matchers:
        if matcher.op in (promql_parser.MatchOp.Re, promql_parser.MatchOp.NotRe):
            compiled(matcher.value)


def selector(text: str) -> list[Matcher]:
    """
    The conditions of a text that is one instant vector selector, as ``match[]`` takes it.

    Raises:
        QueryError: It is something else.
    """
    tree = parse(text)
    if type(tree).__name__ != "VectorSelector" or tree.offset is not None or tree.at is not None:
        raise bad_data(f'expected an instant vector selector such as up{{job="a"}}, got {text!r}')
    return matchers_of(tree)


def formatted(text: str) -> str:
    """
    An expression laid out over lines; as it came where the layout would change its meaning.
    """
    tree = parse(text)
    pretty = str(tree.prettify())
    try:
        same = repr(parse(pretty)) == repr(tree)
    except QueryError:
        same = False
    return pretty if same else text.strip()
