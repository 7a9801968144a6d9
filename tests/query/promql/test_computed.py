"""
This module tests that what the store computes is what the engine makes of the samples.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from tests.query.differential.comparison import Question, compare
from tests.query.differential.dataset import LENGTH_S, START_S, batch, recorded
from tests.query.promql.series import STALE, Memory

from otel_confidence.errors import QueryError
from otel_confidence.points import Batch, Matcher, Sample, Samples, Series
from otel_confidence.query.answers import Metrics
from otel_confidence.query.promql import Engine, rolled
from otel_confidence.store import Store
from otel_confidence.store.buckets import Buckets
from otel_confidence.store.grids import NEWEST, Steps
from otel_confidence.store.listening import listening
from otel_confidence.store.progress import Rolled

FUNCTIONS = (
    "avg_over_time", "changes", "count_over_time", "delta", "idelta", "increase", "irate",
    "last_over_time", "max_over_time", "min_over_time", "present_over_time", "rate", "resets",
    "sum_over_time",
)  # fmt: skip
SELECTORS = ("c_total", "odd", '{__name__=~"level|single|brief|g"}')
RANGES = (
    ("c_total", "5m", ""), ("c_total", "10m", ""), ("odd", "10m", ""),
    (SELECTORS[2], "16001ms", " offset 33s"),
)  # fmt: skip
GRIDS = {
    "fine": (START_S - 100, START_S + LENGTH_S + 400, 17.003),
    "wide apart": (START_S + 50, START_S + LENGTH_S, 611.0),
    "rolled up": (START_S + 100, START_S + LENGTH_S, 300.0),
    "rolled up, at one time": (START_S + 1300, START_S + 1300, 1.0),
    "at one time": (START_S + 1200, START_S + 1200, 1.0),
}
_SAMPLES = Engine(Memory.of(recorded()))
_AT_MS = START_S * 1_000
ODD = {
    "large": (1e308, -1e308),
    "negative": (1.0, -2.0),
    "infinite": (1.0, np.inf),
    "unknown": (1.0, np.nan),
    "ended": (7.0, float(STALE)),
}


@pytest.fixture(name="store", scope="module", params=[0, 1 << 28], ids=["engine", "memory"])
def _store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    folder = tmp_path_factory.mktemp("store")
    store = Store.open(folder, retention_days=10_000, memory_size=request.param)
    store.write(batch(recorded()))
    for name, values in ODD.items():
        store.write(_written(name, values))
    store.keep_up()
    yield store
    store.close()


@pytest.fixture(name="both")
def _both(store: Store) -> tuple[Metrics, Metrics]:
    return Engine(store), _SAMPLES


@pytest.mark.parametrize("grid", sorted(GRIDS))
@pytest.mark.parametrize("function", FUNCTIONS)
def test_functions_of_ranges_agree_with_what_samples_give(
    function: str, grid: str, both: tuple[Metrics, Metrics]
) -> None:
    """
    Gaps, resets, staleness, odd values, offsets and edges of windows make no difference.
    """
    asked = [
        Question(f"{function}({selector}[{window}]{shift})", *GRIDS[grid])
        for selector, window, shift in RANGES
    ]

    verdicts = [(each, compare(each, *both)) for each in asked]

    assert [] == [each for each in verdicts if each[1].outcome == "different"]


@pytest.mark.parametrize("grid", sorted(GRIDS))
@pytest.mark.parametrize("selector", [*SELECTORS, "c_total offset -3m", "g @ 1790001000"])
def test_instant_selectors_agree_with_what_samples_give(
    selector: str, grid: str, both: tuple[Metrics, Metrics]
) -> None:
    """
    A staleness marker ends a series at once, a missing sample after the look-back.
    """
    verdict = compare(Question(selector, *GRIDS[grid]), *both)

    assert "" == verdict.reason


def test_roll_ups_are_read_where_windows_fit_them(store: Store) -> None:
    """
    What a day's dashboard asks for comes from buckets, not from samples.
    """
    at_ms = (START_S + 1300) * 1000
    steps = Steps(at_ms, 300_000, 4, 600_000)

    found = store.rolled(steps.start_ms, steps.end_ms, steps.step_ms, steps.window_ms)
    buckets = store.buckets(("count",), _named("level"), steps, 300_000)

    assert Rolled(300_000, steps.end_ms) == found
    assert buckets is not None
    assert [20.0] * 20 == buckets.columns["count"].tolist()


def test_what_an_expression_repeats_is_computed_once(store: Store) -> None:
    """
    One statement answers the same range wherever it stands.
    """
    repeated = "rate(c_total[5m]) / (rate(c_total[5m]) + rate(c_total[5m]))"

    with listening() as statements:
        Engine(store).query(repeated, at=START_S + 1200)

    assert 1 == len(statements)


@pytest.mark.parametrize(
    ("sums", "least", "means"),
    [
        ([4.0, 2.0], [1.0, 1.0], [1.5]),
        ([4.0, 2.0], [-0.1, 1.0], [1.5]),
        ([4.0, -3.99], [1.0, -5.0], None),
        ([np.inf, 2.0], [1.0, 1.0], None),
    ],
    ids=["none negative", "few negative", "nearly all lost", "infinite"],
)
def test_sums_of_buckets_are_added_where_no_digits_are_lost(
    sums: list[float], least: list[float], means: list[float] | None
) -> None:
    """
    Where what is negative takes nearly everything away, the order of adding would show.
    """
    ends = np.array([60_000, 120_000], dtype=np.int64)
    columns = {"count": np.full(2, 2.0), "sum": np.array(sums), "min": np.array(least)}
    buckets = Buckets([(("a", "b"),)], np.array([0, 2]), ends, columns)

    frame = rolled.computed("avg_over_time", buckets, Steps(120_000, 1, 1, 120_000), lambda: None)

    assert means == (None if frame is None else frame.values[0].tolist())


@pytest.mark.parametrize("name", ["negative", "infinite", "unknown"])
def test_values_whose_sum_depends_on_the_order_are_left_to_the_reader(
    name: str, store: Store
) -> None:
    """
    The store computes no sum where digits can be lost.
    """
    assert store.grid("sum_over_time", _named(name), Steps(_AT_MS + 3_000, 1, 1, 3_000)) is None


@pytest.mark.parametrize("function", ["delta", "idelta", "increase", "irate", "rate"])
def test_differences_that_may_be_no_numbers_are_left_to_the_reader(
    function: str, store: Store
) -> None:
    """
    The store computes no growth where what is added on the way can exceed the largest number.
    """
    assert store.grid(function, _named("large"), Steps(_AT_MS + 3_000, 1, 1, 3_000)) is None


@pytest.mark.parametrize(
    ("falls", "grown"), [(1.0, [4.0]), (1e308, None)], ids=["a number", "beyond numbers"]
)
def test_growth_of_buckets_is_told_where_it_is_a_number(
    falls: float, grown: list[float] | None
) -> None:
    """
    What falls took away is added in the order of the samples, which sums of buckets do not know.
    """
    ends = np.array([60_000, 120_000], dtype=np.int64)
    columns = {
        "count": np.full(2, 2.0), "first": np.array([1.0, 3.0]), "last": np.array([2.0, 3.0]),
        "first_time": np.array([1.0, 60_001.0]), "last_time": np.array([60_000.0, 120_000.0]),
        "correction": np.full(2, falls),
    }  # fmt: skip
    buckets = Buckets([(("a", "b"),)], np.array([0, 2]), ends, columns)

    with np.errstate(over="ignore"):
        frame = rolled.computed("increase", buckets, Steps(120_000, 1, 1, 120_000), lambda: None)

    assert grown == (None if frame is None else frame.values[0].round(3).tolist())


@pytest.mark.parametrize("expr", ["nobody", "rate(nobody[5m])", "nobody or g"])
def test_memory_that_finds_nothing_is_believed(
    store: Store, request: pytest.FixtureRequest, expr: str
) -> None:
    """
    No series is an answer: the engine of the store is not asked as well.
    """
    asked: list[str] = []
    grid = store.grid

    def counted(function: str, *given: Any, **more: Any) -> Any:
        asked.append(function)
        return grid(function, *given, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "grid", counted)
        Engine(store).query(expr, at=START_S + 600)

    assert ("engine" in request.node.callspec.id) == bool(asked)


def test_markers_are_seen_by_instant_selectors_alone(store: Store) -> None:
    """
    To functions of ranges a staleness marker is no sample.
    """
    steps = Steps(_AT_MS + 3_000, 1, 1, 3_000)

    newest = store.grid(NEWEST, _named("ended"), steps)
    last = store.grid("last_over_time", _named("ended"), steps)

    assert newest is not None
    assert last is not None
    assert [0x7FF0000000000002] == newest.values[0].view(np.uint64).tolist()
    assert [7.0] == last.values[0].tolist()


def test_times_beyond_the_calendar_of_the_engine_are_left_to_the_reader(store: Store) -> None:
    """
    A window that begins before the epoch is not asked of the store.
    """
    assert store.grid("rate", _named("negative"), Steps(3_000, 1, 1, 4_000)) is None


def test_more_values_than_allowed_are_refused(store: Store) -> None:
    """
    A query that would yield too much ends before it is held.
    """
    with pytest.raises(QueryError, match="more than 10") as caught:
        store.grid(
            "rate",
            _named("c_total"),
            Steps(START_S * 1000 + 600_000, 1_000, 2, 300_000),
            max_cells=10,
        )

    assert 422 == caught.value.status


def _named(name: str) -> list[Matcher]:
    return [Matcher("__name__", "=", name)]


def _written(name: str, values: tuple[float, float]) -> Batch:
    series = Series((("__name__", name),))
    return Batch(
        samples=Samples.of(
            Sample(series, _AT_MS + 1_000 * (1 + i), v) for i, v in enumerate(values)
        )
    )
