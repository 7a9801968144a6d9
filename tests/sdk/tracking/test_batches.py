"""This module checks calls that predict many at once."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import otel_confidence as oc
from otel_confidence import conventions as c
from otel_confidence.sdk.extract import Measured
from otel_confidence.sdk.rows import row_id, row_ids
from otel_confidence.testing import Capture, Point

THRESHOLDS = {"accept": 0.9, "escalate": 0.6}


def _confidences(size: int) -> NDArray[np.float64]:
    return np.random.default_rng(7).uniform(0, 1, size)


def _predict(telemetry: Capture, confidences: Any, **more: Any) -> Any:
    declared = {"model": "m", "confidence": lambda result: result, "thresholds": THRESHOLDS}
    return telemetry.track_confidence(**{**declared, **more})(lambda: confidences)()


def _exactly(point: Point, rows: NDArray[np.float64]) -> bool:
    """
    Whether a histogram's series is numpy's own of these values.
    """
    assert point.buckets is not None
    edges = np.array(list(point.buckets))
    expected = np.bincount(np.searchsorted(edges, rows, side="left"), minlength=len(edges))
    return (
        expected.tolist() == list(point.buckets.values())
        and len(rows) == point.count
        and bool(np.isclose(rows.sum(), point.value, rtol=1e-12))
    )


@pytest.mark.parametrize("size", [2, 1_000])
def test_every_row_is_counted_exactly(telemetry: Capture, size: int) -> None:
    """
    Counts by decision and tier, and buckets, sum and count of the histogram, are numpy's own.
    """
    confidences = _confidences(size)

    _predict(telemetry, confidences)

    decided = np.searchsorted([0.6, 0.9], confidences, side="right")
    names = np.array(["abstain", "escalate", "accept"])
    counted = telemetry.by("ml.predictions", "ml.prediction.decision")
    assert {name: n for name in names if (n := int((names[decided] == name).sum()))} == counted
    tiers = np.array(c.TIER.values)[np.searchsorted([0.6, 0.9], confidences, side="right")]
    assert {t: n for t in c.TIER.values if (n := int((tiers == t).sum()))} == telemetry.by(
        "ml.predictions", "ml.prediction.confidence.tier"
    )
    for point in telemetry.points("ml.prediction.confidence"):
        name = point.attributes["ml.prediction.decision"]
        assert _exactly(point, confidences[names[decided] == name])


def test_rows_of_unknown_confidence_are_counted(telemetry: Capture) -> None:
    """
    A row without a confidence is a prediction like the others, its reason in the ledger.
    """
    _predict(telemetry, np.array([0.95, np.nan, 1.5, 0.3, np.inf]))

    assert {"": 3, "accept": 1, "abstain": 1} == telemetry.by(
        "ml.predictions", "ml.prediction.decision"
    )
    assert {"invalid_value": 2, "out_of_range": 1} == telemetry.dropped()
    assert 5 == telemetry.value("otel_confidence.records", otel_confidence_signal="prediction")
    assert 5 == telemetry.value("otel_confidence.records", otel_confidence_signal="confidence")


def test_one_span_sums_a_batch_up(telemetry: Capture) -> None:
    """
    The span says how many, how sure, and how many of them were low; the duration is the call's.
    """
    _predict(telemetry, np.array([0.25, 0.75, np.nan, 1.0]))
    (span,) = telemetry.spans()
    (duration,) = telemetry.points("ml.prediction.duration")

    assert {
        "ml.model.name": "m",
        "ml.prediction.id": f"{1:016x}",
        "ml.prediction.batch.size": 4,
        "ml.prediction.batch.low": 2,
        "ml.prediction.confidence.source": "reported",
        "ml.prediction.confidence.min": 0.25,
        "ml.prediction.confidence.mean": pytest.approx(2 / 3),
        "ml.prediction.confidence.max": 1.0,
        "ml.prediction.threshold": 0.9,
    } == dict(span.attributes or {})
    assert 1 == duration.count


def test_events_of_a_batch_are_bounded(telemetry: Capture) -> None:
    """
    At most a hundred events of a kind leave a call, the least confident first; the rest is counted.
    """
    confidences = _confidences(1_000)

    _predict(telemetry, confidences, thresholds=None, threshold=0.5)
    told = [
        event.attributes["ml.prediction.confidence"]
        for event in telemetry.events("ml.prediction.low_confidence")
    ]
    low = int((confidences < 0.5).sum())

    assert np.sort(confidences)[:100].tolist() == told
    assert 100 == len(telemetry.events("ml.prediction.result"))
    assert {"batch_limit": low - 100 + 900} == telemetry.dropped()
    assert low - 100 + 900 == telemetry.value(
        "otel_confidence.records", otel_confidence_signal="event"
    )


def test_events_of_rows_are_sampled() -> None:
    """
    The share of rows that leave an event is the share asked for, and not all or none of a call.
    """
    capture = Capture(oc.Settings(strict=True, event_sample_ratio=0.05))

    _predict(capture, np.full(1_000, 0.95))

    assert 30 <= len(capture.events("ml.prediction.result")) <= 70
    assert {} == capture.dropped()


def test_an_event_of_a_row_tells_of_that_row(telemetry: Capture) -> None:
    """
    A row's event carries its own id, confidence, label and uncertainty, in the call's trace.
    """
    result = {"p": np.array([0.95, 0.5]), "label": ["cat", "dog"], "std": np.array([0.1, np.nan])}
    _predict(
        telemetry,
        result,
        confidence=lambda found: found["p"],
        label="label",
        uncertainty=Measured("std", method="std"),
    )
    (event,) = telemetry.events("ml.prediction.low_confidence")
    sure = [
        found
        for found in telemetry.events("ml.prediction.result")
        if "cat" == found.attributes["ml.prediction.label"]
    ]
    (span,) = telemetry.spans()

    assert {
        "event.name": "ml.prediction.low_confidence",
        "ml.model.name": "m",
        "ml.prediction.id": f"{row_id(1, 1):016x}",
        "ml.prediction.confidence": 0.5,
        "ml.prediction.confidence.source": "reported",
        "ml.prediction.confidence.tier": "low",
        "ml.prediction.decision": "abstain",
        "ml.prediction.threshold": 0.9,
        "ml.prediction.label": "dog",
    } == event.attributes
    assert [0.1] == [found.attributes["ml.prediction.uncertainty"] for found in sure]
    assert span.context is not None
    assert span.context.span_id == event.span_id
    assert 1 == telemetry.value("ml.prediction.uncertainty")


def test_each_row_has_a_receipt(telemetry: Capture) -> None:
    """
    The truth about each row moves its own calibration bin, once, whatever was told before.
    """
    result = {"p": np.array([0.95, np.nan, 0.15]), "label": ["cat", "dog", "cow"]}
    _predict(telemetry, result, confidence=lambda found: found["p"], label="label")
    receipts = oc.last_receipts()

    for receipt, truth in zip(receipts, ("cat", "dog", "horse"), strict=True):
        telemetry.record_outcome(receipt, label=truth)
        telemetry.record_outcome(receipt, label=truth)

    assert {"correct": 2, "incorrect": 1} == telemetry.by(
        "ml.prediction.outcomes", "ml.prediction.outcome"
    )
    assert {"1.0": 1, "0.2": 1} == telemetry.by("ml.calibration.predictions", "ml.calibration.bin")
    assert {"duplicate": 3} == {k: v for k, v in telemetry.dropped().items() if k == "duplicate"}


def test_receipts_are_a_sequence(telemetry: Capture) -> None:
    """
    Receipts are counted, indexed from both ends, sliced and iterated; each is written when asked.
    """
    _predict(telemetry, _confidences(10))
    receipts = oc.last_receipts()

    assert 10 == len(receipts) == len(set(receipts))
    assert receipts[9] == receipts[-1]
    assert [receipts[0], receipts[1]] == receipts[:2]
    assert "<10 receipts>" == repr(receipts)
    with pytest.raises(IndexError):
        receipts[10]


def test_a_single_prediction_has_one_receipt(telemetry: Capture) -> None:
    """
    Code that handles batches handles a single prediction alike; after a failed call there is none.
    """
    with telemetry.prediction(model="m") as p:
        p.set(confidence=0.5, label="cat")
    alone = [oc.last_receipt()] == list(oc.last_receipts()) == list(p.receipts)
    with pytest.raises(KeyError), telemetry.prediction(model="m"):
        raise KeyError

    assert alone
    assert [] == list(oc.last_receipts())


def test_a_batch_is_told_in_a_with_block(telemetry: Capture) -> None:
    """
    Confidences, labels and uncertainties of a batch are given as columns.
    """
    with telemetry.prediction(model="m", threshold=0.7) as p:
        p.set(
            confidence=np.array([0.9, 0.5]),
            label=["cat", "dog"],
            uncertainty=np.array([0.1, 0.2]),
            method="entropy",
        )
    telemetry.record_outcome(p.receipts[1], label="dog")

    assert {"accept": 1, "abstain": 1} == telemetry.by("ml.predictions", "ml.prediction.decision")
    assert 2 == telemetry.value("ml.prediction.uncertainty")
    assert {"correct": 1} == telemetry.by("ml.prediction.outcomes", "ml.prediction.outcome")


def test_the_exemplar_of_a_batch_is_its_span(telemetry: Capture) -> None:
    """
    The first row of each decision links to the call's span; ten thousand links would say no more.
    """
    _predict(telemetry, np.array([0.95, 0.96, 0.97]))
    (span,) = telemetry.spans()
    data = telemetry._reader.get_metrics_data()
    assert data is not None
    exemplars = [
        exemplar
        for scope in data.resource_metrics[0].scope_metrics
        for metric in scope.metrics
        if metric.name == "ml.prediction.confidence"
        for point in metric.data.data_points
        for exemplar in point.exemplars
    ]

    assert span.context is not None
    assert [(0.95, span.context.span_id)] == [(e.value, e.span_id) for e in exemplars]


def test_row_ids_are_the_same_one_by_one_and_together() -> None:
    """
    A row's id is the same alone and in its column, and unlike every other's.
    """
    for batch in (0, 1, 2**63, 2**64 - 1):
        ids = row_ids(batch, 1_000).tolist()

        assert [row_id(batch, row) for row in range(1_000)] == ids
        assert 1_000 == len(set(ids))
