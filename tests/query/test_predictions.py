"""
This module tests what single predictions and traces look like when read back from a real store.
"""

import math
from collections.abc import Iterator
from pathlib import Path

import pytest

from otel_confidence.points import Batch, Event, Span, SpanEvent, SpanLink
from otel_confidence.query import predictions
from otel_confidence.store import Store

NOW_S = 1_800_000_000
HOSTILE = "d'; DROP TABLE events; --<script>\\\"\n{x:String}"


@pytest.fixture(name="store")
def _store(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(tmp_path / "data", retention_days=10_000)
    yield store
    store.close()


def event(name: str, *, at: float = NOW_S, trace_id: str = "", **attributes: str) -> Event:
    """
    An event whose attributes' dots are written as double underscores.
    """
    return Event(
        time_ns=round(at * 1e9),
        name=name,
        severity=13,
        severity_text="WARN",
        body="",
        trace_id=trace_id,
        span_id="",
        attributes={key.replace("__", "."): value for key, value in attributes.items()},
        resource={"service.name": "digits"},
    )


def low(model: str, number: int, **attributes: str) -> Event:
    """
    A low-confidence event, the number its id and second.
    """
    return event(
        "ml.prediction.low_confidence",
        at=NOW_S + number,
        trace_id=f"{number:032x}",
        ml__model__name=model,
        ml__prediction__id=f"p{number}",
        ml__prediction__confidence="0.41",
        ml__prediction__threshold="0.7",
        ml__prediction__label="4",
        **attributes,
    )


def outcome(number: int, truth: str, result: str, *, delay: float = 5) -> Event:
    """
    The truth about the low-confidence event of the same number.
    """
    return event(
        "ml.prediction.outcome",
        at=NOW_S + number + delay,
        ml__prediction__id=f"p{number}",
        ml__prediction__truth=truth,
        ml__prediction__outcome=result,
    )


def span(span_id: str, parent_id: str = "", **values: object) -> Span:
    """
    A span of the trace ``t``.
    """
    fields: dict[str, object] = {
        "trace_id": "t",
        "span_id": span_id,
        "parent_id": parent_id,
        "name": span_id,
        "kind": "INTERNAL",
        "start_ns": NOW_S * 10**9,
        "end_ns": NOW_S * 10**9 + 1_000_001,
        "status": "UNSET",
        "status_message": "",
        "attributes": {},
        "resource": {},
    }
    return Span(**{**fields, **values})  # type: ignore[arg-type]  # one table of defaults


def test_latest_come_first_and_know_their_truth(store: Store) -> None:
    """
    The newest low-confidence predictions of the model come first, each with its own truth.
    """
    store.write(Batch(events=[low("digits", 1), low("digits", 2), low("other", 3)]))
    store.write(Batch(events=[outcome(1, "9", "incorrect")]))

    found = predictions.latest_low_confidence(store, "digits", after_s=NOW_S)

    assert ["p2", "p1"] == [each.id for each in found]
    assert ["", "incorrect"] == [each.outcome for each in found]
    assert ["", "9"] == [each.truth for each in found]
    assert (0.41, 0.7, "4", f"{2:032x}") == (
        found[0].confidence,
        found[0].threshold,
        found[0].label,
        found[0].trace_id,
    )
    assert NOW_S + 2 == found[0].time_s


def test_a_corrected_truth_replaces_the_first(store: Store) -> None:
    """
    When the truth was recorded twice the later one holds.
    """
    first, later = outcome(1, "9", "incorrect"), outcome(1, "4", "correct", delay=60)
    store.write(Batch(events=[low("digits", 1), first, later]))

    (found,) = predictions.latest_low_confidence(store, "digits", after_s=NOW_S)

    assert ("4", "correct") == (found.truth, found.outcome)


def test_only_the_version_and_time_asked_for(store: Store) -> None:
    """
    Other versions and predictions before the window are left out, and no more than asked come.
    """
    versions = {1: "1", 2: "2", 3: "2", 4: "2"}
    events = [low("digits", n, ml__model__version=v) for n, v in versions.items()]
    store.write(Batch(events=events))

    found = predictions.latest_low_confidence(
        store, "digits", version="2", after_s=NOW_S + 2.5, most=1
    )

    assert ["p4"] == [each.id for each in found]


def test_predictions_without_an_id_take_no_truth(store: Store) -> None:
    """
    Events without a prediction id are shown, and no outcome is attributed to them.
    """
    named = low("digits", 1)
    nameless = event("ml.prediction.low_confidence", at=NOW_S + 1, ml__model__name="digits")
    stray = event("ml.prediction.outcome", at=NOW_S + 2, ml__prediction__outcome="correct")
    store.write(Batch(events=[named, nameless, stray]))

    found = predictions.latest_low_confidence(store, "digits", after_s=NOW_S)

    assert ["", ""] == [each.outcome for each in found]
    assert {"", "p1"} == {each.id for each in found}
    assert any(math.isnan(each.confidence) for each in found)


def test_a_hostile_model_name_is_only_a_name(store: Store) -> None:
    """
    Quotes, statements and parameter places within a name are compared as text.
    """
    store.write(Batch(events=[low(HOSTILE, 1), low("digits", 2)]))

    found = predictions.latest_low_confidence(store, HOSTILE, after_s=NOW_S)

    assert [HOSTILE] == [each.model for each in found]


def test_a_predictions_events_come_in_order(store: Store) -> None:
    """
    Result, outcome and feedback of one prediction come oldest first, without others'.
    """
    feedback = event("ml.prediction.feedback", at=NOW_S + 9, ml__prediction__id="p1")
    written = [feedback, outcome(1, "9", "incorrect"), low("digits", 1), low("digits", 2)]
    store.write(Batch(events=written))

    found = predictions.events_of_prediction(store, "p1", from_s=NOW_S)

    assert [written[2], written[1], written[0]] == found


def test_a_trace_comes_back_as_it_was_written(store: Store) -> None:
    """
    Spans keep every field, their events and links among them, and come in order of start.
    """
    root = span(
        "a",
        kind="SERVER",
        status="ERROR",
        status_message="boom",
        attributes={"k": "v"},
        resource={"service.name": "s"},
        events=(SpanEvent(NOW_S * 10**9 + 7, "exception", {"exception.type": "KeyError"}),),
        links=(SpanLink("other", "x", {"why": "batch"}),),
    )
    child = span("b", "a", start_ns=NOW_S * 10**9 + 5)
    store.write(Batch(spans=[child, root, span("c", trace_id="u")]))

    found = predictions.spans_of_trace(store, "t")

    assert [root, child] == found


def test_a_traces_events_tell_its_prediction(store: Store) -> None:
    """
    The events of a trace give the prediction with the truth that was learned later.
    """
    known = event(
        "ml.prediction.outcome",
        at=NOW_S + 60,
        trace_id=f"{1:032x}",
        ml__prediction__id="p1",
        ml__prediction__outcome="incorrect",
        ml__prediction__truth="9",
    )
    store.write(Batch(events=[low("digits", 1, ml__model__version="3"), known, low("digits", 2)]))

    events = predictions.events_of_trace(store, f"{1:032x}")
    found = predictions.as_prediction(events)

    assert found is not None
    assert ("digits", "3", "p1") == (found.model, found.version, found.id)
    assert ("4", "9", "incorrect") == (found.label, found.truth, found.outcome)


def test_a_trace_without_predictions_has_none() -> None:
    """
    Events that are no prediction's give none.
    """
    assert predictions.as_prediction([event("something.else")]) is None
