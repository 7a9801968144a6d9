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
        pytest.param("latency", "custom_unit", "histogram", "latency_custom_unit"),
        pytest.param("custom.unit", "custom_unit", "histogram", "custom_unit_custom_unit"),
        pytest.param("latency", "a__b_/s", "gauge", "latency_a_b_per_second"),
        pytest.param("per.second", "1/s", "gauge", "per_second_per_second"),
        pytest.param("__a::b__", "", "updown_counter", "a::b"),
        pytest.param("ratio.of.ratio", "1", "gauge", "of_ratio"),
        pytest.param("time", " s ", "summary", "time_seconds"),
    ],
)
def test_metric_names_follow_prometheus(
    name: str, unit: str, kind: spelling.Kind, expected: str
) -> None:
    """
    A metric's Prometheus name has its unit and type suffix once and only legal characters.
    """
    assert expected == spelling.metric_name(name, unit, kind)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ml.model.name", "ml_model_name"),
        ("two..dots", "two__dots"),
        ("_private", "key_private"),
        ("__reserved__", "__reserved__"),
        ("1st", "key_1st"),
        ("naïve", "na_ve"),
        ("_", "key_"),
    ],
)
def test_labels_keep_the_place_of_each_character(name: str, expected: str) -> None:
    """
    A label replaces what is illegal one for one, and a doubtful start gets the prefix ``key``.
    """
    assert expected == spelling.label_name(name)


@pytest.mark.parametrize("name", ["", "@#", "ようこそ"])
def test_a_name_without_legal_characters_is_refused(name: str) -> None:
    """
    A name of which nothing is left raises instead of becoming an empty one.
    """
    with pytest.raises(ValueError, match="no character"):
        spelling.metric_name(name, "", "gauge")
    with pytest.raises(ValueError, match="no character"):
        spelling.label_name(name)


@pytest.mark.parametrize(
    ("unit", "expected"),
    [("s", "seconds"), ("By/s", "bytes_per_second"), ("{x}/s", "per_second"), ("1", "")],
)
def test_units_are_spelled_out(unit: str, expected: str) -> None:
    """
    Metadata names the unit in words.
    """
    assert expected == spelling.unit_name(unit)


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
