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
_ROWS = frozenset((list, tuple))
_NUMBERS = frozenset((float, int, type(None)))
_DEEPEST = 3
"""How many lists may lie in one another: members, cases and classes."""


def is_array(value: object) -> bool:
    """
    Whether the value speaks one of the array protocols; lists and tuples do not.
    """
    return _speaks(type(value))


def _speaks(kind: type) -> bool:
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
    """
    An array of rows that hold numbers only.

    Numpy is never given a text: it would make every cell as wide as the longest one, and a list of
    documents would fill the memory.
    """
    kinds = set(map(type, rows))
    if not all(kind in _ROWS or _is_number(kind) for kind in kinds):
        if not all(kind in _ROWS or _speaks(kind) for kind in kinds):
            return None
        rows = [floats(row, masked=masked) for row in rows]
        if any(row is None for row in rows):
            return None
    elif not _numeric(rows, kinds, depth=0):
        return None
    try:
        return np.asarray(rows)
    except ValueError:
        return None


def _numeric(rows: Any, kinds: set[type], *, depth: int) -> bool:
    if all(map(_is_number, kinds)):
        return True
    if depth == _DEEPEST or not kinds <= _ROWS:
        return False
    return all(_numeric(row, set(map(type, row)), depth=depth + 1) for row in rows)


def _is_number(kind: type) -> bool:
    return kind in _NUMBERS or issubclass(kind, (np.floating, np.integer))


def _from_objects(raw: NDArray[Any], value: Any) -> Floats | None:
    """
    Cells that are all numbers or missing: None, and pandas' own NA through ``to_numpy``.
    """
    if any(isinstance(cell, np.complexfloating) for cell in raw.flat):
        return None
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
