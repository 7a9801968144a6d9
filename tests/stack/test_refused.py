"""
This module checks that points which Prometheus would refuse a whole request for cost themselves.

Each is sent between two good ones, in one request. What Prometheus itself makes of it without a
gateway is asked too, so that no kind stays in this list longer than it has to.
"""

import time
from collections.abc import Callable

import httpx
import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality, Metric
from tests.stack.paths import ask
from tests.stack.world import query, until
from tools.stack import Stack

pytestmark = pytest.mark.xdist_group("stack")
HOUR_S = 3600
CUMULATIVE = AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
UNSPECIFIED = AggregationTemporality.AGGREGATION_TEMPORALITY_UNSPECIFIED
FILTERED = "otelcol_processor_filter_datapoints_filtered"
Make = Callable[[str], Metric]


def text(key: str, value: str) -> KeyValue:
    return KeyValue(key=key, value=AnyValue(string_value=value))


def gauge(name: str, *, late_s: float = 0.0, label: str | None = None) -> Metric:
    metric = Metric(name=name)
    point = metric.gauge.data_points.add(as_double=1)
    point.time_unix_nano = time.time_ns() - int(late_s * 1e9)
    if label is not None:
        point.attributes.append(text(label, "v"))
    return metric


def timeless(name: str) -> Metric:
    metric = gauge(name)
    metric.gauge.data_points[0].time_unix_nano = 0
    return metric


def total(name: str) -> Metric:
    metric = Metric(name=name)
    metric.sum.data_points.add(as_double=1, time_unix_nano=time.time_ns())
    return metric


def histogram(name: str) -> Metric:
    metric = Metric(name=name)
    point = metric.histogram.data_points.add(count=1, sum=1, time_unix_nano=time.time_ns())
    point.explicit_bounds.append(1)
    point.bucket_counts.extend([1, 0])
    return metric


def exponential(
    name: str, *, temporality: AggregationTemporality.ValueType = CUMULATIVE, scale: int = 3
) -> Metric:
    metric = Metric(name=name)
    metric.exponential_histogram.aggregation_temporality = temporality
    point = metric.exponential_histogram.data_points.add(
        count=1, sum=1, scale=scale, time_unix_nano=time.time_ns()
    )
    point.positive.bucket_counts.append(1)
    return metric


REFUSED: dict[str, Make] = {
    "from a clock 15 minutes ahead": lambda name: gauge(name, late_s=-900),
    "from before the window": lambda name: gauge(name, late_s=25 * HOUR_S),
    "without a time": timeless,
    "of a sum without temporality": total,
    "of a histogram without temporality": histogram,
    "of an exponential histogram without temporality": lambda name: exponential(
        name, temporality=UNSPECIFIED
    ),
    "of an exponential histogram too coarse": lambda name: exponential(name, scale=-5),
    "of a metric without a name": lambda _: gauge(""),
    "of a metric with a name of another alphabet": lambda _: gauge("точность"),
    "with a label without a name": lambda name: gauge(name, label=""),
    "with a label of another alphabet": lambda name: gauge(name, label="部门"),
    "with a label of quotes and brackets": lambda name: gauge(name, label='"<\\&,"[\n'),
}
"""How Prometheus refuses a request for a point."""
TAKEN: dict[str, Make] = {
    "of three hours ago": lambda name: gauge(name, late_s=3 * HOUR_S),
    "of almost twelve hours ago": lambda name: gauge(name, late_s=11.9 * HOUR_S),
    "from a clock four minutes ahead": lambda name: gauge(name, late_s=-240),
    "with a label that is one sign": lambda name: gauge(name, label="_"),
    "of an exponential histogram": exponential,
}


def request(*metrics: Metric) -> bytes:
    found = ExportMetricsServiceRequest()
    for metric in metrics:
        resource = found.resource_metrics.add()
        resource.resource.attributes.append(text("service.name", "refused"))
        resource.resource.attributes.append(text("service.instance.id", "refused-1"))
        resource.scope_metrics.add().metrics.append(metric)
    return found.SerializeToString()


def post(url: str, body: bytes) -> int:
    headers = {"Content-Type": "application/x-protobuf"}
    return httpx.post(url, content=body, headers=headers, trust_env=False).status_code


def through_the_gateway(stack: Stack, *metrics: Metric) -> int:
    return post(f"{stack.url('otel-gateway', 4318)}/v1/metrics", request(*metrics))


def filtered(stack: Stack) -> float:
    lines = ask(f"{stack.url('otel-gateway', 8888)}/metrics").text.splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(FILTERED))


def stored(stack: Stack, name: str) -> bool:
    """
    Whether Prometheus has a sample, of whatever time.
    """
    url = f"{stack.url('prometheus', 9090)}/api/v1/query"
    found = ask(url, query=f'last_over_time({name}{{job="refused"}}[30h] offset -10m)').json()
    return bool(found["data"]["result"])


@pytest.mark.parametrize("kind", REFUSED)
def test_a_point_that_prometheus_refuses_costs_only_itself(stack: Stack, kind: str) -> None:
    """
    Points before it and after it in the same request arrive, and it is counted.
    """
    number = list(REFUSED).index(kind)
    first, bad, last = f"first_{number}", f"bad_{number}", f"last_{number}"
    before = filtered(stack)
    status = through_the_gateway(stack, gauge(first), REFUSED[kind](bad), gauge(last))
    until(lambda: stored(stack, first) and stored(stack, last))

    assert (200, 1.0) == (status, filtered(stack) - before)
    assert not stored(stack, bad)


@pytest.mark.parametrize("kind", REFUSED)
def test_prometheus_does_refuse_a_request_for_it(stack: Stack, kind: str) -> None:
    """
    Without the gateway, the same point costs its neighbor: it is left out for a reason.
    """
    # Prometheus knows what is too old once it has something that is not.
    until(lambda: query(stack, "up == 1"))
    url = f"{stack.url('prometheus', 9090)}/api/v1/otlp/v1/metrics"
    number = list(REFUSED).index(kind)
    status = post(url, request(gauge(f"beside_{number}"), REFUSED[kind](f"refused_{number}")))

    assert status in {400, 500}
    assert not stored(stack, f"beside_{number}")


@pytest.mark.parametrize("kind", TAKEN)
def test_what_prometheus_takes_is_not_left_out(stack: Stack, kind: str) -> None:
    """
    A point that was late on its way, or of a clock that is a little wrong, arrives.
    """
    name = f"taken_{list(TAKEN).index(kind)}"
    before = filtered(stack)
    status = through_the_gateway(stack, TAKEN[kind](name))

    assert until(lambda: stored(stack, name))
    assert (200, before) == (status, filtered(stack))


def test_a_resource_without_a_name_costs_nobody(stack: Stack) -> None:
    """
    A resource's attribute that can be no label is taken away; its points arrive.
    """
    body = ExportMetricsServiceRequest.FromString(request(gauge("of_a_resource")))
    body.resource_metrics[0].resource.attributes.extend([text("", "v"), text("部门", "v")])
    url = f"{stack.url('otel-gateway', 4318)}/v1/metrics"

    assert 200 == post(url, body.SerializeToString())
    assert until(lambda: stored(stack, "of_a_resource"))


@pytest.mark.parametrize("kind", ["without points", "without a type"])
def test_a_metric_of_nothing_costs_nobody(stack: Stack, kind: str) -> None:
    """
    A metric that holds no point, for which Prometheus would refuse a request, goes without a word.
    """
    empty = Metric(name="empty")
    if kind == "without points":
        empty.gauge.SetInParent()
    name = kind.replace(" ", "_")
    status = through_the_gateway(stack, empty, gauge(name))

    assert until(lambda: stored(stack, name))
    assert 200 == status
    assert 500 == post(
        f"{stack.url('prometheus', 9090)}/api/v1/otlp/v1/metrics", request(empty, gauge("beside"))
    )


def test_what_is_left_out_is_told(stack: Stack) -> None:
    """
    Prometheus reads the gateway's counter by the name that the alert asks for.
    """
    through_the_gateway(stack, gauge("told", late_s=-900))
    firing = until(lambda: query(stack, 'ALERTS{alertname="CollectorLeavingOut"}'))

    assert [1.0] == list(firing.values())
