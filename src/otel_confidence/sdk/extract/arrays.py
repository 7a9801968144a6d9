"""
This module turns whatever holds numbers into a numpy array, through the array protocols alone.

Lists, numpy, pandas, PyTorch, TensorFlow, JAX and everything else that offers ``__array__``,
``__dlpack__``, ``.numpy()`` or a buffer is read; none of these libraries is imported.
"""

from array import array
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_PROTOCOLS = ("__array__", "__dlpack__", "numpy", "toarray", "__array_interface__")


def is_array(value: object) -> bool:
    """
    Whether the value speaks one of the array protocols; lists and tuples do not.
    """
    kind = type(value)
    if kind is np.ndarray or kind is array or kind is memoryview:
        return True
    return any(hasattr(kind, name) for name in _PROTOCOLS)


def floats(value: Any, *, masked: float = np.nan) -> Floats | None:
    """
    The numbers in float64, missing cells as NaN, masked cells as told; None where not numbers.

    Booleans, texts, complex numbers and ragged lists are no numbers.
    """
    raw = value if type(value) is np.ndarray else as_array(value, masked=masked)
    if raw is None:
        return None
    if raw.dtype.kind in "iuf":
        return _plain(raw, masked)
    if raw.dtype.kind == "O":
        return _from_objects(raw, value)
    named_float = raw.dtype.kind == "V" and "float" in raw.dtype.name
    return raw.astype(np.float64) if named_float else None


def _plain(raw: NDArray[Any], masked: float) -> Floats:
    if isinstance(raw, np.ma.MaskedArray):
        return np.asarray(np.ma.filled(raw.astype(np.float64), masked))
    return np.asarray(raw, dtype=np.float64)


def as_array(value: Any, *, masked: float = np.nan) -> NDArray[Any] | None:
    """
    A numpy array of whatever type; None for what is neither array nor list nor tuple.
    """
    if isinstance(value, (list, tuple)):
        return _from_rows(value, masked)
    if isinstance(value, np.ndarray):
        return value
    if isinstance(value, (array, memoryview)):
        return np.asarray(value)
    return _by_protocol(_on_host(value) if hasattr(type(value), "detach") else value)


def _by_protocol(value: Any) -> NDArray[Any] | None:
    kind = type(value)
    if hasattr(kind, "__array__") or hasattr(kind, "__array_interface__"):
        return np.asarray(value)
    if hasattr(kind, "numpy"):
        return np.asarray(value.numpy())
    if hasattr(kind, "__dlpack__"):
        return np.from_dlpack(value)
    return np.asarray(value.toarray()) if hasattr(kind, "toarray") else None


def _on_host(tensor: Any) -> Any:
    """
    The tensor without its graph, in main memory, and in a type that numpy knows.
    """
    tensor = tensor.detach()
    if hasattr(type(tensor), "cpu"):
        tensor = tensor.cpu()
    if str(getattr(tensor, "dtype", "")).endswith("bfloat16"):
        tensor = tensor.float()
    return tensor


def _from_rows(rows: Any, masked: float) -> NDArray[Any] | None:
    if any(_is_foreign(row) for row in rows[:1]):
        rows = [floats(row, masked=masked) for row in rows]
        if any(row is None for row in rows):
            return None
    try:
        return np.asarray(rows)
    except ValueError:
        return None


def _is_foreign(row: object) -> bool:
    """
    Whether numpy, given a list of such rows, would lose a mask or fail.
    """
    if isinstance(row, (float, np.generic)) or type(row) is np.ndarray:
        return False
    return is_array(row)


def _from_objects(raw: NDArray[Any], value: Any) -> Floats | None:
    """
    Cells that are all numbers or missing: None, and pandas' own NA through ``to_numpy``.
    """
    if hasattr(type(value), "to_numpy"):
        try:
            converted: Floats = value.to_numpy(dtype=np.float64, na_value=np.nan)
        except (TypeError, ValueError):
            return None
        return converted
    cells = [_cell(cell) for cell in raw.flat]
    if any(cell is None for cell in cells):
        return None
    return np.array(cells, dtype=np.float64).reshape(raw.shape)


def _cell(cell: Any) -> float | None:
    if cell is None:
        return np.nan
    if isinstance(cell, (bool, np.bool_)) or not isinstance(cell, (int, float, np.number)):
        return None
    try:
        return float(cell)
    except (OverflowError, TypeError):
        return None
