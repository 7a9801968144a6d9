"""
This module tests the table of shapes and libraries that extraction reads.

PyTorch, TensorFlow and JAX are not installed here: small classes speak their protocols in their
place, refusing what the real tensors refuse.
"""

import array
from collections import namedtuple
from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType, SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pydantic
import pytest
from numpy.typing import NDArray
from scipy import sparse

from otel_confidence.sdk.extract import extractor

Convert = Callable[[NDArray[np.float64]], Any]


class TorchLike:
    """
    A tensor with a graph on another device: numpy gets at it only after detach() and cpu().
    """

    def __init__(self, values: NDArray[Any], *, graph: bool = True, host: bool = False) -> None:
        self.values, self.graph, self.host = values, graph, host
        self.dtype = f"torch.{values.dtype}"

    def detach(self) -> "TorchLike":
        return TorchLike(self.values, graph=False, host=self.host)

    def cpu(self) -> "TorchLike":
        return TorchLike(self.values, graph=self.graph, host=True)

    def numpy(self) -> NDArray[Any]:
        if self.graph:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad.")
        if not self.host:
            raise TypeError("can't convert cuda:0 device type tensor to numpy.")
        return self.values

    def __array__(self, dtype: Any = None, copy: Any = None) -> NDArray[Any]:
        return np.asarray(self.numpy(), dtype)


class BrainFloatLike(TorchLike):
    """
    A tensor of bfloat16, which numpy does not know.
    """

    def __init__(self, values: NDArray[Any], *, wide: bool = False) -> None:
        super().__init__(values, graph=False, host=True)
        self.wide = wide
        self.dtype = "torch.float32" if wide else "torch.bfloat16"

    def detach(self) -> "BrainFloatLike":
        return self

    cpu = detach

    def float(self) -> "BrainFloatLike":
        return BrainFloatLike(self.values, wide=True)

    def numpy(self) -> NDArray[Any]:
        if not self.wide:
            raise TypeError("Got unsupported ScalarType BFloat16")
        return self.values


class TensorFlowLike:
    """
    An eager tensor: ``numpy()`` and nothing else.
    """

    def __init__(self, values: NDArray[Any]) -> None:
        self._values = values

    def numpy(self) -> NDArray[Any]:
        return self._values


class JaxLike:
    """
    An array that offers DLPack and nothing else.
    """

    def __init__(self, values: NDArray[Any]) -> None:
        self._values = values

    def __dlpack__(self, **options: Any) -> Any:
        return self._values.__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        device: tuple[int, int] = self._values.__dlpack_device__()
        return device


VECTORS: list[Any] = [
    pytest.param(lambda a: a.tolist(), id="list"),
    pytest.param(lambda a: tuple(a.tolist()), id="tuple"),
    pytest.param(lambda a: [np.float32(v) for v in a], id="list of numpy scalars"),
    pytest.param(lambda a: array.array("d", a), id="array module"),
    pytest.param(memoryview, id="buffer"),
    pytest.param(pd.Series, id="pandas series"),
    pytest.param(lambda a: pd.Series(a, dtype="Float64"), id="pandas nullable series"),
    pytest.param(lambda a: dict(zip("abc", a.tolist(), strict=True)), id="class to value"),
]
ARRAYS: list[Any] = [
    pytest.param(lambda a: a, id="numpy float64"),
    pytest.param(lambda a: a.astype(np.float32), id="numpy float32"),
    pytest.param(lambda a: a.astype(np.float16), id="numpy float16"),
    pytest.param(lambda a: a.astype(np.longdouble), id="numpy long double"),
    pytest.param(lambda a: a.astype(object), id="numpy objects"),
    pytest.param(np.asfortranarray, id="numpy column order"),
    pytest.param(lambda a: np.ma.array(a, mask=False), id="numpy masked"),
    pytest.param(TorchLike, id="PyTorch protocol"),
    pytest.param(BrainFloatLike, id="PyTorch protocol in bfloat16"),
    pytest.param(TensorFlowLike, id="TensorFlow protocol"),
    pytest.param(JaxLike, id="JAX protocol"),
]
MATRICES: list[Any] = [
    pytest.param(lambda a: a.tolist(), id="lists of lists"),
    pytest.param(list, id="list of arrays"),
    pytest.param(lambda a: [TorchLike(row) for row in a], id="list of tensors"),
    pytest.param(pd.DataFrame, id="pandas frame"),
    pytest.param(np.asmatrix, id="numpy matrix", marks=pytest.mark.filterwarnings(
        "ignore:the matrix subclass:PendingDeprecationWarning")),
    pytest.param(sparse.csr_array, id="scipy sparse"),
]  # fmt: skip

VECTOR = np.array([0.125, 0.625, 0.25])
MATRIX = np.array([[0.125, 0.625, 0.25], [0.5, 0.375, 0.125]])


@pytest.mark.parametrize("convert", VECTORS + ARRAYS)
def test_a_vector_of_any_library(convert: Convert) -> None:
    """
    The largest of three probabilities is found in whatever holds them.
    """
    found = extractor("proba.max")({"proba": convert(VECTOR)})

    assert (0.625, "probability", 1, {}) == (
        found.confidence, found.source, found.size, dict(found.rejected),
    )  # fmt: skip
    assert isinstance(found.confidence, float)


@pytest.mark.parametrize("convert", ARRAYS + MATRICES)
@pytest.mark.parametrize(
    ("declared", "expected"),
    [("proba.max", [0.625, 0.5]), ("proba.margin", [0.375, 0.125]), ("proba[2]", [0.25, 0.125])],
)
def test_a_matrix_of_any_library(convert: Convert, declared: str, expected: list[float]) -> None:
    """
    A matrix of any library is a batch with one confidence in float64 for each row.
    """
    found = extractor(declared)({"proba": convert(MATRIX)})

    confidences = np.asarray(found.confidence)
    assert ("float64", 2, {}) == (confidences.dtype.name, found.size, dict(found.rejected))
    assert expected == confidences.tolist()


@pytest.mark.parametrize("convert", ARRAYS + MATRICES)
def test_logits_of_any_library(convert: Convert) -> None:
    """
    Logits of any library become the softmax's largest probability.
    """
    found = extractor("logits")({"logits": convert(np.log(MATRIX))})

    assert "logit" == found.source
    np.testing.assert_allclose(np.asarray(found.confidence), [0.625, 0.5], rtol=2e-3)


@pytest.mark.parametrize("convert", ARRAYS)
def test_members_of_any_library(convert: Convert) -> None:
    """
    Probabilities of two members for two cases are an ensemble, in any library.
    """
    found = extractor("members")({"members": convert(np.stack([MATRIX, MATRIX]))})

    assert ("ensemble", [0.625, 0.5]) == (found.source, np.asarray(found.confidence).tolist())
    assert np.asarray(found.uncertainty) == pytest.approx([0.0, 0.0], abs=1e-12)


@pytest.mark.parametrize(
    "number",
    [
        pytest.param(0.5, id="Python float"),
        pytest.param(np.float16(0.5), id="numpy float16"),
        pytest.param(np.float32(0.5), id="numpy float32"),
        pytest.param(np.float64(0.5), id="numpy float64"),
        pytest.param(np.array(0.5), id="numpy array of no dimension"),
        pytest.param(TorchLike(np.array(0.5)), id="PyTorch protocol"),
        pytest.param(TensorFlowLike(np.array(0.5)), id="TensorFlow protocol"),
        pytest.param(JaxLike(np.array(0.5)), id="JAX protocol"),
    ],
)
def test_a_number_of_any_library_becomes_a_float(number: object) -> None:
    """
    A number of any library is handed on as a Python float.
    """
    found = extractor("confidence")({"confidence": number})

    assert (0.5, float) == (found.confidence, type(found.confidence))


class Model(pydantic.BaseModel):
    """
    A result as a pydantic model.
    """

    confidence: float = 0.75
    label: str = "cat"


@dataclass(frozen=True, slots=True)
class Result:
    """
    A result as a dataclass.
    """

    confidence: float = 0.75
    label: str = "cat"


Row = namedtuple("Row", ["confidence", "label"])  # noqa: PYI024  the untyped kind is meant


@pytest.mark.parametrize(
    "result",
    [
        pytest.param({"confidence": 0.75, "label": "cat"}, id="dict"),
        pytest.param(MappingProxyType({"confidence": 0.75, "label": "cat"}), id="mapping"),
        pytest.param(Result(), id="dataclass"),
        pytest.param(Model(), id="pydantic model"),
        pytest.param(Row(0.75, "cat"), id="named tuple"),
        pytest.param(SimpleNamespace(confidence=0.75, label="cat"), id="namespace"),
        pytest.param(pd.Series({"confidence": 0.75, "label": "cat"}), id="pandas row"),
        pytest.param(
            np.array([(0.75, "cat")], dtype=[("confidence", float), ("label", "U3")])[0],
            id="numpy record",
        ),
    ],
)
def test_fields_of_any_record(result: object) -> None:
    """
    Confidence and label are found by name in every kind of record.
    """
    found = extractor("confidence", label="label")(result)

    assert (0.75, "cat", "reported") == (found.confidence, found.label, found.source)


def test_a_frame_names_its_classes() -> None:
    """
    The columns of a frame name the best class of each row.
    """
    found = extractor("max")(pd.DataFrame(MATRIX, columns=["cat", "dog", "fox"]))

    assert ["dog", "cat"] == found.label


def test_missing_cells_of_pandas_reject_their_row_only() -> None:
    """
    A row with pandas' missing value is rejected and the others stay.
    """
    frame = pd.DataFrame({"a": [0.25, None], "b": [0.75, 0.5]}, dtype="Float64")

    found = extractor("max")(frame)

    assert {"invalid_value": 1} == found.rejected
    np.testing.assert_array_equal(np.asarray(found.confidence), [0.75, np.nan])


def test_the_users_arrays_are_left_as_they_are() -> None:
    """
    Reading an array that must be clipped or sorted changes nothing in it.
    """
    matrix = np.asfortranarray([[1.0000001, -0.0000001], [0.25, 0.75]])
    before = matrix.copy()

    for declared in ("max", "margin", "entropy", "logits"):
        extractor(declared)(matrix)

    np.testing.assert_array_equal(before, matrix)
