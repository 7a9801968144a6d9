"""This module checks what the store promises: exact, last written wins, nothing half visible."""

import struct
import threading
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from tests.running import until

from otel_confidence.errors import ConfigurationError, QueryError, StoreBusy, StoreError
from otel_confidence.points import (
    Batch,
    Event,
    Exemplar,
    Matcher,
    Metadata,
    Sample,
    Samples,
    Series,
    Span,
    SpanEvent,
    SpanLink,
)
from otel_confidence.store import Store
from otel_confidence.store.catalog import Catalog
from otel_confidence.store.connection import connect
from otel_confidence.store.upkeep import MAX_RETENTION_DAYS
from otel_confidence.store.writer import Writer

NOW_MS = int(time.time() * 1000)
DAY_MS = 86_400_000
STALE = struct.unpack("<d", struct.pack("<Q", 0x7FF0000000000002))[0]


def series(name: str = "m_total", **labels: str) -> Series:
    return Series(tuple(sorted({"__name__": name, **labels}.items())))


def samples(which: Series, *pairs: tuple[int, float]) -> Batch:
    return Batch(Samples.of(Sample(which, time_ms, value) for time_ms, value in pairs))


def named(name: str) -> Matcher:
    return Matcher("__name__", "=", name)


def test_samples_come_back_sorted_within_a_range_open_at_its_start(store: Store) -> None:
    """
    A selection has the samples with start < time <= end, in time order.
    """
    which = series(job="a")
    store.write(samples(which, (NOW_MS, 3.0), (NOW_MS - 2000, 1.0), (NOW_MS - 1000, 2.0)))

    [found] = store.select([named("m_total")], NOW_MS - 2000, NOW_MS)

    assert which.labels == found.labels
    assert [NOW_MS - 1000, NOW_MS] == found.times_ms.tolist()
    assert [2.0, 3.0] == found.values.tolist()
    assert np.dtype(np.int64) == found.times_ms.dtype
    assert np.dtype(np.float64) == found.values.dtype


def test_the_sample_written_last_wins(store: Store) -> None:
    """
    Of several samples of one series at one time the last counts, within a batch and across.
    """
    which = series()
    store.write(samples(which, (NOW_MS, 1.0), (NOW_MS, 2.0)))
    [first] = store.select([named("m_total")], NOW_MS - 1, NOW_MS)
    store.write(samples(which, (NOW_MS, 0.5)))

    [second] = store.select([named("m_total")], NOW_MS - 1, NOW_MS)

    assert [2.0] == first.values.tolist()
    assert [0.5] == second.values.tolist()


def test_every_float_survives_bit_for_bit(store: Store) -> None:
    """
    Infinities, negative zero, ordinary NaN and the staleness marker keep their bits.
    """
    written = [float("inf"), float("-inf"), -0.0, float("nan"), STALE, 5e-324, 0.1]
    store.write(samples(series(), *((NOW_MS + i, value) for i, value in enumerate(written))))

    [found] = store.select([named("m_total")], NOW_MS - 1, NOW_MS + len(written))

    assert np.array(written).view(np.uint64).tolist() == found.values.view(np.uint64).tolist()


def test_too_many_samples_are_refused(store: Store) -> None:
    """
    A query beyond its limit fails instead of answering with a part.
    """
    store.write(samples(series(), *((NOW_MS + i, 1.0) for i in range(3))))

    with pytest.raises(QueryError, match="more than 2 samples") as caught:
        store.select([named("m_total")], 0, NOW_MS + 9, max_samples=2)

    assert 422 == caught.value.status


def test_series_are_found_only_where_they_have_samples(store: Store) -> None:
    """
    Series, label names and values are those with samples in a range, to the millisecond.
    """
    store.write(samples(series(job="early", a="1"), (NOW_MS - 3 * DAY_MS, 1.0)))
    store.write(samples(series(job="late", b="1"), (NOW_MS, 1.0)))

    before, after = (NOW_MS - 4 * DAY_MS, NOW_MS - 1), (NOW_MS - 3 * DAY_MS + 1, NOW_MS)

    assert ["early"] == store.label_values("job", [], *before)
    assert ["late"] == store.label_values("job", [], *after)
    assert ["__name__", "b", "job"] == store.label_names([], *after)
    assert [series(job="late", b="1").labels] == store.series([], *after)
    assert 2 == len(store.series([], 0, 1 << 62))
    assert [] == store.series([], NOW_MS + 1, NOW_MS + DAY_MS)


def test_sets_of_matchers_are_alternatives(store: Store) -> None:
    """
    A series counts when one set is fulfilled wholly; a limit cuts the sorted answer.
    """
    for job in ("a", "b", "c"):
        store.write(samples(series(job=job, env="x"), (NOW_MS, 1.0)))
    sets = [[Matcher("job", "=", "a"), Matcher("env", "=", "x")], [Matcher("job", "=", "c")]]

    assert ["a", "c"] == store.label_values("job", sets, NOW_MS, NOW_MS)
    assert ["a"] == store.label_values("job", sets, NOW_MS, NOW_MS, limit=1)
    assert [] == store.label_values("job", [[*sets[0], *sets[1]]], NOW_MS, NOW_MS)


def test_metadata_and_exemplars_come_back(store: Store) -> None:
    """
    Metadata is found by name, exemplars by their series; repeating either keeps one.
    """
    which = series("h_bucket", le="1")
    about = Metadata("h", "histogram", "seconds", "How long.")
    exemplar = Exemplar(which, NOW_MS, 0.5, (("span_id", "b"), ("trace_id", "a")))
    for _ in range(2):
        store.write(
            Batch(
                samples=Samples.of([Sample(which, NOW_MS, 1.0)]),
                exemplars=[exemplar],
                metadata=[about],
            )
        )

    assert [about] == store.metadata("h")
    assert [] == store.metadata("other")
    assert [exemplar] == store.exemplars([Matcher("le", "=", "1")], NOW_MS, NOW_MS)
    assert [] == store.exemplars([Matcher("le", "=", "2")], NOW_MS, NOW_MS)


def test_events_and_spans_are_read_with_sql(store: Store) -> None:
    """
    Rows keep nanoseconds, attributes and nested events; a repeated delivery adds none.
    """
    time_ns = NOW_MS * 1_000_000 + 123_456
    event = Event(
        time_ns, "e", 9, "INFO", "b", "t" * 32, "s" * 16, {"k": "v"}, {"service.name": "x"}
    )
    span = Span(
        "t" * 32, "s" * 16, "", "work", "internal", time_ns, time_ns + 5, "ok", "", {"k": "v"}, {},
        (SpanEvent(time_ns, "note", {"a": "1"}),), (SpanLink("u" * 32, "w" * 16, {}),),
    )  # fmt: skip
    for _ in range(2):
        store.write(Batch(events=[event], spans=[span]))

    [kept] = store.sql(
        "SELECT toUnixTimestamp64Nano(time) AS t, attributes['k'] AS k, service FROM events "
        "WHERE name = {name:String}",
        {"name": "e"},
    ).to_pylist()
    [work] = store.sql(
        "SELECT duration_ns, events.name AS e, links.span_id AS l FROM spans"
    ).to_pylist()

    assert {"t": time_ns, "k": "v", "service": "x"} == kept
    assert {"duration_ns": 5, "e": ["note"], "l": ["w" * 16]} == work


def test_an_event_that_says_something_else_at_the_same_time_is_kept(store: Store) -> None:
    """
    Only the very same event collapses with itself.
    """
    time_ns = NOW_MS * 1_000_000
    events = [Event(time_ns, "e", 9, "", body, "", "", {}, {}) for body in ("a", "b")]
    store.write(Batch(events=events))

    found = store.sql("SELECT body FROM events ORDER BY body").to_pylist()

    assert [{"body": "a"}, {"body": "b"}] == found


def test_a_closed_store_keeps_everything_and_answers_nothing(tmp_path: Path) -> None:
    """
    What was written is there after reopening; a closed store raises.
    """
    store = Store.open(tmp_path / "data")
    store.write(samples(series(), (NOW_MS, 1.0)))
    store.close()
    store.close()
    with pytest.raises(StoreError, match="closed"):
        store.write(samples(series(), (NOW_MS, 2.0)))
    with pytest.raises(StoreError, match="closed"):
        store.select([named("m_total")], 0, NOW_MS)
    again = Store.open(tmp_path / "data", retention_days=30)

    [found] = again.select([named("m_total")], 0, NOW_MS)
    again.close()

    assert [1.0] == found.values.tolist()


def test_more_exemplars_than_allowed_are_refused(store: Store) -> None:
    """
    A question that would read more exemplars than it may is refused as too large.
    """
    which, link = series(), (("trace_id", "a"),)
    times = range(NOW_MS - 10, NOW_MS)
    store.write(Batch(exemplars=[Exemplar(which, at, 1.0, link) for at in times]))

    found = store.exemplars([named("m_total")], 0, NOW_MS, max_exemplars=10)
    with pytest.raises(QueryError, match="more than 9 exemplars") as caught:
        store.exemplars([named("m_total")], 0, NOW_MS, max_exemplars=9)

    assert 10 == len(found)
    assert 422 == caught.value.status


def test_closing_does_not_wait_for_a_long_query(store: Store) -> None:
    """
    A query under way is stopped when the store closes, and its asker is told.
    """
    failures: list[Exception] = []

    def ask() -> None:
        try:
            store.sql("SELECT count() FROM numbers(100000000000) WHERE sipHash64(number) = 1")
        except (QueryError, StoreError) as error:
            failures.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    running = (
        "SELECT count() FROM system.processes WHERE query LIKE 'SELECT count%sipHash64(number)%'"
    )
    until(lambda: store._writing.query(running).result_rows[0][0] == 2)
    began = time.monotonic()
    store.close()
    asking.join()

    assert time.monotonic() - began < 60
    assert [True] == ["cancelled" in str(error) for error in failures]


def test_one_folder_belongs_to_one_store(tmp_path: Path) -> None:
    """
    A second store on the same folder is refused with its path and the owner's process.
    """
    with closing(Store.open(tmp_path / "data")) as store:
        with pytest.raises(StoreError, match=r"data' is in use by process \d+"):
            Store.open(tmp_path / "data")

        assert [] == store.metadata()


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    """
    A path that cannot be a folder is named.
    """
    (tmp_path / "file").write_text("")

    with pytest.raises(StoreError, match="file"):
        Store.open(tmp_path / "file")


def test_the_longest_retention_keeps_what_was_written(tmp_path: Path) -> None:
    """
    Samples of now are there under the longest retention.
    """
    store = Store.open(tmp_path / "data", retention_days=MAX_RETENTION_DAYS)
    now_ms = int(time.time() * 1000)
    series = Series((("__name__", "kept"),))

    for at in (now_ms, now_ms + 1):
        store.write(Batch(samples=Samples.of([Sample(series, at, 1.0)])))
    found = store.select([Matcher("__name__", "=", "kept")], now_ms - 1, now_ms + 1)
    store.close()

    assert [2] == [len(s.values) for s in found]


@pytest.mark.parametrize("hours", [1, 3, 12, 36, 240])
def test_everything_younger_than_the_retention_is_found(tmp_path: Path, hours: int) -> None:
    """
    Samples, exemplars and metadata are there throughout the retention, whatever the time of day.
    """
    now_ms = int(time.time() * 1000)
    times = [now_ms - age * hours * 360_000 for age in range(9, -1, -1)]
    series = Series((("__name__", "kept"),))
    named = [Matcher("__name__", "=", "kept")]
    about = Metadata("kept", "gauge", "", "")
    store = Store.open(tmp_path / "data", retention_days=hours / 24)

    store.write(
        Batch(
            samples=Samples.of(Sample(series, at, 1.0) for at in times),
            exemplars=[Exemplar(series, at, 1.0, (("trace_id", "a"),)) for at in times],
            metadata=[about],
        )
    )
    [found] = store.select(named, times[0] - 1, now_ms)
    exemplars = store.exemplars(named, times[0], now_ms)
    known = store.metadata()
    store.close()

    assert times == found.times_ms.tolist()
    assert times == [each.time_ms for each in exemplars]
    assert [about] == known


@pytest.mark.parametrize("days", [0, -1, float("nan"), float("inf"), 20_001])
def test_a_retention_that_is_no_time_is_refused(tmp_path: Path, days: float) -> None:
    """
    The retention is some time, and ends before the engine's calendar does.
    """
    with pytest.raises(ConfigurationError, match="retention_days"):
        Store.open(tmp_path / "data", retention_days=days)


def test_many_threads_write_and_read_at_once(store: Store) -> None:
    """
    Every batch of every thread is there, complete, and readers see only whole batches.
    """
    width = 50
    odd: list[int] = []

    def write(worker: int) -> None:
        for turn in range(10):
            batch = Batch(
                Samples.of(
                    Sample(series(worker=str(worker), i=str(i)), NOW_MS + turn, float(turn))
                    for i in range(width)
                )
            )
            store.write(batch)

    def read() -> None:
        for _ in range(10):
            found = store.select([Matcher("worker", "=", "0")], NOW_MS - 1, NOW_MS + 10)
            odd.extend(
                time_ms
                for time_ms in range(NOW_MS, NOW_MS + 10)
                if sum(time_ms in each.times_ms for each in found) not in (0, width)
            )

    threads = [threading.Thread(target=write, args=(worker,)) for worker in range(6)]
    threads += [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = store.select([named("m_total")], NOW_MS - 1, NOW_MS + 10)

    assert [] == odd
    assert 6 * width * 10 == sum(len(each.times_ms) for each in found)


def test_a_batch_that_cannot_be_written_takes_no_other_along(store: Store) -> None:
    """
    Of batches written at once the broken one alone fails.
    """
    broken = samples(series(x="\ud800"), (NOW_MS, 1.0))
    failures: list[BaseException] = []

    def write(batch: Batch) -> None:
        try:
            store.write(batch)
        except StoreError as error:
            failures.append(error)

    batches = [broken, *(samples(series(x=str(i)), (NOW_MS, 1.0)) for i in range(8))]
    threads = [threading.Thread(target=write, args=(batch,)) for batch in batches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert 1 == len(failures)
    assert 8 == len(store.select([named("m_total")], NOW_MS - 1, NOW_MS))


def test_a_full_queue_is_said_at_once(tmp_path: Path) -> None:
    """
    When too much waits the next batch is refused instead of waiting too.
    """
    client = connect(tmp_path / "chdb")
    entered, release = threading.Event(), threading.Event()

    def hold() -> float:
        entered.set()
        release.wait(30)
        return 0.0

    writer = Writer(client, Catalog(), max_rows=1, now=hold)
    about = Batch(metadata=[Metadata("m", "gauge", "", "")])
    waiting = [threading.Thread(target=_ignore, args=(writer, about)) for _ in range(2)]
    waiting[0].start()
    entered.wait(30)
    waiting[1].start()
    until(lambda: writer._queue)

    with pytest.raises(StoreBusy, match="waiting"):
        writer.write(about)
    release.set()
    for thread in waiting:
        thread.join()
    assert writer.close(timeout_s=60)
    client.close()


def _ignore(writer: Writer, batch: Batch) -> None:
    with pytest.raises(StoreError):
        writer.write(batch)
