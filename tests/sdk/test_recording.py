"""This module checks what truth and feedback do, whenever and wherever they arrive."""

import math
from typing import Any

import numpy as np
import pytest

import otel_confidence as oc
from otel_confidence.sdk import extract as oc_extract
from otel_confidence.testing import Capture

SETS = oc_extract.PredictionSet(".", alpha=0.1)


def _predicted(capture: Capture, confidence: Any = 0.9, label: Any = 4, **more: Any) -> str:
    with capture.prediction(model="m", version="1", **more) as p:
        p.set(confidence=confidence, label=label)
    return p.receipt


def _bin(capture: Capture, metric: str) -> dict[str, float]:
    return capture.by(f"ml.calibration.{metric}", "ml.calibration.bin")


def test_truth_moves_the_right_bin(telemetry: Capture) -> None:
    """
    A known truth adds to the four calibration counters of its confidence's bin alone.
    """
    for confidence, label in ((0.9, 4), (0.85, 5), (0.0, 4), (1.0, 4)):
        telemetry.record_outcome(_predicted(telemetry, confidence), label=label)

    assert {"0.9": 2, "0.1": 1, "1.0": 1} == _bin(telemetry, "predictions")
    assert {"0.9": 1, "0.1": 1, "1.0": 1} == _bin(telemetry, "correct")
    assert {"0.9": 1.75, "1.0": 1.0} == _bin(telemetry, "confidence")
    assert pytest.approx({"0.9": 0.1**2 + 0.85**2, "0.1": 1.0}) == _bin(telemetry, "squared_error")
    assert {"correct": 3, "incorrect": 1} == telemetry.by(
        "ml.prediction.outcomes", "ml.prediction.outcome"
    )


def test_calibration_agrees_with_numpy(telemetry: Capture) -> None:
    """
    Over a thousand predictions the counters are numpy's own sums.
    """
    generator = np.random.default_rng(7)
    confidences = generator.random(1_000).round(2)
    correct = generator.random(1_000) < confidences
    for confidence, right in zip(confidences, correct, strict=True):
        telemetry.record_outcome(_predicted(telemetry, confidence), correct=bool(right))
    bins = np.clip(np.digitize(confidences, np.arange(1, 11) / 10, right=True), 0, 9)
    expected = {f"{(b + 1) / 10}": confidences[bins == b].sum() for b in range(10)}

    assert pytest.approx(expected, rel=1e-12) == _bin(telemetry, "confidence")
    assert int(correct.sum()) == sum(_bin(telemetry, "correct").values())


def test_truth_can_arrive_in_another_process() -> None:
    """
    The receipt alone carries model, version, confidence and source to where the truth is known.
    """
    receipt = _predicted(Capture())
    elsewhere = Capture()
    elsewhere.record_outcome(receipt, label="4")
    (point,) = [p for p in elsewhere.points("ml.calibration.predictions") if p.value]

    assert {
        "ml.model.name": "m",
        "ml.model.version": "1",
        "ml.calibration.bin": "0.9",
        "ml.prediction.confidence.source": "reported",
    } == dict(point.attributes)


def test_outcome_is_linked_and_its_delay_known(telemetry: Capture) -> None:
    """
    The outcome's event lies in the prediction's trace and says how late the truth came.
    """
    receipt = _predicted(telemetry)
    (span,) = telemetry.spans()
    telemetry.clock.advance(3600)
    telemetry.record_outcome(receipt, label=5)
    (event,) = telemetry.events("ml.prediction.outcome")

    assert span.context is not None
    assert (span.context.trace_id, span.context.span_id) == (event.trace_id, event.span_id)
    assert "incorrect" == event.attributes["ml.prediction.outcome"]
    assert "5" == event.attributes["ml.prediction.truth"]
    assert f"{1:016x}" == event.attributes["ml.prediction.id"]
    assert [3600] == [p.value for p in telemetry.points("ml.prediction.label.delay")]


def test_truth_told_twice_counts_once(telemetry: Capture) -> None:
    """
    The same prediction's truth counts the first time; later ones are dropped as duplicates.
    """
    receipt = _predicted(telemetry)
    for _ in range(3):
        telemetry.record_outcome(receipt, label=4)

    assert 1 == telemetry.value("ml.prediction.outcomes")
    assert {"duplicate": 2} == telemetry.dropped()


def test_contradicting_truth_is_a_duplicate(telemetry: Capture) -> None:
    """
    What counts is the first truth, also where a later one says something else.
    """
    receipt = _predicted(telemetry)
    telemetry.record_outcome(receipt, correct=True)
    telemetry.record_outcome(receipt, correct=False)

    assert {"correct": 1} == telemetry.by("ml.prediction.outcomes", "ml.prediction.outcome")
    assert {"duplicate": 1} == telemetry.dropped()


def test_partly_right_predictions_move_the_same_counters(telemetry: Capture) -> None:
    """
    A score adds itself to the correct ones and its squared distance to the error.
    """
    for score in (0.25, 0.0, 1.0):
        telemetry.record_outcome(_predicted(telemetry, 0.5), score=score)
    events = telemetry.events("ml.prediction.outcome")

    assert {"partial": 1, "incorrect": 1, "correct": 1} == telemetry.by(
        "ml.prediction.outcomes", "ml.prediction.outcome"
    )
    assert {"0.5": 1.25} == _bin(telemetry, "correct")
    assert {"0.5": 0.25**2 + 0.5**2 + 0.5**2} == _bin(telemetry, "squared_error")
    assert [0.25, 0.0, 1.0] == [e.attributes["ml.prediction.correctness"] for e in events]


@pytest.mark.parametrize(
    ("declared", "result", "truth", "outcome", "correctness"),
    [
        ({"tolerance": 0.5}, 10.0, {"value": 10.5}, "correct", 1),
        ({"tolerance": 0.5}, 10.0, {"value": np.float32(11)}, "incorrect", 0),
        ({"tolerance": oc_extract.Tolerance(relative=0.1)}, 10.0, {"label": "9.1"}, "correct", 1),
        ({"confidence": oc_extract.Interval(".")}, (9.0, 11.0), {"value": 11}, "correct", 1),
        ({"confidence": oc_extract.Interval(".")}, (9.0, 11.0), {"value": 12}, "incorrect", 0),
        ({"confidence": SETS}, {"a", "b"}, {"label": "b"}, "partial", 0.5),
        ({"confidence": SETS}, {"a"}, {"label": "a"}, "correct", 1),
        ({"confidence": SETS}, {"a", "b"}, {"label": "c"}, "incorrect", 0),
        ({"confidence": SETS}, set(), {"label": "c"}, "incorrect", 0),
    ],
)
def test_truth_is_judged_by_what_was_declared(  # noqa: PLR0917  one for each column
    telemetry: Capture,
    declared: dict[str, Any],
    result: Any,
    truth: dict[str, Any],
    outcome: str,
    correctness: float,
) -> None:
    """
    A value counts by its tolerance or interval, a label by the share it has of a prediction set.
    """
    if "tolerance" in declared:
        declared = {"confidence": lambda _: 0.9, "label": ".", **declared}

    @telemetry.track_confidence(model="m", **declared)
    def predict() -> Any:
        return result

    predict()
    telemetry.record_outcome(oc.last_receipt(), **truth)
    (event,) = telemetry.events("ml.prediction.outcome")

    assert {outcome: 1} == telemetry.by("ml.prediction.outcomes", "ml.prediction.outcome")
    assert correctness == event.attributes["ml.prediction.correctness"]
    assert correctness == sum(_bin(telemetry, "correct").values())


def test_rows_of_a_batch_are_judged_apart(telemetry: Capture) -> None:
    """
    Each row's receipt carries the row's own value and tolerance.
    """

    @telemetry.track_confidence(model="m", confidence="[*].p", label="[*].v", tolerance=0.5)
    def predict() -> Any:
        return [{"p": 0.1, "v": 1.0}, {"p": 0.2, "v": 2.0}, {"p": 0.3, "v": 3.0}]

    predict()
    for receipt, value in zip(oc.last_receipts(), (1.5, 2.6, 3.0), strict=True):
        telemetry.record_outcome(receipt, value=value)

    assert {"correct": 2, "incorrect": 1} == telemetry.by(
        "ml.prediction.outcomes", "ml.prediction.outcome"
    )
    assert {"0.1": 1, "0.3": 1} == _bin(telemetry, "correct")


def test_label_delay_is_never_negative(telemetry: Capture) -> None:
    """
    Where the clock that tells the truth is behind, the delay is zero; a given time wins.
    """
    first, second = _predicted(telemetry), _predicted(telemetry)
    made_s = telemetry.clock.time_s
    telemetry.clock.advance(-60)
    telemetry.record_outcome(first, correct=True)
    telemetry.record_outcome(second, correct=True, time_s=made_s + 30)
    events = telemetry.events("ml.prediction.outcome")

    assert [0, 30] == [event.attributes["ml.prediction.label.delay"] for event in events]


def test_current_span_is_linked_to_the_prediction(telemetry: Capture) -> None:
    """
    The span in which a truth or judgement is told links to the prediction's, once for each.
    """
    receipt = _predicted(telemetry)
    (predicted,) = telemetry.spans("predict m")
    with telemetry.tracer.start_as_current_span("review"):
        telemetry.record_outcome(receipt, label=4)
        telemetry.record_outcome(receipt, label=4)
        telemetry.record_feedback(receipt, score=1)
    (review,) = telemetry.spans("review")

    assert predicted.context is not None
    assert [predicted.context.span_id] * 2 == [link.context.span_id for link in review.links]
    assert {f"{1:016x}"} == {(link.attributes or {})["ml.prediction.id"] for link in review.links}


def test_remembered_outcomes_are_bounded() -> None:
    """
    Only so many outcomes are remembered as the settings say.
    """
    capture = Capture(oc.Settings(seen_outcomes=2))
    receipts = [_predicted(capture) for _ in range(3)]
    for receipt in (*receipts, receipts[2], receipts[0]):
        capture.record_outcome(receipt, label=4)

    assert {"duplicate": 1} == capture.dropped()


def test_prediction_without_confidence_has_an_outcome(telemetry: Capture) -> None:
    """
    A truth about a prediction of unknown confidence counts as outcome, not for calibration.
    """
    telemetry.record_outcome(_predicted(telemetry, None), label=4)

    assert {"correct": 1} == telemetry.by("ml.prediction.outcomes", "ml.prediction.outcome")
    assert {} == _bin(telemetry, "predictions")


@pytest.mark.parametrize(
    ("receipt", "said", "reason"),
    [
        ("", {"label": 4}, "invalid_receipt"),
        ("forged", {"label": 4}, "invalid_receipt"),
        (None, {"label": 4}, "invalid_receipt"),
        (b"x", {"correct": True}, "invalid_receipt"),
        (..., {}, "truth_missing"),
        (..., {"label": object()}, "truth_missing"),
        (..., {"label": None}, "truth_missing"),
        (..., {"label": math.nan}, "truth_missing"),
        (..., {"value": 4.0}, "label_unknown"),
        (..., {"value": "4"}, "invalid_value"),
        (..., {"value": math.inf}, "invalid_value"),
        (..., {"score": 1.01}, "invalid_value"),
        (..., {"score": math.nan}, "invalid_value"),
        (..., {"correct": "no"}, "invalid_value"),
        (..., {"correct": 2}, "invalid_value"),
        (..., {"correct": True, "score": 1}, "invalid_value"),
        (..., {"label": 4, "value": 4}, "invalid_value"),
        (..., {"label": 4, "time_s": "now"}, "invalid_value"),
    ],
    ids=[
        "empty",
        "forged",
        "none",
        "bytes",
        "no truth",
        "no label",
        "missing",
        "nan",
        "no value",
        "text value",
        "infinite",
        "score",
        "nan score",
        "text",
        "two",
        "two verdicts",
        "two truths",
        "time",
    ],
)
def test_unusable_truth_is_counted(receipt: Any, said: dict[str, Any], reason: str) -> None:
    """
    A truth that can't be used raises nothing and is counted by reason.
    """
    capture = Capture(oc.Settings())
    capture.record_outcome(_predicted(capture) if receipt is ... else receipt, **said)

    assert {reason: 1} == capture.dropped()
    assert 0 == capture.value("ml.prediction.outcomes")
    assert 1 == capture.value("otel_confidence.records", otel_confidence_signal="outcome")


def test_signed_receipts_need_the_key() -> None:
    """
    With a key set, unsigned and foreign receipts are refused.
    """
    keyed = Capture(oc.Settings(receipt_key="k"))
    keyed.record_outcome(_predicted(Capture()), label=4)
    keyed.record_outcome(_predicted(keyed), label=4)

    assert {"invalid_receipt": 1} == keyed.dropped()
    assert 1 == keyed.value("ml.prediction.outcomes")


def test_keys_can_be_changed() -> None:
    """
    After a change of the key, truths of predictions signed with the former one still count.
    """
    receipt = _predicted(Capture(oc.Settings(receipt_key="old")))
    changed = Capture(oc.Settings(receipt_key="new", former_receipt_keys=("older", "old")))
    changed.record_outcome(receipt, label=4)

    assert 1 == changed.value("ml.prediction.outcomes")


def test_feedback_is_measured_and_told(telemetry: Capture) -> None:
    """
    A judgement moves histogram and counter by type and source; its comment stands on the event.
    """
    receipt = _predicted(telemetry)
    telemetry.record_feedback(
        receipt, score=0.8, type="ease_of_use", source="expert", comment="fine"
    )
    (score,) = telemetry.points("ml.feedback.score")
    (event,) = telemetry.events("ml.prediction.feedback")

    assert (0.8, 1) == (score.value, score.count)
    assert {
        "ml.model.name": "m",
        "ml.model.version": "1",
        "ml.feedback.type": "ease_of_use",
        "ml.feedback.source": "expert",
    } == dict(score.attributes)
    assert 1 == telemetry.value("ml.feedback.responses", ml_feedback_type="ease_of_use")
    assert "fine" == event.attributes["ml.feedback.comment"]


def test_judgements_count_once_for_each_judge(telemetry: Capture) -> None:
    """
    The same judgement told again is a duplicate; another type, source or judge is another one.
    """
    receipt = _predicted(telemetry)
    for _ in range(2):
        telemetry.record_feedback(receipt, score=0.5)
        telemetry.record_feedback(receipt, score=0.5, type="speed")
        telemetry.record_feedback(receipt, score=0.5, source="expert")
        telemetry.record_feedback(receipt, score=0.5, judge="7")
    events = telemetry.events("ml.prediction.feedback")

    assert 4 == telemetry.value("ml.feedback.responses")
    assert {"duplicate": 4} == telemetry.dropped()
    assert 4 == len({event.attributes["ml.feedback.id"] for event in events})


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"score": 4}, "out_of_range"),
        ({"score": math.nan}, "invalid_value"),
        ({"score": "1"}, "wrong_type"),
        ({"score": None}, "wrong_type"),
        ({"score": 1, "type": "x"}, "invalid_value"),
        ({"score": 1, "comment": 5}, "wrong_type"),
    ],
    ids=["range", "nan", "text", "none", "type", "comment"],
)
def test_unusable_feedback_is_counted(said: dict[str, Any], reason: str) -> None:
    """
    A judgement out of its range raises nothing and is counted.
    """
    capture = Capture(oc.Settings())
    capture.record_feedback(_predicted(capture), **said)

    assert {reason: 1} == capture.dropped()
    assert 0 == capture.value("ml.feedback.responses")


def test_ledger_balances(telemetry: Capture) -> None:
    """
    What was recorded is what was delivered and what was dropped, for every signal.
    """
    receipts = [_predicted(telemetry, confidence) for confidence in (0.5, math.nan, 2, None, 0.9)]
    for receipt in (*receipts, *receipts, "forged"):
        telemetry.record_outcome(receipt, label=4)
    with pytest.raises(KeyError), telemetry.prediction(model="m"):
        raise KeyError
    with pytest.raises(KeyboardInterrupt), telemetry.prediction(model="m"):
        raise KeyboardInterrupt

    def ledger(signal: str) -> tuple[float, float]:
        dropped = telemetry.value("otel_confidence.dropped", otel_confidence_signal=signal)
        recorded = telemetry.value("otel_confidence.records", otel_confidence_signal=signal)
        return recorded, dropped

    assert (6, 1) == ledger("prediction")
    assert 5 == telemetry.value("ml.predictions")
    assert (5, 3) == ledger("confidence")
    assert 2 == telemetry.value("ml.prediction.confidence")
    assert (11, 6) == ledger("outcome")
    assert 5 == telemetry.value("ml.prediction.outcomes")
    assert (1, 0) == ledger("error")
