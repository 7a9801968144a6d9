"""
This module takes one OTLP data point apart into values, and its attributes into series.

A histogram gives ``_sum`` (where it has one), ``_count``, and a cumulative ``_bucket`` for each
bound and for ``+Inf``; a summary gives ``_sum``, ``_count`` and one series for each quantile.
Points are those of ``otlp_shallow``.
"""

from array import array
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from typing import Any, Final, Literal

from opentelemetry.proto.metrics.v1 import metrics_pb2 as otlp

from otel_confidence import spelling
from otel_confidence.ingest import otlp_shallow
from otel_confidence.ingest.limits import Refused
from otel_confidence.ingest.resources import series
from otel_confidence.ingest.values import positional, texts
from otel_confidence.points import Exemplar, Labels, MetricType, Series

Shape = Literal["number", "histogram", "summary"]
Read = tuple[bytes, Sequence[float]]
"""What points of one stream repeat beside their attributes, and the values of this one."""

_CUMULATIVE: Final = otlp.AGGREGATION_TEMPORALITY_CUMULATIVE
DELTA: Final = otlp.AGGREGATION_TEMPORALITY_DELTA
_NS_PER_MS: Final = 1_000_000
_EXEMPLAR_RUNES: Final = 128
"""What an exemplar's labels may measure together (OpenMetrics)."""


def points(metric: Any, which: str) -> Sequence[Any]:
    """
    The metric's data points; exponential ones too, for counting.
    """
    return getattr(metric, which).data_points if which else ()


def nature(metric: Any, which: str) -> tuple[int, bool]:
    """
    Temporality, and whether it only rises, as far as the metric has them.
    """
    if which == "sum":
        return metric.sum.aggregation_temporality, metric.sum.is_monotonic
    if which == "histogram":
        return metric.histogram.aggregation_temporality, True
    return 0, False


def kind(metric: Any, which: str) -> tuple[spelling.Kind, MetricType]:
    """
    How the metric is spelled, and the type that Prometheus knows it by.

    Raises:
        Refused: It is of a type or temporality that is not kept.
    """
    if which == "gauge":
        return "gauge", "gauge"
    if which == "summary":
        return "summary", "summary"
    if which == "exponential_histogram":
        raise Refused(
            "exponential_histogram",
            "exponential histograms are not kept; export explicit buckets",
        )
    if not which:
        raise Refused("no_data", "the metric has no data of a known type")
    temporality, rises = nature(metric, which)
    if temporality not in (_CUMULATIVE, DELTA):
        raise Refused("unspecified_temporality", "the aggregation temporality is not given")
    if which == "histogram":
        return "histogram", "histogram"
    return ("counter", "counter") if rises else ("updown_counter", "gauge")


def series_of(point: Any, shape: Shape, name: str, base: dict[str, str]) -> list[Series]:
    """
    The point's series, in the order of its values.
    """
    if shape == "number":
        return [series(base, name)]
    ends = [series(base, f"{name}_sum"), series(base, f"{name}_count")]
    if shape == "summary":
        quantiles = [positional(each.quantile) for each in point.quantile_values]
        return [*ends, *(series(base, name, quantile=each) for each in quantiles)]
    edges = [*(positional(bound) for bound in point.explicit_bounds), "+Inf"]
    buckets = [series(base, f"{name}_bucket", le=edge) for edge in edges]
    return [*(ends if point.HasField("sum") else ends[1:]), *buckets]


def _number(point: Any) -> Read:
    which = point.WhichOneof("value")
    if which is None and not point.flags:
        raise Refused("no_value", "the data point has no value")
    return b"", (point.as_int if which == "as_int" else point.as_double,)


def _histogram(point: Any) -> Read:
    counts, bounds = point.bucket_counts[:], point.explicit_bounds[:]
    if counts and len(counts) != len(bounds) + 1:
        raise Refused("malformed_histogram", f"{len(counts)} buckets for {len(bounds)} bounds")
    if bounds and not counts:
        raise Refused("malformed_histogram", f"no buckets for {len(bounds)} bounds")
    total = point.count
    if not point.HasField("sum"):
        return b"-" + _packed(bounds), [total, *accumulate(counts[:-1]), total]
    return b"+" + _packed(bounds), [point.sum, total, *accumulate(counts[:-1]), total]


def _summary(point: Any) -> Read:
    quantiles = point.quantile_values[:]
    values = [point.sum, point.count, *(each.value for each in quantiles)]
    return _packed([each.quantile for each in quantiles]), values


READING: Final[Mapping[Shape, Callable[[Any], Read]]] = {
    "number": _number, "histogram": _histogram, "summary": _summary,
}  # fmt: skip
"""Reads a point. Raises Refused where it has no value, or its buckets don't fit its bounds."""


def exemplars(point: Any, shape: Shape, made: Sequence[Series], time_ms: int) -> list[Exemplar]:
    """
    The point's exemplars, each on the series of its bucket.
    """
    bounds = point.explicit_bounds[:] if shape == "histogram" else []
    found = []
    for each in point.exemplars:
        which = each.WhichOneof("value")
        value = float(each.as_int if which == "as_int" else each.as_double)
        labels = _exemplar_labels(each)
        moment = each.time_unix_nano // _NS_PER_MS or time_ms
        if which is not None and labels:
            place = len(made) - len(bounds) - 1 + bisect_left(bounds, value)
            found.append(Exemplar(made[place], moment, value, labels))
    return found


def _exemplar_labels(exemplar: Any) -> Labels:
    labels = {}
    if any(exemplar.trace_id):
        labels["trace_id"] = exemplar.trace_id.hex()
    if any(exemplar.span_id):
        labels["span_id"] = exemplar.span_id.hex()
    more = texts(otlp_shallow.attributes(exemplar.filtered_attributes[:]))
    runes = sum(len(name) + len(value) for name, value in [*labels.items(), *more.items()])
    if runes <= _EXEMPLAR_RUNES:
        labels = {**more, **labels}
    return tuple(sorted((name, value) for name, value in labels.items() if value))


def _packed(numbers: list[float]) -> bytes:
    return array("d", numbers).tobytes()
