"""This module checks that no expression is too deep for the parser, whatever its text."""

import pytest

from otel_confidence.errors import QueryError
from otel_confidence.query.promql.nesting import most_levels
from otel_confidence.query.promql.parsing import parse
from otel_confidence.query.promql.reading import nodes


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("1+" * 40_000 + "1", id="a chain of operators"),
        pytest.param("1 OR " * 15_000 + "1", id="a chain of words"),
        pytest.param("-" * 90_000 + "1", id="signs"),
        pytest.param("(" * 50_000, id="brackets that never close"),
        pytest.param("(" * 40_000 + "1" + ")" * 40_000, id="brackets"),
        pytest.param("abs(" * 19_000 + "x" + ")" * 19_000, id="calls"),
        pytest.param("x" + "[1m:1s]" * 14_000, id="subqueries one behind another"),
        pytest.param("#\r" + "1+" * 40_000 + "1", id="behind a comment that a return ends"),
        pytest.param("'`' + " + "1+" * 40_000 + "'`'", id="between strings"),
        pytest.param("f(" + "1+" * 40_000 + "1, 1)", id="in an argument before a comma"),
    ],
)
def test_what_would_overflow_the_parser_is_refused_before_it_is_parsed(text: str) -> None:
    """
    An expression that nests without bound is bad data, and the process lives on.
    """
    with pytest.raises(QueryError, match="nested more than 200 deep") as caught:
        parse(text)

    assert 400 == caught.value.status


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "-1 + 2 ^ 3",
        'sum by (a, b) (rate(x{a=~"((.))", b!="((1+1+1"}[5m])) / on (a) group_left () (y > 0)',
        "histogram_quantile(0.9, sum(rate(x[5m])) by (le)) unless (a and b or c)",
        "max_over_time(sum_over_time(x[5m:1m])[1h:5m] offset 1m)",
        "label_replace(1 + (2 + (vector(3))), 'a', '(', \"b\", `)`) # ((( 1 + 1",
        "clamp(a + b + c, 1, 2 + 3)",
    ],
)
def test_the_bound_is_never_below_the_depth_of_the_tree(text: str) -> None:
    """
    The levels counted in the text are at least those of the tree, and strings count for nothing.
    """
    depth = max(level for _, level in nodes(parse(text)))

    assert depth <= most_levels(text) <= depth + 5


def test_two_hundred_levels_are_answered() -> None:
    """
    An expression as deep as allowed is parsed.
    """
    tree = parse("x" + ' + x{a="+"}' * 200)

    assert 200 == max(level for _, level in nodes(tree))
