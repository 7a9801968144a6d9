"""This module says what a killed store must still hold: numpy's own account of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

DAY_MS, UNIT_MS = 86_400_000, 300_000
STALE = np.uint64(0x7FF0000000000002)
POINT = np.dtype([("batch", "i8"), ("series", "u8"), ("time", "i8"), ("bits", "u8")])
KEY = ["series", "time"]
Points = NDArray[Any]
Columns = Mapping[str, NDArray[Any]]


@dataclass(slots=True)
class Seen:
    """What a store that was just opened shows."""

    samples: Points
    """As POINT, sorted by series and time; the batch is not known."""
    rollups: dict[int, Columns]
    """By width, the rows sorted by series and time."""
    until: int
    now: int
    """The time of the process that looked, in milliseconds."""
    dirty: list[int]
    finest: dict[int, int]
    """By day, the finest width it is rolled up at."""
    drops: dict[int, int]
    """By day, the version of the last wish to drop it."""
    nameless: int
    """Samples of series that the table of series does not have for their day."""
    finished: int
    """Drops that a killed process had left undone."""


@dataclass(slots=True)
class Account:
    """What was written, by day, and which of it is certain."""

    days: dict[int, Points] = field(default_factory=dict)
    drops: dict[int, int] = field(default_factory=dict)
    newest: int = 0
    """The last batch that was settled."""
    acknowledged: int = 0
    dropped: int = 0
    torn: int = 0
    """Batches in flight of which some days were kept and others not."""

    def settle(self, batches: Sequence[Points], in_flight: Points, seen: Seen) -> Iterator[str]:
        """Compare what was acknowledged since with what is seen, and take over what is open."""
        self.acknowledged += sum(map(len, batches))
        written = np.concatenate([np.empty(0, POINT), *batches])
        touched = {*_days(written).tolist(), *_days(in_flight).tolist()}
        fates = set()
        for day in sorted({*self.days, *touched, *_days(seen.samples).tolist()}):
            sure = np.concatenate([self.days.get(day, np.empty(0, POINT)), _on(day, written)])
            doubt, found = _on(day, in_flight), _on(day, seen.samples)
            kept = self._explained(sure, doubt, found, dropped=self._was_dropped(day, seen))
            if kept is None:
                yield f"day {day}: {_difference(sure, found)}"
                kept = found
            if len(doubt):
                fates.add(bool(np.isin(doubt["batch"], kept["batch"]).any()))
            self.days[day] = kept
        self.torn += len(fates) > 1
        self.drops = seen.drops
        self.newest = max([self.newest, *written["batch"].tolist(), *in_flight["batch"].tolist()])

    def _explained(
        self, sure: Points, doubt: Points, found: Points, *, dropped: bool
    ) -> Points | None:
        numbers = np.unique(np.concatenate([sure["batch"], doubt["batch"]]))
        since = [self.newest, *numbers[numbers > self.newest].tolist()] if dropped else []
        for last_dropped in (-1, *since):
            for extra in (doubt[:0], doubt):
                written = np.concatenate([sure, extra])
                kept: Points = written[written["batch"] > last_dropped]
                if _equal(latest(kept), found):
                    self.dropped += len(written) - len(kept)
                    return kept
        return None

    def _was_dropped(self, day: int, seen: Seen) -> bool:
        # A drop takes every older day along.
        return any(
            version > self.drops.get(other, 0)
            for other, version in seen.drops.items()
            if other >= day
        )


def _difference(sure: Points, found: Points) -> str:
    expected = latest(sure)
    missing = ~np.isin(_keys(expected), _keys(found))
    extra = ~np.isin(_keys(found), _keys(expected))
    return (
        f"{len(expected)} samples expected, {len(found)} found, {missing.sum()} missing "
        f"(of batches {np.unique(expected['batch'][missing])[:9]}), {extra.sum()} unexpected"
    )


def latest(points: Points) -> Points:
    """Of each series and time the point written last, sorted by series and time."""
    order = np.argsort(points, order=["series", "time", "batch"], kind="stable")
    ordered = points[order]
    keys = _keys(ordered)
    newest = np.ones(len(keys), np.bool_)
    newest[:-1] = keys[1:] != keys[:-1]
    found: Points = ordered[newest]
    return found


def stale_rollups(seen: Seen) -> Iterator[str]:
    """Where a bucket that is said to be complete and clean is not what the samples give."""
    values = seen.samples[seen.samples["bits"] != STALE]
    for width, rows in seen.rollups.items():
        span = max(width, UNIT_MS)
        spoiled = np.unique([-(-end // span) * span for end in seen.dirty])
        expected = rolled(values, width)
        # Minutes leave after two days, also before a folder that catches up has got that far.
        since = max(seen.until, seen.now - DAY_MS) - DAY_MS if width < UNIT_MS else 0
        pick = [
            _clean(each["end"], seen.until, width, spoiled)
            & (each["end"] > since)
            & _made(each["end"], width, seen.finest)
            for each in (expected, rows)
        ]
        sides = [
            {name: column[rule] for name, column in each.items()}
            for each, rule in zip((expected, rows), pick, strict=True)
        ]
        # A row that is there but not said to be tells apart what was lost from what was not noted.
        days = sorted({int(each) // DAY_MS for each in sides[0]["end"] - 1})
        beside = f"days {days}, finest {dict(seen.finest)}, {len(rows['end'])} rows in all"
        yield from (f"{width} ms: {line} ({beside})" for line in _differences(*sides))


@np.errstate(invalid="ignore")
def rolled(points: Points, width_ms: int) -> Columns:
    """The rows that points, sorted by series and time, give."""
    if not len(points):
        return {name: np.empty(0) for name in ("series", "end", "count")}
    values = points["bits"].view(np.float64)
    ends = -(-points["time"] // width_ms) * width_ms
    fresh = np.append(
        True, (ends[1:] != ends[:-1]) | (points["series"][1:] != points["series"][:-1])
    )
    starts = np.flatnonzero(fresh)
    lasts = np.append(starts[1:], len(points)) - 1
    earlier = np.append(np.nan, values[:-1])
    known, was_known = ~np.isnan(values), ~np.isnan(earlier)
    falls = ~fresh & (values < earlier)
    turns = ~fresh & (values != earlier) & (known | was_known)
    return {
        "series": points["series"][starts],
        "end": ends[starts],
        "count": lasts - starts + 1,
        "sum": np.add.reduceat(values, starts),
        "min": np.fmin.reduceat(values, starts),
        "max": np.fmax.reduceat(values, starts),
        "first_time": points["time"][starts],
        "first": values[starts],
        "last_time": points["time"][lasts],
        "last": values[lasts],
        "correction": np.add.reduceat(np.where(falls, earlier, 0.0), starts),
        "resets": np.add.reduceat(falls.astype(np.int64), starts),
        "changes": np.add.reduceat(turns.astype(np.int64), starts),
        "nans": np.add.reduceat((~known).astype(np.int64), starts),
    }


def _clean(ends: NDArray[Any], until: int, width: int, spoiled: NDArray[Any]) -> NDArray[np.bool_]:
    span = max(width, UNIT_MS)
    touched = np.isin(-(-ends // span) * span, spoiled)
    clean: NDArray[np.bool_] = (ends <= until // width * width) & ~touched
    return clean


def _made(ends: NDArray[Any], width: int, finest: Mapping[int, int]) -> NDArray[np.bool_]:
    lacking = [day for day, least in finest.items() if least > width]
    made: NDArray[np.bool_] = ~np.isin((ends - 1) // DAY_MS, lacking)
    return made


def _differences(expected: Columns, actual: Columns) -> Iterator[str]:
    if len(expected["end"]) != len(actual["end"]):
        yield f"{len(expected['end'])} rows expected, {len(actual['end'])} found"
        return
    for name, column in expected.items():
        close = np.isclose(column, actual[name], rtol=1e-9, atol=1e-6, equal_nan=True)
        if not close.all():
            at = int(np.flatnonzero(~close)[0])
            yield (
                f"{name} of {(~close).sum()} rows, the first ends at {expected['end'][at]}: "
                f"expected {column[at]}, actual {actual[name][at]}"
            )


def _days(points: Points) -> NDArray[np.int64]:
    days: NDArray[np.int64] = np.unique(points["time"] // DAY_MS)
    return days


def _on(day: int, points: Points) -> Points:
    found: Points = points[points["time"] // DAY_MS == day]
    return found


def _keys(points: Points) -> NDArray[Any]:
    return np.ascontiguousarray(points[KEY]).astype([("series", "u8"), ("time", "i8")])


def _equal(expected: Points, found: Points) -> bool:
    return len(expected) == len(found) and all(
        bool((expected[name] == found[name]).all()) for name in ("series", "time", "bits")
    )
