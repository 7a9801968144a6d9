"""This module holds what type checkers must make of records, errors and the fixture; never run."""

from typing_extensions import assert_type

import otel_confidence as oc
from otel_confidence.testing import Capture, FakeClock, Point

try:
    settings = oc.Settings.read()
except oc.ConfigurationError as error:
    assert_type(error, oc.ConfigurationError)
except oc.OtelConfidenceError as error:
    assert_type(error, oc.OtelConfidenceError)
else:
    assert_type(settings.max_series, int)

try:
    oc.record(oc.Performance(model="m", metric="f1", value=0.5), oc.Resource("cpu", used=1.0))
except oc.InvalidRecord as error:
    assert_type(error.reason, str)

oc.record(oc.DataQuality("m", checks={"range": True}), oc.Optimization("cache", before=2.0))
failure = oc.Failure(component="cache", error_type="KeyError")
assert_type(failure.recovered, bool | None)
prediction = oc.Prediction(model="m", confidence=0.5)
assert_type(prediction.model, str)
outcome, feedback = oc.Outcome("receipt", correct=True), oc.Feedback("receipt", score=0.5)
assert_type(feedback.score, float)
assert_type(outcome.correct, float | None)

oc.record_data_quality(model="m", checks={"nulls": "pass"})
oc.record_learning(component="ranker", samples=20)
oc.record_optimization(component="cache", category="latency", before=1.0, after=0.5)
oc.record_resource(type="cpu", utilization=0.5)
oc.record_usage(component="search", action="query")

carried = oc.baggage_with_receipt("receipt")
assert_type(oc.receipt_from_baggage(carried), str)

own = oc.Telemetry(settings=oc.Settings(strict=True))
assert_type(own.settings, oc.Settings)


def test_it(telemetry: Capture) -> None:
    @telemetry.track_confidence(model="m")
    async def classify(text: str) -> float:
        return len(text) / 2

    with telemetry.prediction(model="m") as p:
        assert_type(p, oc.Call)
    with telemetry.usage(component="search", action="query") as action:
        assert_type(action, oc.Action)
    assert_type(telemetry.clock, FakeClock)
    assert_type(telemetry.telemetry, oc.Telemetry)
    assert_type(telemetry.points("ml.predictions"), list[Point])

    assert classify(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    telemetry.prediction("m")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    telemetry.record_feedback(p.receipt)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


oc.Prediction(model="m", confidence="high")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
oc.record_usage(component="search")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
