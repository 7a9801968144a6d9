"""This module tests which patterns of users are refused because a hostile text could stop them."""

import re
from typing import Any

import pytest

from otel_confidence.errors import ConfigurationError
from otel_confidence.sdk.redaction.safety import checked


@pytest.mark.parametrize(
    "pattern",
    [
        r"(a+)+$", r"(a|a)*b", r"(a|aa)*b", r"(?:a|ab)*c", r"(\w+\s?)+$", r"(\w+\s?)*$", r"(a*)*b",
        r"\b\d+\d+x", r"^(\d+|[a-z]+)+$", r"^.*.*=", r"^.*x.*y", r"^(\w+)\1", r"(a?){30}a{30}",
        r"a?a?a?a?a?a?a?a?a?aaaaaaaa", r"(?:a{1,16}){1,16}b", r"((a+)b?)+c", r"(?:.|\n)*end",
        r"\b(?:(?=.*x)a)*b", r"([a-z]+)*@", r"^(.*)(.*)z", r"\b\w+\s*\w+!", r"^(?:a+da*)+x",
        r"^(?:a+b*)+c", r"\b(?:[a-z]+\.)+corp", r"(?m)^(?:a\n)+b", r"\B\w+!",
        r"^(?:x+x+)+y", r"^([ab]{2,}c?){2,}d", r"^(?i:a+A+)x",
        r"\w+@corp", r".*secret", r"[a-z]+-\d", r"(?:ab+)+c",
    ],
)  # fmt: skip
def test_explosive_patterns_are_refused(pattern: str) -> None:
    """
    Patterns whose time grows faster than the text are refused by name, with the reason.
    """
    with pytest.raises(ConfigurationError, match=r"redact_patterns\['k'\] .* is refused: "):
        checked("k", pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        r"EMP-\d{6}", r"\bACME-[A-Z]{2,4}-\d+\b",
        r"(?<![\w.])(?:[a-z]+\.)+corp", r"^(?:[a-z]|\w)+!", r"(?:\d{1,3}\.){3}\d{1,3}",
        r"\d{3}[- ]?\d{4}", r"(?:[- ]?\d){9}", r"(?i)patient\s+id:\s*\w+", r"\b\w+@corp\.example",
        r"(?:cat|dog)s?", r"(?:ab|cd)+", r"\b[A-Z]+-\d+", r"https?://\S+", r"[\w.]{3,}",
        r"(?P<value>KD\d{8})", r"^abc.*$", r"\bP-(?:[0-9A-F]{4}-){3}[0-9A-F]{4}\b",
        r"(?<=user=)\w+",
        r"\w+(?:-\w+)*", r"\d{4}([ -])\d{4}\1\d{4}", r"[^\W\d_]{2,}",
        re.compile(r"mrn[:#]? ?[0-9]{7}", re.IGNORECASE),
    ],
)  # fmt: skip
def test_ordinary_patterns_are_accepted(pattern: Any) -> None:
    """
    What people write for ids and keys is accepted, and ends on a long hostile text.
    """
    made = re.compile(checked("k", pattern))
    hostile = [(text * 100_000)[:100_000] for text in ("a", "1", "A-", "a.", " 1", "ab", "user=")]

    assert len(hostile) == len([made.sub("", text) for text in hostile])


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(", "is no regular expression: missing"),
        ("", "must be a regular expression of 1 to 1000 characters"),
        (3, "must be a regular expression .* got 3"),
        (b"abc", "must be a regular expression"),
        ("a" * 1001, "of 1 to 1000 characters"),
        ("x*", "matches nothing at all"),
        (r"(a)?(?(1)b|c)", "depends on one"),
    ],
)
def test_wrong_patterns_are_named(pattern: Any, message: str) -> None:
    """
    What is no pattern, or finds everything, is refused by a sentence.
    """
    with pytest.raises(ConfigurationError, match=message):
        checked("k", pattern)


def test_flags_are_kept() -> None:
    """
    The flags of a compiled pattern are written into it.
    """
    made = checked("k", re.compile("(?i)a b # c\n^x", re.MULTILINE | re.VERBOSE))

    assert made.startswith("(?imx)")
    assert ["AB"] == re.compile(checked("k", re.compile("a b # c", re.I | re.X))).findall("AB")  # noqa: FURB167  short
