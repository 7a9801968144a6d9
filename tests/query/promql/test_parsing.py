"""
This module tests that any text at all is either an expression or a bad request.

That trees and messages are Prometheus's own is tested beside it, by tests/query/differential.
"""

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.query.promql.series import Memory, Prom, every

from otel_confidence.errors import QueryError
from otel_confidence.query.promql import Engine
from otel_confidence.query.promql.durations import milliseconds
from otel_confidence.query.promql.nodes import Range, Selector, nodes
from otel_confidence.query.promql.parsing import MAX_LENGTH, formatted, parse, selector

PIECES = (
    "temp", "sum", "by", "(", ")", "[", "]", "{", "}", "5m", "1e18", "1e300", "Inf", "NaN", "-",
    "+", "offset", "@", "start()", "end()", ":", '"a"', "'b'", "`c`", "=", "=~", "!=", "!~", ",",
    "on", "ignoring", "group_left", "bool", "rate", "0", "0x", "1_0", "9999999999999999999", "le",
    "\\", "\x00", "é", "#", "\n", " ", "1y", "300y", "99999999999999999999y", "and", "%", "^",
    "atan2", ".5", "1.", "topk", "count_values", "label_replace", '"\\xff"', '"\\400"', "1e", "𝄞",
    "-0", "1h1h", "smoothed", "anchored", "info", "limitk", "step()", "\ufffd", "'\\u12", "!", "/",
)  # fmt: skip
TEXTS = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=12).map("".join)


@given(st.sampled_from(["", "temp offset ", "temp[", "temp @ ", "temp{", "sum by ("]), TEXTS)
def test_every_text_is_an_expression_or_a_bad_request(beginning: str, rest: str) -> None:
    """
    Whatever is asked, nothing but a tree or a ``QueryError`` of status 400 comes out.
    """
    text = beginning + rest
    expected: object = "bad_data"
    try:
        expected = type(parse(text))
        found: object = type(parse(formatted(text)))
    except QueryError as error:
        found = error.kind

    assert expected == found


@pytest.mark.parametrize("length", ["1e18", "300y", "99999999999999999999y", "0x7fffffffffffffff"])
@pytest.mark.parametrize(
    "shape", ["x offset {}", "x offset -{}", "rate(x[{}])", "sum_over_time(x[{}:1m])", "x[1m:{}]"]
)
def test_durations_beyond_292_years_are_refused(length: str, shape: str) -> None:
    """
    A duration that does not fit into 64 bits of nanoseconds is a bad request.
    """
    with pytest.raises(QueryError, match=r"duration out of range|not a valid duration") as caught:
        parse(shape.format(length))

    assert 400 == caught.value.status


def test_an_offset_of_nan_finds_nothing() -> None:
    """
    What is no number moves a selector to where no sample is, as in Prometheus.
    """
    assert {} == Prom({"x": every(10, 1.0)}).at(5, "x offset NaN")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("-" * 90_000 + "x", id="signs"),
        pytest.param("(" * 50_000, id="brackets that never close"),
        pytest.param("(" * 40_000 + "1" + ")" * 40_000, id="brackets"),
        pytest.param("abs(" * 19_000 + "x" + ")" * 19_000, id="calls"),
        pytest.param("x" + "[1m:1s]" * 14_000, id="subqueries one behind another"),
        pytest.param("2^" * 40_000 + "1", id="powers, which lean to the right"),
        pytest.param("1+(" * 30_000, id="the right side of operators"),
    ],
)
def test_what_nests_without_bound_is_refused(text: str) -> None:
    """
    More than 200 levels are a bad request, found out before they could exhaust the stack.
    """
    with pytest.raises(QueryError, match="nested more than 200 deep") as caught:
        parse(text)

    assert 400 == caught.value.status


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("(" * 200 + "x" + ")" * 200, id="brackets"),
        pytest.param("-(" * 99 + "x" + ")" * 99, id="signs and brackets"),
        pytest.param("abs(1 * " * 99 + "x" + ")" * 99, id="operators within calls"),
        pytest.param("sum(" * 200 + "x" + ")" * 200, id="aggregations"),
    ],
)
def test_two_hundred_levels_are_answered(text: str) -> None:
    """
    What nests as deep as allowed is evaluated within the stack that Python has.
    """
    assert sys.getrecursionlimit() == 1000

    assert 1 == len(Prom({"x": every(10, 1.0)}).at(5, text))


@pytest.mark.parametrize(
    ("joint", "count", "value"),
    [(" + ", 25_000, 25_000.0), (" or ", 18_000, 1.0), (" * 2 / 2 - ", 8_000, -7_998.0)],
)
def test_a_chain_of_operators_is_as_long_as_an_expression_may_be(
    joint: str, count: int, value: float
) -> None:
    """
    Operands side by side count as one level, and are evaluated one after the other.
    """
    prom = Prom({"x": every(10, 1.0)})
    text = joint.join(["x"] * count)

    assert len(text) <= MAX_LENGTH
    assert [value] == list(prom.at(5, text).values())


def test_a_query_that_is_too_long_is_refused() -> None:
    """
    More than 100,000 characters are a bad request.
    """
    with pytest.raises(QueryError, match="has 100001 characters, more than 100000"):
        parse("x" * (MAX_LENGTH + 1))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r"x{a=~`\d+`}", r"\d+"),
        ("x{a=`\\n\n\"'`}", "\\n\n\"'"),
        (r'x{a="\n\x41\101\u00e9\U0001F600\"\\"}', '\nAAé😀"\\'),
        (r"x{a='\'\t'}", "'\t"),
    ],
)
def test_strings_mean_what_they_mean_in_prometheus(text: str, value: str) -> None:
    """
    Nothing is an escape between backticks, which may hold newlines; between quotes, Go's are.
    """
    tree = parse(text)

    assert isinstance(tree, Selector)
    assert value == tree.matchers[0].value
    assert tree == parse(formatted(text))


@pytest.mark.parametrize("text", ['"\ud800"', "x{a=`\udcff`}", "\udfff", "'\ufffd'", "# \ud800"])
def test_what_is_no_text_is_no_expression(text: str) -> None:
    """
    Half of a surrogate pair, which only Python can hand over, is a bad request anywhere.
    """
    with pytest.raises(QueryError, match=r"invalid UTF-8 rune|unexpected char|no expression found"):
        parse(text)


def test_nodes_come_in_the_order_of_the_text() -> None:
    """
    A tree is walked as its text is read.
    """
    text = "quantile(0.5, a) / (b[5m:1m] or -c offset 1m) + sum by (d) (rate(e[1m]))"
    found = [each.name for each in nodes(parse("sum(a / b or -c) + sum by (d) (rate(e[1m]))"))
             if isinstance(each, Selector)]  # fmt: skip

    assert ["a", "b", "c", "e"] == found
    with pytest.raises(QueryError, match="1:21: parse error: binary expression must contain only"):
        parse(text)


def test_a_selector_is_one_instant_vector_without_modifiers() -> None:
    """
    ``match[]`` takes neither ranges nor offsets nor times.
    """
    assert [("a", "=", "1"), ("__name__", "=", "x")] == [
        (each.label, each.op, each.value) for each in selector('x{a="1"}')
    ]
    for text in ("x[5m]", "x offset 5m", "x @ 1", "(x)", "1"):
        with pytest.raises(QueryError, match="expected an instant vector selector"):
            selector(text)


def test_ranges_know_where_they_look() -> None:
    """
    A range is at its selector's place in time, as long as it says, to the millisecond.
    """
    tree = parse("x[1m30s] offset -90 @ 12.3456")

    assert isinstance(tree, Range)
    assert (90_000, -90_000) == tuple(
        milliseconds(each, 0) for each in (tree.range, tree.moved.offset)
    )
    assert 12_346 == tree.moved.at


def test_a_string_of_bytes_that_are_no_text_is_legible() -> None:
    """
    What is no UTF-8 is answered with the character that stands for it, as JSON has to be.
    """
    assert "a\ufffd" == Engine(Memory({})).query(r'"a\xff"', at=0).text
