"""This module rolls samples up in plain Python, as Prometheus's functions read them."""

import itertools
import math
import struct
from collections import defaultdict
from collections.abc import Iterable, Iterator

from otel_confidence.points import Matcher, Series
from otel_confidence.store import Store
from otel_confidence.store.schema import ROLLUPS

STALE = struct.unpack("<d", struct.pack("<Q", 0x7FF0000000000002))[0]
WIDTHS_MS = tuple(ROLLUPS)
EXACT = (
    "count", "min", "max", "first_time", "first", "last_time", "last", "resets", "changes", "nans",
)  # fmt: skip
Point = tuple[int, float]
Row = dict[str, float]


def bits(value: float) -> int:
    """The bits of a float, by which NaN equals NaN and 0 differs from -0."""
    return int.from_bytes(struct.pack(">d", value), "big")


def buckets(points: Iterable[Point], width_ms: int) -> dict[int, Row]:
    """The rows that points, in order of time, must give, by the buckets' ends."""
    found: dict[int, list[Point]] = defaultdict(list)
    for time_ms, value in points:
        if bits(value) != bits(STALE):
            found[-(-time_ms // width_ms) * width_ms].append((time_ms, value))
    return {end: row(bucket) for end, bucket in found.items()}


def row(points: list[Point]) -> Row:
    """One bucket's row."""
    values = [value for _, value in points]
    numbers = [value for value in values if not math.isnan(value)]
    pairs = list(itertools.pairwise(values))
    return {
        "count": len(values),
        "sum": sum(values),
        "min": min(numbers, default=math.nan),
        "max": max(numbers, default=math.nan),
        "first_time": points[0][0],
        "first": values[0],
        "last_time": points[-1][0],
        "last": values[-1],
        "correction": sum(earlier for earlier, later in pairs if later < earlier),
        "resets": sum(later < earlier for earlier, later in pairs),
        "changes": sum(
            later != earlier and not (math.isnan(earlier) and math.isnan(later))
            for earlier, later in pairs
        ),
        "nans": len(values) - len(numbers),
    }


def stored(store: Store, series: Series, width_ms: int) -> dict[int, Row]:
    """The rows that the store has for a series, by the buckets' ends."""
    columns = ", ".join(
        f"toFloat64(toUnixTimestamp64Milli({name})) AS {name}" if name.endswith("_time") else name
        for name in (*EXACT, "sum", "correction")
    )
    found = store.sql(
        f"SELECT toUnixTimestamp64Milli(time) AS end, {columns} FROM {ROLLUPS[width_ms]} "
        "WHERE fingerprint = {fingerprint:UInt64} AND count > 0",
        {"fingerprint": series.fingerprint},
    )
    return {each.pop("end"): each for each in found.to_pylist()}


def points_of(store: Store, series: Series) -> list[Point]:
    """The samples that the store has for a series, in order of time."""
    matchers = [Matcher(label, "=", value) for label, value in series.labels]
    return [
        point
        for found in store.select(matchers, 0, 1 << 50)
        for point in zip(found.times_ms.tolist(), found.values.tolist(), strict=True)
    ]


def differences(expected: dict[int, Row], actual: dict[int, Row]) -> Iterator[str]:
    """What differs; sums may by rounding, everything else not by a bit but the sign of a zero."""
    for end in sorted(expected.keys() | actual.keys()):
        if end not in expected or end not in actual:
            yield f"{end}: expected {expected.get(end)}, actual {actual.get(end)}"
            continue
        for name, value in expected[end].items():
            if not same(name, value, actual[end][name], expected[end]):
                yield f"{end} {name}: expected {value!r}, actual {actual[end][name]!r}"


def same(name: str, expected: float, actual: float, row: Row) -> bool:
    """Whether a column's value is the one expected."""
    if name in ("first", "last"):
        return bits(expected) == bits(actual)
    if name in EXACT:
        return expected == actual or (math.isnan(expected) and math.isnan(actual))
    if not math.isfinite(expected):
        return repr(expected) == repr(actual)
    largest = max(abs(row["min"]), abs(row["max"]))
    return math.isclose(expected, actual, rel_tol=1e-9, abs_tol=1e-12 * row["count"] * largest)
