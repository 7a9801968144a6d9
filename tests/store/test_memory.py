"""
This module tests that what a store answers from memory is what its engine has.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.running import until

from otel_confidence.errors import QueryError, StoreError
from otel_confidence.points import Batch, Matcher, Samples, Selection, Series
from otel_confidence.store import Store, memory
from otel_confidence.store.listening import listening

DAY_MS = 86_400_000
NOW_MS = int(time.time() * 1000)
TODAY_MS = NOW_MS // DAY_MS * DAY_MS
ALL = [Matcher("__name__", "=", "m")]
SAMPLES = 100
"""Of each series in each batch."""
ANY = 1 << 42


def batch(series: int, start_ms: int, value: float = 1.0) -> Batch:
    runs = [
        Samples.run(
            Series((("__name__", "m"), ("i", str(each)))),
            start_ms + np.arange(SAMPLES) * 10,
            np.full(SAMPLES, value) + np.arange(SAMPLES),
        )
        for each in range(series)
    ]
    return Batch(samples=Samples.joined(runs))


def plain(found: list[Selection]) -> list[tuple[object, list[int], list[float]]]:
    ordered = sorted(found, key=lambda each: each.labels)
    return [(each.labels, each.times_ms.tolist(), each.values.tolist()) for each in ordered]


def by_engine(store: Store, start_ms: int, end_ms: int) -> list[Selection]:
    with listening() as statements:
        found = store.select(ALL, start_ms, end_ms)
    assert 1 == len(statements)
    return found


def remembers(store: Store, start_ms: int, end_ms: int) -> bool:
    return store.at_hand(ALL, start_ms, end_ms, most=ANY) is not None


def held_by(store: Store) -> Any:
    held = store._memory._held
    assert held is not None
    return held


@pytest.fixture(name="store")
def _store(tmp_path: Path) -> Iterator[Store]:
    with closing(Store.open(tmp_path / "data", upkeep_s=3600)) as store:
        store.keep_up()
        yield store


def test_memory_has_what_was_written_before_and_after_opening(tmp_path: Path) -> None:
    """
    A reopened store loads its samples by itself, and what replaces them replaces them there too.
    """
    with closing(Store.open(tmp_path / "data")) as store:
        store.write(batch(3, TODAY_MS - DAY_MS))
        store.write(batch(2, TODAY_MS))
    with closing(Store.open(tmp_path / "data")) as store:
        store.write(batch(1, TODAY_MS, value=7))
        until(lambda: remembers(store, -1, NOW_MS))
        store.write(batch(4, TODAY_MS + 5, value=9))

        found, engines = store.select(ALL, -1, ANY), by_engine(store, -1, ANY)

    assert [SAMPLES * n for n in (3, 3, 2, 1)] == [len(each.times_ms) for each in found]
    assert plain(engines) == plain(found)


def test_samples_are_there_when_their_sender_hears_so(store: Store) -> None:
    """
    Whoever wrote finds what was written, from memory.
    """
    for turn in range(5):
        store.write(batch(1, TODAY_MS + turn * 1000))

        assert SAMPLES * (turn + 1) == len(store.select(ALL, -1, ANY)[0].times_ms)
        assert remembers(store, -1, ANY)


def test_the_oldest_are_asked_of_the_engine_when_room_is_short(tmp_path: Path) -> None:
    """
    Memory keeps to its size; questions that reach further back are answered by the engine.
    """
    size = 2000 * memory.SAMPLE_BYTES
    with closing(Store.open(tmp_path / "data", memory_size=size, upkeep_s=3600)) as store:
        store.keep_up()
        for turn in range(30):
            store.write(batch(1, TODAY_MS + turn * 1000))
        whole = store.select(ALL, -1, ANY)
        newest = store.select(ALL, TODAY_MS + 28_000 - 1, ANY)

        assert 1000 < len(held_by(store).recent) <= 2000
        assert not remembers(store, -1, ANY)
        assert remembers(store, TODAY_MS + 28_000 - 1, ANY)
        assert [30 * SAMPLES, 2 * SAMPLES] == [len(each[0].times_ms) for each in (whole, newest)]


def test_a_large_folder_is_loaded_from_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The newest samples are loaded in slices until there is no room for more.
    """
    monkeypatch.setattr(memory, "_AT_ONCE", 50)
    with closing(Store.open(tmp_path / "data")) as store:
        for day in range(6):
            store.write(batch(2, TODAY_MS - day * DAY_MS))
    size = 500 * memory.SAMPLE_BYTES
    with closing(Store.open(tmp_path / "data", memory_size=size, upkeep_s=3600)) as store:
        store.keep_up()

        assert remembers(store, TODAY_MS - 1, ANY)
        assert not remembers(store, TODAY_MS - 5 * DAY_MS, ANY)
        assert 400 <= len(held_by(store).recent) <= 500
        assert plain(by_engine(store, TODAY_MS - 1, ANY)) == plain(
            store.select(ALL, TODAY_MS - 1, ANY)
        )


def test_a_failed_insert_makes_memory_read_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Nobody knows how much of a failed insert the engine kept, so that nothing is taken for known.
    """
    store.write(batch(1, TODAY_MS))
    store._memory._earliest = 0.0
    with monkeypatch.context() as broken:
        broken.setattr(store._writing, "insert_arrow", _failing)
        with pytest.raises(StoreError, match="no space"):
            store.write(batch(1, TODAY_MS + 5))
    after = remembers(store, -1, ANY)
    store.keep_up()

    assert not after
    assert remembers(store, -1, ANY)
    assert plain(by_engine(store, -1, ANY)) == plain(store.select(ALL, -1, ANY))


def _failing(*_: object) -> None:
    raise ValueError("no space")


def test_after_a_failed_insert_the_folder_is_left_in_peace_for_a_while(store: Store) -> None:
    """
    Where inserts go on failing, what the folder has is not read over and over.
    """
    store._memory.distrust()
    store.keep_up()

    assert not remembers(store, -1, ANY)


def test_an_hour_with_too_much_is_loaded_in_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    However samples lie in a day, no more are read at once than allowed, and no more are kept.
    """
    monkeypatch.setattr(memory, "_AT_ONCE", 1000)
    monkeypatch.setattr(memory, "_SHORTEST_MS", 10)
    with closing(Store.open(tmp_path / "data")) as store:
        for turn in range(90):
            store.write(batch(1, TODAY_MS + turn * 1000))
    sizes: list[int] = []
    monkeypatch.setattr(memory, "_chunk", _measuring(memory._chunk, sizes))
    size = 5000 * memory.SAMPLE_BYTES
    with closing(Store.open(tmp_path / "data", memory_size=size, upkeep_s=3600)) as store:
        store.keep_up()

        assert 4000 < len(held_by(store).recent) <= 5000
        assert max(sizes) <= 1000
        assert plain(by_engine(store, TODAY_MS + 60_000, ANY)) == plain(
            store.select(ALL, TODAY_MS + 60_000, ANY)
        )


def _measuring(chunk: Callable[..., Any], sizes: list[int]) -> Callable[..., Any]:
    def measured(*given: Any) -> Any:
        found = chunk(*given)
        sizes.append(len(found))
        return found

    return measured


def test_what_is_written_during_a_load_replaces_what_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Samples of known and of new series that come while the folder is read are there afterwards.
    """
    with closing(Store.open(tmp_path / "data")) as store:
        store.write(batch(2, TODAY_MS))
    plainly = memory._chunk
    with closing(Store.open(tmp_path / "data", memory_size=0, upkeep_s=3600)) as store:
        store._memory._most, store._memory._due = 1_000_000, 0.0

        def interrupted(*given: Any) -> Any:
            found = plainly(*given)
            store.write(batch(3, TODAY_MS, value=5))
            return found

        monkeypatch.setattr(memory, "_chunk", interrupted)
        store.keep_up()

        assert remembers(store, -1, ANY)
        assert 5.0 == store.select(ALL, -1, ANY)[0].values[0]
        assert plain(by_engine(store, -1, ANY)) == plain(store.select(ALL, -1, ANY))


def test_a_load_overtaken_by_a_failed_insert_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    What was read before an insert failed half-way may lack what that insert left.
    """
    plainly = memory._chunk
    with closing(Store.open(tmp_path / "data", upkeep_s=3600, memory_size=0)) as store:
        store.write(batch(2, TODAY_MS))
        store._memory._most, store._memory._due = 1_000_000, 0.0

        def overtaken(*given: Any) -> Any:
            store._memory.distrust()
            return plainly(*given)

        monkeypatch.setattr(memory, "_chunk", overtaken)
        store.keep_up()

        assert not remembers(store, -1, ANY)


def test_a_load_that_fails_keeps_nothing_else_from_being_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Days past their time go although the folder's samples cannot be read.
    """
    with closing(Store.open(tmp_path / "data", retention_days=9)) as store:
        store.write(batch(1, TODAY_MS))
        store.write(batch(1, TODAY_MS - 3 * DAY_MS))
    monkeypatch.setattr(memory, "_chunk", _refused)
    with closing(Store.open(tmp_path / "data", retention_days=1, upkeep_s=3600)) as store:
        store._memory._due = 0.0
        store._memory._earliest = 0.0
        with pytest.raises(QueryError, match="too much"):
            store.keep_up()

        assert {"age": 1, "size": 0} == store.dropped()


def _refused(*_: object) -> None:
    raise QueryError("the query needs too much")


def test_times_that_the_engine_shifts_are_not_answered_from_memory(store: Store) -> None:
    """
    Of a time that the engine cannot write nobody knows what it makes.
    """
    store.write(batch(1, TODAY_MS))
    store._memory.add(batch(1, -5000).samples)

    assert not remembers(store, -1, ANY)


def test_series_beyond_memory_are_asked_for_by_their_fingerprints(tmp_path: Path) -> None:
    """
    Which series match is known even where their samples are not, and the answer is the same.
    """
    size = 150 * memory.SAMPLE_BYTES
    with closing(Store.open(tmp_path / "data", memory_size=size, upkeep_s=3600)) as store:
        store.keep_up()
        store.write(batch(3, TODAY_MS - DAY_MS))
        some = [*ALL, Matcher("i", "=~", "1|2")]
        known, nothing = store._memory.known(some), store._memory.known([Matcher("i", "=", "9")])
        found = store.select(some, -1, ANY)

        assert not remembers(store, -1, ANY)
        assert known is not None
        assert nothing is not None
        assert [2, 0] == [len(known.fingerprints), len(nothing.fingerprints)]
        assert ["1", "2"] == sorted(dict(each.labels)["i"] for each in found)


def test_days_that_retention_drops_leave_memory(tmp_path: Path) -> None:
    """
    What the engine has no more is not answered from memory either.
    """
    with closing(Store.open(tmp_path / "data", retention_days=3)) as store:
        store.write(batch(1, TODAY_MS))
        store.write(batch(1, TODAY_MS - 2 * DAY_MS))
    with closing(Store.open(tmp_path / "data", retention_days=0.5, upkeep_s=3600)) as store:
        store.keep_up()
        found = store.select(ALL, -1, ANY)

        assert remembers(store, -1, ANY)
        assert [SAMPLES] == [len(each.times_ms) for each in found]


def test_more_series_than_are_remembered_are_asked_of_the_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Past a number of series memory is given up, and answers stay what they were.
    """
    monkeypatch.setattr(memory, "_MOST_SERIES", 5)
    with closing(Store.open(tmp_path / "data", upkeep_s=3600)) as store:
        store.keep_up()
        store.write(batch(5, TODAY_MS))
        before = remembers(store, -1, ANY)
        store.write(batch(6, TODAY_MS + 5))
        found = store.select(ALL, -1, ANY)

        assert before
        assert not remembers(store, -1, ANY)
        assert [SAMPLES] + [2 * SAMPLES] * 5 == sorted(len(each.times_ms) for each in found)


def test_without_room_everything_is_asked_of_the_engine(tmp_path: Path) -> None:
    """
    A size of nothing switches memory off.
    """
    with closing(Store.open(tmp_path / "data", memory_size=0, upkeep_s=3600)) as store:
        store.write(batch(1, TODAY_MS))
        store.keep_up()

        assert not remembers(store, -1, ANY)
        assert 1 == len(store.select(ALL, -1, ANY))
