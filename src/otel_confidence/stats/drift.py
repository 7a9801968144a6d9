"""
This module measures how far two distributions lie apart, from raw values or from counts in bins.

The binned forms are what additive telemetry allows: counts of replicas and of windows add up, raw
values don't travel. Their relation to the exact forms is said with each. A comparison that rests on
fewer than ``minimum`` values has no value (NaN): a small sample is always far away.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FLOOR: Final = 1e-4
"""Least share a bin is given in ``psi()``, so that an empty bin doesn't make it infinite.

A bin that one side lacks and that holds the share q of the other adds about ``q ln(q / FLOOR)``.
"""
MIN_VALUES: Final = 200
"""Values below which drift is not judged.

Without any drift PSI over B bins still expects ``(B - 1) / n`` from n values against a much larger
reference (see ``expected_psi()``): 0.045 for ten bins and 200 values, half of the 0.1 at which
Siddiqi (2006) begins to speak of a shift.
"""


def ks(reference: Any, current: Any, *, minimum: int = 1) -> float:
    """
    Kolmogorov-Smirnov distance: the largest difference of the two distribution functions, 0 to 1.

    The two-sample statistic of Kolmogorov (1933) and Smirnov (1939), exact also with ties.

    Args:
        reference: numbers, any shape; NaN is left out, infinities are kept.
        current: the same.
        minimum: fewer numbers than this on either side give NaN.
    """
    samples = _samples(reference, current, minimum)
    if samples is None:
        return np.nan
    expected, observed, grid = samples
    return float(np.abs(_cumulative(expected, grid) - _cumulative(observed, grid)).max())


def wasserstein(reference: Any, current: Any, *, minimum: int = 1) -> float:
    """
    Wasserstein-1 distance: the area between the distribution functions, in the values' own unit.

    Equal to the earth mover's distance in one dimension (Vallender, 1974). Finite numbers only.

    Args:
        reference: numbers, any shape; NaN and infinities are left out.
        current: the same.
        minimum: fewer numbers than this on either side give NaN.
    """
    samples = _samples(_finite(reference), _finite(current), minimum)
    if samples is None:
        return np.nan
    expected, observed, grid = samples
    gaps = np.abs(_cumulative(expected, grid) - _cumulative(observed, grid))
    return float((gaps[:-1] * np.diff(grid)).sum())


def psi(reference: Any, current: Any, *, bins: int = 10, minimum: int = 1) -> float:
    """
    Population stability index over bins that hold equal shares of the reference.

    Siddiqi, "Credit Risk Scorecards" (2006): ``sum((q - p) ln(q / p))``, which is the symmetric
    divergence of Jeffreys (1946). Equal numbers stay in one bin, so ties make fewer bins.

    Args:
        reference: numbers, any shape; NaN is left out.
        current: the same.
        bins: how many quantile bins.
        minimum: fewer numbers than this on either side give NaN.
    """
    expected, observed = _binned(reference, current, bins, minimum)
    return binned_psi(expected, observed, minimum=minimum)


def jensen_shannon(reference: Any, current: Any, *, bins: int = 10, minimum: int = 1) -> float:
    """
    Jensen-Shannon distance, base 2, 0 to 1, over bins that hold equal shares of the reference.

    Args:
        reference: numbers, any shape; NaN is left out.
        current: the same.
        bins: how many quantile bins.
        minimum: fewer numbers than this on either side give NaN.
    """
    expected, observed = _binned(reference, current, bins, minimum)
    return binned_jensen_shannon(expected, observed, minimum=minimum)


def binned_ks(reference: Any, current: Any, *, minimum: int = 0) -> float:
    """
    Largest difference of the distribution functions at the edges of ordered bins.

    Never above the exact ``ks()`` of the same values, and below it by at most the largest share
    that one bin holds in either sample.

    Args:
        reference: counts or shares of each bin, in order.
        current: the same bins.
        minimum: fewer counts than this in ``current`` give NaN.
    """
    shares = _shares(reference, current, minimum)
    return np.nan if shares is None else float(np.abs(_difference(*shares)).max())


def binned_wasserstein(reference: Any, current: Any, edges: Any, *, minimum: int = 0) -> float:
    """
    Area between the distribution functions, each drawn straight from edge to edge (trapezoids).

    Differs from the exact ``wasserstein()`` of the same values by at most the widest bin. Where
    the two functions cross within a bin, the bin's two triangles count as one trapezoid.

    Args:
        reference: counts or shares of each bin, in order, shape [n].
        current: the same bins.
        edges: the bins' finite edges in order, shape [n + 1].
        minimum: fewer counts than this in ``current`` give NaN.
    """
    shares = _shares(reference, current, minimum)
    if shares is None:
        return np.nan
    gaps = np.abs(_difference(*shares))
    widths = np.diff(np.asarray(edges, dtype=np.float64))
    return float((widths * (gaps + np.concatenate(([0.0], gaps[:-1]))) / 2).sum())


def binned_psi(reference: Any, current: Any, *, floor: float = FLOOR, minimum: int = 0) -> float:
    """
    Population stability index ``sum((q - p) ln(q / p))`` of bins in any order, such as categories.

    A share below the floor is taken as the floor, on both sides and without scaling the others.
    Over the same bins it is the same number as ``psi()``: nothing is lost by counting.

    Args:
        reference: counts or shares of each bin.
        current: the same bins.
        floor: the least share a bin is given.
        minimum: fewer counts than this in ``current`` give NaN.
    """
    shares = _shares(reference, current, minimum)
    if shares is None:
        return np.nan
    p, q = np.maximum(shares, floor)
    return float(((q - p) * np.log(q / p)).sum())


def binned_jensen_shannon(reference: Any, current: Any, *, minimum: int = 0) -> float:
    """
    Jensen-Shannon distance, base 2, of bins in any order: 0 where equal, 1 where disjoint.

    Square root of the divergence of Lin (1991), a metric by Endres and Schindelin (2003). It needs
    no floor. Coarser bins never make it larger.

    Args:
        reference: counts or shares of each bin.
        current: the same bins.
        minimum: fewer counts than this in ``current`` give NaN.
    """
    shares = _shares(reference, current, minimum)
    if shares is None:
        return np.nan
    p, q = shares
    middle = (p + q) / 2
    divergence = (_relative_entropy(p, middle) + _relative_entropy(q, middle)) / 2
    return float(np.sqrt(np.clip(divergence, 0.0, 1.0)))


def expected_psi(bins: int, reference: int, current: int) -> float:
    """
    What PSI is on average between two samples of one distribution: ``(B - 1) (1 / m + 1 / n)``.

    From its limit, a scaled chi-squared with B - 1 degrees of freedom (Yurdakul and Naranjo,
    "Statistical properties of the population stability index", 2020).

    Args:
        bins: how many bins.
        reference: how many values the reference has.
        current: how many values are compared with it.
    """
    return (bins - 1) * (1 / reference + 1 / current)


def quantile_edges(values: Floats, bins: int) -> Floats:
    """
    Inner edges that cut sorted finite values into at most so many bins of nearly equal shares.

    A cut goes between two different values, as near the quantile ``k / bins`` as ties allow; with
    no more different values than bins, each has its own.
    """
    distinct, counts = np.unique(values, return_counts=True)
    if len(distinct) <= bins:
        cuts = np.arange(len(distinct) - 1)
    else:
        below = np.cumsum(counts)[:-1] / len(values)
        cuts = np.unique([np.abs(below - k / bins).argmin() for k in range(1, bins)])
    return np.array([_between(float(distinct[i]), float(distinct[i + 1])) for i in cuts])


def shortest_within(low: float, high: float) -> float:
    """
    The number of fewest digits within two others.
    """
    middle = low / 2 + high / 2
    for digits in range(1, 18):
        short = float(f"{middle:.{digits}g}") + 0.0  # never -0.0
        if low <= short <= high:
            return short
    return middle


def _between(low: float, high: float) -> float:
    """
    A short number in the middle half between two others; ``low`` where there is none.
    """
    quarter = high / 4 - low / 4
    found = shortest_within(low + quarter, high - quarter)
    return found if low < found < high else low


def _binned(reference: Any, current: Any, bins: int, minimum: int) -> tuple[Floats, Floats]:
    expected, observed = _known(reference), _known(current)
    if len(expected) < minimum:
        expected = expected[:0]
    edges = quantile_edges(_finite(expected), bins)
    return _count(expected, edges), _count(observed, edges)


def _count(values: Floats, edges: Floats) -> Floats:
    places = np.searchsorted(edges, values, side="left")
    return np.bincount(places, minlength=len(edges) + 1).astype(np.float64)


def _known(values: Any) -> Floats:
    numbers = np.asarray(values, dtype=np.float64).ravel()
    return numbers[~np.isnan(numbers)]


def _finite(values: Any) -> Floats:
    numbers = np.asarray(values, dtype=np.float64).ravel()
    return numbers[np.isfinite(numbers)]


def _samples(reference: Any, current: Any, minimum: int) -> tuple[Floats, Floats, Floats] | None:
    """
    Both samples sorted, and the values at which a distribution function steps.
    """
    expected, observed = np.sort(_known(reference)), np.sort(_known(current))
    if min(len(expected), len(observed)) < max(minimum, 1):
        return None
    return expected, observed, np.union1d(expected, observed)


def _cumulative(values: Floats, grid: Floats) -> Floats:
    return np.asarray(np.searchsorted(values, grid, side="right") / len(values))


def _shares(reference: Any, current: Any, minimum: int) -> tuple[Floats, Floats] | None:
    expected = np.asarray(reference, dtype=np.float64)
    observed = np.asarray(current, dtype=np.float64)
    if expected.shape != observed.shape or expected.ndim != 1:
        raise ValueError(f"bins must be the same, got shapes {expected.shape}, {observed.shape}")
    p, q = expected.sum(), observed.sum()
    if not (p > 0 and q > 0) or q < minimum:
        return None
    return expected / p, observed / q


def _difference(p: Floats, q: Floats) -> Floats:
    """
    Difference of the distribution functions at the upper edge of each bin.
    """
    return np.asarray(np.cumsum(p - q))


def _relative_entropy(p: Floats, q: Floats) -> float:
    held = p > 0
    return float((p[held] * np.log2(p[held] / q[held])).sum())
