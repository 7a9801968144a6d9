"""This module plants secrets wherever text can stand, and looks for them where it leaves."""

import base64
import logging
import re
from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry import trace
from tests.sdk.planted import MAKERS, Maker, planted

import otel_confidence.sdk.recording as verbs
from otel_confidence.errors import ConfigurationError
from otel_confidence.records import Failure, Feedback, Outcome, Prediction
from otel_confidence.settings import Settings
from otel_confidence.testing import Capture

OPTIONAL = ("ip_address", "mac_address", "coordinates")


def _label(capture: Capture, text: str) -> None:
    with capture.prediction(model="m", threshold=0.9) as p:
        p.set(confidence=0.5, label=text)


def _labels(capture: Capture, text: str) -> None:
    with capture.prediction(model="m") as p:
        p.set(confidence=0.5, label=("x", text))


def _truth(capture: Capture, text: str) -> None:
    with capture.prediction(model="m") as p:
        p.set(confidence=0.5, label="cat")
    capture.record_outcome(p.receipt, label=text)


def _comment(capture: Capture, text: str) -> None:
    with capture.prediction(model="m") as p:
        p.set(confidence=0.5)
    capture.record_feedback(p.receipt, score=0.5, comment=f"they said: {text}!")


def _raised(capture: Capture, text: str) -> None:
    @capture.track_confidence(model="m", confidence="score")
    def fail() -> None:
        raise ValueError(text)

    with pytest.raises(ValueError, match=re.escape(text)):
        fail()


def _recorded(capture: Capture, text: str) -> None:
    with capture.prediction(model="m"):
        span = trace.get_current_span()
        span.record_exception(ValueError(text))
        span.set_status(trace.StatusCode.ERROR, f"failed: {text}")


def _attribute(capture: Capture, text: str) -> None:
    with capture.prediction(model="m"):
        trace.get_current_span().set_attributes({"note": text, "notes": [text]})


def _event(capture: Capture, text: str) -> None:
    with capture.prediction(model="m"):
        trace.get_current_span().add_event(text, {"note": f"https://h.example/x?note={text}"})


def _generator(capture: Capture, text: str) -> None:
    @capture.track_confidence(model="m", confidence="score", label="label")
    def stream() -> Any:
        trace.get_current_span().set_attribute("note", text)
        yield {"score": 0.5, "label": text}

    list(stream())


def _records(capture: Capture, text: str) -> None:
    capture.telemetry.emit(Prediction("m", confidence=0.5, source="reported", label=text))
    capture.telemetry.emit(Outcome("m", correct=True, truth=text, prediction_id=1))
    capture.telemetry.emit(Feedback("m", score=0.5, comment=text))
    capture.telemetry.emit(Failure("m", error_type=text))


def _model(capture: Capture, text: str) -> None:
    capture.telemetry.emit(Prediction(text, text, confidence=0.5, source="reported"))


def _score(capture: Capture, text: str) -> None:
    with capture.prediction(model="m") as p:
        p.set(confidence=text)
    verbs.record_feedback(p.receipt, score=text, type=text, telemetry=capture.telemetry)  # type: ignore[arg-type]


PLACES: dict[str, Callable[[Capture, str], None]] = {
    "label": _label,
    "labels": _labels,
    "truth": _truth,
    "comment": _comment,
    "raised exception": _raised,
    "recorded exception": _recorded,
    "attribute": _attribute,
    "event": _event,
    "generator": _generator,
    "records": _records,
    "model": _model,
    "score": _score,
}


def _everything(capture: Capture) -> str:
    """
    All that was exported, as text.
    """
    spans = [span.to_json() for span in capture.spans()]
    events = [repr(event) for event in capture.events()]
    names = ("ml.predictions", "ml.errors", "otel_confidence.dropped", "ml.prediction.confidence")
    points = [repr(capture.points(name)) for name in names]
    return "\n".join((*spans, *events, *points)).replace("\\n", "\n")


@pytest.mark.parametrize("place", PLACES)
def test_no_planted_secret_leaves(place: str, caplog: pytest.LogCaptureFixture) -> None:
    """
    Of every kind, planted wherever text can stand, nothing reaches an exporter or a log.
    """
    maker, leaks = Maker(len(place)), []
    with caplog.at_level(logging.DEBUG):
        for kind in MAKERS:
            capture = Capture(Settings(redact_also=OPTIONAL))
            text, secret = planted(kind, maker)
            PLACES[place](capture, text[:200] if kind == "private_key" else text)
            left = _everything(capture) + caplog.text
            leaks += [kind] if secret[:40] in left or (secret[-20:] in left) else []
            caplog.clear()

    assert [] == leaks


def test_receipts_hide_what_events_hide() -> None:
    """
    A label that is scrubbed or hashed on events stands in a receipt as a digest, still comparable.
    """
    for settings, label in (
        (Settings(), "joe@example.org"),
        (Settings(capture={"label": "hash"}), "x" * 9),
    ):
        capture = Capture(settings)
        with capture.prediction(model="m") as p:
            p.set(confidence=0.5, label=label)
        raw = base64.urlsafe_b64decode(p.receipt + "==")
        capture.record_outcome(p.receipt, label=label)

        assert label.encode() not in raw
        assert {"correct": 1} == capture.by("ml.prediction.outcomes", "ml.prediction.outcome")


def test_hashed_label_and_truth_meet() -> None:
    """
    A hashed label equals the hashed truth, so that they can be compared without being read.
    """
    capture = Capture(Settings(capture={"label": "hash", "truth": "hash"}))
    with capture.prediction(model="m") as p:
        p.set(confidence=0.5, label="joe@example.org")
    capture.record_outcome(p.receipt, label="joe@example.org")
    told, known = capture.events("ml.prediction.result"), capture.events("ml.prediction.outcome")

    assert str(told[0].attributes["ml.prediction.label"]).startswith("blake2b:")
    assert told[0].attributes["ml.prediction.label"] == known[0].attributes["ml.prediction.truth"]


def test_switched_off_fields_leave_no_attribute() -> None:
    """
    Fields declared off are absent from spans and events; everything else is there.
    """
    capture = Capture(Settings(capture={"label": False, "comment": False, "attributes": False}))
    with capture.prediction(model="m") as p:
        trace.get_current_span().set_attribute("note", "x")
        p.set(confidence=0.5, label="cat")
    capture.record_feedback(p.receipt, score=0.5, comment="fine")
    attributes = dict(capture.spans()[0].attributes or {})

    assert 0.5 == attributes["ml.prediction.confidence"]
    assert not {"note", "ml.prediction.label"} & attributes.keys()
    assert "ml.feedback.comment" not in capture.events("ml.prediction.feedback")[0].attributes


def test_failing_redaction_drops_the_field_alone() -> None:
    """
    Where ``redact=`` raises, the prediction is recorded without its label, and the fault counted.
    """

    def redact(*_: str) -> str:
        raise ValueError

    capture = Capture(Settings(redact=redact))
    _label(capture, "cat")
    result = capture.events("ml.prediction.result")[0]

    assert "ml.prediction.label" not in result.attributes
    assert 0.5 == result.attributes["ml.prediction.confidence"]
    assert 1 == capture.value("ml.predictions")
    assert {"redact": 1} == capture.by("otel_confidence.internal.errors", "otel_confidence.place")


def test_wrong_redaction_changes_nothing() -> None:
    """
    ``configure()`` with a wrong pattern raises, and what was set before stays.
    """
    capture = Capture(Settings(redact_except=("phone",)))
    with pytest.raises(ConfigurationError, match="is refused"):
        capture.telemetry.adjust(Settings(redact_patterns={"k": "(a+)+b"}))

    assert ("phone",) == capture.telemetry.settings.redact_except
    assert "+49 171 1234567" == capture.telemetry.redactor.text("comment", "+49 171 1234567")
