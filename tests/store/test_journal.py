"""This module checks what the store says of what was told before."""

import time
from contextlib import closing
from pathlib import Path

import pytest

from otel_confidence.points import Batch, Event, Matcher, Sample, Samples, Series
from otel_confidence.store import Store
from otel_confidence.store.connection import connect

NAME, ID = "ml.prediction.outcome", "ml.prediction.id"
OURS = {"service.name": "a", "service.instance.id": "b"}


def event(number: int, time_ns: int, resource: dict[str, str] = OURS) -> Event:
    return Event(time_ns, NAME, 9, "INFO", "", "", "", {ID: f"{number:016x}"}, resource)


def test_predictions_are_recognized(store: Store) -> None:
    """
    Of many ids those are found that an event of the name is about.
    """
    now_ns = time.time_ns()
    store.write(Batch(events=[event(number, now_ns) for number in range(100)]))
    asked = [f"{number:016x}" for number in range(90, 12_000)]

    assert set(asked[:10]) == store.told(NAME, asked, ID)
    assert set() == store.told("another", asked, ID)
    assert set() == store.told(NAME, [], ID)


def test_events_after_a_time_are_read(store: Store) -> None:
    """
    One program's events that are later come in order of time, whole pages of one time included.
    """
    now_ns = time.time_ns()
    early = [event(number, now_ns) for number in range(5)]
    late = [event(number, now_ns + 1) for number in range(5, 40)]
    last = [event(number, now_ns + 2) for number in range(40, 45)]
    others = [event(99, now_ns + 1, {"service.name": "a"})]
    store.write(Batch(events=[*last, *others, *early, *late]))
    found = list(store._journal.events(NAME, OURS, now_ns, page=10))

    assert [now_ns + 1] * 35 + [now_ns + 2] * 5 == [time_ns for time_ns, _ in found]
    assert {f"{number:016x}" for number in range(5, 45)} == {told[ID] for _, told in found}


@pytest.mark.parametrize("age_days", [0, 3])
def test_last_sample_is_found(store: Store, age_days: int) -> None:
    """
    The last time of matching series is found however long ago it was; none without any.
    """
    last_ms = time.time_ns() // 1_000_000 - age_days * 86_400_000
    series = Series((("__name__", "a"), ("job", "x")))
    store.write(
        Batch(samples=Samples.of(Sample(series, last_ms - step, 1.0) for step in (0, 5, 9)))
    )

    assert last_ms == store.newest_ms([Matcher("job", "=", "x")])
    assert store.newest_ms([Matcher("job", "=", "y")]) is None


def test_older_folders_are_brought_up(tmp_path: Path) -> None:
    """
    Events kept before their predictions could be looked up can be, once the folder is opened.
    """
    with closing(Store.open(tmp_path / "data")) as store:
        store.write(Batch(events=[event(1, time.time_ns())]))
    with closing(connect(tmp_path / "data" / "chdb", database="otel_confidence")) as client:
        client.command("DROP TABLE versions")
        client.command("ALTER TABLE events DROP INDEX by_prediction")
        client.command("ALTER TABLE events DROP COLUMN prediction")
    with closing(Store.open(tmp_path / "data")) as store:
        found = store.told(NAME, [f"{1:016x}"], ID)

    assert {f"{1:016x}"} == found
