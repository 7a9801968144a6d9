"""This module checks that OTLP metrics become the series Prometheus's own receiver makes."""

import struct
import time
from typing import Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.metrics.v1 import metrics_pb2 as otlp

from otel_confidence.ingest import otlp as messages
from otel_confidence.ingest import otlp_shallow
from otel_confidence.ingest.limits import Limits
from otel_confidence.ingest.pipeline import Pipeline
from otel_confidence.points import Batch, Exemplar, Metadata, Series

NOW_NS = time.time_ns()
NOW_MS = NOW_NS // 1_000_000
CUMULATIVE = otlp.AGGREGATION_TEMPORALITY_CUMULATIVE


def attribute(key: str, value: str | float | bool) -> KeyValue:
    if isinstance(value, bool):
        return KeyValue(key=key, value=AnyValue(bool_value=value))
    if isinstance(value, int):
        return KeyValue(key=key, value=AnyValue(int_value=value))
    if isinstance(value, float):
        return KeyValue(key=key, value=AnyValue(double_value=value))
    return KeyValue(key=key, value=AnyValue(string_value=value))


def request(*metrics: otlp.Metric, **resource: str) -> ExportMetricsServiceRequest:
    message = ExportMetricsServiceRequest()
    one = message.resource_metrics.add()
    named = {key.replace("__", "."): value for key, value in resource.items()}
    one.resource.attributes.extend(attribute(key, value) for key, value in named.items())
    one.scope_metrics.add().metrics.extend(metrics)
    return message


def gauge(*points: otlp.NumberDataPoint, name: str = "g", unit: str = "") -> otlp.Metric:
    return otlp.Metric(name=name, unit=unit, gauge=otlp.Gauge(data_points=points))


def point(value: float = 1.0, *attributes: KeyValue, **more: Any) -> otlp.NumberDataPoint:
    more.setdefault("time_unix_nano", NOW_NS)
    return otlp.NumberDataPoint(as_double=value, attributes=attributes, **more)


def series(**labels: str) -> Series:
    named = {("__name__" if key == "name" else key): value for key, value in labels.items()}
    return Series(tuple(sorted(named.items())))


def values(batch: Batch) -> dict[Series, float]:
    return {sample.series: sample.value for sample in batch.samples}


def test_a_gauge_has_the_labels_of_its_resource_and_its_own(
    pipeline: Pipeline, batches: list[Batch]
) -> None:
    """
    Job and instance come from the service, promoted attributes are labels, all is on target_info.
    """
    message = request(
        gauge(point(0.5, attribute("ml.model.name", "m")), name="queue.size", unit="By"),
        service__name="s", service__namespace="n", service__instance__id="i",
        service__version="1", os__type="linux",
    )  # fmt: skip

    refusals = pipeline.accept(messages.METRICS, message)

    named = {
        "job": "n/s", "instance": "i", "service_name": "s", "service_namespace": "n",
        "service_instance_id": "i", "service_version": "1",
    }  # fmt: skip
    assert 0 == refusals.total
    assert {
        series(name="queue_size_bytes", ml_model_name="m", **named): 0.5,
        series(name="target_info", os_type="linux", **named): 1.0,
    } == values(batches[0])
    assert Metadata("queue_size_bytes", "gauge", "bytes", "") in batches[0].metadata


def test_a_resource_that_only_identifies_has_no_target_info(
    pipeline: Pipeline, batches: list[Batch]
) -> None:
    """
    Where target_info would say nothing new it is not written; nor without job and instance.
    """
    pipeline.accept(messages.METRICS, request(gauge(point()), service__name="s"))
    pipeline.accept(messages.METRICS, request(gauge(point()), os__type="linux"))

    assert {series(name="g", job="s", service_name="s")} == set(values(batches[0]))
    assert {series(name="g")} == set(values(batches[1]))


def test_a_histogram_comes_apart_into_cumulative_buckets(
    pipeline: Pipeline, batches: list[Batch]
) -> None:
    """
    Buckets add up, bounds are written without exponents, and exemplars lie in their buckets.
    """
    exemplar = otlp.Exemplar(
        as_double=0.5, time_unix_nano=NOW_NS, trace_id=b"t" * 16, span_id=b"s" * 8
    )
    data = otlp.HistogramDataPoint(
        time_unix_nano=NOW_NS, count=6, sum=3.5, bucket_counts=[1, 2, 3],
        explicit_bounds=[0.00001, 0.5], exemplars=[exemplar],
    )  # fmt: skip
    histogram = otlp.Histogram(data_points=[data], aggregation_temporality=CUMULATIVE)
    message = request(otlp.Metric(name="h", unit="s", histogram=histogram))

    pipeline.accept(messages.METRICS, message)

    half = series(name="h_seconds_bucket", le="0.5")
    assert {
        series(name="h_seconds_sum"): 3.5,
        series(name="h_seconds_count"): 6.0,
        series(name="h_seconds_bucket", le="0.00001"): 1.0,
        half: 3.0,
        series(name="h_seconds_bucket", le="+Inf"): 6.0,
    } == values(batches[0])
    labels = (("span_id", "73" * 8), ("trace_id", "74" * 16))
    assert [Exemplar(half, NOW_MS, 0.5, labels)] == batches[0].exemplars


def test_a_histogram_without_a_sum_has_none(pipeline: Pipeline, batches: list[Batch]) -> None:
    """
    A missing sum is left out instead of being zero.
    """
    data = otlp.HistogramDataPoint(time_unix_nano=NOW_NS, count=2)
    histogram = otlp.Histogram(data_points=[data], aggregation_temporality=CUMULATIVE)

    pipeline.accept(messages.METRICS, request(otlp.Metric(name="h", histogram=histogram)))

    assert {series(name="h_count"): 2.0, series(name="h_bucket", le="+Inf"): 2.0} == values(
        batches[0]
    )


def test_sums_are_counters_or_gauges(pipeline: Pipeline, batches: list[Batch]) -> None:
    """
    A sum that only rises is a counter with _total, any other a gauge without.
    """
    rising = otlp.Sum(data_points=[point(2)], aggregation_temporality=CUMULATIVE, is_monotonic=True)
    moving = otlp.Sum(data_points=[point(-3)], aggregation_temporality=CUMULATIVE)
    message = request(otlp.Metric(name="up", sum=rising), otlp.Metric(name="move", sum=moving))

    pipeline.accept(messages.METRICS, message)

    assert {series(name="up_total"): 2.0, series(name="move"): -3.0} == values(batches[0])
    assert ["counter", "gauge"] == [each.type for each in batches[0].metadata]


def test_what_counts_carries_its_start(pipeline: Pipeline, batches: list[Batch]) -> None:
    """
    Counters and histograms are told with the moment they count from; gauges have none.
    """
    sums = [
        otlp.Metric(
            name="c",
            sum=otlp.Sum(
                data_points=[point(start_time_unix_nano=start)],
                aggregation_temporality=CUMULATIVE,
                is_monotonic=True,
            ),
        )
        for start in (NOW_NS - 9, NOW_NS + 9)
    ]
    bars = histogram(start_time_unix_nano=NOW_NS - 5, bucket_counts=[1], count=1, sum=4.0)

    pipeline.accept(
        messages.METRICS, request(*sums, bars, gauge(point(start_time_unix_nano=NOW_NS - 5)))
    )

    names = {each: found.name for each, found in batches[0].samples.series.items()}
    told = [([names[each] for each in group], start) for group, start in batches[0].starts]
    assert [(["c_total"], NOW_NS - 9), (["h_sum", "h_count", "h_bucket"], NOW_NS - 5)] == told


def test_a_summary_has_a_series_for_each_quantile(pipeline: Pipeline, batches: list[Batch]) -> None:
    """
    Quantiles are labels of the plain name, beside sum and count.
    """
    quantile = otlp.SummaryDataPoint.ValueAtQuantile(quantile=0.99, value=7)
    data = otlp.SummaryDataPoint(time_unix_nano=NOW_NS, count=2, sum=9, quantile_values=[quantile])
    message = request(otlp.Metric(name="s", summary=otlp.Summary(data_points=[data])))

    pipeline.accept(messages.METRICS, message)

    assert {
        series(name="s_sum"): 9.0,
        series(name="s_count"): 2.0,
        series(name="s", quantile="0.99"): 7.0,
    } == values(batches[0])  # fmt: skip


def test_no_recorded_value_is_a_staleness_marker(pipeline: Pipeline, batches: list[Batch]) -> None:
    """
    A point flagged as without value ends its series, with Prometheus's very bits.
    """
    pipeline.accept(messages.METRICS, request(gauge(point(1.0, flags=1))))

    [value] = values(batches[0]).values()
    assert 0x7FF0000000000002 == struct.unpack("<Q", struct.pack("<d", value))[0]


def test_labels_follow_prometheus(pipeline: Pipeline, batches: list[Batch]) -> None:
    """
    Colliding labels are joined, empty ones vanish, a point's own win over all but job's.
    """
    own = [
        attribute("a.b", "2"), attribute("a_b", "3"), attribute("a-b", "1"),
        attribute("empty", ""),
        attribute("yes", True), attribute("whole", 2.0), attribute("real", 0.1),
        attribute("service.version", "own"), attribute("job", "own"),
    ]  # fmt: skip
    message = request(gauge(point(1.0, *own)), service__name="s", service__version="resource")

    pipeline.accept(messages.METRICS, message)

    assert {
        series(
            name="g", a_b="1;2;3", yes="true", whole="2", real="0.1", service_version="own",
            service_name="s", job="s",
        ),
        series(name="target_info", job="s", service_name="s", service_version="resource"),
    } == set(values(batches[0]))  # fmt: skip


def histogram(**fields: Any) -> otlp.Metric:
    data = otlp.HistogramDataPoint(time_unix_nano=NOW_NS, **fields)
    kept = otlp.Histogram(data_points=[data], aggregation_temporality=CUMULATIVE)
    return otlp.Metric(name="h", histogram=kept)


@pytest.mark.parametrize(
    ("metric", "reason"),
    [
        pytest.param(
            otlp.Metric(name="u", sum=otlp.Sum(data_points=[point()])),
            "unspecified_temporality",
            id="no temporality",
        ),
        pytest.param(
            otlp.Metric(
                name="e",
                exponential_histogram=otlp.ExponentialHistogram(
                    data_points=[otlp.ExponentialHistogramDataPoint()]
                ),
            ),
            "exponential_histogram",
            id="exponential",
        ),
        pytest.param(gauge(point(), name="字"), "invalid_name", id="no legal name"),
        pytest.param(
            gauge(point(1.0, attribute("ようこそ", "x"))), "invalid_attribute", id="no legal label"
        ),
        pytest.param(gauge(otlp.NumberDataPoint(time_unix_nano=NOW_NS)), "no_value", id="no value"),
        pytest.param(gauge(point(time_unix_nano=0)), "too_old", id="no time"),
        pytest.param(
            gauge(point(time_unix_nano=NOW_NS + 3600 * 10**9)), "in_the_future", id="future"
        ),
        pytest.param(gauge(point(time_unix_nano=2**64 - 1)), "in_the_future", id="far future"),
        pytest.param(
            gauge(point(1.0, attribute("x", "y" * 5000))), "label_value_too_long", id="long label"
        ),
        pytest.param(
            gauge(point(1.0, *(attribute(f"x{i}", "y") for i in range(70)))),
            "too_many_labels",
            id="many labels",
        ),
        pytest.param(
            histogram(bucket_counts=[1, 2], explicit_bounds=[1, 2]),
            "malformed_histogram",
            id="too few buckets",
        ),
        pytest.param(
            histogram(bucket_counts=[1, 2, 3], explicit_bounds=[2, 1]),
            "malformed_histogram",
            id="falling bounds",
        ),
        pytest.param(histogram(explicit_bounds=[1, 2]), "malformed_histogram", id="no buckets"),
    ],
)
def test_what_cannot_be_kept_is_refused_and_counted_alone(
    pipeline: Pipeline, batches: list[Batch], metric: otlp.Metric, reason: str
) -> None:
    """
    One point that is refused is named and counted; the others of its request are kept.
    """
    refusals = pipeline.accept(messages.METRICS, request(gauge(point(), name="good"), metric))
    answer = messages.response(messages.METRICS, refusals)
    kept, lost = pipeline.ledger.snapshot()

    assert {series(name="good"): 1.0} == values(batches[0])
    assert {reason: 1} == dict(refusals.counts)
    assert 1 == answer.partial_success.rejected_data_points  # type: ignore[attr-defined]
    assert reason in answer.partial_success.error_message  # type: ignore[attr-defined]
    assert ({"metric": 1}, {("metric", reason): 1}) == (dict(kept), dict(lost))


def test_a_resource_whose_attributes_are_too_long_loses_its_points_only(
    pipeline: Pipeline, batches: list[Batch]
) -> None:
    """
    Every point of such a resource is counted as refused; other resources are kept.
    """
    message = request(gauge(point(), point(time_unix_nano=NOW_NS - 1)), service__name="x" * 5000)
    message.MergeFrom(request(gauge(point()), service__name="good"))

    refusals = pipeline.accept(messages.METRICS, message)

    assert 2 == refusals.total
    assert ["good"] == [dict(each.labels)["job"] for each in values(batches[0])]


def test_a_request_has_a_most_of_points(batches: list[Batch]) -> None:
    """
    Points beyond the limit of a request are refused, not taken silently.
    """
    pipeline = Pipeline(batches.append, limits=Limits(points=3))
    many = [point(time_unix_nano=NOW_NS + i * 1_000_000) for i in range(5)]

    refusals = pipeline.accept(messages.METRICS, request(gauge(*many)))

    assert {"too_many_points": 2} == dict(refusals.counts)
    assert 3 == len(batches[0].samples)


def test_target_info_stays_bounded_however_far_apart_points_lie(
    pipeline: Pipeline, batches: list[Batch]
) -> None:
    """
    Points days apart bring a bounded number of target_info samples.
    """
    old = point(time_unix_nano=NOW_NS - 10 * 86_400 * 10**9)
    message = request(gauge(old, point()), service__name="s", os__type="linux")

    pipeline.accept(messages.METRICS, message)

    assert 27 == len(batches[0].samples)


def test_an_attribute_that_is_none_costs_its_point_alone(
    pipeline: Pipeline, batches: list[Batch]
) -> None:
    """
    Bytes that are no attribute, or no UTF-8, are found where they stand.
    """
    message = otlp_shallow.request().FromString(
        request(gauge(point(1.0), point(2.0), point(3.0))).SerializeToString()
    )
    points = message.resource_metrics[0].scope_metrics[0].metrics[0].gauge.data_points
    points[0].attributes.append(b"\xff")
    points[1].attributes.append(b"\x0a\x01\xff")

    refusals = pipeline.accept(messages.METRICS, message)

    assert {"invalid_attribute": 2} == dict(refusals.counts)
    assert [3.0] == list(values(batches[0]).values())
