"""
This module turns whatever holds rows into columns, and columns into numbers or categories.

DataFrames, arrays, lists and mappings are known by what they can do; no library is imported for
them but numpy.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from otel_confidence.errors import InvalidRecord
from otel_confidence.reference.cells import NOT_A_NUMBER, number_of

Floats = NDArray[np.float64]
Column = NDArray[Any]
"""One feature of several rows: shape [rows], of numbers, texts or objects."""

_NUMBERS: Final = frozenset((float, bool, np.float64, np.float32, np.int64, np.int32))
"""Types whose every value is a float; a plain whole number may be too large for one."""
_NUMERIC: Final = "biuf"
_TABLE: Final = 2


def table(values: Any, names: Sequence[str] | None) -> dict[str, Column]:
    """
    The columns of several rows by name.

    Args:
        values: a DataFrame, a mapping of names to columns, a list of rows, or an array of shape
            [rows, features].
        names: the columns' names, for rows that have none.

    Raises:
        InvalidRecord: it is nothing of the kind, or columns differ in length.
    """
    labels = list(values) if isinstance(values, Mapping) else _labels(values)
    heads = sorted(map(str, labels or names or ()))
    if len(set(heads)) < len(heads):
        raise InvalidRecord(f"two features have one name: {heads}")
    if labels is not None:
        columns = {str(label): column(values[label], str(label)) for label in labels}
    elif isinstance(values, (list, tuple)) and (not values or is_named(values[0])):
        columns = _of_rows([as_mapping(row) for row in values])
    else:
        columns = _of_array(values, names)
    lengths = {name: len(each) for name, each in columns.items()}
    if len(set(lengths.values())) > 1:
        raise InvalidRecord(f"columns must have one length, got {lengths}")
    return columns


def column(values: Any, name: str) -> Column:
    """
    One feature of several rows; masked cells become None.

    Raises:
        InvalidRecord: it has not one dimension.
    """
    if isinstance(values, (list, tuple, range)):
        return _of_list(values)
    found = array(values, name)
    if isinstance(found, np.ma.MaskedArray):
        found = np.where(np.ma.getmaskarray(found), np.array(None), found.data)
    if found.ndim == _TABLE and found.shape[1] == 1:
        found = found[:, 0]
    if found.ndim != 1:
        raise InvalidRecord(f"feature {name!r} must be a column, got the shape {found.shape}")
    return found


def numbers(values: Column) -> Floats:
    """
    A column as numbers; NaN where missing, an infinity where there is no usable number.
    """
    if values.dtype.kind in _NUMERIC or (values.dtype.kind == "V" and "float" in values.dtype.name):
        return values.astype(np.float64)
    if values.dtype.kind == "O" and _NUMBERS.issuperset(map(type, values)):
        return values.astype(np.float64)
    if values.dtype.kind in "OU":
        return np.fromiter(map(number_of, values.tolist()), dtype=np.float64, count=len(values))
    return np.full(len(values), NOT_A_NUMBER)


def is_column(value: Any) -> bool:
    """
    Whether a value of a mapping is several rows' values and not one row's.
    """
    if isinstance(value, (list, tuple, range)):
        return True
    shape = getattr(value, "shape", None)
    return isinstance(shape, tuple) and len(shape) > 0


def is_row(value: Any) -> bool:
    """
    Whether an element of a list is a row and not one row's value.
    """
    return is_column(value) or is_named(value)


def as_mapping(row: Any) -> Mapping[str, Any]:
    """
    A row by the names of its fields: a mapping, a named tuple, a dataclass or a similar object.

    Raises:
        InvalidRecord: its fields have no names.
    """
    if isinstance(row, Mapping):
        return row
    if hasattr(type(row), "to_dict") and hasattr(type(row), "index"):
        return dict(row.to_dict())
    if not is_named(row):
        raise InvalidRecord(f"features must have names, got {type(row).__name__}")
    kind = type(row)
    fields = getattr(kind, "_fields", None) or getattr(kind, "__dataclass_fields__", None)
    return {name: getattr(row, name) for name in fields or vars(row)}


def is_named(row: Any) -> bool:
    """
    Whether a value is one row whose fields have names.
    """
    kind = type(row)
    if isinstance(row, Mapping) or hasattr(kind, "_fields"):
        return True
    if isinstance(row, (str, bytes, int, float, list, tuple)) or hasattr(kind, "__array__"):
        return hasattr(kind, "to_dict") and hasattr(kind, "index")
    return hasattr(kind, "__dataclass_fields__") or hasattr(row, "__dict__")


def is_frame(values: Any) -> bool:
    """
    Whether this is a DataFrame or a table of named columns.
    """
    return _labels(values) is not None


def _labels(values: Any) -> list[Any] | None:
    """
    The names of a DataFrame's or a table's columns.
    """
    labels = getattr(values, "column_names", None)  # of pyarrow, whose columns are the data
    labels = labels or getattr(getattr(values, "dtype", None), "names", None)
    if labels is None and hasattr(type(values), "__getitem__"):
        labels = getattr(values, "columns", None)
    if labels is None or isinstance(labels, (str, bytes)) or not isinstance(labels, Iterable):
        return None
    return list(labels)


def _of_rows(rows: list[Mapping[str, Any]]) -> dict[str, Column]:
    names = dict.fromkeys(name for row in rows for name in row)
    return {str(name): _of_list([row.get(name) for row in rows]) for name in names}


def _of_array(values: Any, names: Sequence[str] | None) -> dict[str, Column]:
    """
    An array's columns, or those of rows that are lists, by the names given.
    """
    if isinstance(values, (list, tuple)) and all(isinstance(r, (list, tuple)) for r in values):
        widths = {len(row) for row in values}
        found: Sequence[Any] = [_of_list(each) for each in zip(*values, strict=False)]
    else:
        whole = array(values, "features")
        if whole.ndim != _TABLE:
            raise InvalidRecord(f"features must have the shape [rows, features], got {whole.shape}")
        widths = {whole.shape[1]}
        found = [column(whole[:, i], str(i)) for i in range(whole.shape[1])]
    if names is None:
        raise InvalidRecord("features without names need names=[...], one for each column")
    if widths != {len(names)}:
        raise InvalidRecord(f"{len(names)} names for {sorted(widths)} columns")
    return dict(zip(map(str, names), found, strict=True))


def _of_list(values: Sequence[Any]) -> Column:
    return np.fromiter(values, dtype=object, count=len(values))


def array(values: Any, name: str) -> Column:
    """
    The array behind a tensor, a series, a sparse matrix or anything else with numbers or texts.

    Raises:
        InvalidRecord: it has none.
    """
    if hasattr(type(values), "detach"):  # a tensor with a graph, perhaps on a device
        values = values.detach()
        values = values.cpu() if hasattr(type(values), "cpu") else values
    if hasattr(type(values), "to_numpy"):
        return np.asarray(values.to_numpy())
    if hasattr(type(values), "toarray"):
        return np.asarray(values.toarray())
    try:
        return np.asanyarray(values)
    except (TypeError, ValueError) as error:
        raise InvalidRecord(f"{name} must be numbers or texts in rows: {error}") from error
