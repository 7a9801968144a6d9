"""
This module tests that samples in memory are those that were added, against a plain dictionary.
"""

import threading
import tracemalloc

import numpy as np
import pytest

from otel_confidence.store.recent import Chunk, Laid, Recent

SERIES = 7
LABELS = [(("i", str(row)),) for row in range(SERIES)]
ROWS = np.array([3, 0, 6, 1, 2, 4, 5])
NAMED = [LABELS[row] for row in ROWS.tolist()]
MOST = 1 << 40
STALE = np.array([0x7FF0000000000002], dtype=np.uint64).view(np.float64)
Model = dict[tuple[int, int], float]


def read(recent: Recent, after_ms: int, end_ms: int, most: int = MOST) -> Laid | None:
    return recent.view().read(NAMED, ROWS, after_ms, end_ms, most)


def unfolded(laid: Laid | None) -> list[tuple[int, int, float]]:
    assert laid is not None
    owner = np.repeat([int(dict(each)["i"]) for each in laid.labels], np.diff(laid.offsets))
    return list(zip(owner.tolist(), laid.times_ms.tolist(), laid.values.tolist(), strict=True))


def expected(model: Model, after_ms: int, end_ms: int) -> list[tuple[int, int, float]]:
    inside = [(*key, value) for key, value in model.items() if after_ms < key[1] <= end_ms]
    order = {row: place for place, row in enumerate(ROWS.tolist())}
    return sorted(inside, key=lambda each: (order[each[0]], each[1]))


def drawn(chance: np.random.Generator, around_ms: int) -> tuple[Chunk, Model]:
    """A few samples, some late and some twice."""
    count = int(chance.integers(1, 40))
    rows = chance.integers(0, SERIES, count)
    times = chance.integers(max(0, around_ms - 300), around_ms + 50, count)
    values = chance.normal(size=count)
    model = dict(zip(zip(rows.tolist(), times.tolist(), strict=True), values.tolist(), strict=True))
    return Chunk.of(rows, times, values), model


@pytest.mark.parametrize("seed", range(20))
def test_every_sample_is_found_and_the_last_of_each_time(seed: int) -> None:
    """
    Whatever is added in whatever order, ranges are answered as from a dictionary of samples.
    """
    chance = np.random.default_rng(seed)
    recent, model = Recent(), Model()

    for turn in range(60):
        chunk, added = drawn(chance, 20 * turn)
        recent.add(chunk)
        model.update(added)
        after, end = sorted(chance.integers(-5, 20 * turn + 60, 2).tolist())
        assert expected(model, after, end) == unfolded(read(recent, after, end))

    assert len(model) <= len(recent)
    assert len(recent.view().chunks) <= 12


def test_what_was_there_before_is_replaced_by_what_came_meanwhile() -> None:
    """
    A base that is read late goes below; nothing up to its floor can be asked for.
    """
    chance = np.random.default_rng(1)
    (old, before), (new, after) = drawn(chance, 400), drawn(chance, 500)
    base, recent = Recent(), Recent()
    base.add(old)
    recent.add(new)

    recent.found_below(base.joined(), 200)

    assert expected({**before, **after}, 200, 600) == unfolded(read(recent, 200, 600))
    assert read(recent, 199, 600) is None


def test_a_base_does_not_bring_back_a_floor_that_was_raised() -> None:
    """
    Where too much came meanwhile, what had to go is not taken for something that never was.
    """
    base, recent = Recent(), Recent()
    base.add(Chunk.of(np.array([0]), np.array([1]), np.array([1.0])))
    recent.add(Chunk.of(np.zeros(100, np.int64), np.arange(100, 200), np.ones(100)))
    recent.limit(50)

    recent.found_below(base.joined(), -1)

    assert read(recent, -1, 300) is None
    assert 10 == len(unfolded(read(recent, 189, 300)))


def test_too_much_lets_the_oldest_go() -> None:
    """
    What stays is whole from the floor on: fewer than allowed, and never nothing.
    """
    chance = np.random.default_rng(2)
    recent, model = Recent(), Model()
    for turn in range(200):
        chunk, added = drawn(chance, 20 * turn)
        model.update(added)
        recent.add(chunk)
        recent.limit(500)
    floor = next(time for time in range(5000) if read(recent, time, time + 1) is not None)

    assert 200 < len(recent) <= 500
    assert 0 < floor < 4000
    assert expected(model, floor, 5000) == unfolded(read(recent, floor, 5000))


def test_late_samples_below_the_floor_stay_out() -> None:
    """
    What is older than all that is kept takes no room, however often it comes.
    """
    recent = Recent()
    recent.add(Chunk.of(np.zeros(100, np.int64), np.arange(100), np.ones(100)))
    recent.limit(50)
    held = len(recent)

    for _ in range(20):
        recent.add(Chunk.of(np.array([0]), np.array([1]), np.array([9.0])))

    assert held == len(recent) < 50
    assert 1 == len(recent.view().chunks)


def test_forgotten_samples_are_gone_and_the_rest_stays() -> None:
    """
    What was before a time is found no more, although one may still ask.
    """
    recent = Recent()
    recent.add(Chunk.of(np.zeros(10, np.int64), np.arange(10), np.arange(10.0)))

    recent.forget(4)

    assert [(0, time, float(time)) for time in range(5, 10)] == unfolded(read(recent, -1, 99))


def test_more_samples_than_wanted_are_not_read() -> None:
    """
    The limit is on all series together.
    """
    recent = Recent()
    recent.add(Chunk.of(np.repeat([0, 1], 5), np.tile(np.arange(5), 2), np.ones(10)))

    assert 10 == len(unfolded(read(recent, -1, 9, 10)))
    assert read(recent, -1, 9, 9) is None


def test_every_bit_of_a_value_is_kept() -> None:
    """
    A staleness marker stays one, in a chunk of its own and after chunks were merged.
    """
    recent = Recent()
    recent.add(Chunk.of(np.array([0]), np.array([5]), STALE))
    recent.add(Chunk.of(np.array([0]), np.array([7]), np.array([-0.0])))

    laid = read(recent, 0, 9)

    assert laid is not None
    assert [0x7FF0000000000002, 1 << 63] == laid.values.view(np.uint64).tolist()


def test_nothing_is_found_where_nothing_is() -> None:
    """
    Without samples, without series, or before the first time, the answer is empty.
    """
    recent = Recent()
    empty = unfolded(read(recent, 0, 9))
    recent.add(Chunk.of(np.array([0]), np.array([5]), np.array([1.0])))
    nobody = recent.view().read([], np.empty(0, np.int64), 0, 9, MOST)

    assert [] == empty == unfolded(nobody) == unfolded(read(recent, -9, -1))


def test_what_was_read_is_the_readers() -> None:
    """
    Whoever changes an answer changes nothing for others, and a view stays as it was.
    """
    recent = Recent()
    recent.add(Chunk.of(np.array([0]), np.array([5]), np.array([1.0])))
    view = recent.view()
    mine = view.read([LABELS[0]], np.array([0]), 0, 9, MOST)
    assert mine is not None
    mine.values[0] = 7.0
    mine.labels.clear()

    recent.add(Chunk.of(np.array([0]), np.array([6]), np.array([2.0])))

    assert [(0, 5, 1.0)] == unfolded(view.read(NAMED, ROWS, 0, 9, MOST))
    assert [(0, 5, 1.0), (0, 6, 2.0)] == unfolded(read(recent, 0, 9))


def test_merging_takes_half_as_much_again() -> None:
    """
    While chunks are merged they and what they become are there, and little else.
    """
    many = np.arange(200_000)
    older = Chunk.of(np.zeros(len(many), np.int64), 2 * many, np.ones(len(many)))
    newer = Chunk.of(np.zeros(len(many), np.int64), 3 * many, np.ones(len(many)))
    tracemalloc.start()

    merged = older.with_newer(newer)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert len(np.union1d(2 * many, 3 * many)) == len(merged)
    assert peak < 2.5 * 16 * len(merged)


def test_readers_see_whole_batches_while_others_add() -> None:
    """
    Every answer has all samples of a batch or none of them.
    """
    recent, odd = Recent(), []
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            laid = read(recent, -1, 1 << 30)
            counts = set(np.diff(laid.offsets).tolist()) if laid is not None else {-1}
            if len(counts) > 1:
                odd.append(counts)

    askers = [threading.Thread(target=ask) for _ in range(3)]
    for each in askers:
        each.start()
    for turn in range(400):
        recent.add(Chunk.of(np.arange(SERIES), np.full(SERIES, turn), np.ones(SERIES)))
    done.set()
    for each in askers:
        each.join()

    assert [] == odd


@pytest.mark.parametrize(("after_ms", "end_ms"), [(-1, 10**9), (2_000, 2_500), (2_500, 2_000)])
def test_many_series_are_found_where_each_one_alone_is(after_ms: int, end_ms: int) -> None:
    """
    In a large chunk, series without samples and some beyond its last one among them.
    """
    chance = np.random.default_rng(3)
    series = np.setdiff1d(np.arange(600), [0, 7, 599])
    count = 500 * len(series)
    chunk = Chunk.of(
        chance.choice(series, count), chance.integers(0, 10_000, count), np.zeros(count)
    )
    rows = chance.permutation(610)

    low, high = chunk.spans(rows, after_ms, end_ms)

    alone = [chunk.spans(rows[[at]], after_ms, end_ms) for at in range(len(rows))]
    assert alone == [*zip(low, high, strict=True)]
    assert (after_ms < end_ms) == bool((low < high).any())
