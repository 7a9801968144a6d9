"""This module checks that deltas add up to what a cumulative counter would have said."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.metrics.v1 import metrics_pb2 as otlp

from otel_confidence.errors import QueryError, StoreError
from otel_confidence.ingest import otlp as messages
from otel_confidence.ingest.deltas import Deltas
from otel_confidence.ingest.limits import Refused
from otel_confidence.ingest.pipeline import Pipeline
from otel_confidence.points import Batch, Matcher
from otel_confidence.store import Store

DELTA = otlp.AGGREGATION_TEMPORALITY_DELTA
NOW_MS = time.time_ns() // 1_000_000 - 60_000
Found = dict[str, list[tuple[int, float]]]


def request(*metrics: otlp.Metric) -> ExportMetricsServiceRequest:
    message = ExportMetricsServiceRequest()
    message.resource_metrics.add().scope_metrics.add().metrics.extend(metrics)
    return message


def counter(*points: tuple[int, float], start: int = 0, rises: bool = True) -> otlp.Metric:
    """Deltas of one stream: offsets from a moment in milliseconds, and values."""
    metric = otlp.Metric(name="c")
    metric.sum.aggregation_temporality, metric.sum.is_monotonic = DELTA, rises
    for offset_ms, value in points:
        metric.sum.data_points.add(
            time_unix_nano=(NOW_MS + offset_ms) * 1_000_000,
            start_time_unix_nano=(NOW_MS + start) * 1_000_000 if start else 0,
            as_double=value,
        )
    return metric


def histogram(offset_ms: int, counts: list[int], bounds: list[float], total: float) -> otlp.Metric:
    metric = otlp.Metric(name="h")
    metric.histogram.aggregation_temporality = DELTA
    metric.histogram.data_points.add(
        time_unix_nano=(NOW_MS + offset_ms) * 1_000_000,
        count=sum(counts),
        sum=total,
        bucket_counts=counts,
        explicit_bounds=bounds,
    )
    return metric


def found(batches: Sequence[Batch]) -> Found:
    """Offsets and values of what was kept, by the series' names and edges."""
    kept: Found = {}
    for sample in (each for batch in batches for each in batch.samples):
        name = "/".join(value for _, value in sample.series.labels)
        kept.setdefault(name, []).append((sample.time_ms - NOW_MS, sample.value))
    return kept


def test_a_counter_is_the_sum_of_its_deltas(pipeline: Pipeline, batches: list[Batch]) -> None:
    """
    Within a request and over several, with gaps, each sample is the total so far.
    """
    pipeline.accept(messages.METRICS, request(counter((1, 2.0), (2, 0.5))))
    refusals = pipeline.accept(messages.METRICS, request(counter((5_000, 1.0), start=4_000)))

    assert 0 == refusals.total
    assert {"c_total": [(1, 2.0), (2, 2.5), (5_000, 3.5)]} == found(batches)
    assert "counter" == batches[0].metadata[0].type


def test_what_goes_up_and_down_does_so(pipeline: Pipeline, batches: list[Batch]) -> None:
    """
    A sum that is not monotonic is a gauge whose deltas may be negative.
    """
    pipeline.accept(messages.METRICS, request(counter((1, 2.0), (2, -5.0), rises=False)))

    assert {"c": [(1, 2.0), (2, -3.0)]} == found(batches)


def test_random_deltas_add_up_as_numpy_adds_them(pipeline: Pipeline, batches: list[Batch]) -> None:
    """
    However a stream is cut into requests, its samples are the cumulative sum.
    """
    generator = np.random.default_rng(3)
    values = generator.exponential(size=200)
    points = list(enumerate(values.tolist(), start=1))

    for part in np.array_split(np.arange(200), 17):
        chosen = [points[place] for place in part]
        pipeline.accept(messages.METRICS, request(counter(*chosen)))

    kept = [value for _, value in found(batches)["c_total"]]
    np.testing.assert_allclose(kept, np.cumsum(values), rtol=1e-12)


def test_a_histogram_adds_up_bucket_by_bucket(pipeline: Pipeline, batches: list[Batch]) -> None:
    """
    Buckets, sum and count are totals; where the bounds change, what both have goes on.
    """
    pipeline.accept(messages.METRICS, request(histogram(1, [1, 2, 3], [0.5, 1.0], 4.0)))
    pipeline.accept(messages.METRICS, request(histogram(2, [1, 0, 1], [0.5, 1.0], 2.0)))
    pipeline.accept(messages.METRICS, request(histogram(3, [0, 5], [1.0], 1.5)))

    assert {
        "h_bucket/0.5": [(1, 1.0), (2, 2.0)],
        "h_bucket/1": [(1, 3.0), (2, 4.0), (3, 4.0)],
        "h_bucket/+Inf": [(1, 6.0), (2, 8.0), (3, 13.0)],
        "h_sum": [(1, 4.0), (2, 6.0), (3, 7.5)],
        "h_count": [(1, 6.0), (2, 8.0), (3, 13.0)],
    } == found(batches)


@pytest.mark.parametrize(
    ("metric", "reason"),
    [
        pytest.param(counter((10, 1.0), start=5), "out_of_order", id="the same again"),
        pytest.param(counter((9, 1.0), start=5), "out_of_order", id="late"),
        pytest.param(counter((20, 1.0), start=4), "older_start", id="begun before its stream"),
        pytest.param(counter((20, -1.0), start=5), "negative_delta", id="falling counter"),
        pytest.param(counter((20, float("nan"))), "not_finite", id="not a number"),
        pytest.param(counter((20, float("inf"))), "not_finite", id="infinite"),
    ],
)
def test_what_cannot_be_added_is_refused_and_changes_nothing(
    pipeline: Pipeline, batches: list[Batch], metric: otlp.Metric, reason: str
) -> None:
    """
    It is counted by its reason, and the next point of the stream goes on from before.
    """
    pipeline.accept(messages.METRICS, request(counter((10, 3.0), start=5)))

    refusals = pipeline.accept(messages.METRICS, request(metric))
    pipeline.accept(messages.METRICS, request(counter((30, 1.0), start=15)))
    _, lost = pipeline.ledger.snapshot()

    assert {reason: 1} == dict(refusals.counts)
    assert {("metric", reason): 1} == dict(lost)
    assert {"c_total": [(10, 3.0), (30, 4.0)]} == found(batches)


def test_a_delta_without_a_value_is_a_staleness_marker(
    pipeline: Pipeline, batches: list[Batch]
) -> None:
    """
    The series ends there, and its total goes on when it comes back.
    """
    ended = counter((2, 0.0))
    ended.sum.data_points[0].flags = 1

    for metric in (counter((1, 2.0)), ended, counter((3, 1.0))):
        pipeline.accept(messages.METRICS, request(metric))

    kept = [value for _, value in found(batches)["c_total"]]
    assert [2.0, 3.0] == [value for value in kept if value == value]  # noqa: PLR0124  NaN is unequal
    assert 0x7FF0000000000002 == batches[1].samples.values.view("<u8")[0]


def test_totals_go_on_after_a_restart(tmp_path: Path) -> None:
    """
    A new server adds to what the store has, and knows which deltas it has already.
    """
    for offset_ms in (1, 2):
        store = Store.open(tmp_path)
        pipeline = Pipeline(store.write, ends=store.ends)
        pipeline.accept(messages.METRICS, request(counter((offset_ms, 2.0))))
        again = pipeline.accept(messages.METRICS, request(counter((offset_ms, 2.0))))
        pipeline.accept(messages.METRICS, request(histogram(offset_ms, [1, 1], [1.0], 0.5)))
        store.close()
    store = Store.open(tmp_path)
    selected = store.select([Matcher("__name__", "=~", ".+")], NOW_MS, NOW_MS + 9)
    store.close()

    values = {"/".join(value for _, value in each.labels): each.values for each in selected}
    assert {"out_of_order": 1} == dict(again.counts)
    assert {
        "c_total": [2.0, 4.0], "h_bucket/1": [1.0, 2.0], "h_bucket/+Inf": [2.0, 4.0],
        "h_sum": [0.5, 1.0], "h_count": [2.0, 4.0],
    } == {name: each.tolist() for name, each in values.items()}  # fmt: skip


def test_a_delta_older_than_its_stream_is_refused_after_a_restart(tmp_path: Path) -> None:
    """
    When a stream began is kept with its totals.
    """
    refused = []
    for offset_ms, start in ((10, 5), (20, 4), (30, 6)):
        store = Store.open(tmp_path)
        pipeline = Pipeline(store.write, ends=store.ends, starts=store.starts)
        metric = counter((offset_ms, 1.0), start=start)
        refused.append(dict(pipeline.accept(messages.METRICS, request(metric)).counts))
        store.close()

    assert [{}, {"older_start": 1}, {}] == refused


class Sink:
    """A sink that can fail before or after it has kept what it gets."""

    def __init__(self) -> None:
        self.kept: dict[int, tuple[int, float]] = {}
        self.fails = ""

    def __call__(self, batch: Batch) -> None:
        if self.fails == "before":
            raise StoreError("broken")
        for sample in batch.samples:
            self.kept[sample.series.fingerprint] = (sample.time_ms, sample.value)
        if self.fails == "after":
            raise StoreError("broken")

    def ends(self, fingerprints: Sequence[int]) -> Mapping[int, tuple[int, float]]:
        """What it kept last."""
        return {each: self.kept[each] for each in fingerprints if each in self.kept}


@pytest.mark.parametrize("when", ["before", "after"])
def test_what_is_told_again_after_a_failure_counts_once(when: str) -> None:
    """
    Whether the sink kept it or not, the total is right once the sender has told it again.
    """
    sink = Sink()
    pipeline = Pipeline(sink, ends=sink.ends)
    pipeline.accept(messages.METRICS, request(counter((1, 5.0))))
    sink.fails = when
    with pytest.raises(StoreError):
        pipeline.accept(messages.METRICS, request(counter((2, 2.0))))
    sink.fails = ""

    pipeline.accept(messages.METRICS, request(counter((2, 2.0))))

    assert [(NOW_MS + 2, 7.0)] == list(sink.kept.values())


def test_totals_that_cannot_be_read_are_the_stores_fault() -> None:
    """
    The sender is asked to come again, and the next request has its turn.
    """
    fails = [True, False]

    def ends(_: Sequence[int]) -> Mapping[int, tuple[int, float]]:
        if fails.pop(0):
            raise QueryError("too slow", kind="timeout", status=503)
        return {}

    pipeline = Pipeline(lambda _: None, ends=ends)

    with pytest.raises(StoreError, match="too slow"):
        pipeline.accept(messages.METRICS, request(counter((1, 5.0))))
    assert 0 == pipeline.accept(messages.METRICS, request(counter((1, 5.0)))).total


def test_totals_forgotten_are_read_back() -> None:
    """
    More series than are remembered cost look-ups, and no total.
    """
    kept: dict[int, tuple[int, float]] = {}
    looked_up: list[int] = []

    def ends(fingerprints: Sequence[int]) -> Mapping[int, tuple[int, float]]:
        looked_up.extend(fingerprints)
        return {each: kept[each] for each in fingerprints if each in kept}

    deltas = Deltas(ends, size=10)
    for time_ms in (1, 2, 3):
        for fingerprint in range(100):
            with deltas.folding() as folding:
                [value] = folding.fold([fingerprint], 0, time_ms, [1.0])
            kept[fingerprint] = (time_ms, value)

    assert [(3, 3.0)] * 100 == list(kept.values())
    assert len(looked_up) == 300


def test_streams_of_one_series_share_its_total() -> None:
    """
    A refusal within a request leaves what was added before it.
    """
    deltas = Deltas()

    with deltas.folding() as folding:
        assert [1.0] == folding.fold([7], 0, 1, [1.0])
        with pytest.raises(Refused):
            folding.fold([7], 0, 1, [1.0])
        assert [3.0] == folding.fold([7], 0, 2, [2.0])
