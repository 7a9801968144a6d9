"""This module checks what is known of exports while they happen."""

import threading
from typing import Any

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    InMemoryMetricReader,
    MetricExporter,
    MetricExportResult,
    MetricsData,
)
from tests.running import until

from otel_confidence.sdk.delivery import MetricDelivery
from otel_confidence.sdk.outages import Outage


class Gateway(MetricExporter):
    """
    An exporter that waits before it answers.
    """

    def __init__(self) -> None:
        super().__init__({}, {})
        self.answers = [MetricExportResult.SUCCESS]
        self.asked = 0
        self.go = threading.Event()

    def export(self, metrics_data: Any, timeout_millis: float = 0, **_: Any) -> MetricExportResult:  # noqa: ARG002
        self.asked += 1
        assert self.go.wait(30)
        return self.answers[-1]

    def force_flush(self, timeout_millis: float = 0) -> bool:  # noqa: ARG002
        return True

    def shutdown(self, timeout_millis: float = 0, **_: Any) -> None:  # noqa: ARG002
        return


def metrics() -> MetricsData:
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader])
    provider.get_meter("m").create_counter("calls").add(1)
    found = reader.get_metrics_data()
    assert found
    provider.shutdown()
    return found


def test_a_flush_is_judged_by_the_export_that_it_waited_for() -> None:
    """
    An export that succeeded has arrived, also while the next one is under way, until that fails.
    """
    gateway = Gateway()
    delivery = MetricDelivery(lambda: gateway, Outage(lambda *_: None))
    gateway.go.set()
    delivery.export(metrics())
    asked = gateway.asked
    gateway.go.clear()
    gateway.answers.append(MetricExportResult.FAILURE)
    following = threading.Thread(target=delivery.export, args=(metrics(),))
    following.start()
    until(lambda: gateway.asked > asked)
    during = delivery.arrived
    gateway.go.set()
    following.join()

    assert (True, False) == (during, delivery.arrived)
