"""This module measures what a row of a batch costs, beside the same histogram written by hand."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from opentelemetry.context import Context
from opentelemetry.trace import INVALID_SPAN, set_span_in_context
from tests.bench.overhead import Providers

import otel_confidence as oc
from otel_confidence import conventions as c

ROWS = 10_000
ROUNDS = 9


def compare() -> tuple[float, float, float]:
    """
    Microseconds of a row: tracked, with the one histogram by hand, and the ratio of the two.
    """
    confidences = np.random.default_rng(7).uniform(0, 1, ROWS)
    ours, theirs = _tracked(confidences), _by_hand(confidences)
    pairs = [(_microseconds(ours), _microseconds(theirs)) for _ in range(ROUNDS)]
    ratio = sorted(a / b for a, b in pairs)[ROUNDS // 2]
    return min(a for a, _ in pairs), min(b for _, b in pairs), ratio


def _tracked(confidences: Any) -> Callable[[], Any]:
    providers = Providers.new()
    track = oc.track_confidence(
        model="m",
        version="1",
        confidence=lambda result: result,
        threshold=0.7,
        telemetry=oc.Telemetry(providers.meters, providers.tracers, providers.loggers),
    )
    return track(lambda: confidences)


def _by_hand(confidences: Any) -> Callable[[], Any]:
    histogram = (
        Providers.new().meters.get_meter("hand").create_histogram(c.PREDICTION_CONFIDENCE.name, "1")
    )
    nowhere = set_span_in_context(INVALID_SPAN, Context())
    model = {"ml.model.name": "m", "ml.model.version": "1"}
    source = {"ml.prediction.confidence.source": "reported"}
    accepted = model | source | {"ml.prediction.decision": "accept"}
    abstained = model | source | {"ml.prediction.decision": "abstain"}

    def handwritten() -> Any:
        for confidence in confidences.tolist():
            histogram.record(confidence, accepted if confidence >= 0.7 else abstained, nowhere)
        return confidences

    return handwritten


def _microseconds(call: Callable[[], Any]) -> float:
    began = time.thread_time()
    call()
    return (time.thread_time() - began) / ROWS * 1e6
