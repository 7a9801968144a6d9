"""This module checks what a program can report: records that refuse what can't be true."""

import copy
import dataclasses
import math
import pickle
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from otel_confidence import conventions as c
from otel_confidence.errors import InvalidRecord
from otel_confidence.reports import (
    MAX_CHECKS,
    DataQuality,
    Learning,
    Optimization,
    Performance,
    Resource,
    Usage,
)

RECORDS: list[Any] = [
    Performance("m", "1", "accuracy", 0.9),
    Usage("search", "open", duration_s=0.1, attributes={"region": "eu"}),
    Learning("ranker", "online", accuracy=0.9, samples=3),
    Optimization("ranker", "latency", 2.0, 1.0, 0.5, "o1", metadata={"who": "x"}),
    Resource("gpu", "cuda:0", utilization=0.5),
    DataQuality("m", checks={"nulls": True, "range": False}),
]


class Unreadable:
    """
    An object of which nothing can be asked.
    """

    def __repr__(self) -> str:
        raise RuntimeError("no text")

    __str__ = __repr__


def _accuracy(value: Any) -> Performance:
    return Performance("m", metric="accuracy", value=value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1, 1.0),
        (np.float32(0.5), 0.5),
        (np.float64(0.25), 0.25),
        (np.int8(1), 1.0),
        (np.array(0.5), 0.5),
        (Decimal("0.5"), 0.5),
        (Fraction(1, 4), 0.25),
    ],
    ids=["int", "float32", "float64", "int8", "zero dimensions", "decimal", "fraction"],
)
def test_numbers_of_every_library_are_kept_as_pythons_own(value: Any, expected: float) -> None:
    """
    A number becomes a Python float, which every exporter can encode.
    """
    kept = _accuracy(value).value

    assert (float, expected) == (type(kept), kept)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (math.nan, "invalid_value"),
        (math.inf, "invalid_value"),
        (Decimal("NaN"), "invalid_value"),
        (55, "out_of_range"),
        (-0.1, "out_of_range"),
        (10**400, "overflow"),
        ("0.9", "wrong_type"),
        (b"1", "wrong_type"),
        (None, "wrong_type"),
        ([0.9], "wrong_type"),
        (np.array([0.9]), "wrong_type"),
        (1j, "wrong_type"),
        ({}, "wrong_type"),
        (Unreadable(), "wrong_type"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_what_is_no_such_number_is_refused_by_reason(value: Any, reason: str) -> None:
    """
    A value that can't be true is refused with its reason and a message that shows it safely.
    """
    with pytest.raises(InvalidRecord, match=r"accuracy must be a number within 0\.\.1") as caught:
        _accuracy(value)

    assert reason == caught.value.reason
    assert len(str(caught.value)) < 250


def test_a_percentage_is_recognized() -> None:
    """
    The message says what would be right.
    """
    with pytest.raises(InvalidRecord) as caught:
        _accuracy(55)

    assert "accuracy must be a number within 0..1, got 55.0 (percent? divide by 100)" == str(
        caught.value
    )


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: Performance(""), "missing"),
        (lambda: Performance("m", metric="rmse", value=-1), "out_of_range"),
        (lambda: Performance("m", metric="x", value=1, lower=0), "invalid_value"),
        (lambda: Performance("m", metric="x", estimated=True, lower=1), "out_of_range"),
        (lambda: Usage("", "a"), "missing"),
        (lambda: Usage("c", ""), "missing"),
        (lambda: Usage("c", 5), "wrong_type"),  # type: ignore[arg-type]
        (lambda: Usage("c", "a", "maybe"), "invalid_value"),
        (lambda: Usage("c", "a", duration_s=-1), "out_of_range"),
        (lambda: Usage("c", "a", attributes=[1]), "wrong_type"),  # type: ignore[arg-type]
        (lambda: Learning("c"), "missing"),
        (lambda: Learning("c", improvement=2), "out_of_range"),
        (lambda: Learning("c", samples=-1), "out_of_range"),
        (lambda: Learning("c", samples=1.5), "wrong_type"),  # type: ignore[arg-type]
        (lambda: Learning("c", samples=2**63), "overflow"),
        (lambda: Optimization("c", "", 1, 2), "missing"),
        (lambda: Optimization("c", "x", 1, 2, user_impact=-1.5), "out_of_range"),
        (lambda: Resource("gpu"), "missing"),
        (lambda: Resource("gpu", utilization=1.5), "out_of_range"),
        (lambda: Resource("gpu", used=-1), "out_of_range"),
        (lambda: Resource("pool", used=4, unit="{worker}"), "invalid_value"),
        (lambda: DataQuality("m"), "missing"),
        (lambda: DataQuality("m", checks={"x": "maybe"}), "invalid_value"),
        (lambda: DataQuality("m", checks={"x": 3}), "wrong_type"),
        (lambda: DataQuality("m", checks={1: True}), "wrong_type"),  # type: ignore[dict-item]
        (lambda: DataQuality("m", score=1.5), "out_of_range"),
        (
            lambda: DataQuality("m", checks={str(n): True for n in range(MAX_CHECKS + 1)}),
            "invalid_value",
        ),
    ],
)
def test_records_refuse_what_cannot_be_true(make: Callable[[], object], reason: str) -> None:
    """
    Each record checks itself when it is made.
    """
    with pytest.raises(InvalidRecord) as caught:
        make()

    assert reason == caught.value.reason


def test_change_is_relative_to_the_size_before() -> None:
    """
    An optimization's change has the sign of the difference; from zero there is none.
    """
    changes = [
        Optimization("c", "x", before, after).change
        for before, after in ((2, 3), (-2, -1), (4, 1), (0, 1), (5e-324, 1))
    ]

    assert [0.5, 0.5, -0.75, None, None] == changes


def test_score_is_the_share_of_passed_checks() -> None:
    """
    A check that could not be run did not pass; a score that was given stands.
    """
    mixed = DataQuality("m", checks={"a": True, "b": "fail", "c": "error", "d": np.bool_(1)})

    assert {"a": "pass", "b": "fail", "c": "error", "d": "pass"} == mixed.checks
    assert 0.5 == mixed.score
    assert 0.9 == DataQuality("m", checks={"a": False}, score=0.9).score


def test_a_mapping_is_copied_at_birth() -> None:
    """
    What is changed in the mapping afterwards does not change the record.
    """
    attributes = {"region": "eu"}
    usage = Usage("c", "a", attributes=attributes)
    attributes["region"] = "us"

    assert {"region": "eu"} == usage.attributes


@pytest.mark.parametrize("record", RECORDS, ids=lambda r: type(r).__name__)
def test_records_travel(record: Any) -> None:
    """
    A record can be pickled, copied and taken apart, and can't be changed.
    """
    again = pickle.loads(pickle.dumps(record))
    field = dataclasses.fields(record)[0].name

    assert record == again == copy.deepcopy(record) == dataclasses.replace(record)
    assert dataclasses.asdict(record)
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(record, field, "other")


def test_values_of_conventions_are_taken() -> None:
    """
    Every result the table of signals names can be reported.
    """
    results = [Usage("c", "a", result).result for result in c.ACTION_RESULT.values]

    assert list(c.ACTION_RESULT.values) == results
