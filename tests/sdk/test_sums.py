"""This module checks the sums behind the counters."""

import os
import threading

from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from otel_confidence import conventions as c
from otel_confidence.sdk.sums import LARGEST, OVERFLOW, Sums, board


def _exported(reader: InMemoryMetricReader, metric: c.Metric) -> dict[tuple[object, ...], float]:
    data = reader.get_metrics_data()
    assert data is not None
    return {
        tuple(point.attributes.values()): point.value  # type: ignore[union-attr]  # sums alone
        for scope in data.resource_metrics[0].scope_metrics
        for found in scope.metrics
        if found.name == metric.name
        for point in found.data.data_points
    }


def _provider() -> tuple[MeterProvider, InMemoryMetricReader]:
    reader = InMemoryMetricReader()
    return MeterProvider([reader], shutdown_on_exit=False), reader


def test_threads_lose_nothing() -> None:
    """
    Eight threads that add 10,000 times each make 80,000.
    """
    sums = Sums(max_series=10)
    one = sums.of(c.PREDICTIONS, {"a": "1"})

    def work() -> None:
        for _ in range(10_000):
            with sums.lock:
                one.value += 1

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert 80_000 == sums.value(c.PREDICTIONS)


def test_series_beyond_the_limit_share_one() -> None:
    """
    Attribute combinations beyond the limit are summed as the overflow series; nothing is lost.
    """
    provider, reader = _provider()
    sums = Sums(max_series=3)
    board(provider, provider.get_meter("test")).show(sums)
    for number in range(100):
        sums.add(c.PREDICTIONS, {"model": str(number)})
    exported = _exported(reader, c.PREDICTIONS)

    assert {("0",): 1, ("1",): 1, ("2",): 1, (True,): 97} == exported
    assert {OVERFLOW: True} in [dict(a) for a, _ in sums.totals(c.PREDICTIONS.name)]


def test_totals_stop_at_what_otlp_carries() -> None:
    """
    A counter past 2**63 is reported as the largest number, so that metrics keep flowing.
    """
    provider, reader = _provider()
    sums = Sums(max_series=3)
    board(provider, provider.get_meter("test")).show(sums)
    sums.add(c.PREDICTIONS, {}, 10**400)
    sums.add(c.CALIBRATION_CONFIDENCE, {}, float("inf"))

    assert {(): LARGEST} == _exported(reader, c.PREDICTIONS)
    assert {(): 1.7e308} == _exported(reader, c.CALIBRATION_CONFIDENCE)


def test_two_telemetries_of_one_provider_add_up() -> None:
    """
    Sums shown at the same provider are reported together, each once.
    """
    provider, reader = _provider()
    meter = provider.get_meter("test")
    for _ in range(2):
        sums = Sums(max_series=3)
        sums.add(c.PREDICTIONS, {"m": "1"}, 2)
        board(provider, meter).show(sums)
        board(provider, meter).show(sums)

    assert {("1",): 4} == _exported(reader, c.PREDICTIONS)


def test_board_of_a_noop_provider_is_harmless() -> None:
    """
    Showing sums where nothing is measured does nothing.
    """
    provider = NoOpMeterProvider()

    board(provider, provider.get_meter("test")).show(Sums(max_series=3))


def test_forked_child_begins_at_zero() -> None:
    """
    A child counts from zero, even when the fork happened while the lock was held.
    """
    sums = Sums(max_series=3)
    sums.add(c.PREDICTIONS, {"m": "1"}, 1_000)
    with sums.lock:
        child = os.fork()
        if not child:
            sums.add(c.PREDICTIONS, {"m": "1"}, 10)
            os._exit(int(sums.value(c.PREDICTIONS)))
    _, status = os.waitpid(child, 0)

    assert 10 == os.waitstatus_to_exitcode(status)
    assert 1_000 == sums.value(c.PREDICTIONS)
