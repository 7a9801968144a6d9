"""This module checks the writer: what it does before it inserts, and how days are told apart."""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pytest
from clickhouse_connect.driver.client import Client
from tests.running import until

from otel_confidence.errors import StoreError
from otel_confidence.points import Batch, Sample, Samples, Series
from otel_confidence.store import Store
from otel_confidence.store.catalog import Catalog
from otel_confidence.store.columns import DAY_MS, by_day
from otel_confidence.store.connection import connect
from otel_confidence.store.writer import Writer

ONE, TWO = Series((("__name__", "one"),)), Series((("__name__", "two"),))
NOON_MS = 20_000 * DAY_MS + DAY_MS // 2


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    """A connection to a folder that has its tables."""
    Store.open(tmp_path, retention_days=20_000).close()
    with closing(connect(tmp_path / "chdb", database="otel_confidence")) as client:
        yield client


def count(client: Client) -> int:
    """How many samples there are."""
    return int(str(client.command("SELECT count() FROM samples")))


def batch(*times_ms: int) -> Batch:
    return Batch(Samples.of(Sample(ONE, time_ms, 1.0) for time_ms in times_ms))


def test_samples_are_shown_before_they_are_inserted(client: Client) -> None:
    """
    Whoever must know of samples before they can be read is told, with the times they have.
    """
    seen: list[tuple[list[int], int]] = []

    @contextmanager
    def look(samples: Samples) -> Iterator[None]:
        seen.append((samples.times_ms.tolist(), count(client)))
        yield

    writer = Writer(client, Catalog(), inserting=look)
    writer.write(batch(NOON_MS, NOON_MS + 1))
    writer.write(batch(NOON_MS + 2))

    assert writer.close(timeout_s=60)
    assert [([NOON_MS, NOON_MS + 1], 0), ([NOON_MS + 2], 2)] == seen


def test_samples_stay_out_where_that_fails(client: Client) -> None:
    """
    The sender hears why, and no sample is in the table.
    """

    @contextmanager
    def fail(_: Samples) -> Iterator[None]:
        raise StoreError("no room for a mark")
        yield

    writer = Writer(client, Catalog(), inserting=fail)

    with pytest.raises(StoreError, match="no room for a mark"):
        writer.write(batch(NOON_MS))
    assert writer.close(timeout_s=60)
    assert 0 == count(client)


def test_batches_that_wait_are_inserted_as_one(client: Client) -> None:
    """
    What comes while an insert is under way goes in together, and each sender is told.
    """
    sizes: list[int] = []
    waiting = threading.Event()

    @contextmanager
    def hold(samples: Samples) -> Iterator[None]:
        sizes.append(len(samples))
        waiting.wait(30)
        yield

    writer = Writer(client, Catalog(), inserting=hold)
    senders = [
        threading.Thread(target=writer.write, args=(batch(NOON_MS + turn),)) for turn in range(8)
    ]
    senders[0].start()
    until(lambda: sizes)
    for sender in senders[1:]:
        sender.start()
    until(lambda: len(writer._queue) == 7)
    waiting.set()
    for sender in senders:
        sender.join()

    assert writer.close(timeout_s=60)
    assert [1, 7] == sizes
    assert 8 == count(client)


def test_each_day_has_the_series_that_it_touches() -> None:
    """
    Days are UTC's, whatever the order of the samples; no samples touch no day.
    """
    samples = Samples.joined(
        [
            Samples.run(ONE, np.array([NOON_MS, NOON_MS - DAY_MS]), np.ones(2)),
            Samples.run(TWO, np.array([NOON_MS + DAY_MS // 2 - 1]), np.ones(1)),
        ]
    )

    found = {day: set(fingerprints) for day, fingerprints in by_day(samples)}

    assert {19_999: {ONE.fingerprint}, 20_000: {ONE.fingerprint, TWO.fingerprint}} == found
    assert [] == list(by_day(Samples()))


def test_the_catalog_forgets_rather_than_grows() -> None:
    """
    Series are bounded in number and in bytes, and days as well; what is forgotten is new again.
    """
    few, small = Catalog(size=10), Catalog(size_bytes=10_000)

    for number in range(100):
        series = Series((("__name__", "m"), ("i", "x" * 1_000 + str(number))))
        few.fingerprint(series)
        small.fingerprint(series)
        few.record([(number, 1)])

    assert 0 < len(few) <= 10
    assert 0 < len(small) < 10
    assert set(range(80)) == few.unrecorded(range(80), 1)
    assert set() == few.unrecorded([99], 1)
