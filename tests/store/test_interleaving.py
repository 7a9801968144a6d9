"""This module checks that what is written while roll-ups are made is in them or spoils them."""

from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
from clickhouse_connect.driver.client import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.store import rolled
from tests.store.days import DAY_MS, TODAY_MS, noon

from otel_confidence.points import Batch, Sample, Samples, Series
from otel_confidence.store import Store
from otel_confidence.store.progress import Progress
from otel_confidence.store.rollups import Roller

MINUTE_MS, HOUR_MS = 60_000, 3_600_000
START_MS = TODAY_MS - DAY_MS - HOUR_MS
"""An hour before a midnight, so that two days are written to."""
WHICH = Series((("__name__", "m"), ("job", "a")))
MOMENTS = st.one_of(
    st.integers(0, 3 * HOUR_MS),
    st.sampled_from([0, 1, 5 * MINUTE_MS, HOUR_MS - 1, HOUR_MS, HOUR_MS + 1, DAY_MS]),
)
BETWEEN = st.lists(st.lists(MOMENTS, max_size=2), min_size=1, max_size=12)


class Between:
    """A connection that has something done before and after each statement."""

    def __init__(self, client: Client, act: Callable[[], None]) -> None:
        self._client = client
        self._act = act

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        return self._around(found) if name in ("command", "raw_query") else found

    def _around(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def around(*args: Any, **kwargs: Any) -> Any:
            self._act()
            answer = method(*args, **kwargs)
            self._act()
            return answer

        return around


@pytest.fixture
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """An empty store that rolls up only when it is told to."""
    store = Store.open(tmp_path_factory.mktemp("data"), upkeep_s=3600, now=noon)
    yield store
    store.close()


def roll_up(store: Store, act: Callable[[], None], *, back_s: float = 0) -> None:
    """Roll up all that is due, with something done around each statement."""
    client = cast("Client", Between(_working(store), act))
    Roller(client, _progress(store), now=lambda: noon() - back_s).run()


def _working(store: Store) -> Client:
    assert store._upkeep is not None
    return store._upkeep._clients[1]


def _progress(store: Store) -> Progress:
    assert store._upkeep is not None
    return store._upkeep.progress


def put(store: Store, *moments: int) -> None:
    store.write(Batch(Samples.of(Sample(WHICH, START_MS + at, float(at)) for at in moments)))


def wrong(store: Store) -> list[str]:
    """What differs between the samples and the rows of buckets that are offered."""
    points = rolled.points_of(store, WHICH)
    return [
        f"{width} {difference}"
        for width in rolled.WIDTHS_MS
        for difference in rolled.differences(
            _offered(store, width, rolled.buckets(points, width)),
            _offered(store, width, rolled.stored(store, WHICH, width)),
        )
    ]


def _offered(store: Store, width: int, rows: dict[int, rolled.Row]) -> dict[int, rolled.Row]:
    return {end: row for end, row in rows.items() if store.rolled(end, end, 0, width) is not None}


def test_what_is_written_during_the_first_roll_up_is_in_it_or_spoils_it(quiet: Store) -> None:
    """
    A write between two statements of the very first round spoils its buckets until it is in them.
    """
    written = [3 * HOUR_MS]
    put(quiet, *written)

    def act() -> None:
        away_ms = len(written) * 2 * MINUTE_MS
        written.extend((written[0] - away_ms, written[0] + away_ms))
        put(quiet, *written[-2:])

    roll_up(quiet, act)
    first = wrong(quiet)
    quiet.keep_up()
    rows = rolled.stored(quiet, WHICH, 5 * MINUTE_MS)

    assert len(written) > 40
    assert [] == first
    assert [] == wrong(quiet)
    assert len(set(written)) == sum(row["count"] for row in rows.values())


@settings(
    max_examples=6,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(between=BETWEEN, back_s=st.sampled_from([0, 0, 7_200]))
def test_no_bucket_is_offered_that_lacks_an_acknowledged_sample(
    quiet: Store, between: list[list[int]], back_s: int
) -> None:
    """
    Whatever comes between the statements of a round, every bucket on offer is what samples give.
    """
    put(quiet, *between[0])
    waiting = iter(between[1:])

    roll_up(quiet, lambda: put(quiet, *next(waiting, [])), back_s=back_s)
    at_once = wrong(quiet)
    quiet.keep_up()

    assert [] == at_once
    assert [] == wrong(quiet)
    assert [] == _progress(quiet).dirty(0, _progress(quiet).until_ms)
