"""This module checks that days are rolled up only at widths that spare something."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta

import numpy as np
import pytest
from tests.store import rolled
from tests.store.days import DAY_MS, TODAY_MS, noon

from otel_confidence.points import Batch, Samples, Series
from otel_confidence.store import Store
from otel_confidence.store.densities import LIGHT, Density
from otel_confidence.store.progress import Progress, Rolled
from otel_confidence.store.rollups import Roller

MINUTE_MS, HOUR_MS = 60_000, 3_600_000
START_MS = TODAY_MS - DAY_MS
DAY = START_MS // DAY_MS
WHICH = Series((("__name__", "m"), ("job", "a")))
OTHER = Series((("__name__", "m"), ("job", "b")))
ALL_DAY = (START_MS + DAY_MS, START_MS + DAY_MS, 0, DAY_MS)
ONE_HOUR = (START_MS + HOUR_MS, START_MS + HOUR_MS, 0, HOUR_MS)
ONE_MINUTE = (START_MS + MINUTE_MS, START_MS + MINUTE_MS, 0, MINUTE_MS)


@pytest.fixture
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """An empty store that rolls up only when it is told to."""
    store = Store.open(tmp_path_factory.mktemp("data"), upkeep_s=3600, now=noon)
    yield store
    store.close()


def progress(store: Store) -> Progress:
    assert store._upkeep is not None
    return store._upkeep.progress


def roll_up(store: Store, *, now: Callable[[], float] = noon) -> None:
    """Roll up all that is due, and judge days however few samples they have."""
    assert store._upkeep is not None
    Roller(store._upkeep._clients[1], progress(store), light=1, now=now).run()


def put(store: Store, every_ms: int, *, series: Series = WHICH, hours: int = 24) -> None:
    """A sample every so often, from the beginning of yesterday on."""
    times = np.arange(START_MS + 1, START_MS + hours * HOUR_MS, every_ms, dtype=np.int64)
    store.write(Batch(Samples.run(series, times, np.arange(len(times), dtype=np.float64))))


def sizes(store: Store, series: Series = WHICH) -> list[int]:
    """How many rows each width has, the finest first."""
    return [len(rolled.stored(store, series, width)) for width in rolled.WIDTHS_MS]


def wrong(store: Store, series: Series, width_ms: int) -> list[str]:
    points = rolled.points_of(store, series)
    expected = rolled.buckets(points, width_ms)
    return list(rolled.differences(expected, rolled.stored(store, series, width_ms)))


@pytest.mark.parametrize(
    ("every_ms", "finest_ms", "expected"),
    [
        (5_000, MINUTE_MS, [1440, 288, 24, 1]),
        (15_000, 5 * MINUTE_MS, [0, 288, 24, 1]),
        (MINUTE_MS, HOUR_MS, [0, 0, 24, 1]),
        (20 * MINUTE_MS, DAY_MS, [0, 0, 0, 1]),
        (6 * HOUR_MS, 2 * DAY_MS, [0, 0, 0, 0]),
    ],
    ids=["5s", "15s", "1m", "20m", "6h"],
)
def test_a_day_has_the_widths_that_condense_it(
    quiet: Store, every_ms: int, finest_ms: int, expected: list[int]
) -> None:
    """
    A width is made for a day where its buckets hold eight samples or more on average.
    """
    put(quiet, every_ms)

    roll_up(quiet)

    made = [width for width in rolled.WIDTHS_MS if width >= finest_ms]
    assert expected == sizes(quiet)
    assert finest_ms == progress(quiet).density(DAY).finest_ms
    assert [[] for _ in made] == [wrong(quiet, WHICH, width) for width in made]


def test_widths_that_a_day_lacks_are_not_offered(quiet: Store) -> None:
    """
    What is not rolled up is read from the samples, now and after late writes and a reopening.
    """
    put(quiet, 15_000)
    roll_up(quiet)
    first = [quiet.rolled(*each) for each in (ALL_DAY, ONE_HOUR, ONE_MINUTE)]

    put(quiet, HOUR_MS, series=OTHER)
    spoiled = quiet.rolled(*ALL_DAY)
    roll_up(quiet)
    found = Progress(progress(quiet)._client)

    hour = Rolled(HOUR_MS, START_MS + HOUR_MS)
    assert [Rolled(DAY_MS, TODAY_MS), hour, None] == first
    assert spoiled is None
    assert first == [quiet.rolled(*each) for each in (ALL_DAY, ONE_HOUR, ONE_MINUTE)]
    assert [] == wrong(quiet, OTHER, HOUR_MS)
    assert found.density(DAY) == progress(quiet).density(DAY)
    assert found.rolled(rolled.WIDTHS_MS, *ONE_MINUTE) is None


def test_a_day_that_grows_denser_gets_the_finer_widths(quiet: Store) -> None:
    """
    A day with twice the samples is judged again: finer rows are made for all of it, then offered.
    """
    put(quiet, 20 * MINUTE_MS)
    roll_up(quiet)
    sparse = sizes(quiet), quiet.rolled(*ONE_HOUR)

    put(quiet, 15_000, series=OTHER)
    roll_up(quiet)

    assert ([0, 0, 0, 1], None) == sparse
    assert [0, 72, 24, 1] == sizes(quiet)
    assert Rolled(HOUR_MS, START_MS + HOUR_MS) == quiet.rolled(*ONE_HOUR)
    assert [[]] * 6 == [
        wrong(quiet, series, width) for series in (WHICH, OTHER) for width in rolled.WIDTHS_MS[1:]
    ]


def test_a_day_that_grows_sparser_loses_the_finer_widths(quiet: Store) -> None:
    """
    Where later series are sparse, rows of the finer widths are no longer made nor offered.
    """
    put(quiet, 5_000, hours=1)
    roll_up(quiet)
    dense = quiet.rolled(*ONE_MINUTE)
    for number in range(20):
        series = Series((("__name__", "s"), ("number", str(number))))
        put(quiet, 20 * MINUTE_MS, series=series)

    roll_up(quiet)

    assert Rolled(MINUTE_MS, START_MS + MINUTE_MS) == dense
    assert quiet.rolled(*ONE_MINUTE) is None
    assert DAY_MS == progress(quiet).density(DAY).finest_ms
    assert Rolled(DAY_MS, TODAY_MS) == quiet.rolled(*ALL_DAY)
    assert [] == wrong(quiet, WHICH, DAY_MS)


def test_a_width_without_a_complete_bucket_is_left_for_later(quiet: Store) -> None:
    """
    The beginning of a day judges no bucket that is longer than it.
    """
    put(quiet, 20 * MINUTE_MS, hours=1)
    put(quiet, 20 * MINUTE_MS, series=OTHER, hours=1)

    roll_up(quiet, now=lambda: (START_MS + 50 * MINUTE_MS) / 1000)
    early = progress(quiet).density(DAY).finest_ms
    put(quiet, 20 * MINUTE_MS)
    roll_up(quiet)

    assert HOUR_MS == early
    assert DAY_MS == progress(quiet).density(DAY).finest_ms


def test_days_with_few_samples_have_every_width(quiet: Store) -> None:
    """
    What hardly takes room is rolled up at every width, however sparse it is.
    """
    put(quiet, 6 * HOUR_MS)

    quiet.keep_up()

    assert [4, 4, 4, 1] == sizes(quiet)
    assert Density() == progress(quiet).density(DAY)
    assert LIGHT > len(rolled.points_of(quiet, WHICH))


def test_a_dropped_day_is_judged_anew(quiet: Store) -> None:
    """
    With a day goes what was noted about it.
    """
    put(quiet, 20 * MINUTE_MS)
    roll_up(quiet)
    before = progress(quiet).density(DAY)
    assert quiet._upkeep is not None

    quiet._upkeep.retention._drop([date(1970, 1, 1) + timedelta(days=DAY)], "age")
    noted = quiet.sql("SELECT count() AS n FROM densities").to_pylist()

    assert Density(72, DAY_MS) == before
    assert [{"n": 0}] == noted
    assert Density() == progress(quiet).density(DAY)
