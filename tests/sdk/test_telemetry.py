"""This module checks Telemetry: what it follows, what it bounds, what it leaves out."""

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

import otel_confidence as oc
from otel_confidence import conventions as c
from otel_confidence.errors import InvalidRecord
from otel_confidence.records import Feedback, Outcome, Prediction
from otel_confidence.sdk.telemetry import Telemetry
from otel_confidence.testing import Capture


def test_every_emitted_name_is_conventional(telemetry: Capture) -> None:
    """
    Metrics, attributes and events carry the names, units and attributes of the table.
    """
    with telemetry.prediction(model="m", version="1", threshold=0.7) as p:
        p.set(confidence=0.5, label="cat")
    telemetry.record_outcome(p.receipt, label="dog")
    telemetry.record_feedback(p.receipt, score=1)
    with pytest.raises(KeyError), telemetry.prediction(model="m"):
        raise KeyError
    known = {attribute.name for attribute in c.ATTRIBUTES}
    used = {key for event in telemetry.events() for key in event.attributes}
    used |= {key for span in telemetry.spans() for key in span.attributes or {}}

    assert used <= known
    assert {event.name for event in telemetry.events()} <= {event.name for event in c.EVENTS}
    for metric in c.METRICS:
        allowed = {attribute.name for attribute in metric.attributes}
        for point in telemetry.points(metric.name):
            assert point.attributes.keys() <= allowed


def test_instruments_have_the_tables_unit_and_edges() -> None:
    """
    Each exported metric has its unit and, as histogram, at least its edges.
    """
    reader = InMemoryMetricReader()
    telemetry = Telemetry(MeterProvider([reader], shutdown_on_exit=False))
    with oc.prediction(model="m", telemetry=telemetry) as p:
        p.set(confidence=0.5)
    data = reader.get_metrics_data()
    assert data is not None
    table = {metric.name: metric for metric in c.METRICS}
    for metric in data.resource_metrics[0].scope_metrics[0].metrics:
        assert table[metric.name].unit == metric.unit
        for point in metric.data.data_points:
            edges = getattr(point, "explicit_bounds", ())
            assert set(table[metric.name].edges) <= set(edges)


def test_models_beyond_the_limit_share_one_series() -> None:
    """
    A model name that varies without bound is recorded as one model, totals exact.
    """
    capture = Capture(oc.Settings(max_models=2))
    for number in range(10):
        with capture.prediction(model=f"m{number}") as p:
            p.set(confidence=0.5)

    assert {"m0": 1, "m1": 1, "_OTHER": 8} == capture.by("ml.predictions", "ml.model.name")


def test_exception_types_beyond_the_cap_share_one_series() -> None:
    """
    Exception types made up at run time don't become series without bound.
    """
    capture = Capture()
    for number in range(100):
        kind = type(f"Error{number}", (Exception,), {})
        with pytest.raises(kind), capture.prediction(model="m"):
            raise kind

    assert 51 == len(capture.errors_by_type())
    assert 50 == capture.errors_by_type()["_OTHER"]


def test_disabled_telemetry_records_nothing() -> None:
    """
    Where telemetry is disabled a tracked call is the call alone.
    """
    capture = Capture()
    capture.telemetry.enabled = False
    with capture.prediction(model="m") as p:
        p.set(confidence=0.5)
    capture.record_outcome(p.receipt, label=4)

    assert "" == p.receipt
    assert 0 == capture.value("otel_confidence.records")
    assert [] == capture.spans()


def test_events_are_sampled_by_prediction() -> None:
    """
    The share of result events is the share asked for; predictions are all counted.
    """
    telemetry = oc.Settings(event_sample_ratio=0.25)
    capture = Capture(telemetry)
    ids = iter(range(0, 2**64, 2**64 // 100 + 1))
    capture.telemetry.new_id = lambda: next(ids)
    for _ in range(100):
        with capture.prediction(model="m") as p:
            p.set(confidence=0.5)

    assert 25 == len(capture.events("ml.prediction.result"))
    assert 100 == capture.value("ml.predictions")


@pytest.mark.parametrize(
    "make",
    [
        lambda: Prediction("m", confidence=1.5),
        lambda: Prediction("m", source="guess"),
        lambda: Prediction("m", size=-1),
        lambda: Outcome("m", confidence=-0.1),
        lambda: Outcome("m", delay_s=-1),
        lambda: Feedback("m", score=5),
        lambda: Feedback("m", source="nobody"),
    ],
)
def test_records_check_themselves(make: type) -> None:
    """
    A record that can't be true is refused at birth.
    """
    with pytest.raises(InvalidRecord):
        make()
