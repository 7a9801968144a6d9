"""This module checks that the store knows since when series count."""

import time
from pathlib import Path

from otel_confidence.points import Batch, Sample, Samples, Series, Start
from otel_confidence.store import Store

NOW_MS = int(time.time() * 1000)
NOW_NS = NOW_MS * 1_000_000
FIRST, SECOND, THIRD = (Series((("__name__", name),)) for name in ("a_total", "b_sum", "b_count"))


def put(store: Store, *starts: tuple[tuple[Series, ...], int]) -> None:
    """A sample of each series, and since when it counts."""
    samples = Samples.of(Sample(each, NOW_MS, 1.0) for series, _ in starts for each in series)
    known: list[Start] = [
        ([each.fingerprint for each in series], start) for series, start in starts
    ]
    store.write(Batch(samples, starts=known))


def starts(store: Store) -> dict[str, int]:
    series = {each.fingerprint: each.name for each in (FIRST, SECOND, THIRD)}
    return {series[each]: start for each, start in store.starts(list(series)).items()}


def rows(store: Store) -> int:
    (row,) = store.sql("SELECT count() AS n FROM starts").to_pylist()
    return int(row["n"])


def test_the_latest_start_of_a_series_is_known(store: Store) -> None:
    """
    Series that start together are told of at once; one of which nothing was said has no start.
    """
    put(store, ((FIRST,), NOW_NS - 9), ((SECOND, THIRD), NOW_NS - 7))
    put(store, ((FIRST,), NOW_NS - 5), ((FIRST,), NOW_NS - 8))

    found = starts(store), store.starts([1])

    assert {"a_total": NOW_NS - 5, "b_sum": NOW_NS - 7, "b_count": NOW_NS - 7} == found[0]
    assert {} == found[1]


def test_a_start_is_written_once(tmp_path: Path) -> None:
    """
    What is known already is not written again, within one run or after the next opening.
    """
    counts = []
    for _ in range(2):
        store = Store.open(tmp_path / "data")
        for _ in range(3):
            put(store, ((FIRST,), NOW_NS), ((SECOND, THIRD), NOW_NS))
        counts.append(rows(store))
        store.close()

    assert [3, 3] == counts


def test_a_store_of_a_former_release_gets_the_table(tmp_path: Path) -> None:
    """
    A folder without starts has them from its next opening on.
    """
    first = Store.open(tmp_path / "data")
    first._writing.command("DROP TABLE starts")
    first.close()
    store = Store.open(tmp_path / "data")

    put(store, ((FIRST,), NOW_NS))
    found = starts(store)
    store.close()

    assert {"a_total": NOW_NS} == found
