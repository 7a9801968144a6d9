"""
This module writes many samples as JSON at once: Python takes a microsecond for each.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from otel_confidence.points import Selection
from otel_confidence.query.numbers import json_number, json_time

_PORTION: Final = 1 << 20
"""How many samples are written at a time; their text must stay below 2 GB."""
_FEW: Final = 64
"""Up to so many samples Arrow takes longer to begin than Python does for all of them."""
_PLAIN: Final = (1e-6, 1e10)
"""Sizes between which Arrow writes numbers as the HTTP API does."""


def joined(series: Sequence[Selection]) -> Iterator[str]:
    """
    For each series its samples as pairs of time and value, with commas between.
    """
    start, held = 0, 0
    for stop, each in enumerate(series, start=1):
        held += len(each.times_ms)
        if held >= _PORTION or stop == len(series):
            yield from _joined(series[start:stop])
            start, held = stop, 0


def _joined(series: Sequence[Selection]) -> list[str]:
    if sum(len(each.times_ms) for each in series) <= _FEW:
        return [_plainly(each) for each in series]
    times = np.concatenate([each.times_ms for each in series])
    values = np.concatenate([each.values for each in series])
    parts = ("[", _times(times), ',"', _numbers(values), '"]', "")
    pairs = pc.binary_join_element_wise(*parts)
    bounds = np.concatenate(([0], np.cumsum([len(each.times_ms) for each in series])))
    lists = pa.ListArray.from_arrays(pa.array(bounds, pa.int32()), pairs)
    texts: list[str] = pc.binary_join(lists, ",").to_pylist()
    return texts


def _plainly(series: Selection) -> str:
    samples = zip(series.times_ms.tolist(), series.values.tolist(), strict=True)
    return ",".join([f'[{json_time(at)},"{json_number(value)}"]' for at, value in samples])


def _times(times: NDArray[np.int64]) -> pa.Array:
    if not (times % 1000).any():
        return pa.array(times // 1000).cast(pa.string())
    moments, where = np.unique(times, return_inverse=True)
    return pa.array([json_time(each) for each in moments.tolist()], pa.string()).take(
        pa.array(where.ravel())
    )


def _numbers(values: NDArray[np.float64]) -> pa.Array:
    texts = pa.array(values).cast(pa.string())
    size = np.abs(values)
    odd = ~((size >= _PLAIN[0]) & (size < _PLAIN[1]) | (size == 0))
    if not odd.any():
        return texts
    others: list[Any] = [json_number(each) for each in values[odd].tolist()]
    return pc.replace_with_mask(texts, pa.array(odd), pa.array(others, pa.string()))
