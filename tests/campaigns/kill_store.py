"""
This module kills a store with SIGKILL again and again, and looks at what it kept.

Each life is a process that opens the folder, shows what is in it, and then writes batches while it
rolls up and drops days for their size without a pause, until it is killed at a random moment;
between batches it compares what it has in memory with the tables. What it was about to write and
what was acknowledged goes through a pipe to the process that kills. The batches are out of order
and late, they overwrite, reset counters and hold NaN, infinities and staleness markers. Time runs
an hour a life.

Run it by ``python -m tests.campaigns.kill_store --times 1000``; status 1 if anything differs.
"""

import argparse
import itertools
import logging
import multiprocessing
import random
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from tests.campaigns.kill_checks import DAY_MS, POINT, STALE, Account, Points, Seen, stale_rollups

from otel_confidence.points import Batch, Samples, Series
from otel_confidence.store import Store
from otel_confidence.store.connection import read
from otel_confidence.store.matching import LAST_MS
from otel_confidence.store.memory import SAMPLE_BYTES
from otel_confidence.store.schema import ROLLUPS

HOUR_MS = 3_600_000
PROGRESS = 100
COMPARED = 0.3
"""After which share of batches memory is held against the tables."""
PATIENCE_S = 300.0
EARLY = 0.15
"""The share of lives that are killed whether or not they have opened the store."""
SERIES = {
    series.fingerprint: series
    for series in (Series((("__name__", "m_total"), ("number", str(n)))) for n in range(12))
}
FINGERPRINTS = np.array(sorted(SERIES), np.uint64)
ODD = [*np.array([np.nan, np.inf, -np.inf, -0.0, 0.0]).view(np.uint64).tolist(), int(STALE)]
SIZES = (40_000, 100_000, 250_000)
"""Bytes kept; one of them is drawn each life."""
MEMORIES = (300 * SAMPLE_BYTES, 3000 * SAMPLE_BYTES, 1 << 28)
"""Bytes kept in memory, another number each life: of some samples, and of all."""
LIGHT = 500
"""Days with fewer samples have every width: few, so that days come to be judged."""


@dataclass(frozen=True, slots=True)
class Life:
    """What one process is told."""

    folder: Path
    first_batch: int
    now_ms: int
    seed: int
    last: bool
    """To roll up, look again and close instead of being killed."""

    def clock_s(self, since: float) -> float:
        """The time of this life: an hour goes by in a second."""
        return (self.now_ms + min(time.monotonic() - since, 1.0) * HOUR_MS) / 1000


@dataclass(slots=True)
class Heard:
    """What came through the pipe."""

    seen: Seen | None = None
    final: Seen | None = None
    acknowledged: list[Points] = field(default_factory=list)
    in_flight: Points = field(default_factory=lambda: np.empty(0, POINT))
    compared: int = 0
    """How often memory was held against the tables."""
    failures: list[str] = field(default_factory=list)
    shown: threading.Event = field(default_factory=threading.Event)

    def listen(self, pipe: Connection) -> None:
        """Take what comes until the other side is no more."""
        try:
            while True:
                self.take(*pipe.recv())
        except (EOFError, OSError):
            self.shown.set()

    def take(self, what: str, said: Any) -> None:
        """Take one message."""
        if what == "seen":
            self.seen = said
            self.shown.set()
        elif what == "final":
            self.final = said
        elif what == "compared":
            self.compared += said is not None
            self.failures += [f"memory differs in {said} samples"] if said else []
        elif what == "begin":
            self.in_flight = said
        elif what == "ack":
            self.acknowledged.append(self.in_flight)
            self.in_flight = self.in_flight[:0]
        else:
            self.failures.append(f"{what}: {said}")


def live(life: Life, pipe: Connection) -> None:
    """Open, show, then write, roll up and drop until killed; run in a process of its own."""
    finished = _listening()
    draw = random.Random(life.seed)
    since = time.monotonic()
    size, memory = draw.choice(SIZES), draw.choice(MEMORIES)
    store = Store.open(
        life.folder, retention_days=3000, retention_size=size, memory_size=memory, upkeep_s=3600
    )
    assert store._upkeep is not None
    store._upkeep._roller._light = LIGHT
    store._upkeep.retention._now = store._upkeep._roller._now = lambda: life.clock_s(since)
    pipe.send(("seen", look(store, len(finished))))
    if life.last:
        store.keep_up()
        pipe.send(("final", look(store, 0)))
        store.close()
        return
    threading.Thread(target=_keep_up, args=(store, pipe), daemon=True).start()
    for number in itertools.count(life.first_batch):
        points = batch(draw, number, int(life.clock_s(since) * 1000))
        pipe.send(("begin", points))
        store.write(_written(points))
        pipe.send(("ack", number))
        if draw.random() < COMPARED:
            pipe.send(("compared", misremembered(store)))


def _listening() -> list[str]:
    heard: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: heard.append(record.msg)  # type: ignore[method-assign]
    log = logging.getLogger("otel_confidence.store.retention")
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    return heard


def _keep_up(store: Store, pipe: Connection) -> None:
    try:
        while True:
            store.keep_up()
    except Exception as error:  # noqa: BLE001  whatever it is, the other side must hear of it
        pipe.send(("upkeep failed", repr(error)))


def batch(draw: random.Random, number: int, now_ms: int) -> Points:
    """A batch drawn at random: of now, or late by up to three days; around one place or spread."""
    late = draw.choice([0, 0, HOUR_MS, 6 * HOUR_MS, DAY_MS, 3 * DAY_MS])
    place = now_ms - draw.randrange(late + 1)
    spread = draw.choice([60_000, 600_000, 600_000, DAY_MS])
    size = draw.randrange(1, 200)
    points = np.zeros(size, POINT)
    points["batch"] = number
    dice = np.random.default_rng(draw.getrandbits(63))
    points["series"] = dice.choice(FINGERPRINTS, size)
    points["time"] = (place - dice.integers(0, spread, size)) // 5_000 * 5_000
    values = np.where(
        dice.random(size) < 0.7, dice.integers(0, 50, size), dice.normal(0, 1e6, size)
    )
    points["bits"] = np.where(
        dice.random(size) < 0.1, dice.choice(np.array(ODD, np.uint64), size), values.view(np.uint64)
    )
    _, first = np.unique(points[["series", "time"]], return_index=True)
    return points[np.sort(first)]


def _written(points: Points) -> Batch:
    present = {int(each): SERIES[int(each)] for each in np.unique(points["series"])}
    columns = (np.ascontiguousarray(points[name]) for name in ("series", "time", "bits"))
    fingerprints, times, bits = columns
    return Batch(Samples(fingerprints, times, bits.view(np.float64), present))


def look(store: Store, finished: int) -> Seen:
    """What the store has, and what it says about it."""
    assert store._upkeep is not None
    progress = store._upkeep.progress
    nameless = _rows(
        store,
        "SELECT count() AS n FROM samples WHERE (fingerprint, toDate(time, 'UTC')) NOT IN "
        "(SELECT fingerprint, day FROM series)",
    )
    drops = _rows(store, "SELECT toUInt32(day) AS day, max(asked) AS asked FROM drops GROUP BY day")
    return Seen(
        samples=_samples(store),
        rollups={width: _rollups(store, table) for width, table in ROLLUPS.items()},
        until=progress.until_ms,
        now=int(store._upkeep.retention._now() * 1000),
        dirty=progress.dirty(0, 1 << 62),
        finest={day: each.finest_ms for day, each in progress._densities._known.items()},
        drops=dict(zip(*(drops[name].to_pylist() for name in ("day", "asked")), strict=True)),
        nameless=nameless["n"][0].as_py(),
        finished=finished,
    )


def _samples(store: Store) -> Points:
    found = _rows(
        store,
        "SELECT fingerprint AS series, toUnixTimestamp64Milli(time) AS time, "
        "reinterpretAsUInt64(value) AS bits FROM samples ORDER BY fingerprint, samples.time",
    )
    points = np.zeros(found.num_rows, POINT)
    for name in ("series", "time", "bits") if found.num_rows else ():
        points[name] = found[name].to_numpy()
    return points


def misremembered(store: Store) -> int | None:
    """In how many samples memory and tables differ, while nobody writes or drops; None unloaded."""
    assert store._upkeep is not None
    with store._upkeep.progress.turn:
        held = store._memory._held
        if held is None or not held.ready:
            return None
        floor_ms = held.recent.view().floor_ms
        laid = store.at_hand([], floor_ms, LAST_MS, most=1 << 40)
        tables = _samples(store)
    assert laid is not None
    mine = np.zeros(len(laid.times_ms), POINT)
    fingerprints = [Series(labels).fingerprint for labels in laid.labels]
    mine["series"] = np.repeat(np.array(fingerprints, np.uint64), np.diff(laid.offsets))
    mine["time"], mine["bits"] = laid.times_ms, laid.values.view(np.uint64)
    return len(np.setxor1d(np.sort(mine), tables[tables["time"] > floor_ms]))


def _rollups(store: Store, table: str) -> dict[str, Any]:
    names = (
        "count",
        "sum",
        "min",
        "max",
        "first",
        "last",
        "correction",
        "resets",
        "changes",
        "nans",
    )
    found = _rows(
        store,
        "SELECT fingerprint AS series, toUnixTimestamp64Milli(r.time) AS end, "
        "toUnixTimestamp64Milli(r.first_time) AS first_time, "
        f"toUnixTimestamp64Milli(r.last_time) AS last_time, {', '.join(names)} "
        f"FROM {table} AS r WHERE count > 0 ORDER BY series, end",
    )
    keys = ("series", "end", "first_time", "last_time", *names)
    return {name: found[name].to_numpy() if found.num_rows else np.empty(0) for name in keys}


def _rows(store: Store, statement: str) -> pa.Table:
    with store._pool.lend() as client:
        return read(client, statement)


@dataclass(slots=True)
class Campaign:
    """Lives, one after the other, and what they left."""

    folder: Path
    times: int
    draw: random.Random
    most_s: float
    account: Account = field(default_factory=Account)
    batches: list[Points] = field(default_factory=list)
    in_flight: Points = field(default_factory=lambda: np.empty(0, POINT))
    written: int = 0
    early: int = 0
    finished: int = 0
    dirty: int = 0
    compared: int = 0

    def run(self) -> Iterator[str]:
        """Live and be killed as often as asked, then once to the end; what is wrong."""
        start_ms = int(time.time() * 1000) - (self.times + 2) * HOUR_MS
        for number in range(self.times + 1):
            now_ms, last = start_ms + number * HOUR_MS, number == self.times
            seed = self.draw.getrandbits(60)
            if number and number % PROGRESS == 0:
                sys.stderr.write(f"{number} of {self.times} killed ...\n")
            life = Life(self.folder, self.written + 1, now_ms, seed, last)
            yield from (f"life {number}: {line}" for line in self._judged(self._lived(life), last))

    def _lived(self, life: Life) -> Heard:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["otel_confidence.store", "tests.campaigns.kill_checks"])
        mine, theirs = context.Pipe(duplex=False)
        process = context.Process(target=live, args=(life, theirs), daemon=True)
        process.start()
        theirs.close()
        heard = Heard()
        listening = threading.Thread(target=heard.listen, args=(mine,))
        listening.start()
        if life.last:
            process.join(PATIENCE_S)
        elif self.draw.random() < EARLY:
            process.join(self.draw.uniform(0, self.most_s))
        else:
            began = time.monotonic()
            heard.shown.wait(PATIENCE_S)
            # On a slow machine a life takes longer to get anywhere.
            most_s = max(self.most_s, time.monotonic() - began)
            process.join(self.draw.random() * most_s)
        if process.exitcode is not None and not life.last:
            heard.failures.append(f"ended by itself with {process.exitcode}")
        process.kill()
        process.join()
        listening.join()
        mine.close()
        return heard

    def _judged(self, heard: Heard, last: bool) -> Iterator[str]:
        yield from heard.failures
        self.compared += heard.compared
        if heard.seen is None:
            self.early += 1
            return
        yield from self._compared(heard.seen)
        self.batches, self.in_flight = heard.acknowledged, heard.in_flight
        self.written += len(heard.acknowledged) + 1
        if last and heard.final is not None:
            yield from self._compared(heard.final)
            if heard.final.dirty:
                yield f"not rolled up in the end: {heard.final.dirty}"
        elif last:
            yield "the last life showed nothing in the end"
        if last and not self.compared:
            yield "memory was never loaded"

    def _compared(self, seen: Seen) -> Iterator[str]:
        yield from self.account.settle(self.batches, self.in_flight, seen)
        yield from stale_rollups(seen)
        if seen.nameless:
            yield f"{seen.nameless} samples of series without labels"
        self.batches, self.in_flight = [], self.in_flight[:0]
        self.finished += seen.finished > 0
        self.dirty += bool(seen.dirty)


def run(folder: Path, *, times: int, seed: int, most_s: float = 0.4) -> Iterator[str]:
    """Run a campaign; what is wrong, a line each, and a sum in the end."""
    campaign = Campaign(folder, times, random.Random(seed), most_s)
    began, wrong = time.monotonic(), 0
    for line in campaign.run():
        wrong += 1
        yield line
    account = campaign.account
    yield (
        f"{times} kills ({campaign.early} before the store was open, {campaign.dirty} with touched "
        f"roll-ups, {campaign.finished} within a drop, {account.torn} with half a batch) in "
        f"{time.monotonic() - began:.0f} s: memory was as the tables {campaign.compared} times, "
        f"{account.acknowledged} samples acknowledged, "
        f"{account.dropped} dropped for their size, "
        f"{sum(map(len, account.days.values()))} written and kept, {wrong} differences"
    )


def main() -> int:
    """Run it from the command line."""
    parser = argparse.ArgumentParser(description="Kill a store again and again.")
    parser.add_argument("--times", type=int, default=100)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    arguments = parser.parse_args()
    line = ""
    with tempfile.TemporaryDirectory() as folder:
        for line in run(Path(folder) / "data", times=arguments.times, seed=arguments.seed):
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()
    return int(", 0 differences" not in line)


if __name__ == "__main__":
    sys.exit(main())
