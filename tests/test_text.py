"""This module checks the text made of foreign values."""

import enum
import uuid
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from otel_confidence.text import LABEL_LIMIT, clean, label_text


class Color(enum.Enum):
    """A label as an enumeration."""

    RED = "red"


class Hostile(str):
    """Text whose every method misbehaves."""

    __slots__ = ()

    def __str__(self) -> str:
        raise RuntimeError

    def __eq__(self, other: object) -> bool:
        raise RuntimeError

    def __hash__(self) -> int:
        raise RuntimeError

    def __len__(self) -> int:
        raise RuntimeError


class Foreign:
    """An object that is no label."""

    def __str__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize(
    ("label", "text"),
    [
        (4, "4"), (4.0, "4"), (np.int64(4), "4"), (np.float32(4), "4"), (np.uint8(4), "4"),
        ("4", "4"), (np.str_("4"), "4"), (np.array(4), "4"), (Decimal(4), "4"), (0.5, "0.5"),
        (-0.0, "0"), (True, "True"), (np.True_, "True"), (Color.RED, "red"), (None, "None"),
        (b"cat", "cat"), (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        ([1, "a"], "[1,a]"), ((1.0, "a"), "[1,a]"), (np.array([1, 2]), "[1,2]"),
        ({"b", "a"}, "[a,b]"), ({"k": 1}, "[k:1]"), (float("nan"), "nan"),
        pytest.param(Hostile("x"), "x", id="hostile"), (1e300, "1e+300"),
    ],
)  # fmt: skip
def test_equal_labels_have_equal_text(label: Any, text: str) -> None:
    """
    A label's text does not depend on the library its type comes from.
    """
    assert text == label_text(label)


@pytest.mark.parametrize("label", [Foreign(), object(), 10**400, lambda: 1])
def test_foreign_objects_have_no_text(label: Any) -> None:
    """
    An object that is no label is not asked for its text.
    """
    assert label_text(label) is None


def test_self_references_end() -> None:
    """
    A list that holds itself has a short text.
    """
    label: list[Any] = []
    label.append(label)

    assert "[[[[list]]]]" == label_text(label)


def test_long_labels_stay_different() -> None:
    """
    Labels that differ beyond the limit differ in their text, which keeps to the limit.
    """
    long, longer = label_text("x" * 10_000) or "", label_text("x" * 10_001) or ""

    assert long != longer
    assert LABEL_LIMIT == len(long) == len(longer)


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        ("a\r\nb", r"a\r\nb"), ("\0", r"\x00"), ("\ud800", r"\ud800"), ("\u202e", r"\u202e"),
        ("\x1b[31m", r"\x1b[31m"), ("naïve 猫", "naïve 猫"),
    ],
)  # fmt: skip
def test_unprintable_characters_are_escaped(raw: str, cleaned: str) -> None:
    """
    Line breaks, NUL, lone surrogates, overrides and escapes never leave the process as they are.
    """
    assert cleaned == clean(raw)


def test_cut_text_ends_with_a_mark() -> None:
    """
    Text beyond its limit is cut to it, with an ellipsis.
    """
    assert "xxx…" == clean("x" * 9, 4)
