"""This module checks thresholds, decisions and fallbacks."""

from otel_confidence.testing import Capture

MODEL = {"ml.model.name": "m", "ml.model.version": "1"}
SURE = {"confidence": 0.9, "label": "cat"}


def test_thresholds_are_bucket_edges(telemetry: Capture) -> None:
    """
    Every threshold declared before the first prediction is an edge of the confidence histogram.
    """
    for threshold in (0.73, 0.42):
        telemetry.track_confidence(model="m", threshold=threshold)
    with telemetry.prediction(model="m", threshold=0.33) as p:
        p.set(confidence=0.5)
    (point,) = telemetry.points("ml.prediction.confidence")

    assert {0.73, 0.42, 0.33, 0.05, 1.0} <= set(point.buckets or {})
