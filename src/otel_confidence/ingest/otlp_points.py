"""
This module takes one OTLP data point apart into values, and its attributes into series.

A histogram gives ``_sum`` (where it has one), ``_count``, and a cumulative ``_bucket`` for each
bound and for ``+Inf``; a summary gives ``_sum``, ``_count`` and one series for each quantile.
"""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Final

from opentelemetry.proto.metrics.v1 import metrics_pb2 as otlp

from otel_confidence import spelling
from otel_confidence.ingest.limits import Refused
from otel_confidence.ingest.resources import Origin, base_labels, series
from otel_confidence.ingest.values import positional, text
from otel_confidence.points import Exemplar, Labels, MetricType, Series

Point = otlp.NumberDataPoint | otlp.HistogramDataPoint | otlp.SummaryDataPoint
Key = tuple[bytes, str, tuple[bytes, ...], tuple[float, ...], bool]

_CUMULATIVE: Final = otlp.AGGREGATION_TEMPORALITY_CUMULATIVE
_DELTA: Final = otlp.AGGREGATION_TEMPORALITY_DELTA
_NS_PER_MS: Final = 1_000_000
_EXEMPLAR_RUNES: Final = 128
"""What an exemplar's labels may measure together (OpenMetrics)."""


def points(metric: otlp.Metric) -> Sequence[Point]:
    """
    The metric's data points; exponential ones too, for counting.
    """
    kind = metric.WhichOneof("data")
    return () if kind is None else getattr(metric, kind).data_points


def kind(metric: otlp.Metric) -> tuple[spelling.Kind, MetricType]:
    """
    How the metric is spelled, and the type that Prometheus knows it by.

    Raises:
        Refused: It is of a type or temporality that is not kept.
    """
    which = metric.WhichOneof("data")
    if which == "gauge":
        return "gauge", "gauge"
    if which == "summary":
        return "summary", "summary"
    if which == "sum":
        _check_temporality(metric.sum.aggregation_temporality)
        return ("counter", "counter") if metric.sum.is_monotonic else ("updown_counter", "gauge")
    if which == "histogram":
        _check_temporality(metric.histogram.aggregation_temporality)
        return "histogram", "histogram"
    if which == "exponential_histogram":
        raise Refused(
            "exponential_histogram",
            "exponential histograms are not kept; export explicit buckets",
        )
    raise Refused("no_data", "the metric has no data of a known type")


def key(point: Point, name: str, origin: Origin) -> Key:
    """
    What tells the point's series from all others.
    """
    attributes = tuple([pair.SerializeToString() for pair in point.attributes])
    if isinstance(point, otlp.NumberDataPoint):
        return origin.key, name, attributes, (), False
    if isinstance(point, otlp.HistogramDataPoint):
        bounds = tuple(point.explicit_bounds)
        return origin.key, name, attributes, bounds, point.HasField("sum")
    quantiles = tuple([each.quantile for each in point.quantile_values])
    return origin.key, name, attributes, quantiles, True


def series_of(point: Point, name: str, origin: Origin) -> list[Series]:
    """
    The point's series, in the order of its values.
    """
    base = base_labels(point.attributes, origin)
    if isinstance(point, otlp.NumberDataPoint):
        return [series(base, name)]
    ends = [series(base, f"{name}_sum"), series(base, f"{name}_count")]
    if isinstance(point, otlp.SummaryDataPoint):
        quantiles = [positional(each.quantile) for each in point.quantile_values]
        return [*ends, *(series(base, name, quantile=each) for each in quantiles)]
    edges = [*(positional(bound) for bound in point.explicit_bounds), "+Inf"]
    buckets = [series(base, f"{name}_bucket", le=edge) for edge in edges]
    return [*(ends if point.HasField("sum") else ends[1:]), *buckets]


def values(point: Point) -> list[float]:
    """
    The point's values.

    Raises:
        Refused: It has none, or its buckets don't fit its bounds.
    """
    if isinstance(point, otlp.NumberDataPoint):
        which = point.WhichOneof("value")
        if which is None and not point.flags:
            raise Refused("no_value", "the data point has no value")
        return [float(point.as_int if which == "as_int" else point.as_double)]
    if isinstance(point, otlp.SummaryDataPoint):
        quantiles = [each.value for each in point.quantile_values]
        return [point.sum, float(point.count), *quantiles]
    return _histogram(point)


def exemplars(point: Point, made: Sequence[Series], time_ms: int) -> list[Exemplar]:
    """
    The point's exemplars, each on the series of its bucket.
    """
    if isinstance(point, otlp.SummaryDataPoint):
        return []
    found = []
    for each in point.exemplars:
        which = each.WhichOneof("value")
        value = float(each.as_int if which == "as_int" else each.as_double)
        labels = _exemplar_labels(each)
        moment = each.time_unix_nano // _NS_PER_MS or time_ms
        if which is not None and labels:
            found.append(Exemplar(_place(point, value, made), moment, value, labels))
    return found


def _histogram(point: otlp.HistogramDataPoint) -> list[float]:
    counts, bounds = list(point.bucket_counts), list(point.explicit_bounds)
    if counts and len(counts) != len(bounds) + 1:
        raise Refused("malformed_histogram", f"{len(counts)} buckets for {len(bounds)} bounds")
    if any(low >= high for low, high in pairwise(bounds)):
        raise Refused("malformed_histogram", "the bounds do not rise")
    if bounds and not counts:
        raise Refused("malformed_histogram", f"no buckets for {len(bounds)} bounds")
    total = float(point.count)
    ends = [point.sum, total] if point.HasField("sum") else [total]
    return [*ends, *map(float, accumulate(counts[:-1])), total]


def _place(point: Point, value: float, made: Sequence[Series]) -> Series:
    if isinstance(point, otlp.HistogramDataPoint):
        bounds = list(point.explicit_bounds)
        return made[len(made) - len(bounds) - 1 + bisect_left(bounds, value)]
    return made[0]


def _exemplar_labels(exemplar: otlp.Exemplar) -> Labels:
    labels = {}
    if any(exemplar.trace_id):
        labels["trace_id"] = exemplar.trace_id.hex()
    if any(exemplar.span_id):
        labels["span_id"] = exemplar.span_id.hex()
    more = {pair.key: text(pair.value) for pair in exemplar.filtered_attributes}
    runes = sum(len(name) + len(value) for name, value in [*labels.items(), *more.items()])
    if runes <= _EXEMPLAR_RUNES:
        labels = {**more, **labels}
    return tuple(sorted((name, value) for name, value in labels.items() if value))


def _check_temporality(temporality: otlp.AggregationTemporality.ValueType) -> None:
    if temporality == _DELTA:
        raise Refused(
            "delta_temporality",
            "delta temporality is not kept; set "
            "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=cumulative, or put the Collector's "
            "delta_to_cumulative processor in front",
        )
    if temporality != _CUMULATIVE:
        raise Refused("unspecified_temporality", "the aggregation temporality is not given")
