"""This module checks the door for values: bad ones are counted, good ones become Python's own."""

import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider

import otel_confidence as oc
from otel_confidence.testing import Capture


class Failing:
    """An object every question to which fails."""

    def __float__(self) -> float:
        raise RuntimeError

    __str__ = __repr__ = __hash__ = __float__  # type: ignore[assignment]


@pytest.mark.parametrize("given", ["returned", "set"])
@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (math.nan, "invalid_value"),
        (math.inf, "invalid_value"),
        (-math.inf, "invalid_value"),
        (-0.1, "out_of_range"),
        (1.0000001, "out_of_range"),
        (55, "out_of_range"),
        (np.float32("nan"), "invalid_value"),
        (np.int8(-56), "out_of_range"),
        (10**400, "overflow"),
        ("0.9", "wrong_type:str"),
        (b"", "wrong_type:bytes"),
        ({}, "wrong_type:dict"),
        (object(), "wrong_type:object"),
        (1 + 2j, "wrong_type:complex"),
        (Failing(), "wrong_type:Failing"),
        (None, "confidence_missing"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else value,
)
def test_bad_confidence_is_counted_and_nothing_else(value: Any, reason: str, given: str) -> None:
    """
    A confidence that is none costs itself alone: the result and the count stay, the reason is told.
    """
    capture = Capture(oc.Settings())
    result = {"confidence": value}

    @capture.track_confidence(model="m", confidence="confidence")
    def classify() -> dict[str, Any]:
        return result

    if given == "set":
        with capture.prediction(model="m") as p:
            p.set(confidence=value)
    else:
        assert result is classify()
    dropped = {r: n for r, n in capture.dropped().items() if not r.startswith("wrong_type")}
    wrong = {r: n for r, n in capture.dropped().items() if r.startswith("wrong_type")}

    assert 1 == capture.value("ml.predictions")
    assert [] == capture.points("ml.prediction.confidence")
    assert {reason.partition(":")[0]} == {r.partition(":")[0] for r in (*dropped, *wrong)}
    assert 1 == sum(capture.dropped().values())
    assert 0 == capture.value("otel_confidence.internal.errors")


@pytest.mark.parametrize(
    "value",
    [
        0, 1, 0.0, 1.0, -0.0, 5e-324, np.float16(0.5), np.float32(0.5), np.float64(0.5),
        np.longdouble(0.5), np.int8(1), np.int16(1), np.int32(0), np.int64(1), np.uint8(1),
        np.uint64(1), np.array(0.5), Decimal("0.5"), Fraction(1, 2),
    ],
    ids=lambda value: f"{type(value).__name__} {value}",
)  # fmt: skip
def test_every_number_becomes_a_float(telemetry: Capture, value: Any) -> None:
    """
    Numbers of any library are recorded as Python's own.
    """
    with telemetry.prediction(model="m") as p:
        p.set(confidence=value)
    (point,) = telemetry.points("ml.prediction.confidence")
    (span,) = telemetry.spans()

    assert float(value) == point.value
    assert float is type(point.value)
    assert float is type((span.attributes or {})["ml.prediction.confidence"])


def test_sums_of_narrow_floats_are_exact(telemetry: Capture) -> None:
    """
    Two thousand narrow floats sum to what wide ones would.
    """
    value = np.float32(0.93)
    for _ in range(2_000):
        with telemetry.prediction(model="m") as p:
            p.set(confidence=value)
    (point,) = telemetry.points("ml.prediction.confidence")

    assert float(value) == pytest.approx(point.value / point.count, rel=1e-12)


def test_exemplars_of_narrow_floats_can_be_exported() -> None:
    """
    A narrow float inside a sampled span does not spoil the batch of metrics.
    """
    reader = InMemoryMetricReader()
    meters = MeterProvider([reader], shutdown_on_exit=False)
    tracers = TracerProvider(shutdown_on_exit=False)
    telemetry = oc.Telemetry(meters, tracers, settings=oc.Settings(strict=True))
    with oc.prediction(model="m", telemetry=telemetry) as p:
        p.set(confidence=np.float32(0.9), label=np.int64(4))
    data = reader.get_metrics_data()
    assert data is not None
    request = encode_metrics(data)
    exemplars = [
        exemplar
        for metric in request.resource_metrics[0].scope_metrics[0].metrics
        for point in metric.histogram.data_points
        for exemplar in point.exemplars
    ]

    assert {"ml.prediction.confidence", "ml.prediction.duration"} <= {
        metric.name for metric in request.resource_metrics[0].scope_metrics[0].metrics
    }
    assert exemplars
    assert all(exemplar.trace_id for exemplar in exemplars)


@pytest.mark.parametrize(
    ("label", "text"),
    [(Failing(), "Failing"), ("\ud800", r"\ud800"), ([Failing()], "[Failing]")],
    ids=["failing", "surrogate", "failing inside"],
)
def test_hostile_labels_become_safe_text(telemetry: Capture, label: Any, text: str) -> None:
    """
    A label that misbehaves is replaced by the name of its type.
    """
    with telemetry.prediction(model="m") as p:
        p.set(confidence=0.5, label=label)
    (event,) = telemetry.events()

    assert text == event.attributes["ml.prediction.label"]


def test_batches_count_every_row(telemetry: Capture) -> None:
    """
    A call that makes four predictions counts four, the one without confidence as missing.
    """

    @telemetry.track_confidence(model="m", confidence="proba.max", threshold=0.7)
    def classify() -> dict[str, Any]:
        rows = [[0.1, 0.9], [0.6, 0.4], [0.2, 0.8], [math.nan, 0.5]]
        return {"proba": np.array(rows, dtype=np.float32)}

    classify()
    (span,) = telemetry.spans()

    assert 4 == telemetry.value("ml.predictions")
    assert {"accept": 2, "abstain": 1} == telemetry.by(
        "ml.prediction.confidence", "ml.prediction.decision"
    )
    assert 1 == sum(telemetry.dropped().values())
    assert 4 == (span.attributes or {})["ml.prediction.batch.size"]
