"""
This module makes a row of what a fault did: sent, stored, twice, dropped, when it was caught up.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

from tests.campaigns.stack_faults.arrivals import Door, Watch

COLUMNS: Final = (
    "fault", "signal", "sent", "stored", "twice", "dropped by the SDK", "by the Collector",
    "missing", "caught up", "noticed by",
)  # fmt: skip


class NotRunError(Exception):
    """A fault that cannot be made here, and why."""


@dataclass(slots=True)
class Row:
    """One signal of one fault."""

    fault: str
    signal: str
    sent: int
    stored: int
    twice: int = 0
    by_sdk: Counter[str] = field(default_factory=Counter)
    by_collector: int = 0
    caught_up_s: float | None = None
    noticed: str = ""
    note: str = ""
    wrong: str = ""
    """What is otherwise than it has to be, beside what is missing; empty where nothing is."""
    flushed: bool = True
    """Whether the last flush() of every program said that all had arrived."""

    @property
    def missing(self) -> int:
        """What neither arrived nor was counted by anybody."""
        return self.sent - self.stored - sum(self.by_sdk.values()) - self.by_collector

    @property
    def unnoticed(self) -> int:
        """What of it nobody knows of: metrics have no ledger, but flush() says False."""
        return max(self.missing, 0) if self.flushed else 0

    def cells(self) -> list[str]:
        """As text, one for each column."""
        reasons = ", ".join(f"{n} {why}" for why, n in sorted(self.by_sdk.items()) if n)
        reasons = reasons or ("0" if self.flushed else "flush() is False")
        caught_up = "" if self.caught_up_s is None else f"{self.caught_up_s:.0f} s"
        return [
            self.fault, self.signal, str(self.sent), str(self.stored), str(self.twice),
            reasons, str(self.by_collector), str(self.missing), caught_up, self.noticed,
        ]  # fmt: skip


def heading() -> str:
    """The first lines of a table, in Markdown."""
    return f"{_line(COLUMNS)}\n{_line(['---'] * len(COLUMNS))}"


def lines(found: Sequence[Row]) -> str:
    """Rows as lines of that table, with what there is to note below them."""
    notes = [f"  {row.signal}: {row.note}" for row in found if row.note]
    notes += [f"  WRONG: {row.fault}, {row.signal}: {row.wrong}" for row in found if row.wrong]
    return "\n".join([*(_line(row.cells()) for row in found), *notes])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


@dataclass(frozen=True, slots=True)
class Told:
    """What the programs of a load said, together."""

    made: dict[str, float]
    """By span, when it ended."""
    dropped: Counter[str]
    flushed: bool

    @classmethod
    def of(cls, said: list[Any]) -> "Told":
        """All programs as one."""
        dropped: Counter[str] = Counter()
        for one in said:
            dropped.update({k: int(v) for k, v in one["dropped"].items()})
        made = {span: end for one in said for span, end in one["made"]}
        return cls(made, dropped, all(one["flushed"] for one in said))

    def by_sdk(self, signal: str) -> Counter[str]:
        """What the SDK dropped of a signal, by reason."""
        return Counter(
            {key.split()[1]: n for key, n in self.dropped.items() if key.split()[0] == signal}
        )


def rows(fault: str, told: Told, watch: Watch, healed: float) -> list[Row]:
    """The three rows of a fault."""
    stored = watch.stored[-1][1] if watch.stored else 0
    before = sum(end <= healed for end in told.made.values())
    reached = [when for when, n in watch.stored if n >= before and when >= healed]
    metrics = Row(
        fault, "metrics", len(told.made), int(stored),
        caught_up_s=reached[0] - healed if reached else None, flushed=told.flushed,
    )  # fmt: skip
    lost = _lost_by_collectors(watch)
    found = [
        metrics,
        _counted(fault, told, "spans", watch.spans, healed),
        _counted(fault, told, "events", watch.events, healed),
    ]
    found[1].by_collector = lost["spans"]
    return found


def _lost_by_collectors(watch: Watch) -> Counter[str]:
    """What a Collector took and then gave up; what it refused is with the SDK again."""
    lost: Counter[str] = Counter()
    for own in watch.own:
        for key, n in own.sums.items():
            name, _, exporter = key.partition(" ")
            if name == "exporter_enqueue_failed_spans" and "tempo" in exporter:
                lost["spans"] += int(n)
            elif name.startswith("exporter_send_failed"):
                lost[name.rpartition("_")[2]] += int(n)
    return lost


def _counted(fault: str, told: Told, signal: str, door: Door, healed: float) -> Row:
    known = [span for span in told.made if span in door.first]
    late = [door.first[span] - healed for span in known if told.made[span] <= healed]
    return Row(
        fault, signal, len(told.made), len(known),
        twice=sum(door.times[span] - 1 for span in known),
        by_sdk=told.by_sdk(signal.removesuffix("s")), caught_up_s=max(late, default=0.0),
    )  # fmt: skip


def gaps(watch: Watch, begin: float, end: float) -> list[float]:
    """How long each series of the load had no sample, the longest first, seconds."""
    asked = watch.ask(
        "query", query=f"ml_predictions_total[{int(end - begin)}s]", time=str(end)
    ) or {"result": []}
    found = []
    for series in asked["result"]:
        times = [when for when, _ in series["values"]]
        found += [later - former for former, later in pairwise(times)]
    return sorted(found, reverse=True)


def oldest_missing(told: Told, door: Door, moment: float) -> float:
    """How long before a moment the first of what never arrived had been made, seconds."""
    ages = [moment - end for span, end in told.made.items() if span not in door.first]
    return max(ages, default=0.0)
