"""
This module knows at which widths each day is rolled up, and judges which are worth it.

A row of a roll-up takes several times the room of a sample. Where the buckets of a width hold only
a few samples each, they cost more than they spare, to keep and to read; a day is then rolled up
from the next wider ones on. Days with few samples have every width.
"""

from dataclasses import dataclass
from typing import Final

import pyarrow as pa
from clickhouse_connect.driver.client import Client

from otel_confidence.store.buckets import WORTH
from otel_confidence.store.columns import DAY_MS
from otel_confidence.store.connection import failing, read
from otel_confidence.store.schema import DENSITIES, ROLLUPS

LIGHT: Final = 100_000
"""A day with fewer samples is rolled up at every width: there is little to spare."""
_GROWN: Final = 2
"""A day is judged again when it has so many times the samples that it was judged by."""
_NO_WIDTH: Final = 2 * DAY_MS
_FOREVER: Final = 1 << 62


@dataclass(frozen=True, slots=True)
class Density:
    """
    What a day was judged by, and the finest width (milliseconds) that it is rolled up at.
    """

    samples: int = 0
    finest_ms: int = 0


class Densities:
    """
    A mirror in memory of the table ``densities``; one thread notes, any may ask.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._known = _known(client)

    def of(self, day: int) -> Density:
        """
        That of a day since the epoch; every width where nothing is noted.
        """
        return self._known.get(day, Density())

    def note(self, day: int, density: Density, version: int) -> None:
        """
        Have a day rolled up so from now on.

        Raises:
            StoreError: The note could not be written.
        """
        row = {
            "day": pa.array([day], pa.int32()).cast(pa.date32()),
            "samples": [density.samples],
            "finest": [density.finest_ms],
            "version": [version],
        }
        with failing():
            self._client.insert_arrow(DENSITIES, pa.table(row))
        self._known = {**self._known, day: density}

    def forget(self, before_day: int) -> None:
        """
        Forget the days before one, whose rows are gone from the table.
        """
        self._known = {day: each for day, each in self._known.items() if day >= before_day}

    def gap_ms(self, width_ms: int, after_ms: int) -> int:
        """
        The start of the first day that ends later and has no roll-ups of the width.
        """
        days = (
            day
            for day, density in self._known.items()
            if density.finest_ms > width_ms and (day + 1) * DAY_MS > after_ms
        )
        return min((day * DAY_MS for day in days), default=_FOREVER)


def due(samples: int, known: Density, *, light: int = LIGHT) -> bool:
    """
    Whether a day with so many samples is to be judged, the first time or again.
    """
    return samples >= max(light, _GROWN * known.samples)


def measured(client: Client, day: int, until_ms: int) -> int:
    """
    The finest width in milliseconds that is worth it for a day, by its buckets complete by now.

    A width without any complete bucket yet is left for later, as if it were worth it.
    """
    start, end = day * DAY_MS, min((day + 1) * DAY_MS, until_ms)
    counts = ", ".join(_counts(width, end) for width in ROLLUPS)
    (row,) = read(
        client,
        f"WITH toUnixTimestamp64Milli(time) AS at SELECT {counts} FROM samples "
        f"WHERE time > {_moment(start)} AND time <= {_moment(end)} SETTINGS final = 0",
    ).to_pylist()
    worth = (width for width in ROLLUPS if row[f"rows_{width}"] * WORTH <= row[f"all_{width}"])
    return min(worth, default=_NO_WIDTH)


def _counts(width_ms: int, end_ms: int) -> str:
    complete = f"at <= {end_ms // width_ms * width_ms}"
    bucket = f"(fingerprint, intDiv(at + {width_ms - 1}, {width_ms}))"
    return (
        f"countIf({complete}) AS all_{width_ms}, "
        f"uniqCombined64If({bucket}, {complete}) AS rows_{width_ms}"
    )


def _moment(time_ms: int) -> str:
    return f"fromUnixTimestamp64Milli({time_ms}, 'UTC')"


def _known(client: Client) -> dict[int, Density]:
    rows = read(client, f"SELECT toInt32(day) AS day, samples, finest FROM {DENSITIES}").to_pylist()
    return {row["day"]: Density(row["samples"], row["finest"]) for row in rows}
