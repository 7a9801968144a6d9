"""This module checks that whole days go, from everywhere, and that today stays."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

import pytest
from clickhouse_connect.driver.client import Client
from tests.store import rolled
from tests.store.days import DAY_MS, TODAY_MS, noon
from tests.store.test_interleaving import Between

from otel_confidence.errors import ConfigurationError, StoreError
from otel_confidence.points import Batch, Event, Matcher, Sample, Samples, Selection, Series
from otel_confidence.query.promql import Engine
from otel_confidence.store import Store
from otel_confidence.store.grids import Steps
from otel_confidence.store.progress import Rolled
from otel_confidence.store.retention import Retention
from otel_confidence.store.schema import RAW, ROLLUPS
from otel_confidence.store.upkeep import Upkeep

WHICH = Series((("__name__", "m"), ("job", "a")))
MATCHERS = [Matcher("__name__", "=", "m")]
KEPT = "SELECT count() AS rows FROM samples"
"""Asked of the engine, whatever lies in memory."""


def opened(folder: Path, *, days: float = 100, size: int = 0) -> Store:
    return Store.open(folder, retention_days=days, retention_size=size, upkeep_s=3600, now=noon)


def put(store: Store, *times_ms: int) -> None:
    store.write(Batch(Samples.of(Sample(WHICH, time_ms, 1.0) for time_ms in times_ms)))


def times(store: Store) -> list[int]:
    return [time_ms for time_ms, _ in rolled.points_of(store, WHICH)]


def kept(store: Store) -> dict[int, list[int]]:
    return {width: sorted(rolled.stored(store, WHICH, width)) for width in ROLLUPS}


def upkeep(store: Store) -> Upkeep:
    assert store._upkeep is not None
    return store._upkeep


def days_ago(days: int, *, and_ms: int = 1) -> int:
    return TODAY_MS - days * DAY_MS + and_ms


def test_the_oldest_days_go_until_the_rest_is_small_enough(tmp_path: Path) -> None:
    """
    Above its size a store drops days from every table, the oldest first, and never today.
    """
    store = opened(tmp_path / "data", size=1)
    put(store, days_ago(3), days_ago(2), days_ago(1), TODAY_MS + 1)
    event = Event(days_ago(2) * 1_000_000, "e", 9, "INFO", "", "", "", {}, {})
    store.write(Batch(events=[event]))

    store.keep_up()
    found = times(store), store.sql("SELECT count() AS n FROM events").to_pylist()
    dropped, rows = store.dropped(), kept(store)
    store.close()

    assert ([TODAY_MS + 1], [{"n": 0}]) == found
    assert {"age": 0, "size": 3} == dropped
    assert {end for ends in rows.values() for end in ends} <= set(
        range(TODAY_MS, TODAY_MS + DAY_MS + 1, 60_000)
    )


def test_a_store_below_its_size_drops_nothing(tmp_path: Path) -> None:
    """
    What fits is kept, however old.
    """
    store = opened(tmp_path / "data", size=1 << 30)
    put(store, days_ago(20), TODAY_MS)

    store.keep_up()
    found = times(store)
    store.close()

    assert [days_ago(20), TODAY_MS] == found


def test_days_past_the_retention_go_with_their_roll_ups(tmp_path: Path) -> None:
    """
    A day goes when it ended longer ago than the retention; what is younger stays.
    """
    first = opened(tmp_path / "data")
    put(first, days_ago(9), days_ago(1), TODAY_MS)
    first.keep_up()
    before = kept(first)
    first.close()
    store = opened(tmp_path / "data", days=5)

    store.keep_up()
    found, after, dropped = times(store), kept(store), store.dropped()
    store.close()

    assert days_ago(8, and_ms=0) == before[DAY_MS][0]
    assert [days_ago(1), TODAY_MS] == found
    assert [TODAY_MS] == after[DAY_MS]
    assert {"age": 1, "size": 0} == dropped


def test_nothing_goes_but_with_its_roll_ups(tmp_path: Path) -> None:
    """
    The engine lets no row go by itself: what is past the retention stays until its day goes whole.
    """
    store = opened(tmp_path / "data", days=1)
    put(store, days_ago(5))
    for table in RAW:
        store._writing.command(f"OPTIMIZE TABLE {table} FINAL")
    before = store.sql(KEPT).to_pylist()
    store.keep_up()
    after = store.sql(KEPT).to_pylist()
    store.close()

    assert [{"rows": 1}] == before
    assert [{"rows": 0}] == after


def test_the_clock_of_a_store_is_the_one_it_was_given(tmp_path: Path) -> None:
    """
    By a clock that is some days ahead days go, roll-ups are complete and the finest not offered.
    """
    ahead = {"retention_days": 5, "upkeep_s": 3600, "now": lambda: noon() + 3 * 86_400}
    store = Store.open(tmp_path / "data", **ahead)  # type: ignore[arg-type]  # as given
    put(store, days_ago(3), TODAY_MS)
    hour = (TODAY_MS + 3_600_000,) * 2

    store.keep_up()
    found = times(store)
    offers = [store.rolled(*hour, 0, 120_000), store.rolled(*hour, 0, 600_000)]
    until_ms = upkeep(store).progress.until_ms
    store.close()

    assert [TODAY_MS] == found
    assert [None, Rolled(300_000, hour[0])] == offers
    assert until_ms > TODAY_MS + 3 * DAY_MS


def test_roll_ups_of_a_minute_leave_after_two_days(tmp_path: Path) -> None:
    """
    The finest roll-ups go early and are not offered before they go; the others stay.
    """
    store = opened(tmp_path / "data")
    put(store, days_ago(9), days_ago(1))
    hours = [(days_ago(n, and_ms=3_600_000),) * 2 for n in (9, 1)]

    for _ in range(2):
        store.keep_up()
    found = kept(store)
    offers = [store.rolled(*each, 0, 120_000) for each in hours]
    put(store, days_ago(9, and_ms=2))
    store.keep_up()
    again = rolled.stored(store, WHICH, DAY_MS)
    store.close()

    assert [days_ago(1, and_ms=60_000)] == found[60_000]
    assert [days_ago(9, and_ms=300_000), days_ago(1, and_ms=300_000)] == found[300_000]
    assert [None, Rolled(60_000, hours[1][0])] == offers
    assert [2, 1] == [again[end]["count"] for end in sorted(again)]


def test_a_clock_set_back_offers_no_roll_ups_that_have_left(tmp_path: Path) -> None:
    """
    What left while a clock was days ahead is not offered when it is right again, nor later on.
    """
    store = opened(tmp_path / "data")
    put(store, days_ago(1))
    store.keep_up()
    minutes = (days_ago(1, and_ms=3_600_000),) * 2
    retention = upkeep(store).retention
    retention._now = lambda: noon() + 10 * 86_400
    retention.run()
    found = [store.rolled(*minutes, 0, 120_000), store.rolled(*minutes, 0, 600_000)]
    store.close()
    again = opened(tmp_path / "data")
    found += [again.rolled(*minutes, 0, 120_000), again.rolled(*minutes, 0, 600_000)]
    again.close()

    assert [None, Rolled(300_000, minutes[0])] * 2 == found


def test_the_midnight_after_a_dropped_day_stays_whole(tmp_path: Path) -> None:
    """
    A sample at midnight belongs to the day that follows, and is what its bucket then holds.
    """
    store = opened(tmp_path / "data", days=5)
    midnight = days_ago(5, and_ms=0)
    put(store, midnight - 10, midnight, midnight + 10)
    progress = upkeep(store).progress
    progress.settle(progress.claim(TODAY_MS), [], TODAY_MS)
    progress.mark([midnight, midnight + 300_000])

    store.keep_up()
    found, rows = times(store), rolled.stored(store, WHICH, DAY_MS)
    store.close()

    assert [midnight, midnight + 10] == found
    assert {midnight: 1, midnight + DAY_MS: 1} == {end: row["count"] for end, row in rows.items()}


def dropping(store: Store, act: Callable[[], None], *, days: float) -> Retention:
    """What drops days of a store, with something done around each statement."""
    client = cast("Client", Between(upkeep(store)._clients[1], act))
    progress, memory = upkeep(store).progress, upkeep(store).memory
    return Retention(client, progress, store._reader._catalog, memory, days=days, now=noon)


def test_no_roll_up_lacks_the_midnight_that_stays_at_any_moment(tmp_path: Path) -> None:
    """
    While the day before goes, roll-ups are offered only where they have the sample at midnight.
    """
    store = opened(tmp_path / "data")
    midnight = days_ago(5, and_ms=0)
    put(store, *range(midnight - 60_000, midnight + 60_000, 1000))
    store.keep_up()
    found: list[float] = []

    def ask() -> None:
        steps = Steps(midnight, 1, 1, DAY_MS)
        offered = store.rolled(midnight, midnight, 0, DAY_MS)
        told = offered and store.buckets(["count"], MATCHERS, steps, offered.width_ms)
        selected = store.select(MATCHERS, midnight - DAY_MS, midnight)
        found.append(told.columns["count"].sum() if told else len(selected[0].times_ms))

    ask()
    dropping(store, ask, days=5).run()
    ask()
    store.close()

    assert 61 == found[0]
    assert {61, 1} == set(found)


class Halfway:
    """A store that drops what is due after the first time that it was read."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.reads = 0

    def generation(self, check: Callable[[], None]) -> int:
        """That of the store."""
        return self.store.generation(check)

    def select(
        self, matchers: Sequence[Matcher], start_ms: int, end_ms: int, *, max_samples: int = 0
    ) -> list[Selection]:
        """The samples of the store."""
        found = self.store.select(matchers, start_ms, end_ms, max_samples=max_samples)
        if not self.reads:
            self.store.keep_up()
        self.reads += 1
        return found


def test_a_query_reads_one_state_with_all_its_selectors(tmp_path: Path) -> None:
    """
    Where days go between two selectors, the query is computed again rather than mixing them.
    """
    first = opened(tmp_path / "data")
    put(first, days_ago(9), days_ago(1), TODAY_MS)
    first.close()
    store = opened(tmp_path / "data", days=5)
    source = Halfway(store)

    answer = Engine(source).query("count_over_time(m[20d]) - count_over_time(m[20d])")
    store.close()

    assert [0.0] == answer.series[0].values.tolist()
    assert (4, {"age": 1, "size": 0}) == (source.reads, store.dropped())


def give_up() -> None:
    """What somebody does who has to wait."""
    raise StoreError("it waits")


def must_wait(job: Retention) -> bool:
    """Whether days are going right now."""
    try:
        job.generations.current(give_up)
    except StoreError:
        return True
    return False


def test_who_asks_while_days_go_waits_until_they_are_gone(tmp_path: Path) -> None:
    """
    There is no state to read while days go, and another one afterwards.
    """
    store = opened(tmp_path / "data")
    put(store, days_ago(9), TODAY_MS)
    jobs: list[Retention] = []
    waits: list[bool] = []

    def ask() -> None:
        waits.extend(must_wait(job) for job in jobs)

    jobs.append(dropping(store, ask, days=5))
    before = jobs[0].generations.current(give_up)
    jobs[0].run()
    after = jobs[0].generations.current(give_up)
    store.close()

    assert {True, False} == set(waits)
    assert before + 1 == after


def test_a_drop_that_was_interrupted_is_finished_at_the_next_opening(tmp_path: Path) -> None:
    """
    What a killed process wished to drop is gone before anything new is written.
    """
    first = opened(tmp_path / "data")
    put(first, days_ago(3), days_ago(2), TODAY_MS)
    day = first.sql("SELECT toDate(max(time)) - 2 AS day FROM samples").to_pylist()[0]["day"]
    upkeep(first).retention._note(day, asked=upkeep(first).progress.version())
    first.close()

    store = opened(tmp_path / "data")
    put(store, days_ago(3))
    found = times(store)
    store.close()
    again = opened(tmp_path / "data")
    last = times(again)
    again.close()

    assert [days_ago(3), TODAY_MS] == found
    assert found == last


def test_what_is_written_to_a_dropped_day_has_its_labels(tmp_path: Path) -> None:
    """
    A series that comes back to a day that was dropped is recorded for it again.
    """
    store = opened(tmp_path / "data", size=1)
    put(store, days_ago(3), TODAY_MS)
    store.keep_up()

    put(store, days_ago(3, and_ms=2))
    found = store.series([], days_ago(4), days_ago(2)), times(store)
    store.close()

    assert ([WHICH.labels], [days_ago(3, and_ms=2), TODAY_MS]) == found


def test_touched_buckets_are_known_after_reopening(tmp_path: Path) -> None:
    """
    A late write that was not rolled up before the end is rolled up after the next opening.
    """
    day = (days_ago(0, and_ms=0), days_ago(0, and_ms=0), 0, DAY_MS)
    first = opened(tmp_path / "data")
    put(first, days_ago(1))
    first.keep_up()
    put(first, days_ago(1, and_ms=2))
    first.close()
    store = opened(tmp_path / "data")

    before = store.rolled(*day)
    store.keep_up()
    after, rows = store.rolled(*day), rolled.stored(store, WHICH, DAY_MS)
    store.close()

    assert before is None
    assert after is not None
    assert 2 == rows[TODAY_MS]["count"]


def test_samples_whose_mark_cannot_be_written_are_refused(tmp_path: Path) -> None:
    """
    A late sample is not kept where the store cannot note that its roll-ups are touched.
    """
    store = opened(tmp_path / "data")
    put(store, days_ago(1))
    store.keep_up()
    store._writing.command("DROP TABLE touched")

    with pytest.raises(StoreError):
        put(store, days_ago(1, and_ms=2))
    found = times(store)
    store.close()

    assert [days_ago(1)] == found


def test_a_size_below_nothing_is_refused(tmp_path: Path) -> None:
    """
    The size to keep is a number of bytes, or 0.
    """
    with pytest.raises(ConfigurationError, match="retention_size"):
        opened(tmp_path / "data", size=-1)
