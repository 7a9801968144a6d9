"""
This module tests confidence put into words or figures.
"""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_confidence.sdk.extract import Verbalized, extractor


@pytest.mark.parametrize(
    ("stated", "confidence"),
    [
        ("high", 0.7),
        ("Very-High.", 0.9),
        ("very_high", 0.9),
        ("  LOW ", 0.3),
        ("85 %", 0.85),
        ("85%", 0.85),
        ("85 percent", 0.85),
        ("1 %", 0.01),
        ("0.85", 0.85),
        (".85", 0.85),
        ("0,85", 0.85),
        ("85", 0.85),
        ("8/10", 0.8),
        ("8 out of 10", 0.8),
        (85, 0.85),
        (0.85, 0.85),
        (1, 1.0),
        ("100 %", 1.0),
    ],
)
def test_words_and_figures(stated: Any, confidence: float) -> None:
    """
    Words, percentages, fractions and bare numbers say how sure the model claims to be.
    """
    found = extractor(Verbalized())({"confidence": stated})

    assert found.confidence == pytest.approx(confidence, abs=1e-15)
    assert ("verbalized", {}) == (found.source, dict(found.rejected))


@pytest.mark.parametrize(
    ("stated", "reason"),
    [
        ("dunno", "unknown_word"),
        ("-5 %", "unknown_word"),
        ("1e-3", "unknown_word"),
        ("high " * 100, "unknown_word"),
        ("9" * 10_000_000, "unknown_word"),
        ("", "confidence_missing"),
        (" . ", "confidence_missing"),
        (None, "confidence_missing"),
        ("101 %", "out_of_range"),
        ("11/10", "out_of_range"),
        ("0/0", "out_of_range"),
        (150, "out_of_range"),
        (-5, "out_of_range"),
        (True, "wrong_type:bool"),
        (b"high", "wrong_type:bytes"),
        (["high"], "wrong_type:list"),
    ],
    ids=lambda v: repr(v)[:20],
)
def test_what_states_no_confidence_is_refused(stated: Any, reason: str) -> None:
    """
    What states no confidence is counted under its reason.
    """
    assert {reason: 1} == extractor(Verbalized())({"confidence": stated}).rejected


def test_words_are_the_users_own() -> None:
    """
    Declared words stand for what is declared, and no others are known.
    """
    extract = extractor(Verbalized(words={"Ganz sicher": 0.95}))

    assert 0.95 == extract({"confidence": "ganz sicher!"}).confidence
    assert {"unknown_word": 1} == extract({"confidence": "high"}).rejected


def test_a_declared_scale_ends_the_guessing() -> None:
    """
    With a scale a bare 1 is one percent, and clipping keeps what is above.
    """
    extract = extractor(Verbalized(scale="percent", out_of_range="clip"))

    assert 0.01 == extract({"confidence": 1}).confidence
    assert (1.0, {"out_of_range": 1}) == (
        extract({"confidence": 140}).confidence, extract({"confidence": "140 %"}).rejected,
    )  # fmt: skip


def test_statements_of_a_batch() -> None:
    """
    Each statement of a list is one prediction, with its own reason where it says nothing.
    """
    found = extractor(Verbalized("[*].sure"), label="[*].answer")(
        [{"sure": "high", "answer": 1}, {"sure": "50 %", "answer": 2}, {"sure": "?", "answer": 3}]
    )

    assert (3, [1, 2, 3], {"unknown_word": 1}) == (found.size, found.label, found.rejected)


@given(st.text(max_size=40) | st.floats() | st.integers() | st.none())
def test_any_statement_is_read_or_counted(stated: Any) -> None:
    """
    Whatever is stated is either a confidence within 0..1 or counted under one reason.
    """
    found = extractor(Verbalized())({"confidence": stated})

    if found.confidence is None:
        assert 1 == sum(found.rejected.values())
    else:
        assert isinstance(found.confidence, float)
        assert 0.0 <= found.confidence <= 1.0
