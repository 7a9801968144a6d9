"""This module checks how batches are sent, and what is known of exports while they happen."""

import threading
from collections import Counter
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from opentelemetry.sdk._logs.export import LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    InMemoryMetricReader,
    MetricExporter,
    MetricExportResult,
    MetricsData,
)
from tests.running import until

from otel_confidence.sdk.delivery import Delivery, EventDelivery, MetricDelivery
from otel_confidence.sdk.outages import Outage
from otel_confidence.sdk.portions import LIMIT, portions


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


HUGE = "x" * (LIMIT + 1)


class Receiver(LogRecordExporter):
    """
    An exporter to a receiver that refuses a request with a huge record in it.
    """

    def __init__(self, outage: Outage | None = None) -> None:
        self.requests: list[list[Any]] = []
        self._outage = outage

    def export(self, batch: Sequence[Any]) -> LogRecordExportResult:
        bodies = [record.log_record.body for record in batch]
        self.requests.append([body for body in bodies if body != HUGE])
        if self._outage is not None:
            self._outage.lasts = True
        refused = HUGE in bodies or self._outage is not None
        return LogRecordExportResult.FAILURE if refused else LogRecordExportResult.SUCCESS

    def force_flush(self, timeout_millis: int = 0) -> bool:  # noqa: ARG002
        return True

    def shutdown(self) -> None:
        return


def record(body: Any, **attributes: Any) -> Any:
    return SimpleNamespace(log_record=SimpleNamespace(body=body, attributes=attributes))


def drops(exporter: LogRecordExporter, outage: Outage, bodies: list[Any]) -> dict[str, int]:
    """What a ledger says of a batch that was sent, by reason."""
    counted: Counter[str] = Counter()
    delivery = Delivery("event", 100, lambda _, reason, number: counted.update({reason: number}))
    for _ in bodies:
        delivery.admit()
    EventDelivery(lambda: exporter, delivery, outage).export([record(body) for body in bodies])

    assert 0 == delivery.waiting
    return {reason: number for reason, number in counted.items() if reason}


def test_a_huge_record_costs_no_neighbor() -> None:
    """
    A batch with a record that a receiver refuses goes in portions; only that record is lost.
    """
    receiver = Receiver()
    lost = drops(receiver, Outage(lambda *_: None), ["a", "b", HUGE, "c"])

    assert [["a", "b"], [], ["c"]] == receiver.requests
    assert {"export_failed": 1} == lost


def test_an_ordinary_batch_is_one_request() -> None:
    """
    A batch that is not too large is sent as it is.
    """
    receiver = Receiver()
    lost = drops(receiver, Outage(lambda *_: None), ["a"] * 100)

    assert [["a"] * 100] == receiver.requests
    assert {} == lost


def test_portions_are_not_tried_where_nobody_is() -> None:
    """
    Once nobody answers, the rest of a batch is counted as lost without a try of its own.
    """
    outage = Outage(lambda *_: None)
    receiver = Receiver(outage)
    lost = drops(receiver, outage, ["a", HUGE, "c"])

    assert [["a"]] == receiver.requests
    assert {"export_failed": 3} == lost


@pytest.mark.parametrize(
    "one",
    [
        record("x" * 60),
        record({"a": ["x" * 60]}),
        record("", a="x" * 60),
        SimpleNamespace(attributes={"a": "x" * 60}, events=()),
        SimpleNamespace(attributes={}, events=[SimpleNamespace(attributes={"a": "x" * 60})]),
    ],
    ids=["a body", "a nested body", "an attribute", "a span's attribute", "an event of a span"],
)
def test_texts_count_wherever_they_are(one: Any) -> None:
    """
    A text fills a portion, be it in a body, an attribute or an event, nested or not.
    """
    assert [[one], [one], [one]] == list(portions([one, one, one], limit=100))
    assert [[one, one, one]] == list(portions([one, one, one], limit=300))
