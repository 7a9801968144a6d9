"""This module checks what the store does about damage, full disks, odd clocks and retention."""

import logging
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from otel_confidence.errors import StoreDamaged, StoreError
from otel_confidence.points import Batch, Event, Matcher, Sample, Samples, Series
from otel_confidence.store import Store, schema
from otel_confidence.store.cluster import Layout
from otel_confidence.store.connection import connect

NOW_MS = int(time.time() * 1000)
DAY_MS = 86_400_000
ALL = [Matcher("__name__", "=", "m")]


def days(count: int, *, per_day: int = 100) -> Batch:
    """As many days back as said, each with samples of a series of its own."""
    return Batch(
        samples=Samples.of(
            Sample(Series((("__name__", "m"), ("day", str(day)))), NOW_MS - day * DAY_MS - i, i / 7)
            for day in range(count)
            for i in range(per_day)
        )
    )


def counted(store: Store) -> int:
    """How many samples a store finds."""
    return sum(len(each.times_ms) for each in store.select(ALL, 0, NOW_MS + DAY_MS))


def part_of_today(store: Store) -> Path:
    """The folder of one part of the samples."""
    paths = store._writing.query(
        "SELECT path FROM system.parts WHERE table = 'samples' AND active ORDER BY name"
    ).result_rows
    return Path(str(paths[-1][0]))


def flipped(file: Path) -> None:
    """Change one byte in the middle of a file."""
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0xFF
    file.write_bytes(content)


@pytest.mark.parametrize("name", ["data.bin", "primary.cidx"])
def test_changed_bytes_are_found_and_put_aside(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    """
    A query never answers from changed bytes: it fails, names the part, and the next goes without.
    """
    with closing(Store.open(tmp_path / "data", upkeep_s=3600)) as store:
        store.write(days(3))
        damaged = part_of_today(store)
    flipped(damaged / name)
    with closing(Store.open(tmp_path / "data", memory_size=0, upkeep_s=3600)) as store:
        with pytest.raises(StoreDamaged, match=rf"{damaged.name} of samples.* 100 rows"):
            counted(store)
        left = counted(store)
        store.write(days(1))
        whole = counted(store)

    assert [200, 300] == [left, whole]
    assert [f"part {damaged.name}"] == [said[: len(damaged.name) + 5] for said in caplog.messages]
    assert (damaged.parent / "detached" / damaged.name / name).exists()


@pytest.mark.parametrize(
    "harm",
    [
        pytest.param(lambda part: os.truncate(part / "data.bin", 50), id="truncated"),
        pytest.param(lambda part: os.truncate(part / "data.bin", 0), id="emptied"),
        pytest.param(lambda part: (part / "data.bin").unlink(), id="missing"),
        pytest.param(lambda part: flipped(part / "checksums.txt"), id="checksums"),
        pytest.param(lambda part: os.truncate(part / "count.txt", 0), id="count"),
    ],
)
def test_a_broken_part_is_named_when_the_store_opens(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, harm: Callable[[Path], None]
) -> None:
    """
    Files that are short, empty or gone do not keep a store from opening: what is lost is said.
    """
    with closing(Store.open(tmp_path / "data", upkeep_s=3600)) as store:
        store.write(days(3))
        damaged = part_of_today(store)
    harm(damaged)
    with closing(Store.open(tmp_path / "data", upkeep_s=3600)) as store:
        left = counted(store)

    assert 200 == left
    assert 1 == len(caplog.messages)
    assert caplog.messages[0].endswith(f"detached/broken-on-start_{damaged.name}")


def test_a_lost_definition_is_named(tmp_path: Path) -> None:
    """
    A folder whose table definition is empty is refused, and the file named.
    """
    Store.open(tmp_path / "data").close()
    [definition] = (tmp_path / "data" / "chdb" / "store").glob("*/*/samples.sql")
    os.truncate(definition, 0)

    with pytest.raises(StoreDamaged, match=rf"{definition} is empty"):
        Store.open(tmp_path / "data")


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond a size, as on a disk that is full."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))


def test_a_full_disk_refuses_writes_and_nothing_else(tmp_path: Path) -> None:
    """
    What cannot be kept is refused, what was kept can be read, and writing goes on with room.
    """
    values = np.random.default_rng(0).random(20_000)
    big = Batch(
        samples=Samples.of(
            Sample(Series((("__name__", "m"),)), NOW_MS - i, float(value))
            for i, value in enumerate(values)
        )
    )
    with closing(Store.open(tmp_path / "data", upkeep_s=3600)) as store:
        store.write(days(2))
        with largest_file(65_536):
            with pytest.raises(StoreError, match=r"engine failed|not written"):
                store.write(big)
            full = counted(store)
        store.write(big)
        roomy = counted(store)

    assert [200, 20_200] == [full, roomy]


def test_a_disk_that_is_nearly_full_is_told_of_in_plain_words(tmp_path: Path) -> None:
    """
    Below the room that is kept free a sender hears of the disk, not of the engine's settings.
    """
    with closing(Store.open(tmp_path / "data", upkeep_s=3600)) as store:
        store._writing.set_client_setting("min_free_disk_bytes_to_perform_insert", 1 << 60)
        with pytest.raises(StoreError) as caught:
            store.write(days(2))

    said = "there is not enough free space on the disk: nothing is kept until there is more"
    assert said == str(caught.value)


def test_a_folder_of_a_later_release_is_refused(tmp_path: Path) -> None:
    """
    Tables that a later release made are left alone, with a sentence that says what to do.
    """
    Store.open(tmp_path / "data").close()
    with closing(connect(tmp_path / "data" / "chdb", database=schema.DATABASE)) as client:
        client.command("INSERT INTO versions (version) VALUES (99)")

    with pytest.raises(StoreError, match=r"later release \(tables of version 99.*upgrade"):
        Store.open(tmp_path / "data")


_KILLED = """
import os, signal, sys
from pathlib import Path
from typing import Any
from otel_confidence.store import migrations
from otel_confidence.store.cluster import Layout
from otel_confidence.store.connection import connect
client, left = connect(Path(sys.argv[1]), settings={"max_threads": 1}), int(sys.argv[2])
run = client.command
def counted(*arguments, **named):
    global left
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    left -= 1
    return run(*arguments, **named)
client.command = counted
migrations.prepare(client, Layout(expires=False), 15)
"""


_EXPIRING = (
    "SELECT name FROM system.tables WHERE database = currentDatabase() "
    "AND create_table_query LIKE '% TTL %'"
)


def older(folder: Path) -> None:
    """Make a folder as the first release did: rows expire, there are no versions and no index."""
    with closing(Store.open(folder)) as store:
        event = Event(NOW_MS * 10**6, "e", 9, "", "", "", "", {"ml.prediction.id": "p"}, {})
        store.write(Batch(samples=days(2).samples, events=[event]))
    with closing(connect(folder / "chdb", database=schema.DATABASE)) as client:
        client.command("DROP TABLE versions")
        client.command("ALTER TABLE events DROP INDEX by_prediction")
        client.command("ALTER TABLE events DROP COLUMN prediction")
        for table in schema.TABLES:
            client.command(Layout().retention(table, 15))


def test_a_kill_within_a_migration_does_no_harm(tmp_path: Path) -> None:
    """
    Whichever statement of a migration a kill comes before, the next opening completes it.
    """
    older(tmp_path / "older")
    codes: list[int] = []
    found: list[tuple[int, set[str], int]] = []
    expiring: list[Any] = []

    while 0 not in codes:
        folder = tmp_path / str(len(codes))
        shutil.copytree(tmp_path / "older", folder, symlinks=True)
        codes.append(
            subprocess.run(
                [sys.executable, "-c", _KILLED, str(folder / "chdb"), str(2 * len(codes))],
                check=False,
            ).returncode
        )
        with closing(Store.open(folder)) as store:
            version = store._writing.query(Layout().newest()).result_rows[0][0]
            found.append((counted(store), store.told("e", ["p"], "ml.prediction.id"), version))
            expiring += store._writing.query(_EXPIRING).result_rows

    assert [-signal.SIGKILL] * (len(codes) - 1) + [0] == codes
    assert len(codes) > 2
    assert [(200, {"p"}, schema.VERSION)] * len(codes) == found
    assert [] == expiring


def test_points_that_come_late_or_early_take_their_place(store: Store) -> None:
    """
    Whatever a clock does between two writes, samples come back in order, the last written one.
    """
    series = Series((("__name__", "m"), ("job", "clock")))
    moments = [NOW_MS, NOW_MS + DAY_MS, NOW_MS - 5 * DAY_MS, NOW_MS - 1, NOW_MS + DAY_MS, NOW_MS]
    for value, moment in enumerate(moments):
        store.write(Batch(samples=Samples.of([Sample(series, moment, float(value))])))

    [found] = store.select(ALL, 0, NOW_MS + 2 * DAY_MS)

    assert sorted(set(moments)) == found.times_ms.tolist()
    assert [2.0, 3.0, 5.0, 4.0] == found.values.tolist()
    assert [NOW_MS + DAY_MS] == [store.newest_ms(ALL)]
    for moment in moments:
        assert ["clock"] == store.label_values("job", [], moment, moment)


def test_times_beyond_the_calendar_are_refused_alone(store: Store) -> None:
    """
    A time that no day stands for is refused; what is written beside it is kept.
    """
    series = Series((("__name__", "m"),))

    for moment in (-1, 65_536 * DAY_MS, 1 << 62, -(1 << 62)):
        with pytest.raises(StoreError):
            store.write(Batch(samples=Samples.of([Sample(series, moment, 1.0)])))
    store.write(Batch(samples=Samples.of([Sample(series, NOW_MS, 1.0)])))

    assert 1 == counted(store)


TEXTS = (
    "'; DROP TABLE samples; --", "\\", "`", '"', "{x:String}", "%s", "a\x00b", "a\nb", "*/ /*",
    "../../etc/passwd", "\u202e", "(a+)+$", "é" * 500,
)  # fmt: skip


def test_texts_are_never_taken_for_sql(store: Store) -> None:
    """
    Names, values, labels and parameters with SQL in them are kept and found as they are.
    """
    series = {text: Series(tuple(sorted({"__name__": text, text: text}.items()))) for text in TEXTS}
    store.write(Batch(samples=Samples.of(Sample(each, NOW_MS, 1.0) for each in series.values())))

    for text, which in series.items():
        where = [Matcher("__name__", "=", text), Matcher(text, "=", text)]
        [found] = store.select(where, NOW_MS - 1, NOW_MS)
        asked = {"x": text, "y": text}

        assert which.labels == found.labels
        assert [text] == store.label_values(text, [where], NOW_MS, NOW_MS)
        assert sorted(["__name__", text]) == store.label_names([where], NOW_MS, NOW_MS)
        assert set() == store.told(text, [text], text)
        assert [1] == store.sql("SELECT {x:String} = {y:String} AS v", asked)["v"].to_pylist()


def test_a_heavy_pattern_takes_no_time(store: Store) -> None:
    """
    Regular expressions run in time linear in the text, whatever they repeat.
    """
    series = Series((("__name__", "m"), ("x", "a" * 30_000 + "b")))
    store.write(Batch(samples=Samples.of([Sample(series, NOW_MS, 1.0)])))
    began = time.monotonic()

    found = store.select([Matcher("x", "=~", "(a+)+c")], NOW_MS - 1, NOW_MS)

    assert [] == found
    assert time.monotonic() - began < 60


def test_nothing_is_said_of_a_whole_folder(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """
    A store that is as it was left opens without a word.
    """
    with closing(Store.open(tmp_path / "data", upkeep_s=3600)) as store:
        store.write(days(1))
    with (
        caplog.at_level(logging.INFO),
        closing(Store.open(tmp_path / "data", upkeep_s=3600)) as store,
    ):
        found = counted(store)

    assert 100 == found
    assert [] == [r.message for r in caplog.records if r.name == "otel_confidence.store.damage"]
