"""
This module tests that series are found by their labels as PromQL's matchers mean it.
"""

import re
from itertools import product
from typing import Literal

import numpy as np
import pytest

from otel_confidence.errors import QueryError
from otel_confidence.points import Labels, Matcher, Series
from otel_confidence.store import roster
from otel_confidence.store.roster import Roster

Operator = Literal["=", "!=", "=~", "!~"]
VALUES = ("", "a", "ab", "b\n", "ü")


def labels(**pairs: str) -> Labels:
    return tuple(sorted((name, value) for name, value in pairs.items() if value))


ALL = [
    labels(__name__=name, i=i, j=j) for name, i, j in product(("", "m_total", "x"), VALUES, VALUES)
]


def filled(some: list[Labels]) -> Roster:
    made = Roster()
    made.add((Series(each).fingerprint, each) for each in some)
    return made


def fulfils(series: Labels, matcher: Matcher) -> bool:
    value = dict(series).get(matcher.label, "")
    if matcher.op in ("=", "!="):
        return (value == matcher.value) == (matcher.op == "=")
    matches = re.fullmatch(matcher.value, value, re.DOTALL) is not None
    return matches == (matcher.op == "=~")


def expected(matchers: list[Matcher]) -> list[Labels]:
    return sorted(each for each in ALL if all(fulfils(each, matcher) for matcher in matchers))


@pytest.mark.parametrize("op", ["=", "!=", "=~", "!~"])
@pytest.mark.parametrize("value", ["", "a", "a.*|", "b.", ".+", "ü|x", "m_total"])
@pytest.mark.parametrize("label", ["i", "nowhere", "__name__"])
def test_series_fulfil_the_matcher(label: str, op: Operator, value: str) -> None:
    """
    Exactly those are found, in the order of their labels; a missing label reads as empty.
    """
    matcher = Matcher(label, op, value)

    found = filled(ALL).find([matcher, Matcher("j", "!=", "ab")])

    assert expected([matcher, Matcher("j", "!=", "ab")]) == found.labels


def test_numbers_are_those_of_the_series_found() -> None:
    """
    The number of a series is the one that its fingerprint has.
    """
    made = filled(ALL)

    found = made.find([Matcher("__name__", "=", "x")])
    fingerprints = np.array([Series(each).fingerprint for each in found.labels], dtype=np.uint64)

    assert 25 == len(found.labels)
    assert made.rows(fingerprints).tolist() == found.rows.tolist()


def test_series_that_come_later_are_found_too() -> None:
    """
    What was found before is brought up to date, and the same again where nothing came.
    """
    matchers = [Matcher("__name__", "=", "x"), Matcher("i", "=~", "a.*")]
    made = filled(ALL[:60])
    before = made.find(matchers)

    made.add((Series(each).fingerprint, each) for each in ALL)
    after = made.find(matchers)

    assert len(before.labels) < len(after.labels)
    assert expected(matchers) == after.labels
    assert after is made.find(matchers)


@pytest.mark.parametrize("op", ["=", "!="], ids=["empty answers", "full answers"])
def test_answers_remembered_are_bounded(monkeypatch: pytest.MonkeyPatch, op: Operator) -> None:
    """
    When answers take too much room, those before are forgotten, and found again.
    """
    monkeypatch.setattr(roster, "_MOST_REMEMBERED", 20_000)
    made = filled(ALL)
    questions = [[Matcher("__name__", op, f"no {number}")] for number in range(100)]

    found = [made.find(each).labels for each in questions]

    assert 0 < len(made._known) < 50
    assert [expected(each) for each in questions] == found
    assert expected(questions[0]) == made.find(questions[0]).labels


def test_without_conditions_all_are_found() -> None:
    """
    No matcher leaves no series out.
    """
    assert sorted(ALL) == filled(ALL).find([]).labels


def test_a_wrong_expression_is_refused() -> None:
    """
    A regular expression that is none is the asker's fault, even where no series is looked at.
    """
    with pytest.raises(QueryError, match="invalid regular expression"):
        Roster().find([Matcher("i", "=~", "(")])
