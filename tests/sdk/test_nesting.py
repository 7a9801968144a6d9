"""This module checks that values which hold themselves, or lie very deep, go in anywhere."""

from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry import trace

import otel_confidence as oc
from otel_confidence.testing import Capture

DEPTH = 10_000
SETTINGS = oc.Settings(
    strict=True, metric_attributes=("place",), capture={"metadata": True, "inputs": True}
)


def _own_list() -> Any:
    found: list[Any] = []
    found.append(found)
    return found


def _own_dict() -> Any:
    found: dict[str, Any] = {}
    found["confidence"] = found["label"] = found["row"] = found
    return found


def _deep_list() -> Any:
    found: list[Any] = []
    for _ in range(DEPTH):
        found = [found]
    return found


def _deep_dict() -> Any:
    found: dict[str, Any] = {}
    for _ in range(DEPTH):
        found = {"confidence": found, "label": found}
    return found


def _returned(capture: Capture, value: Any, **declared: Any) -> None:
    @capture.track_confidence(model="m", **declared)
    def classify() -> Any:
        return value

    assert classify() is value


def _in_features(capture: Capture, value: Any) -> None:
    reference = oc.Reference.from_data(features={"age": [1.0, 2.0], "town": ["a", "b"]})

    @capture.track_confidence(model="m", reference=reference, features="row")
    def classify(row: Any) -> float:  # noqa: ARG001  what is counted
        return 0.5

    for row in (value, {"age": value, "town": value}, [value, value], [{"age": value}]):
        classify(row)


def _in_span(capture: Capture, value: Any) -> None:
    with capture.prediction(model="m") as p:
        trace.get_current_span().set_attribute("place", value)
        p.set(confidence=0.5)


def _in_set(capture: Capture, value: Any) -> None:
    with capture.prediction(model="m") as p:
        p.set(confidence=value, label=value, uncertainty=value, features=value)


def _in_truth(capture: Capture, value: Any) -> None:
    with capture.prediction(model="m") as p:
        p.set(confidence=0.5, label=value)
    capture.record_outcome(p.receipt, label=value)
    capture.record_feedback(
        p.receipt, score=value, judge=value, attributes={"place": value}, metadata={"x": value}
    )


def _in_reports(capture: Capture, value: Any) -> None:
    telemetry = capture.telemetry
    given = {"place": value}
    oc.record_usage(component="c", action="a", attributes=given, telemetry=telemetry)
    oc.record_optimization(
        component="c", category="x", before=1, after=value, metadata=given, telemetry=telemetry
    )
    oc.record_optimization(
        component="c", category="x", before=1, after=2, metadata=given, telemetry=telemetry
    )
    oc.record_data_quality(model="m", checks={"c": value}, telemetry=telemetry)
    oc.record_data_quality(model="m", checks=value, score=1, telemetry=telemetry)
    oc.record_performance(model="m", metric="f1", value=value, telemetry=telemetry)
    oc.record(value, telemetry=telemetry)


def _in_record(capture: Capture, value: Any) -> None:
    record = oc.Prediction("m", "", 0.5, value, prediction_set=value)
    oc.record(record, telemetry=capture.telemetry)


PLACES: dict[str, Callable[[Capture, Any], None]] = {
    "undeclared results": _returned,
    "results read by a path": lambda c, v: _returned(c, v, confidence="confidence", label="label"),
    "results read by every row": lambda c, v: _returned(c, v, confidence="[*].confidence"),
    "probabilities": lambda c, v: _returned(c, v, confidence="proba.max", label="proba.argmax"),
    "log-probabilities": lambda c, v: _returned(c, v, confidence="logprobs.entropy"),
    "votes": lambda c, v: _returned(c, v, confidence="votes"),
    "intervals": lambda c, v: _returned(c, v, confidence="interval", tolerance=1.0, label="."),
    "features": _in_features,
    "attributes of the span": _in_span,
    "what a block says": _in_set,
    "truths and judgements": _in_truth,
    "reports": _in_reports,
    "records": _in_record,
}


@pytest.mark.parametrize("place", list(PLACES))
@pytest.mark.parametrize(
    "make", [_own_list, _own_dict, _deep_list, _deep_dict], ids=lambda make: make.__name__[1:]
)
def test_endless_values_are_bounded_everywhere(place: str, make: Callable[[], Any]) -> None:
    """
    What holds itself, or lies 10,000 deep, is cut or refused wherever it is given.

    A text of such a value stops after four levels, so that nothing is lost that would need
    counting; where a number or a row is wanted, it is none and is counted as that. Nothing
    is contained by the guard either: that would be a fault of ours.
    """
    capture = Capture(SETTINGS)

    PLACES[place](capture, make())

    assert 0 == capture.value("otel_confidence.internal.errors")


@pytest.mark.parametrize(
    "make", [_own_list, _deep_list, _deep_dict], ids=lambda make: make.__name__[1:]
)
def test_references_refuse_endless_values(make: Callable[[], Any]) -> None:
    """
    Data that can't be summarized is refused by the error that names the feature.
    """
    with pytest.raises(oc.ConfigurationError):
        oc.Reference.from_data(features={"age": [make(), make()]})
