"""This module checks that an instrument which exists already stays as it is."""

import logging

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import Histogram, InMemoryMetricReader

import otel_confidence as oc
from otel_confidence import conventions as c


def _predict(telemetry: oc.Telemetry) -> None:
    with oc.prediction(model="m", telemetry=telemetry) as p:
        p.set(confidence=0.5)


def _confidences(reader: InMemoryMetricReader) -> Histogram:
    data = reader.get_metrics_data()
    assert data is not None
    (found,) = [
        metric.data
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        if metric.name == "ml.prediction.confidence" and scope.scope.name == c.SCOPE
        and isinstance(metric.data, Histogram)
    ]  # fmt: skip
    return found


def test_other_edges_for_the_same_provider_are_said_and_lose_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """
    Of two telemetries on one provider the first one's edges stay, and every value counts in them.

    It is no error at set-up: the second may be another library's, which must not stop the program.
    A warning names the instrument and the edges that are used.
    """
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], shutdown_on_exit=False)
    first = oc.Telemetry(provider, settings=oc.Settings(thresholds=(0.77,)))
    second = oc.Telemetry(provider, settings=oc.Settings(thresholds=(0.33,)))
    with caplog.at_level(logging.WARNING):
        _predict(first)
        _predict(second)
    (point,) = _confidences(reader).data_points

    assert 2 == point.count
    assert 0.77 in point.explicit_bounds
    assert 0.33 not in point.explicit_bounds
    assert "ml.prediction.confidence" in caplog.text


def test_an_instrument_of_the_same_name_is_another_scopes_own() -> None:
    """
    A program that has an instrument of our name and another type keeps it, and we keep ours.
    """
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], shutdown_on_exit=False)
    provider.get_meter("program").create_counter("ml.prediction.confidence", "x").add(5)
    _predict(oc.Telemetry(provider))

    assert [1] == [point.count for point in _confidences(reader).data_points]


def test_counters_of_two_telemetries_add_up_on_one_provider() -> None:
    """
    Counters are registered once for a provider, and report the sum of all that record there.
    """
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], shutdown_on_exit=False)
    for telemetry in (oc.Telemetry(provider), oc.Telemetry(provider)):
        _predict(telemetry)
    data = reader.get_metrics_data()
    assert data is not None
    totals = [
        point.value  # type: ignore[union-attr]  # a counter's
        for scope in data.resource_metrics[0].scope_metrics
        for metric in scope.metrics
        if metric.name == "ml.predictions"
        for point in metric.data.data_points
    ]

    assert 2 == sum(totals)
