"""This module checks recording in the midst of recording, and functions that must run once."""

import inspect
import logging
import threading
from collections.abc import Callable, Coroutine
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import otel_confidence as oc
from otel_confidence import conventions as c
from otel_confidence.reference import Reference
from otel_confidence.testing import Capture


@pytest.mark.parametrize("lock", ["sums", "labels", "seen", "instruments"])
def test_recording_in_the_midst_of_recording_does_not_wait_for_itself(
    telemetry: Capture, lock: str
) -> None:
    """
    A signal handler, or a stream that is collected, records while its thread holds a lock of ours.
    """
    inner = telemetry.telemetry
    with telemetry.prediction(model="m") as p:
        p.set(confidence=0.5, label="a")
    held = inner.sums.lock if lock == "sums" else getattr(inner, lock)._lock

    def work() -> None:
        with held:
            oc.record_usage(component="c", action="a", telemetry=inner)
            telemetry.record_outcome(p.receipt, label="a")

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(30)

    assert not thread.is_alive()
    assert 1 == telemetry.value("ml.prediction.outcomes")


def test_a_function_only_marked_as_coroutine_function_runs_once(telemetry: Capture) -> None:
    """
    What says that it gives something to await, and is no coroutine function, runs once a call.
    """
    mark: Callable[[Any], Any] | None = getattr(inspect, "markcoroutinefunction", None)
    if mark is None:
        pytest.skip("inspect.markcoroutinefunction is of Python 3.12")
    runs: list[int] = []

    async def answer() -> tuple[str, float]:
        return "a", 0.9

    @telemetry.track_confidence(model="m")
    @mark
    def classify() -> Coroutine[Any, Any, tuple[str, float]]:
        runs.append(1)
        return answer()

    coroutine = classify()
    with pytest.raises(StopIteration) as stopped:
        coroutine.send(None)

    assert ("a", 0.9) == stopped.value.value
    assert [1] == runs


def test_thresholds_made_up_at_run_time_are_bounded(
    telemetry: Capture, caplog: pytest.LogCaptureFixture
) -> None:
    """
    A threshold of every call's own decides, and adds neither edges nor warnings without end.
    """
    with caplog.at_level(logging.WARNING):
        for call in range(500):
            with telemetry.prediction(model="m", threshold=call / 500) as p:
                p.set(confidence=0.5)
    decided = {
        point.attributes["ml.prediction.decision"]: point.value
        for point in telemetry.points("ml.predictions")
        if point.value
    }

    assert {"accept": 251, "abstain": 249} == decided
    assert len(caplog.records) <= 101
    assert "more than 100 thresholds" in caplog.text


def test_warnings_of_one_process_are_bounded(
    telemetry: Capture, caplog: pytest.LogCaptureFixture
) -> None:
    """
    Warnings whose keys hold names that a program makes up come to an end.
    """
    with caplog.at_level(logging.WARNING):
        for number in range(1_500):
            telemetry.telemetry.guard.say_once(f"key {number}", "said %d", number)

    assert 1_000 == len(caplog.records)


def test_the_name_of_a_fault_is_bounded() -> None:
    """
    An exception's type may have any name; on metrics it is one short printable line.
    """
    capture = Capture(oc.Settings())
    kind: type[Exception] = type("Odd\n" + "x" * 100_000, (Exception,), {})

    def fail(_: object) -> float:
        raise kind

    @capture.track_confidence(model="m", confidence=fail)
    def classify() -> float:
        return 0.5

    classify()
    (name,) = {
        str(point.attributes["error.type"])
        for point in capture.points("otel_confidence.internal.errors")
    }

    assert name.isprintable()
    assert len(name) <= 90


@pytest.mark.parametrize(
    "wrong",
    [
        {"rejected": {"x": -5}},
        {"rejected": {"x": 0.5}},
        {"rejected": {"": 1}},
        {"size": 3, "confidence": np.array([0.5, 0.6])},
    ],
    ids=["count below zero", "count in parts", "reason without a name", "size of another batch"],
)
def test_predictions_that_contradict_themselves_are_refused(wrong: dict[str, Any]) -> None:
    """
    What would let a counter fall, or count rows that are not there, is no record.
    """
    with pytest.raises(oc.InvalidRecord):
        oc.Prediction("m", **wrong)


def test_reasons_are_printable() -> None:
    """
    A reason stands on a metric, where a lone surrogate would stop every export.
    """
    assert {"\\ud800": 1} == oc.Prediction("m", rejected={"\ud800": 1}).rejected


@pytest.mark.parametrize("label", [np.float32("nan"), np.float64("nan"), float("nan"), None])
def test_a_missing_truth_of_any_library_is_none(telemetry: Capture, label: Any) -> None:
    """
    NaN in whatever precision says that the truth is missing; it makes no prediction wrong.
    """
    with telemetry.prediction(model="m") as p:
        p.set(confidence=0.5, label="a")
    telemetry.record_outcome(p.receipt, label=label)

    assert 0 == telemetry.value("ml.prediction.outcomes")
    assert {"truth_missing": 1} == telemetry.dropped()


def test_a_truth_that_fails_is_accounted_for() -> None:
    """
    A truth whose text can't be made is lost under a reason, as everything that is lost.
    """
    capture = Capture(oc.Settings())
    with capture.prediction(model="m") as p:
        p.set(confidence=0.5, label="a")
    capture.record_outcome(p.receipt, label=Fraction(10**10_000, 3))

    assert {"internal_error": 1} == capture.dropped()
    assert 1 == capture.telemetry.sums.value(c.RECORDS, otel_confidence_signal="outcome")


def test_large_labels_are_looked_at_in_part(telemetry: Capture) -> None:
    """
    Of a mask or a huge set not more is read than a label can hold.
    """
    mask = np.zeros((64, 512, 512), np.uint8)
    for label in (mask, set(range(1_000_000))):
        with telemetry.prediction(model="m") as p:
            p.set(confidence=0.5, label=label)
    texts = [str((span.attributes or {})[c.LABEL.name]) for span in telemetry.spans()]

    assert max(map(len, texts)) <= 256
    assert "set" == texts[1]


def test_a_reference_with_a_number_beyond_floats_is_damaged(tmp_path: Any) -> None:
    """
    A file whose numbers are too large for a float is refused as every damaged one.
    """
    path = tmp_path / "reference.json"
    Reference.from_data(features={"age": [1.0, 2.0, 3.0]}).save(path)
    text = path.read_text()
    path.write_text(text.replace('"high": ', '"high": 1' + "0" * 400))

    with pytest.raises(oc.ConfigurationError, match="damaged"):
        Reference.load(path)


def test_a_version_that_is_no_text_is_named(caplog: pytest.LogCaptureFixture) -> None:
    """
    A number for a version is refused with what would be right: 1.10 and 1.1 are one number.

    Where nothing may be raised the same sentence is said once, and the prediction is recorded.
    """
    capture = Capture(oc.Settings())
    number: Any = 1
    sentence = 'version must be a text, such as "1", got 1'
    with pytest.raises(oc.ConfigurationError, match=sentence):
        capture.track_confidence(model="m", version=number)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            with capture.prediction(model="m", version=number) as p:
                p.set(confidence=0.5)

    assert 1 == caplog.text.count(sentence)
    assert 3 == capture.value("ml.predictions")
