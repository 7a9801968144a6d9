"""
This module checks what a reference is made of, for every kind of data and every kind of bad data.
"""

import datetime as dt
import math
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from otel_confidence.conventions import CONFIDENCE_EDGES
from otel_confidence.errors import ConfigurationError
from otel_confidence.reference import CategoricalFeature, NumericFeature, Reference

AGES = [31.0, 45.0, 45.0, 27.5, 60.0]
COLORS = ["red", "blue", "red", "green", "red"]


def numeric(values: Any, **options: Any) -> NumericFeature:
    """
    What becomes of one column of numbers.
    """
    feature = Reference.from_data(features={"x": values}, **options).features[0]
    assert isinstance(feature, NumericFeature)
    return feature


def categorical(values: Any, **options: Any) -> CategoricalFeature:
    """
    What becomes of one column of categories.
    """
    feature = Reference.from_data(features={"x": values}, **options).features[0]
    assert isinstance(feature, CategoricalFeature)
    return feature


@pytest.mark.parametrize(
    "features",
    [
        pd.DataFrame({"age": AGES, "color": COLORS}),
        pd.DataFrame({"age": pd.array(AGES, "Float64"), "color": pd.Categorical(COLORS)}),
        pa.table({"age": AGES, "color": COLORS}),
        {"age": np.array(AGES), "color": np.array(COLORS)},
        {"age": tuple(AGES), "color": pd.Series(COLORS)},
        [{"age": a, "color": c} for a, c in zip(AGES, COLORS, strict=True)],
        np.array(list(zip(AGES, COLORS, strict=True)), dtype=[("age", "f8"), ("color", "U5")]),
    ],
    ids=["DataFrame", "extension types", "arrow", "arrays", "columns", "rows", "record array"],
)
def test_every_shape_of_data_gives_the_same_reference(features: Any) -> None:
    """
    How rows and columns are held makes no difference, down to the digest.
    """
    found = Reference.from_data(features=features)

    assert Reference.from_data(features={"age": AGES, "color": COLORS}) == found
    assert found.id == Reference.from_data(features=features).id


def test_arrays_and_plain_rows_take_their_names_from_the_argument() -> None:
    """
    An array of shape [rows, features] and lists of values need ``names``.
    """
    array = np.arange(12.0).reshape(6, 2)
    named = {"a": array[:, 0], "b": array[:, 1]}

    assert Reference.from_data(features=named) == Reference.from_data(
        features=array, names=["a", "b"]
    )
    assert Reference.from_data(features=named) == Reference.from_data(
        features=array.tolist(), names=["a", "b"]
    )


def test_bins_hold_equal_shares_of_different_values() -> None:
    """
    A hundred different values in ten bins are ten each.
    """
    feature = numeric(np.random.default_rng(0).permutation(100) * 1.5)

    assert (10,) * 10 == feature.counts
    assert (14.0, 29.0, 44.0, 59.0, 74.0, 89.0, 104.0, 119.0, 134.0) == feature.edges
    assert ("14.0", "29.0") == feature.bins[:2]
    assert "+Inf" == feature.bins[-1]


def test_ties_keep_together_and_outer_ones_get_a_closed_bin() -> None:
    """
    A value that fills a bin by itself is parted from all below and above it.
    """
    feature = numeric([0.0] * 90 + [1.0] * 10)

    assert (0, 90, 10, 0) == feature.counts
    assert (-0.002, 0.5, 1.002) == feature.edges


def test_a_constant_feature_has_one_filled_bin_between_two_empty_ones() -> None:
    """
    Whatever is not the constant falls into another bin, on either side.
    """
    feature = numeric([7] * 20)

    assert (0, 20, 0) == feature.counts
    assert feature.edges == (feature.low, feature.high) == (6.99999, 7.00001)


def test_booleans_are_numbers() -> None:
    """
    True and False are 1 and 0, in every type that has them.
    """
    plain = numeric([False, True, True])

    assert (0, 1, 2, 0) == plain.counts
    assert plain == numeric(np.array([False, True, True])) == numeric([0, 1, 1])
    assert plain == numeric(pd.Series([False, True, True], dtype="boolean"))


def test_missing_and_invalid_values_are_counted_apart() -> None:
    """
    None, NaN and NA are missing; infinities and what is no float are invalid.
    """
    feature = numeric([1.0, None, math.nan, math.inf, -math.inf, 10**400, Decimal("2.5"), pd.NA])

    assert 3 == feature.missing
    assert 3 == feature.invalid
    assert 2 == sum(feature.counts)
    assert 8 == feature.total
    assert pytest.approx(1) == sum(feature.shares)


def test_masked_cells_are_missing() -> None:
    """
    A masked array's hidden cells are no values.
    """
    feature = numeric(np.ma.masked_array([1.0, 2.0, 999.0], mask=[False, False, True]))

    assert 1 == feature.missing
    assert feature.high < 3


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, np.longdouble])
def test_precision_does_not_move_values_over_edges(kind: type) -> None:
    """
    The same data in half, single, double and extended precision falls into the same counts.
    """
    values = np.array([0.1, 0.2, 0.2, 0.3, 0.7, 0.7, 0.7, 0.9])

    assert numeric(values).counts == numeric(values.astype(kind)).counts


def test_outliers_lie_beyond_the_range_and_a_thousandth_of_it() -> None:
    """
    The bounds hold every value of the reference, with a margin and few digits.
    """
    feature = numeric(np.linspace(3.14159, 13.14159, 50))

    assert 3.12 <= feature.low <= 3.1316
    assert 13.1515 <= feature.high <= 13.17


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.one_of(st.floats(), st.integers(-3, 3), st.none()), min_size=1, max_size=60),
    st.integers(2, 12),
)
def test_any_numbers_make_a_sound_feature(values: list[float | None], bins: int) -> None:
    """
    Whatever the numbers, edges ascend, bounds enclose, every value is counted, shares add up.
    """
    finite = [v for v in values if v is not None and math.isfinite(v)]
    if not finite:
        with pytest.raises(ConfigurationError, match="feature 'x' has no usable value"):
            numeric(values, bins=bins)
        return
    feature = numeric(values, bins=bins)

    assert len(finite) == sum(feature.counts)
    assert len(values) == feature.total
    assert feature.low <= min(finite) <= max(finite) <= feature.high
    assert len(feature.bins) == len(set(feature.bins)) <= bins + 2
    assert len(feature.cells) == len(set(feature.cells)) == len(feature.shares)


def test_categories_are_ranked_and_the_rest_is_one_bin() -> None:
    """
    The twenty most frequent have a bin each, the others are known by name and counted together.
    """
    values = [f"c{i:02}" for i in range(25) for _ in range(30 - i)]
    feature = categorical(values)

    assert tuple(f"c{i:02}" for i in range(20)) == feature.categories
    assert tuple(range(30, 10, -1)) == feature.counts
    assert ("c20", "c21", "c22", "c23", "c24") == feature.others
    assert 10 + 9 + 8 + 7 + 6 == feature.other
    assert "_OTHER" == feature.bins[-1]
    assert pytest.approx(1) == sum(feature.shares)


def test_numbers_can_be_declared_categories() -> None:
    """
    Codes are the same category in every type.
    """
    codes = categorical([3, 1, 3, None], categorical=["x"])

    assert ("3", "1") == codes.categories
    assert 1 == codes.missing
    assert codes == categorical(np.array([3, 1, 3, np.nan]), categorical=["x"])
    assert codes == categorical(["3", "1", "3", ""], categorical=["x"])


def test_texts_that_break_a_line_are_escaped_and_long_ones_cut() -> None:
    """
    A category is printable and bounded, and long ones stay different.
    """
    long = ["a" * 100 + "1", "a" * 100 + "2"]
    feature = categorical(["line\nbreak", "\ud800", *long] * 2)

    assert {"line\\nbreak", "\\ud800"} < set(feature.categories)
    assert 4 == len(feature.categories)
    assert all(each.isprintable() and len(each) <= 64 for each in feature.categories)


def test_confidences_become_the_histograms_cumulative_shares() -> None:
    """
    Shares up to each edge of the confidence histogram, as numpy counts them.
    """
    confidences = np.random.default_rng(0).beta(8, 2, 1000).round(2)
    reference = Reference.from_data(confidences=[*confidences, None])
    assert reference.confidence is not None

    by_numpy = [(confidences <= edge).mean() for edge in CONFIDENCE_EDGES]
    assert pytest.approx(by_numpy, abs=1e-12) == reference.confidence.cumulative
    assert 1.0 == reference.confidence.cumulative[-1]
    assert CONFIDENCE_EDGES == reference.confidence.edges


def test_labels_become_class_counts() -> None:
    """
    Classes are ranked by how often they were predicted.
    """
    reference = Reference.from_data(labels=np.array([2, 0, 2, 1, 2, 0]))

    assert (("2", 3), ("0", 2), ("1", 1)) == reference.classes
    assert 6 == reference.rows


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "needs features, confidences or labels"),
        ({"features": {}}, "at least one row"),
        ({"features": {"x": []}}, "at least one row"),
        ({"features": []}, "at least one row"),
        ({"features": {"x": [None, None]}}, "feature 'x' has no usable value: 2 missing"),
        ({"features": {"x": ["", None]}, "categorical": ["x"]}, "'x' has no usable value"),
        ({"features": {"x": [math.inf]}}, "feature 'x' has no usable value: 0 missing, 1 inf"),
        (
            {"features": {"x": [dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)]}},
            "feature 'x' holds datetime",
        ),
        ({"features": pd.DataFrame({"x": pd.to_datetime(["2020-01-01"])})}, "holds datetime64"),
        ({"features": {"x": [b"raw"]}}, "feature 'x' holds bytes"),
        ({"features": {"x": np.array([b"raw"])}}, "feature 'x' holds bytes"),
        ({"features": {"x": [1j]}}, "feature 'x' holds complex"),
        ({"features": {"x": [{"a": 1}]}}, "feature 'x' holds dict"),
        ({"features": {"x": [1.0, "a"]}}, "feature 'x' mixes numbers and texts"),
        ({"features": {"x": [f"id{i}" for i in range(50)]}}, "'x' has 50 categories in 50 values"),
        ({"features": {"x": [f"{i}" for i in range(1001)] * 3}}, "'x' has 1001 categories"),
        ({"features": {"x": ["a" * 2000]}}, "'x' has no usable value: 0 missing, 1 no category"),
        ({"features": {"x": [1, 2], "y": [1]}}, "columns must have one length"),
        ({"features": {"x": np.ones((2, 2))}}, "feature 'x' must be a column"),
        ({"features": {"bad\nname": [1]}}, "feature's name must be a printable text"),
        ({"features": {"": [1]}}, "feature's name must be a printable text"),
        ({"features": np.ones((2, 2))}, "need names="),
        ({"features": np.ones((2, 2)), "names": ["x"]}, "1 names for \\[2\\] columns"),
        ({"features": np.ones(2), "names": ["x"]}, "must have the shape \\[rows, features\\]"),
        ({"features": np.ones((2, 2)), "names": ["x", "x"]}, "two features have one name"),
        ({"features": 7}, "must have the shape"),
        ({"features": {"x": [1]}, "categorical": ["y"]}, "categorical names no feature: \\['y'\\]"),
        ({"features": {"x": [1, 2]}, "confidences": [0.5]}, "one row for each prediction"),
        ({"features": {"x": [1]}, "bins": 1}, "bins must be a whole number within 2..50"),
        ({"confidences": [0.5, 93.0]}, "confidences must be within 0..1, got 93.0 \\(percent"),
        ({"confidences": [math.inf]}, "confidences must be within 0..1"),
        ({"confidences": [None]}, "confidences holds no number"),
        ({"labels": [None]}, "labels must be texts"),
        ({"labels": [object()]}, "labels must be texts"),
        ({"labels": range(1001)}, "labels has 1001 classes"),
        ({"labels": ["a"], "id": "two\nlines"}, "id must be a printable text"),
    ],
)
def test_data_that_cannot_be_summarized_is_refused(arguments: dict[str, Any], message: str) -> None:
    """
    The error names the feature and says what would be right.
    """
    with pytest.raises(ConfigurationError, match=message):
        Reference.from_data(**arguments)


def test_a_feature_is_found_by_name() -> None:
    """
    Features keep the data's order and are looked up by name.
    """
    reference = Reference.from_data(features={"b": [1, 2], "a": ["x", "y"]})

    assert ["b", "a"] == [feature.name for feature in reference.features]
    assert reference.features[1] == reference.feature("a")
