"""This module checks that roll-ups are what the samples say, whatever came late or twice."""

import itertools
import math
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.store import rolled
from tests.store.days import DAY_MS, TODAY_MS, noon

from otel_confidence.points import Batch, Sample, Samples, Series
from otel_confidence.store import Store
from otel_confidence.store.progress import Rolled

MINUTE_MS, HOUR_MS = 60_000, 3_600_000
START_MS = TODAY_MS - DAY_MS - 2 * HOUR_MS
"""So that midnight lies within what is written."""
_numbers = itertools.count()

VALUES = st.one_of(
    st.integers(0, 9).map(float),
    st.floats(-1e9, 1e9),
    st.sampled_from([math.nan, math.inf, -math.inf, -0.0, 0.0, rolled.STALE]),
)
MOMENTS = st.one_of(
    st.integers(0, 3 * HOUR_MS),
    st.integers(0, 40).map(lambda n: n * MINUTE_MS),
    st.integers(0, 40).map(lambda n: n * 15_000 + 7),
    st.sampled_from(
        [0, 1, 299_999, 300_000, 300_001, HOUR_MS, 2 * HOUR_MS, 2 * HOUR_MS + 1, DAY_MS]
    ),
)
BATCHES = st.lists(
    st.lists(st.tuples(MOMENTS, VALUES), min_size=1, max_size=40), min_size=1, max_size=3
)


@pytest.fixture
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """An empty store that rolls up only when it is told to."""
    store = Store.open(tmp_path_factory.mktemp("data"), upkeep_s=3600, now=noon)
    yield store
    store.close()


def fresh() -> Series:
    return Series((("__name__", "m"), ("number", str(next(_numbers)))))


def put(store: Store, series: Series, *points: rolled.Point) -> None:
    store.write(Batch(Samples.of(Sample(series, *point) for point in points)))


def wrong(store: Store, series: Series) -> list[str]:
    points = rolled.points_of(store, series)
    return [
        f"{width} {difference}"
        for width in rolled.WIDTHS_MS
        for difference in rolled.differences(
            rolled.buckets(points, width), rolled.stored(store, series, width)
        )
    ]


@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(batches=BATCHES)
def test_roll_ups_equal_what_the_samples_give(
    quiet: Store, batches: list[list[tuple[int, float]]]
) -> None:
    """
    After any writes, in any order, over what was there and rolled up before, every row is right.
    """
    series = fresh()

    found = []
    for batch in batches:
        put(quiet, series, *((START_MS + at, value) for at, value in batch))
        quiet.keep_up()
        found.append(wrong(quiet, series))

    assert [[]] * len(batches) == found


def test_the_widest_aligned_clean_width_is_offered(quiet: Store) -> None:
    """
    A grid is offered the widest buckets that its edges fall on, up to where they are complete.
    """
    series, start = fresh(), TODAY_MS - DAY_MS
    put(quiet, series, (start + 1, 1.0), (start + 5 * HOUR_MS, 2.0))
    before = quiet.rolled(start + HOUR_MS, start + 2 * HOUR_MS, HOUR_MS, HOUR_MS)
    quiet.keep_up()
    far = TODAY_MS + 400 * DAY_MS

    hours = quiet.rolled(start + HOUR_MS, start + 2 * HOUR_MS + 1, HOUR_MS, HOUR_MS)
    minutes = quiet.rolled(start + HOUR_MS, start + 2 * HOUR_MS, MINUTE_MS, HOUR_MS)
    once = quiet.rolled(start, start, 0, DAY_MS)
    odd = quiet.rolled(start + 1, start + HOUR_MS, MINUTE_MS, HOUR_MS)
    beginning = quiet.rolled(start, far, DAY_MS, DAY_MS)

    assert before is None
    assert Rolled(HOUR_MS, start + 2 * HOUR_MS) == hours
    assert Rolled(MINUTE_MS, start + 2 * HOUR_MS) == minutes
    assert Rolled(DAY_MS, start) == once
    assert odd is None
    assert Rolled(DAY_MS, TODAY_MS) == beginning


def test_a_late_write_spoils_its_buckets_until_they_are_rolled_up_again(quiet: Store) -> None:
    """
    From the moment a late sample is written its buckets are not offered, until they have it.
    """
    series, start = fresh(), TODAY_MS - DAY_MS
    day = (TODAY_MS, TODAY_MS, 0, DAY_MS)
    steps = (start + HOUR_MS, start + 5 * HOUR_MS, HOUR_MS, HOUR_MS)
    put(quiet, series, (start + 1, 1.0))
    quiet.keep_up()

    put(quiet, series, (start + 3 * HOUR_MS + 1, 1.0))
    spoiled = quiet.rolled(*day), quiet.rolled(*steps)
    quiet.keep_up()

    assert (None, Rolled(HOUR_MS, start + 3 * HOUR_MS)) == spoiled
    assert Rolled(DAY_MS, TODAY_MS) == quiet.rolled(*day)
    assert Rolled(HOUR_MS, start + 5 * HOUR_MS) == quiet.rolled(*steps)
    assert [] == wrong(quiet, series)


@pytest.mark.parametrize("beside", [(), (1,)], ids=["alone", "beside a newer one"])
def test_a_late_sample_at_the_very_end_of_what_was_rolled_up_spoils_it(
    quiet: Store, beside: tuple[int, ...]
) -> None:
    """
    The end of the last bucket belongs to it.
    """
    series, progress = fresh(), quiet._upkeep.progress if quiet._upkeep else None
    assert progress is not None
    put(quiet, series, (TODAY_MS - DAY_MS + 1, 1.0))
    quiet.keep_up()
    until = progress.until_ms

    put(quiet, series, (until, 1.0), *((until + later, 1.0) for later in beside))
    spoiled = quiet.rolled(until, until, 0, 5 * MINUTE_MS)
    quiet.keep_up()

    assert spoiled is None
    assert Rolled(5 * MINUTE_MS, until) == quiet.rolled(until, until, 0, 5 * MINUTE_MS)
    assert 1 == rolled.stored(quiet, series, 5 * MINUTE_MS)[until]["count"]
