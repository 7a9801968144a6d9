"""
This module tests reductions of runs against the standard library and numpy.
"""

import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_confidence.query.promql import segments
from otel_confidence.query.promql.segments import Segments

RUNS = st.lists(
    st.lists(st.floats(-1e12, 1e12, allow_subnormal=False), min_size=1, max_size=12),
    min_size=1,
    max_size=8,
)


def laid_out(runs: list[list[float]]) -> Segments:
    """
    Runs end to end.
    """
    bounds = np.concatenate(([0], np.cumsum([len(run) for run in runs])))
    return Segments(np.array([value for run in runs for value in run]), bounds[:-1], bounds[1:])


@given(RUNS)
def test_sums_are_exact_to_the_last_bits(runs: list[list[float]]) -> None:
    """
    Compensated sums agree with exactly rounded ones, whatever cancels.
    """
    scale = [max(abs(value) for value in run) for run in runs]

    for found, run, size in zip(segments.sums(laid_out(runs)), runs, scale, strict=True):
        assert math.fsum(run) == pytest.approx(found, rel=1e-15, abs=size * 1e-30)


@given(RUNS)
def test_means_and_variances(runs: list[list[float]]) -> None:
    """
    Means and population variances agree with the exact ones of the standard library.
    """
    means, variances = segments.means(laid_out(runs)), segments.variances(laid_out(runs))

    for mean, variance, run in zip(means, variances, runs, strict=True):
        size = max(abs(value) for value in run)
        assert statistics.fmean(run) == pytest.approx(mean, rel=1e-14, abs=size * 1e-16)
        assert statistics.pvariance(run) == pytest.approx(variance, rel=1e-9, abs=size**2 * 1e-28)


@given(RUNS, st.floats(0, 1))
def test_extremes_and_quantiles_are_numpys(runs: list[list[float]], q: float) -> None:
    """
    Largest, smallest and quantile of each run agree with numpy's.
    """
    laid = laid_out(runs)
    quantiles = segments.quantiles(laid, np.full(len(runs), q))

    assert [max(run) for run in runs] == segments.maxima(laid).tolist()
    assert [min(run) for run in runs] == segments.minima(laid).tolist()
    for found, run in zip(quantiles, runs, strict=True):
        size = max(abs(value) for value in run)
        assert float(np.quantile(run, q)) == pytest.approx(found, rel=1e-9, abs=size * 1e-12)


def test_runs_may_overlap() -> None:
    """
    Windows that share samples are reduced each for itself.
    """
    runs = Segments(np.array([1.0, 2.5, 4.0, 8.0]), np.array([0, 1, 0]), np.array([2, 4, 4]))

    assert [3.5, 14.5, 15.5] == segments.sums(runs).tolist()
    assert [2.5, 8.0, 8.0] == segments.maxima(runs).tolist()
    assert [1.0, 2.5, 1.0] == segments.minima(runs).tolist()


def test_quantiles_of_very_different_lengths() -> None:
    """
    Long and short runs are sorted in portions of bounded size, with the same result.
    """
    values = np.arange(3000.0)[::-1].copy()
    low = np.array([0, 0, 10])
    runs = Segments(values, low, np.array([3000, 1, 12]))

    assert [1499.5, 2999.0, 2988.5] == segments.quantiles(runs, np.full(3, 0.5)).tolist()


def test_long_computations_can_be_stopped() -> None:
    """
    A walk along runs asks now and then whether it may go on.
    """

    def stop() -> None:
        raise TimeoutError

    runs = Segments(np.array([0.5, 0.25]), np.array([0]), np.array([2]), stop)

    with pytest.raises(TimeoutError):
        segments.variances(runs)
