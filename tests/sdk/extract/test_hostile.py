"""
This module tests that hostile results raise nothing of the extractor's own.
"""

import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_confidence.sdk.extract import (
    AnomalyScore,
    BinaryScore,
    Ensemble,
    Extracted,
    Interval,
    Judge,
    Logits,
    PredictionSet,
    Probabilities,
    TokenLogprobs,
    Verbalized,
    Votes,
    extractor,
)


class UsersOwnError(Exception):
    """
    What the user's own objects raise.
    """


def _fail(*_: object, **__: object) -> Any:
    raise UsersOwnError


class NoText:
    """
    Cannot be written down.
    """

    __str__ = __repr__ = _fail


class NoAttributes:
    """
    Fails for every attribute asked for.
    """

    def __getattr__(self, name: str) -> Any:
        raise UsersOwnError


class NoArray:
    """
    Says that it is an array and is none.
    """

    def __array__(self, *_: object, **__: object) -> Any:
        raise UsersOwnError


class NoIdentity:
    """
    Can be neither compared nor hashed.
    """

    __eq__ = _fail
    __hash__ = _fail


class NoItems(Mapping[str, Any]):
    """
    A mapping whose items cannot be had.
    """

    def __getitem__(self, key: str) -> Any:
        raise UsersOwnError

    def __iter__(self) -> Iterator[str]:
        raise UsersOwnError

    def __len__(self) -> int:
        return 1


class NoOrder(float):
    """
    A float that cannot be compared or converted.
    """

    __float__ = __le__ = __ge__ = __lt__ = __gt__ = _fail


class _NoName(type):
    @property
    def __name__(cls) -> str:  # type: ignore[override]  # hostile on purpose
        raise UsersOwnError


class NoName(metaclass=_NoName):
    """
    Its type's name cannot be asked for.
    """


def _itself() -> list[Any]:
    itself: list[Any] = []
    itself.append(itself)
    return itself


def _own_confidence() -> dict[str, Any]:
    itself: dict[str, Any] = {}
    itself.update(dict.fromkeys(("confidence", "proba", "logprobs", "choices", "interval"), itself))
    return itself


def _deep() -> list[Any]:
    deep: list[Any] = []
    for _ in range(10_000):
        deep = [deep]
    return deep


HOSTILE: list[Any] = [
    pytest.param(NoText, id="no text"),
    pytest.param(NoAttributes, id="no attributes"),
    pytest.param(NoArray, id="no array"),
    pytest.param(NoIdentity, id="no identity"),
    pytest.param(NoItems, id="no items"),
    pytest.param(lambda: NoOrder(0.5), id="no order"),
    pytest.param(NoName, id="no name"),
    pytest.param(type("\u202egnp.exe" + "x" * 10_000, (), {}), id="a deceptive type name"),
    pytest.param(_itself, id="a list in itself"),
    pytest.param(_own_confidence, id="a dict in itself"),
    pytest.param(_deep, id="ten thousand lists deep"),
    pytest.param(lambda: [[NoText()], [NoIdentity()]], id="hostile rows"),
    pytest.param(lambda: {NoText(): 0.5}, id="a hostile class"),
    pytest.param(lambda: "\ud800" * 10_000_000, id="ten million surrogates"),
    pytest.param(lambda: [1e308] * 3, id="a sum that overflows"),
    pytest.param(lambda: [np.inf, -np.inf], id="both infinities"),
    pytest.param(lambda: [[np.inf, -1e308], [1e308, 1e308]], id="rows that overflow"),
    pytest.param(lambda: [10**400], id="an integer beyond floats"),
    pytest.param(lambda: np.array([object()]), id="an array of objects"),
    pytest.param(lambda: np.array(["a"]), id="an array of texts"),
    pytest.param(lambda: np.datetime64("2020"), id="a date"),
    pytest.param(lambda: np.zeros((3, 0)), id="rows without columns"),
    pytest.param(lambda: np.zeros((1, 1, 1, 1)), id="four dimensions"),
    pytest.param(lambda: np.ma.masked, id="the masked constant"),
    pytest.param(lambda: np.zeros(2, dtype=[("a", float)]), id="a structured array"),
    pytest.param(lambda: memoryview(b"ab"), id="a buffer of bytes"),
    pytest.param(lambda: iter([0.5]), id="an iterator"),
    pytest.param(lambda: [[], []], id="empty rows"),
    pytest.param(lambda: type, id="a type"),
]
DECLARATIONS: list[Any] = [
    None, ".", "confidence", "a.b[0].c", "[*]", "[*].c", "proba.max", "proba.margin",
    "proba.entropy", "proba[0]", "proba[x]", "max", "logits.entropy", "logprobs.mean",
    "logprobs.entropy", "votes", "members.std", "interval", PredictionSet(".", alpha=0.1),
    BinaryScore(), BinaryScore(logits=True), AnomalyScore(reference=[0.0, 1.0]), Verbalized("."),
    Judge(".", scale=(1, 5)), Probabilities(".", classes=["a", "b"]), Logits("."),
    TokenLogprobs("."), Votes("."), Ensemble(".", logits=True), Interval("."),
    Interval(lower="confidence", upper="proba"), lambda result: result,
]  # fmt: skip
NAMES = ("confidence", "proba", "logits", "logprobs", "votes", "members", "interval", "label")


def _check(found: Extracted) -> None:
    """
    What holds of everything an extractor gives.
    """
    confidences = np.asarray([] if found.confidence is None else found.confidence)
    assert (np.isnan(confidences) | ((confidences >= 0.0) & (confidences <= 1.0))).all()
    if isinstance(found.confidence, float):
        assert (1, True) == (found.size, found.confidence == found.confidence)
    elif found.confidence is not None:
        assert ("float64", found.size) == (found.confidence.dtype.name, len(found.confidence))
    else:
        assert found.size <= sum(found.rejected.values())
    for reason, count in found.rejected.items():
        assert (True, True) == (reason.isascii() and len(reason) < 64, count > 0)


@pytest.mark.parametrize("make", HOSTILE)
def test_a_hostile_result_raises_only_what_it_raises_itself(make: Callable[[], Any]) -> None:
    """
    Whatever the result and the declaration, nothing but the user's own exception comes out.
    """
    value = make()
    results = (value, dict.fromkeys(NAMES, value), (value, value), [value, value])

    for declared in DECLARATIONS:
        extract = extractor(declared, label="label", uncertainty="proba.entropy", tolerance=0.1)
        for result in results:
            try:
                found = extract(result)
            except UsersOwnError:
                continue
            _check(found)


_leaves = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
    | st.sampled_from([np.float32(0.5), np.float64("nan"), np.int8(3), b"x", 1j])
)  # fmt: skip
_anything = st.recursive(
    _leaves,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from([*NAMES, "a", "token"]), inner, max_size=4)
        | st.tuples(inner, inner)
        | st.lists(st.floats(), max_size=4).map(np.array)
    ),
    max_leaves=12,
)


@given(_anything, st.integers(0, len(DECLARATIONS) - 1))
def test_any_result_is_read_or_counted(result: Any, position: int) -> None:
    """
    Any nest of values is read or counted by every declaration, without a warning.
    """
    extract = extractor(DECLARATIONS[position], label="label", uncertainty="proba.entropy")

    _check(extract(result))


def test_long_texts_are_not_copied() -> None:
    """
    A list of texts of which one is long is refused without as much memory for each of them.
    """
    extract = extractor()
    result = ["x" * 10_000_000, *["y"] * 50]
    tracemalloc.start()

    found = extract(result)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert {"confidence_missing": 1} == found.rejected
    assert peak_bytes < 1_000_000
