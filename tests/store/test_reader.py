"""This module checks that reading stays whole while retention takes series away."""

import time
from contextlib import ExitStack
from pathlib import Path

from otel_confidence.points import Batch, Exemplar, Matcher, Sample, Samples, Selection, Series
from otel_confidence.store import Store
from otel_confidence.store.catalog import Catalog
from otel_confidence.store.reader import Reader, recall

NOW_MS = int(time.time() * 1000)
ALL = [Matcher("__name__", "=~", ".+")]


def filled(store: Store, count: int) -> list[Series]:
    """Series with one sample each, of which the store's reader remembers nothing."""
    series = [Series((("__name__", "m"), ("i", f"{i:05}"))) for i in range(count)]
    link = (("trace_id", "a"),)
    store.write(
        Batch(
            samples=Samples.of(Sample(each, NOW_MS, 1.0) for each in series),
            exemplars=[Exemplar(each, NOW_MS, 1.0, link) for each in series[:2]],
        )
    )
    store._reader = Reader(store._pool, Catalog())
    return series


def test_a_series_that_retention_takes_between_two_queries_is_left_out(tmp_path: Path) -> None:
    """
    Samples whose series went between reading them and reading their labels are gone as well.
    """
    store = Store.open(tmp_path / "data")
    gone, left = filled(store, 2)

    class Taken(Reader):
        def _selections(self, client: object, found: object) -> list[Selection]:
            # What retention does at the worst moment: the samples are read, their labels not yet.
            store._writing.command(
                f"ALTER TABLE series DELETE WHERE fingerprint = {gone.fingerprint} "
                "SETTINGS mutations_sync = 1"
            )
            return super()._selections(client, found)  # type: ignore[arg-type]  # passed on

    found = Taken(store._pool, Catalog()).select(ALL, NOW_MS - 1, NOW_MS, 10)
    exemplars = store.exemplars(ALL, NOW_MS - 1, NOW_MS)
    store.close()

    assert [left.labels] == [each.labels for each in found]
    assert [left.labels] == [each.series.labels for each in exemplars]


def test_more_series_than_one_parameter_holds_are_found(store: Store) -> None:
    """
    The labels of any number of series are read, however few one query can ask for.
    """
    series = filled(store, 11_000)

    found = store.select(ALL, NOW_MS - 1, NOW_MS)
    with store._pool.lend() as client:
        recalled = recall(client, [each.fingerprint for each in series], Catalog())

    assert {each.labels for each in series} == {each.labels for each in found}
    assert 11_000 == sum(each.values.tolist() == [1.0] for each in found)
    assert {each.fingerprint: each.labels for each in series} == recalled


def test_what_is_known_of_series_waits_for_no_samples(tmp_path: Path) -> None:
    """
    Series, labels and metadata are listed while queries have every connection that reads samples.
    """
    store = Store.open(tmp_path / "data", upkeep_s=3600)
    series = Series((("__name__", "m"), ("i", "0")))
    store.write(Batch(samples=Samples.of([Sample(series, NOW_MS, 1.0)])))

    with ExitStack() as lent:
        for _ in range(store._pool._size):
            lent.enter_context(store._pool.lend())
        found = store.series([], NOW_MS, NOW_MS)
        names = store.label_names([], NOW_MS, NOW_MS)
        values = store.label_values("i", [], NOW_MS, NOW_MS), store.metadata()
    store.close()

    assert [series.labels] == found
    assert (["__name__", "i"], (["0"], [])) == (names, values)
