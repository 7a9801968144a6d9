"""
This module checks who is told of alerts, when and how often.
"""

import signal
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pytest

from otel_confidence.alerting.alerts import Alert, State
from otel_confidence.alerting.notifying.book import Book
from otel_confidence.alerting.notifying.messages import Notification
from otel_confidence.alerting.notifying.notifier import Inhibition, Notifier
from otel_confidence.alerting.notifying.routes import Pace
from otel_confidence.alerting.notifying.silences import Silence, matchers_of
from otel_confidence.alerting.notifying.silencing import REMEMBERED_MS, Silencing
from otel_confidence.errors import ConfigurationError, StoreError

SECOND = 1000
MINUTE = 60 * SECOND

KILLED = """
import os, signal, sqlite3, sys
from pathlib import Path
from otel_confidence.alerting.notifying.book import Book

def kill(statement):
    if statement.strip().startswith(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)

def watched(*given, connect=sqlite3.connect, **options):
    connection = connect(*given, **options)
    connection.set_trace_callback(kill)
    return connection

sqlite3.connect = watched
Book.open(Path(sys.argv[1]))
"""
"""Opens a file and is killed before a statement is carried out."""


def first_version(folder: Path) -> Path:
    """A file of the first version, with one silence."""
    path = folder / "alerts.sqlite"
    with closing(sqlite3.connect(path)) as file:
        file.executescript(
            "CREATE TABLE silences (id TEXT PRIMARY KEY, matchers TEXT NOT NULL, starts_ms INTEGER "
            "NOT NULL, ends_ms INTEGER NOT NULL, comment TEXT NOT NULL, made_by TEXT NOT NULL);"
            """INSERT INTO silences VALUES ('i', 'a="b"', 1, 2, 'why', 'me');"""
            "PRAGMA user_version = 1;"
        )
    return path


@dataclass
class Listener:
    """A channel that keeps what it is told, or refuses."""

    name: str = "listener"
    severities: tuple[str, ...] = ()
    refuses: bool = False
    told: list[Notification] = field(default_factory=list)

    def send(self, notification: Notification) -> None:
        """Take a notification."""
        if self.refuses:
            raise ConnectionError("refused")
        self.told.append(notification)


class Desk:
    """A notifier over a file, with a clock that is moved."""

    def __init__(
        self, folder: Path, *channels: Listener, inhibitions: Sequence[Inhibition] = ()
    ) -> None:
        self.path = folder / "alerts.sqlite"
        self.channels = channels
        self.now_ms = 0
        self.inhibitions = inhibitions
        self.open()

    def open(self) -> None:
        """Begin, anew after the first time."""
        self.notifier = Notifier(
            Book.open(self.path), self.channels, now_ms=self.now_ms, pace=Pace(),
            inhibitions=self.inhibitions,
        )  # fmt: skip

    def tell(self, *alerts: Alert) -> None:
        """Hear of alerts now."""
        self.notifier.take(alerts, self.now_ms)

    def wait(self, length_ms: int, *alerts: Alert) -> None:
        """Let time pass, hearing of alerts each half a minute."""
        until = self.now_ms + length_ms
        while self.now_ms < until:
            self.now_ms = min(until, self.now_ms + 30 * SECOND)
            self.tell(*alerts)
            self.notifier.sweep(self.now_ms)
            for desk, channel in self.notifier.desks:
                self.notifier.deliver(desk, channel, self.now_ms)


def alert(name: str = "A", at_ms: int = 0, over_ms: int | None = None, **labels: str) -> Alert:
    """An alert that fires, or is over."""
    pairs = tuple(sorted({"alertname": name, "severity": "warning", **labels}.items()))
    state: State = "firing" if over_ms is None else "inactive"
    return Alert(
        pairs, {"summary": "s"}, 1.0, at_ms, state, fired_ms=at_ms, resolved_ms=over_ms,
        valid_ms=2**53,
    )  # fmt: skip


def said(listener: Listener) -> list[tuple[str, int, int]]:
    """What a channel was told: status, how many fire, how many are over."""
    return [(each.status, len(each.firing), len(each.resolved)) for each in listener.told]


def test_alerts_of_a_group_are_told_together_and_once(tmp_path: Path) -> None:
    """
    What fires within the wait is one notification; nothing is repeated before its time.
    """
    listener = Listener()
    desk = Desk(tmp_path, listener)
    alerts = [alert(instance=name) for name in "abc"]
    desk.tell(*alerts)
    desk.wait(3 * 60 * MINUTE, *alerts)
    first = said(listener)
    desk.wait(2 * 60 * MINUTE, *alerts)

    assert [("firing", 3, 0)] == first
    assert [("firing", 3, 0)] * 2 == said(listener)


def test_ends_are_told(tmp_path: Path) -> None:
    """
    When an alert is over its channel hears of it, with when it began and ended.
    """
    listener = Listener()
    desk = Desk(tmp_path, listener)
    desk.tell(alert())
    desk.wait(MINUTE, alert())
    desk.tell(alert(over_ms=desk.now_ms))
    desk.wait(10 * MINUTE)
    (over,) = listener.told[1].resolved

    assert [("firing", 1, 0), ("resolved", 0, 1)] == said(listener)
    assert (0, MINUTE) == (over.starts_ms, over.ends_ms)


def test_a_group_is_told_of_at_most_once_an_interval(tmp_path: Path) -> None:
    """
    An alert that comes and goes each half a minute for an hour is told of every five minutes.
    """
    listener = Listener()
    desk = Desk(tmp_path, listener)
    for number in range(120):
        at = desk.now_ms
        desk.tell(alert(at_ms=at) if number % 2 else alert(at_ms=at, over_ms=at))
        desk.wait(30 * SECOND)
    times = [each.at_ms for each in listener.told]

    assert len(times) <= 12
    assert all(b - a >= 5 * MINUTE for a, b in pairwise(times))


def test_a_channel_that_is_down_is_told_once_it_is_back(tmp_path: Path) -> None:
    """
    After an hour of refusals a channel hears once of what it missed; others heard at once.
    """
    down, well = Listener("down", refuses=True), Listener("well")
    desk = Desk(tmp_path, down, well)
    desk.tell(alert())
    desk.wait(60 * MINUTE, alert())
    backlog = {each.name: each.backlog for each in desk.notifier.channels()}
    desk.tell(alert(over_ms=desk.now_ms))
    down.refuses = False
    desk.wait(10 * MINUTE)
    outcomes = [each.outcome for each in desk.notifier.deliveries(channel="down")]

    assert {"down": 1, "well": 0} == backlog
    assert [("resolved", 0, 1)] == said(down)
    assert [("firing", 1, 0), ("resolved", 0, 1)] == said(well)
    assert "sent" == outcomes[0]
    assert {"failed"} == set(outcomes[1:])
    assert len(outcomes) < 25


def test_severities_choose_channels(tmp_path: Path) -> None:
    """
    A channel for critical alerts hears of no warning.
    """
    grave, every = Listener("grave", ("critical",)), Listener("every")
    desk = Desk(tmp_path, grave, every)
    desk.tell(alert(), alert("B", severity="critical"))
    desk.wait(MINUTE)

    assert ["B"] == [a.labels["alertname"] for each in grave.told for a in each.alerts]
    assert {"A", "B"} == {a.labels["alertname"] for each in every.told for a in each.alerts}


def test_a_restart_neither_repeats_nor_forgets(tmp_path: Path) -> None:
    """
    After a restart what was told is not told again, and what ended meanwhile is told as over.
    """
    listener = Listener()
    desk = Desk(tmp_path, listener)
    desk.tell(alert(), alert("B"))
    desk.wait(MINUTE)
    desk.notifier.close()
    desk.open()
    desk.wait(30 * MINUTE, alert())

    assert [("firing", 1, 0), ("firing", 1, 0), ("resolved", 0, 1)] == said(listener)
    assert "B" == listener.told[2].alerts[0].labels["alertname"]


def test_a_kill_before_the_note_repeats_under_the_same_id(tmp_path: Path) -> None:
    """
    A process that dies between sending and noting sends again, under the id of the first time.
    """
    listener = Listener()
    desk = Desk(tmp_path, listener)
    desk.tell(alert())
    desk.now_ms = MINUTE
    (own, channel) = desk.notifier.desks[0]
    lost = own.prepare(desk.now_ms)
    assert lost is not None
    channel.send(lost)
    desk.notifier.close()
    desk.open()
    desk.wait(MINUTE, alert())

    assert 2 == len(listener.told)
    assert listener.told[0].id == listener.told[1].id


def test_silences_hold_back_and_last(tmp_path: Path) -> None:
    """
    A silenced alert is told of when the silence ends; the silence outlives a restart.
    """
    listener = Listener()
    desk = Desk(tmp_path, listener)
    silence = Silence(
        matchers_of(['alertname=~"A.*"', 'severity!="critical"']), 0, 60 * MINUTE, "x"
    )
    made = desk.notifier.silencing.keep(silence, 0)
    desk.tell(alert(), alert("B"))
    desk.wait(30 * MINUTE, alert(), alert("B"))
    desk.notifier.close()
    desk.open()
    kept = desk.notifier.silencing.all()
    desk.wait(25 * MINUTE, alert(), alert("B"))
    during = [each.alerts[0].labels["alertname"] for each in listener.told]
    desk.wait(15 * MINUTE, alert(), alert("B"))

    assert (["B"], [made]) == (during, [each.id for each in kept])
    assert "A" == listener.told[-1].alerts[0].labels["alertname"]


def test_silences_can_be_taken_back(tmp_path: Path) -> None:
    """
    A silence that is lifted ends then, and only once; one that is yet to come is forgotten.
    """
    desk = Desk(tmp_path)
    silencing = desk.notifier.silencing
    made = [
        silencing.keep(Silence(matchers_of(['a="b"']), starts, 9, "why"), 0) for starts in (0, 5)
    ]
    for each in made:
        silencing.lift(each, 3)

    silencing.lift(made[0], 4)

    assert [(made[0], 3, 3)] == [(s.id, s.ends_ms, s.updated_ms) for s in silencing.all()]
    with pytest.raises(ConfigurationError, match="there is no silence"):
        silencing.lift(made[1], 4)


def test_silences_are_forgotten_long_after_their_end(tmp_path: Path) -> None:
    """
    Five days after its end a silence is gone, and stays so after a restart.
    """
    desk = Desk(tmp_path)
    for ends_ms in (MINUTE, 9 * MINUTE):
        desk.notifier.silencing.keep(Silence(matchers_of(['a="b"']), 0, ends_ms, "why"), 0)
    desk.notifier.sweep(REMEMBERED_MS + 2 * MINUTE)
    left = [each.ends_ms for each in desk.notifier.silencing.all()]
    desk.notifier.close()
    desk.open()

    assert [9 * MINUTE] == left == [each.ends_ms for each in desk.notifier.silencing.all()]


def test_what_was_silenced_is_not_rewritten(tmp_path: Path) -> None:
    """
    A running silence may end later under its id; about other alerts it ends, and a new one begins.
    """
    silencing = Desk(tmp_path).notifier.silencing
    made = silencing.keep(Silence(matchers_of(['a="b"']), 0, 9, "why"), 0)
    longer = silencing.keep(Silence(matchers_of(['a="b"']), 0, 20, "more", id=made), 2)
    other = silencing.keep(Silence(matchers_of(['a="c"']), 4, 20, "why", id=made), 4)

    assert made == longer != other
    assert [(other, 4, 20, "why"), (made, 0, 4, "more")] == [
        (each.id, each.starts_ms, each.ends_ms, each.comment) for each in silencing.all()
    ]
    with pytest.raises(ConfigurationError, match="there is no silence"):
        silencing.keep(Silence(matchers_of(['a="c"']), 0, 20, "why", id="x"), 0)


def test_a_file_of_the_first_version_keeps_its_silences(tmp_path: Path) -> None:
    """
    Silences that were made before it was noted when they changed are read as they were.
    """
    path = first_version(tmp_path)
    for _ in range(2):
        with closing(Book.open(path)) as book:
            found = Silencing(book).all()

        assert [Silence(matchers_of(['a="b"']), 1, 2, "why", "me", "i")] == found


@pytest.mark.parametrize("statement", ["ALTER", "PRAGMA user_version =", "COMMIT"])
def test_a_kill_while_a_file_is_upgraded_leaves_it_to_be_upgraded(
    statement: str, tmp_path: Path
) -> None:
    """
    Wherever a kill comes, the file is of the first version still, and the next start upgrades it.
    """
    path = first_version(tmp_path)
    run = subprocess.run([sys.executable, "-c", KILLED, path, statement], check=False)
    with closing(sqlite3.connect(path)) as file:
        left = file.execute("PRAGMA user_version").fetchone()
    with closing(Book.open(path)) as book:
        found = Silencing(book).all()

    assert (-signal.SIGKILL, (1,), ["i"]) == (run.returncode, left, [each.id for each in found])


@pytest.mark.parametrize(
    ("matchers", "ends_ms", "comment", "fault"),
    [
        ([], 1, "x", "at least one matcher"),
        (['a=~".*"'], 1, "x", "does not meet"),
        (['a="b"'], 0, "x", "end after its start"),
        (['a="b"'], 1, " ", "comment"),
        (["a"], 1, "x", "expected matchers"),
    ],
)
def test_a_silence_without_sense_is_refused(
    matchers: list[str], ends_ms: int, comment: str, fault: str
) -> None:
    """
    A silence needs matchers, an end and a comment.
    """
    with pytest.raises(ConfigurationError, match=fault):
        Silence(matchers_of(matchers), 0, ends_ms, comment)


def test_an_alert_can_make_others_not_worth_telling(tmp_path: Path) -> None:
    """
    While its model does not predict, warnings about the model are not told of, those of others are.
    """
    listener = Listener()
    stopped = Inhibition({"alertname": "Stopped|Down"}, {"severity": "warning"}, ("model",))
    desk = Desk(tmp_path, listener, inhibitions=(stopped,))
    desk.tell(
        alert("Stopped", severity="critical", model="m"), alert("A", model="m"),
        alert("B", model="n"),
    )  # fmt: skip
    desk.wait(2 * MINUTE)

    assert {"Stopped", "B"} == {
        a.labels["alertname"] for each in listener.told for a in each.alerts
    }


def test_history_shows_incidents_latest_first(tmp_path: Path) -> None:
    """
    Every incident is kept with when it began and ended.
    """
    desk = Desk(tmp_path)
    desk.tell(alert())
    desk.tell(alert(over_ms=5))
    desk.tell(alert(at_ms=10))
    history = desk.notifier.history()

    assert [(10, None), (0, 5)] == [(each.starts_ms, each.ends_ms) for each in history]
    assert [(0, 5)] == [(e.starts_ms, e.ends_ms) for e in desk.notifier.history(before=10)]


def test_a_book_of_a_later_version_is_refused(tmp_path: Path) -> None:
    """
    A file that a later version wrote is left alone.
    """
    book = Book.open(tmp_path / "alerts.sqlite")
    book.run("PRAGMA user_version = 99")
    book.close()

    with pytest.raises(StoreError, match="later version"):
        Book.open(tmp_path / "alerts.sqlite")
