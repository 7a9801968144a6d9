"""This module checks the Prometheus spelling of OpenTelemetry names."""

import pytest

from otel_confidence import conventions, spelling


@pytest.mark.parametrize(
    ("name", "unit", "kind", "expected"),
    [
        pytest.param("ml.predictions", "{prediction}", "counter", "ml_predictions_total"),
        pytest.param("ml.prediction.duration", "s", "histogram", "ml_prediction_duration_seconds"),
        pytest.param("ml.prediction.confidence", "1", "histogram", "ml_prediction_confidence"),
        pytest.param("a.total", "1", "counter", "a_total"),
        pytest.param("share", "1", "gauge", "share_ratio"),
        pytest.param("share.ratio", "1", "gauge", "share_ratio"),
        pytest.param("speed", "m/s", "gauge", "speed_meters_per_second"),
        pytest.param("speed", "{thing}/s", "gauge", "speed_per_second"),
        pytest.param("9lives", "By", "gauge", "_9lives_bytes"),
    ],
)
def test_metric_names_follow_prometheus(
    name: str, unit: str, kind: spelling.Kind, expected: str
) -> None:
    """
    A metric's Prometheus name has its unit and type suffix once and only legal characters.
    """
    assert expected == spelling.metric_name(name, unit, kind)


def test_every_gauge_is_spelled_alike_on_every_path() -> None:
    """
    No gauge has unit ``1`` without a ``.ratio`` name, whose suffix only some exporters would add.
    """
    astray = [
        m.name
        for m in conventions.METRICS
        if m.kind == "gauge" and (m.unit == "1") != m.name.endswith(".ratio")
    ]

    assert [] == astray


def test_every_attribute_on_a_metric_is_allowed_there() -> None:
    """
    Metrics carry only attributes marked as low in cardinality.
    """
    astray = [
        (m.name, a.name) for m in conventions.METRICS for a in m.attributes if not a.on_metrics
    ]

    assert [] == astray
