"""
This module compares counted values with numpy's own counts, one row at a time and many at once.
"""

import math
from collections import Counter, namedtuple
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otel_confidence.errors import InvalidRecord
from otel_confidence.reference import Reference
from otel_confidence.reference.counting import FeatureCounter

REFERENCE = Reference.from_data(
    features={
        "size": np.arange(100.0),
        "color": ["red"] * 60 + ["blue"] * 30 + [None] * 10,
    }
)
ROW = {"size": 12.0, "color": "red"}
IN_BINS = {("size", "19.5", "valid"): 1, ("color", "red", "valid"): 1}
Point = namedtuple("Point", ["size", "color"])  # noqa: PYI024  the untyped kind is met too


@dataclass(slots=True)
class Shape:
    """
    A row as a dataclass.
    """

    size: Any
    color: Any


def counted(values: Any, reference: Reference = REFERENCE) -> dict[tuple[str, str, str], int]:
    """
    How many values fell into each feature, bin and state.
    """
    names = [feature.name for feature in reference.features]
    found: Counter[tuple[str, str, str]] = Counter()
    for place, cell, values_ in FeatureCounter(reference.features, names).count(values):
        feature = reference.features[place]
        bin_, state = feature.cells[cell]
        found[feature.name, bin_, state] += values_
    return dict(found)


@pytest.mark.parametrize(
    "row",
    [
        ROW,
        ROW | {"unknown": 7},
        {"size": np.float32(12), "color": np.str_("red")},
        pd.Series(ROW),
        Point(**ROW),
        Shape(**ROW),
        SimpleNamespace(**ROW),
        [12, "red"],
        (12.0, "red"),
        np.array([12.0, "red"], dtype=object),
    ],
    ids=lambda row: type(row).__name__,
)
def test_one_row_counts_once_per_feature(row: Any) -> None:
    """
    A row is known by its names, or by the reference's order.
    """
    assert IN_BINS == counted(row)


@pytest.mark.parametrize(
    "rows",
    [
        pd.DataFrame([ROW] * 3),
        pa.Table.from_pylist([ROW] * 3),
        {"size": [12.0] * 3, "color": np.array(["red"] * 3)},
        {"size": np.full(3, 12, np.int8), "color": "red"},
        [ROW] * 3,
        [Shape(**ROW)] * 3,
        [Point(**ROW)] * 3,
        [[12.0, "red"]] * 3,
        np.array([[12.0, "red"]] * 3, dtype=object),
    ],
    ids=[
        "DataFrame", "arrow", "columns", "a column and a value for all", "mappings",
        "dataclasses", "named tuples", "lists", "array",
    ],
)  # fmt: skip
def test_many_rows_count_each(rows: Any) -> None:
    """
    Three rows count three values of each feature, however they are held.
    """
    assert dict.fromkeys(IN_BINS, 3) == counted(rows)


@pytest.mark.parametrize(
    ("value", "bin_", "state"),
    [
        (-0.5, "9.5", "outlier"), (9.5, "9.5", "valid"), (np.nextafter(9.5, 10), "19.5", "valid"),
        (99, "+Inf", "valid"), (1e300, "+Inf", "outlier"), (-1e300, "9.5", "outlier"),
        (None, "", "missing"), (math.nan, "", "missing"), (pd.NA, "", "missing"),
        (pd.NaT, "", "missing"), (np.float32("nan"), "", "missing"), ("", "", "missing"),
        (math.inf, "", "invalid"), (-math.inf, "", "invalid"), ("12", "", "invalid"),
        (10**400, "", "invalid"), (b"12", "", "invalid"), (12j, "", "invalid"),
        (object(), "", "invalid"), (np.datetime64("2026-01-01"), "", "invalid"),
        (True, "9.5", "valid"), (np.int64(12), "19.5", "valid"), (np.array(12.0), "19.5", "valid"),
    ],
)  # fmt: skip
def test_every_number_has_a_bin_and_state(value: Any, bin_: str, state: str) -> None:
    """
    A value counts the same alone and in a column.
    """
    assert {("size", bin_, state): 1} == _size_of(counted({"size": value, "color": "red"}))
    assert {("size", bin_, state): 1} == _size_of(counted([{"size": value, "color": "red"}]))


@pytest.mark.parametrize(
    ("value", "bin_", "state"),
    [
        ("blue", "blue", "valid"), (np.str_("blue"), "blue", "valid"),
        ("green", "_OTHER", "unseen"), ("_OTHER", "_OTHER", "unseen"), (4, "_OTHER", "unseen"),
        ("'; DROP TABLE x", "_OTHER", "unseen"), ("\ud800", "_OTHER", "unseen"),
        (True, "_OTHER", "unseen"), (None, "", "missing"), ("", "", "missing"),
        (math.nan, "", "missing"), (pd.NA, "", "missing"), ({"a": 1}, "", "invalid"),
        (b"blue", "", "invalid"), ("x" * 10**7, "", "invalid"), (10**400, "", "invalid"),
    ],
    ids=lambda value: repr(value)[:20],
)  # fmt: skip
def test_every_category_has_a_bin_and_state(value: Any, bin_: str, state: str) -> None:
    """
    Whatever the reference doesn't know never becomes a name of its own.
    """
    assert {("color", bin_, state): 1} == _color_of(counted({"size": 1, "color": value}))
    assert {("color", bin_, state): 1} == _color_of(counted([{"size": 1, "color": value}]))


def test_an_absent_name_is_missing() -> None:
    """
    A row that lacks a feature counts it as missing.
    """
    found = {("size", "19.5", "valid"): 1, ("color", "", "missing"): 1}

    assert found == counted({"size": 12, "more": 1})
    assert dict.fromkeys(found, 2) == counted(pd.DataFrame({"size": [12, 13], "more": 1}))


def test_known_categories_without_a_bin_are_other_and_valid() -> None:
    """
    A rare category of the reference is told from one it never had.
    """
    values = [f"c{i:02}" for i in range(25) for _ in range(30 - i)]
    reference = Reference.from_data(features={"x": values})

    assert {("x", "_OTHER", "valid"): 1} == counted({"x": "c24"}, reference)
    assert {("x", "_OTHER", "unseen"): 1} == counted({"x": "c25"}, reference)


def test_escaped_categories_are_found_again() -> None:
    """
    A category that had to be made printable is recognized in its raw form.
    """
    reference = Reference.from_data(features={"x": ["two\nlines", "b" * 200]})

    assert {("x", "two\\nlines", "valid"): 1} == counted({"x": "two\nlines"}, reference)
    assert ["valid"] == [state for _, _, state in counted({"x": "b" * 200}, reference)]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(-50, 50), min_size=1, max_size=50),
    st.lists(st.one_of(st.floats(), st.none(), st.integers(-60, 60)), max_size=50),
)
def test_counts_are_numpys(reference: list[float], current: list[Any]) -> None:
    """
    Counts equal comparisons with the edges, and one row at a time adds up to all at once.
    """
    made = Reference.from_data(features={"x": reference})
    feature = made.features[0]
    together = counted({"x": current}, made)
    alone: Counter[tuple[str, str, str]] = Counter()
    for value in current:
        alone.update(counted({"x": value}, made))

    numbers = np.array([math.nan if v is None else v for v in current], dtype=float)
    edges = [-math.inf, *feature.edges, math.inf]  # type: ignore[union-attr]
    for name, low, high in zip(feature.bins, edges, edges[1:], strict=False):
        inside = ((numbers > low) & (numbers <= high) & np.isfinite(numbers)).sum()
        assert inside == sum(n for (_, bin_, _), n in together.items() if bin_ == name)
    assert dict(alone) == together
    assert len(current) == sum(together.values())


@settings(max_examples=40, deadline=None)
@given(st.lists(st.one_of(st.sampled_from("abc"), st.text(), st.booleans(), st.none())))
def test_categories_alone_and_together_agree(values: list[Any]) -> None:
    """
    A column is counted as its values one after another.
    """
    made = Reference.from_data(features={"x": ["a", "b", "b", "True"]})
    alone: Counter[tuple[str, str, str]] = Counter()
    for value in values:
        alone.update(counted({"x": value}, made))

    assert dict(alone) == counted({"x": values}, made)


def test_the_references_own_data_counts_as_the_reference() -> None:
    """
    Counting what a reference was made of gives its counts, and no outlier or unseen value.
    """
    generator = np.random.default_rng(0)
    data = pd.DataFrame(
        {
            "x": generator.lognormal(size=500),
            "n": np.where(generator.random(500) < 0.1, np.nan, generator.poisson(1.0, 500)),
            "c": pd.Series(["a", "b", None, "a"] * 125),
        }
    )
    made = Reference.from_data(features=data)
    found = counted(data, made)
    half = counted(data.assign(x=data.x.astype("float32")), made)

    shares = {
        (feature.name, *cell): round(share * 500)
        for feature in made.features
        for cell, share in zip(feature.cells, feature.shares, strict=True)
        if share
    }
    assert shares == found == half


NOT_FEATURES: tuple[Any, ...] = (
    7, 1.5, None, "text", b"bytes", {}, {"other": 1}, object(), pd.DataFrame({"other": [1]}),
    [1.0], [1.0, 2.0, 3.0], np.ones(3), np.ones((4, 3)),
)  # fmt: skip


@pytest.mark.parametrize("values", NOT_FEATURES, ids=lambda value: type(value).__name__)
def test_what_holds_no_features_is_refused(values: Any) -> None:
    """
    Neither names nor the reference's width: it can't be told what is what.
    """
    with pytest.raises(InvalidRecord):
        counted(values)


def test_no_rows_count_nothing() -> None:
    """
    An empty batch is fine.
    """
    assert {} == counted([])
    assert {} == counted(pd.DataFrame(columns=["size", "color"]))
    assert {} == counted(np.empty((0, 2)))


def _size_of(found: dict[tuple[str, str, str], int]) -> dict[tuple[str, str, str], int]:
    return {cell: n for cell, n in found.items() if cell[0] == "size"}


def _color_of(found: dict[tuple[str, str, str], int]) -> dict[tuple[str, str, str], int]:
    return {cell: n for cell, n in found.items() if cell[0] == "color"}
