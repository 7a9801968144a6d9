"""
This module reads roll-ups: what became of samples, a bucket of time at once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from otel_confidence.points import Labels
from otel_confidence.store.grids import Steps, spaced
from otel_confidence.store.matching import Conditions, Wanted
from otel_confidence.store.schema import ROLLUPS

WORTH: Final = 8
"""How many samples a bucket must stand for, on average, to be read in their place."""


@dataclass(frozen=True, slots=True)
class Buckets:
    """
    Buckets of several series laid end to end: series ``i`` has ``offsets[i]:offsets[i + 1]``.
    """

    labels: list[Labels]
    offsets: NDArray[np.int64]
    ends_ms: NDArray[np.int64]
    columns: Mapping[str, NDArray[Any]]
    """What the roll-ups say, by column; times are in milliseconds."""


def bucketing(
    columns: Sequence[str], wanted: Wanted, steps: Steps, width_ms: int, max_rows: int
) -> tuple[str, dict[str, Any]]:
    """
    The statement that reads buckets, and the parameters bound in it.
    """
    where = Conditions()
    read = ", ".join(_read(column) for column in columns)
    statement = (
        f"SELECT fingerprint, toUnixTimestamp64Milli(time) AS end_ms, {read} "
        f"FROM {ROLLUPS[width_ms]} "
        f"PREWHERE fingerprint IN {where.series(wanted, steps.after_ms, steps.end_ms)} "
        f"AND {where.during(steps.after_ms, steps.end_ms, open_start=True)} "
        f"WHERE count > 0 AND {spaced(where, steps)} ORDER BY fingerprint, time "
        f"LIMIT {where.bind(max_rows + 1, 'UInt64')}"
    )
    return statement, where.parameters


def _read(column: str) -> str:
    if column.endswith("_time"):
        return f"toUnixTimestamp64Milli({column}) AS {column}_ms"
    return f"toFloat64({column}) AS {column}_value"


def named(column: str) -> str:
    """
    What a column is called in the answer.
    """
    return f"{column}_ms" if column.endswith("_time") else f"{column}_value"


def weighing(width_ms: int) -> tuple[str, dict[str, Any]]:
    """
    The statement that says whether buckets of a width are so few that reading them is worth it.
    """
    where = Conditions()
    table = where.bind(ROLLUPS[width_ms], "String")
    return (
        f"SELECT sumIf(rows, table = {table}) * {WORTH} <= sumIf(rows, table = 'samples') AS worth "
        "FROM system.parts WHERE active AND database = currentDatabase()"
    ), where.parameters
