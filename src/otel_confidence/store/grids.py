"""
This module has the engine compute functions of ranges at every step, instead of reading samples.

ClickHouse's ``timeSeries…ToGrid`` functions follow Prometheus: windows are open at their start, and
rates extrapolate alike. Where values are such that the last digits could differ, or staleness
markers and the like would, the answer says so and the samples have to be read.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from otel_confidence.points import Labels
from otel_confidence.store.matching import LAST_MS, Conditions, Wanted

NEWEST: Final = "newest"
"""The newest sample of each window, staleness markers among them: what an instant selector sees."""
_ANY: Final = "true"
_FINITE: Final = "isFinite(value)"
_ONE_ZERO: Final = "isFinite(value) AND reinterpretAsUInt64(value) != 0x8000000000000000"
"""The engine tells 0 from -0 where it looks for changes; PromQL does not."""
_BOUNDED: Final = "abs(value) < 1e300"
"""What is far from the largest float after a hundred million of it were added, in any order."""
_UNSIGNED: Final = "value >= 0 AND value < 1e300"
"""What can be added up in any order without losing digits."""
_COMPUTED: Final[Mapping[str, tuple[str, str]]] = {
    "avg_over_time": ("Avg", _UNSIGNED),
    "changes": ("Changes", _ONE_ZERO),
    "count_over_time": ("Count", _ANY),
    "delta": ("Delta", _BOUNDED),
    "idelta": ("InstantDelta", _BOUNDED),
    "increase": ("Increase", _BOUNDED),
    "irate": ("InstantRate", _BOUNDED),
    "last_over_time": ("Last", _ANY),
    "max_over_time": ("Max", _FINITE),
    "min_over_time": ("Min", _FINITE),
    "present_over_time": ("Count", _ANY),
    "rate": ("Rate", _BOUNDED),
    "resets": ("Resets", _FINITE),
    "sum_over_time": ("Sum", _UNSIGNED),
    NEWEST: ("Last", _ANY),
}
"""For each function the engine's, and what every value must be like for the same result."""
_NOT_STALE: Final = "reinterpretAsUInt64(value) != 0x7FF0000000000002"


@dataclass(frozen=True, slots=True)
class Steps:
    """
    Windows of one length that end at regular times.
    """

    start_ms: int
    """When the first ends."""
    step_ms: int
    count: int
    window_ms: int

    @property
    def end_ms(self) -> int:
        """
        When the last ends.
        """
        return self.start_ms + (self.count - 1) * self.step_ms

    @property
    def after_ms(self) -> int:
        """
        The time after which the first begins.
        """
        return self.start_ms - self.window_ms


@dataclass(frozen=True, slots=True)
class Cells:
    """
    A function's values: a row a series, a column a step.
    """

    labels: list[Labels]
    values: NDArray[np.float64]
    present: NDArray[np.bool_]
    """Where there is a value; elsewhere it is arbitrary."""


def computable(function: str) -> bool:
    """
    Whether the engine has the function.
    """
    return function in _COMPUTED


def within_times(steps: Steps) -> bool:
    """
    Whether the engine can write the times of the steps.
    """
    return steps.after_ms >= 0 and steps.end_ms <= LAST_MS


def gridding(
    function: str, wanted: Wanted, steps: Steps, max_series: int
) -> tuple[str, dict[str, Any]]:
    """
    The statement that computes a function of ranges, and the parameters bound in it.

    It yields ``fingerprint``, ``cells`` and whether the values are ``plain`` enough, by series.
    """
    where = Conditions()
    engines, plain = _COMPUTED[function]
    statement = (
        f"SELECT fingerprint, timeSeries{engines}ToGrid({_grid(steps)})(time, value) AS cells, "
        f"min({plain}) AS plain FROM samples "
        f"PREWHERE fingerprint IN {where.series(wanted, steps.after_ms, steps.end_ms)} "
        f"AND {where.during(steps.after_ms, steps.end_ms, open_start=True)} "
        f"WHERE {_looked_at(function, where, steps)} GROUP BY fingerprint "
        f"LIMIT {where.bind(max_series + 1, 'UInt64')}"
    )
    return statement, where.parameters


def _grid(steps: Steps) -> str:
    # Aggregate functions take no bound parameters; these are numbers of ours.
    moments = (f"fromUnixTimestamp64Milli({each})" for each in (steps.start_ms, steps.end_ms))
    lengths = (f"toDecimal64('{each / 1000:.3f}', 3)" for each in (steps.step_ms, steps.window_ms))
    return ", ".join([*moments, *lengths])


def _looked_at(function: str, where: Conditions, steps: Steps) -> str:
    inside = spaced(where, steps)
    return inside if function == NEWEST else f"{_NOT_STALE} AND {inside}"


def spaced(where: Conditions, steps: Steps) -> str:
    """
    True for the rows that lie in a window, where windows leave something out between them.
    """
    if steps.count == 1 or steps.window_ms >= steps.step_ms:
        return "true"
    start, step = where.bind(steps.start_ms, "Int64"), where.bind(steps.step_ms, "Int64")
    before = f"positiveModulo({start} - toUnixTimestamp64Milli(time), {step})"
    return f"{before} < {where.bind(steps.window_ms, 'Int64')}"


def cells_of(
    function: str, found: pa.Table, count: int
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """
    Values and where there are any, out of a column of lists.
    """
    if not found.num_rows:
        return np.empty((0, count)), np.empty((0, count), dtype=np.bool_)
    flat = found["cells"].combine_chunks().flatten()
    present = flat.is_valid().to_numpy(zero_copy_only=False)
    values = flat.to_numpy(zero_copy_only=False)
    if function == "present_over_time":
        values = np.ones(len(values))
    return values.reshape(-1, count), present.reshape(-1, count)


def is_plain(found: pa.Table) -> bool:
    """
    Whether all values allow what the engine computed to be taken.
    """
    return not found.num_rows or bool(found["plain"].to_numpy().all())
