"""
This module tells the predictions of one batch apart: each row has an id and a receipt of its own.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, overload

from otel_confidence import receipts
from otel_confidence.records import Link, Prediction
from otel_confidence.sdk.answers import answer_of
from otel_confidence.sdk.redaction.redactor import Redactor

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MASK: Final = 2**64 - 1
_GOLDEN: Final = 0x9E3779B97F4A7C15
_FIRST: Final = 0xBF58476D1CE4E5B9
_SECOND: Final = 0x94D049BB133111EB


def row_id(batch: int, row: int) -> int:
    """
    The prediction id of one row, 64 bits.

    SplitMix64 (Steele, Lea and Flood 2014): a bijection, so no two rows of a batch share an id,
    and spread evenly, so that a share of all ids is a share of the rows.
    """
    mixed = (batch + (row + 1) * _GOLDEN) & _MASK
    mixed = ((mixed ^ (mixed >> 30)) * _FIRST) & _MASK
    mixed = ((mixed ^ (mixed >> 27)) * _SECOND) & _MASK
    return mixed ^ (mixed >> 31)


def row_ids(batch: int, size: int) -> "NDArray[np.uint64]":
    """
    The prediction ids of every row, shape [size].
    """
    import numpy as np  # the front door leaves it alone

    with np.errstate(over="ignore"):
        steps = np.arange(1, size + 1, dtype=np.uint64) * np.uint64(_GOLDEN)
        mixed = steps + np.uint64(batch & _MASK)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(_FIRST)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(_SECOND)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)))


class Receipts(Sequence[str]):
    """
    The receipts of every prediction a call made, each written when it is asked for.
    """

    def __init__(self, size: int, write: Callable[[int], str]) -> None:
        self._size = size
        self._write = write

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> list[str]: ...

    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [self._write(row) for row in range(*index.indices(self._size))]
        row = index + self._size if index < 0 else index
        if not 0 <= row < self._size:
            raise IndexError(f"row {index} of {self._size}")
        return self._write(row)

    def __repr__(self) -> str:
        return f"<{self._size} receipts>"


def receipt(p: Prediction, row: int | None, link: Link, key: str, redactor: Redactor) -> str:
    """
    The receipt of a prediction, of one row of a batch, or of a batch as a whole.
    """
    confidence: Any = p.confidence
    prediction_id, single = p.id, p.size == 1
    if not single:
        confidence = None if row is None else cell(p.confidence, row)
        prediction_id = p.id if row is None else row_id(p.id, row)
    known = confidence is not None and 0 <= confidence <= 1
    return receipts.write(
        model=p.model,
        version=p.version,
        confidence=float(confidence) if known else None,
        source=p.source,
        answer=answer_of(p, row, redactor) if single or row is not None else None,
        time_s=p.time_s,
        prediction_id=prediction_id,
        link=link,
        key=key,
    )


def cell(column: Any, row: int) -> Any:
    """
    One row of what a batch holds; None where there is no column, or no such row in it.
    """
    if column is None or row >= len(column):
        return None
    return column[row]
