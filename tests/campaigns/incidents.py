"""
This module simulates incidents and counts notifications that are missing or doubled.

Run ``python -m tests.campaigns.incidents --times 200``. Each time has alerts of its own that hold
for long, for short and off and on, restarts, a channel that is down for an hour, and kills right
after something was sent and before that could be noted. Time is simulated.
"""

import argparse
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from tests.alerting.storing import MemoryStore

from otel_confidence.alerting.evaluator import Evaluator
from otel_confidence.alerting.groups import Surroundings
from otel_confidence.alerting.notifying.book import Book
from otel_confidence.alerting.notifying.messages import Notification
from otel_confidence.alerting.notifying.notifier import Notifier
from otel_confidence.alerting.notifying.routes import Pace
from otel_confidence.alerting.rulefiles import read_text
from otel_confidence.points import Batch, Sample, Samples, Series

STEP_MS = 30_000
MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
START_MS = 1_700_000_000_000 // STEP_MS * STEP_MS
HOLD_MS = MINUTE_MS
LATE_MS = 12 * MINUTE_MS
"""How long after its start an incident may be told of: hold, wait, interval, a restart, a retry."""
RULES = """
groups:
  - name: models
    interval: 30s
    rules:
      - alert: ModelUnsure
        expr: doubt > 0.5
        for: 1m
        labels: {severity: warning}
        annotations: {summary: "{{ $labels.ml_model_name }} is unsure"}
"""


class Killed(BaseException):
    """The process ends at once."""


@dataclass
class Told:
    """A notification as it arrived."""

    at_ms: int
    notification: Notification

    @property
    def content(self) -> frozenset[tuple[str, int, bool]]:
        """What it says, whenever it says it."""
        alerts = self.notification.alerts
        return frozenset(
            (a.labels["ml_model_name"], a.starts_ms, a.ends_ms is None) for a in alerts
        )


@dataclass
class Receiver:
    """A channel that can be down, and can see its sender die."""

    name: str = "receiver"
    severities: tuple[str, ...] = ()
    now_ms: int = 0
    down: tuple[int, int] = (0, 0)
    killing: bool = False
    told: list[Told] = field(default_factory=list)

    def send(self, notification: Notification) -> None:
        """Take a notification."""
        if self.down[0] <= self.now_ms < self.down[1]:
            raise ConnectionError("refused")
        self.told.append(Told(self.now_ms, notification))
        if self.killing:
            self.killing = False
            raise Killed


@dataclass(frozen=True)
class Script:
    """What happens, all times in milliseconds since the start."""

    holds: dict[str, tuple[tuple[int, int], ...]]
    """When each model's condition holds."""
    down: tuple[int, int]
    restarts: tuple[int, ...]
    kills: tuple[int, ...]
    end: int


def script(rng: random.Random) -> Script:
    """A script of a few hours."""
    end = 4 * HOUR_MS
    holds = {f"m{n}": tuple(_spans(rng, end)) for n in range(rng.randint(1, 3))}
    down = rng.randrange(0, end - HOUR_MS, STEP_MS)
    return Script(
        holds,
        (down, down + HOUR_MS) if rng.random() < 0.5 else (0, 0),
        tuple(sorted(rng.sample(range(0, end, STEP_MS), rng.randint(0, 4)))),
        tuple(sorted(rng.sample(range(0, end, STEP_MS), rng.randint(0, 3)))),
        end,
    )


def _spans(rng: random.Random, end: int) -> Sequence[tuple[int, int]]:
    if rng.random() < 0.3:
        start = rng.randrange(0, end // 2, STEP_MS)
        every = rng.choice((2, 3, 5, 10)) * STEP_MS
        return [(at, at + every) for at in range(start, start + HOUR_MS, 2 * every)]
    found, at = [], 0
    for _ in range(rng.randint(1, 3)):
        at += rng.randrange(STEP_MS, HOUR_MS, STEP_MS)
        length = rng.choice((1, 2, 4, 10, 40, 90)) * STEP_MS
        found.append((at, min(at + length, end)))
        at += length
    return found


class World:
    """A server without a network, and its clock."""

    def __init__(self, given: Script, folder: Path) -> None:
        self.script = given
        self.store = MemoryStore()
        self.receiver = Receiver(down=(START_MS + given.down[0], START_MS + given.down[1]))
        self._path = folder / "alerts.sqlite"
        self._begin(START_MS)

    def _begin(self, now_ms: int) -> None:
        self.book = Book.open(self._path)
        self.notifier = Notifier(
            self.book, [self.receiver], now_ms=now_ms, pace=Pace(repeat_ms=100 * HOUR_MS)
        )
        shared = Surroundings(self.store, tell=self.notifier.take)
        self.evaluator = Evaluator(read_text(RULES, "models.yml"), shared, now_ms=now_ms)

    def run(self) -> None:
        """Let everything happen, then time pass until all is quiet."""
        for at in range(0, self.script.end + 3 * HOUR_MS, STEP_MS):
            now_ms = START_MS + at
            self._measure(at, now_ms)
            self.receiver.now_ms = now_ms
            self.receiver.killing |= at in self.script.kills
            if at in self.script.restarts:
                self._restart(now_ms)
            try:
                self._turn(now_ms)
            except Killed:
                self._restart(now_ms)
        self.book.close()

    def _turn(self, now_ms: int) -> None:
        self.evaluator.advance(now_ms)
        self.notifier.sweep(now_ms)
        for desk, channel in self.notifier.desks:
            due = desk.due_ms()
            if due is not None and due <= now_ms:
                self.notifier.deliver(desk, channel, now_ms)

    def _restart(self, now_ms: int) -> None:
        self.book.close()
        self._begin(now_ms)

    def _measure(self, at: int, now_ms: int) -> None:
        rows = [
            Sample(Series((("__name__", "doubt"), ("ml_model_name", model))), now_ms, float(holds))
            for model, spans in self.script.holds.items()
            for holds in [any(start <= at < end for start, end in spans)]
        ]
        self.store.write(Batch(samples=Samples.of(rows)))


@dataclass
class Findings:
    """What was wrong, and what was seen."""

    incidents: int = 0
    told: int = 0
    missing: list[str] = field(default_factory=list)
    doubled: Counter[str] = field(default_factory=Counter)
    hurried: int = 0
    """Notifications of a group sooner after the last one than they may be."""

    def add(self, other: "Findings") -> None:
        """Count another time's findings too."""
        self.incidents += other.incidents
        self.told += other.told
        self.missing.extend(other.missing)
        self.doubled.update(other.doubled)
        self.hurried += other.hurried


def findings(world: World) -> Findings:
    """What a world's receiver was not told, or told twice."""
    found = Findings(told=len(world.receiver.told))
    for model, spans in world.script.holds.items():
        told = [
            t for t in world.receiver.told if dict(t.notification.group)["ml_model_name"] == model
        ]
        for start, end in spans:
            if end - start < HOLD_MS + 2 * MINUTE_MS:
                continue  # over before it was worth telling
            if any(start - LATE_MS < restart < end for restart in _breaks(world)) and (
                end - start < LATE_MS
            ):
                continue  # a restart made it wait anew, and it was over by then
            found.incidents += 1
            if not _is_told(told, START_MS + start, START_MS + end):
                found.missing.append(f"{model}: {start // 1000}..{end // 1000} s was not told")
        if told and told[-1].notification.status != "resolved":
            found.missing.append(f"{model}: the end was not told")
        _count_doubles(told, found)
    return found


def _breaks(world: World) -> list[int]:
    return [*world.script.restarts, *world.script.kills]


def _is_told(told: Sequence[Told], start: int, end: int) -> bool:
    """Whether one learns of an incident: by a message of its own, or because none said it ended."""
    for each in told:
        for alert in each.notification.alerts:
            if start <= alert.starts_ms <= end:
                return True
    before = [each for each in told if each.at_ms <= start]
    return bool(before) and before[-1].notification.status == "firing"


def _count_doubles(told: Sequence[Told], found: Findings) -> None:
    for before, after in pairwise(told):
        if before.notification.id == after.notification.id:
            found.doubled["killed after it was sent, before that was noted; same id"] += 1
        elif before.content == after.content:
            found.doubled["no reason"] += 1
        elif after.at_ms - before.at_ms < Pace().interval_ms:
            found.hurried += 1


def simulate(times: int, seed: int) -> Findings:
    """The findings of several times."""
    total = Findings()
    for number in range(times):
        with tempfile.TemporaryDirectory() as folder:
            world = World(script(random.Random(f"{seed}.{number}")), Path(folder))
            world.run()
        one = findings(world)
        one.missing = [f"time {number}: {text}" for text in one.missing]
        total.add(one)
    return total


def main() -> int:
    """Simulate, and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    total = simulate(given.times, given.seed)
    doubled = ", ".join(f"{count} ({why})" for why, count in total.doubled.items()) or "0"
    sys.stdout.write(
        f"{given.times} simulations, {total.incidents} incidents, {total.told} notifications; "
        f"missing {len(total.missing)}, doubled {doubled}, too soon {total.hurried}\n"
    )
    for text in total.missing[:20]:
        sys.stdout.write(f"  {text}\n")
    return 1 if total.missing or total.doubled["no reason"] or total.hurried else 0


if __name__ == "__main__":
    sys.exit(main())
