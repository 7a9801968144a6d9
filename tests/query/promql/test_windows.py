"""
This module tests how series are cut into windows, portion by portion.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from otel_confidence.points import Selection
from otel_confidence.query.promql.windows import laid_out, windows_of

ENDS = st.builds(
    lambda start, step, count: start + step * np.arange(count, dtype=np.int64),
    st.integers(-40, 70), st.integers(0, 25), st.integers(1, 12),
)  # fmt: skip
"""Evenly spaced or, of a step of zero, all the same."""
TIMES = st.lists(st.lists(st.integers(0, 60), max_size=8, unique=True), min_size=1, max_size=6)


def never() -> None:
    """
    Nothing stops the cutting.
    """


@given(TIMES, ENDS, st.integers(1, 30), st.integers(1, 40))
def test_windows_hold_what_lies_between_their_ends(
    series: list[list[int]], ends: NDArray[np.int64], range_ms: int, cells: int
) -> None:
    """
    Each window counts the samples after its start up to its end, in portions of any size.
    """
    samples = laid_out(
        [
            Selection(
                (("i", str(i)),), np.array(sorted(times), dtype=np.int64), np.zeros(len(times))
            )
            for i, times in enumerate(series)
        ]
    )

    portions = list(
        windows_of(samples, ends=ends, steps=ends, range_ms=range_ms, check=never, cells=cells)
    )

    assert samples.labels == [labels for each in portions for labels in each.labels]
    assert [
        [sum(end - range_ms < time <= end for time in times) for end in ends.tolist()]
        for times in series
    ] == np.concatenate([each.counts for each in portions]).tolist()


def test_portions_are_no_larger_than_asked() -> None:
    """
    With ten windows a series and room for thirty, three series come at a time.
    """
    one = np.array([1], dtype=np.int64)
    samples = laid_out([Selection((("i", str(i)),), one, np.ones(1)) for i in range(8)])
    ends = np.arange(10, dtype=np.int64)

    portions = windows_of(samples, ends=ends, steps=ends, range_ms=5, check=never, cells=30)

    assert [3, 3, 2] == [len(each.labels) for each in portions]


def test_cutting_can_be_stopped() -> None:
    """
    Before each portion it is asked whether time is over.
    """

    def stop() -> None:
        raise TimeoutError

    ends = np.array([1], dtype=np.int64)

    with pytest.raises(TimeoutError):
        next(windows_of(laid_out([]), ends=ends, steps=ends, range_ms=5, check=stop))
