"""This module checks that what no program should send costs its neighbors nothing."""

from collections import Counter

import pytest
from tests.stack import hostile
from tests.stack.world import settled, until
from tools.stack import Stack
from tools.stack.recorded import Item

pytestmark = pytest.mark.xdist_group("stack")
ALL = 3 * hostile.NEIGHBORS
LOKI_ENTRIES = 128
LOKI_BYTES = 64 * 1024
"""Loki refuses a line with more metadata than that, and with it the request that it came in."""
TEMPO_BYTES = 4 * 2**20
"""Tempo's door, as any of gRPC, refuses a larger request."""


@pytest.fixture(scope="module")
def events(stack: Stack) -> list[Item]:
    """What came to Loki's door, once all that is expected is there."""

    def complete() -> list[Item]:
        found = stack.recorded("loki").events("hostile")
        names = Counter(event.message.event_name for event in found)
        return found if names["rough"] == 3 and names["ml.prediction.result"] == ALL + 4 else []

    return until(complete)


@pytest.fixture(scope="module")
def spans(stack: Stack) -> list[Item]:
    """What came to Tempo's door, once all that is expected is there."""

    def complete() -> list[Item]:
        found = stack.recorded("tempo").spans("hostile")
        names = Counter(span.message.name for span in found)
        return found if names["rough"] == 3 and names[f"predict {hostile.MODEL}"] == ALL else []

    return until(complete)


def size(item: Item) -> int:
    return sum(len(key) + len(str(value).encode()) for key, value in item.attributes.items())


def test_neighbors_are_counted_to_the_last_one(stack: Stack) -> None:
    """
    Predictions before, between and after hostile records are all in Prometheus.
    """
    expression = f'sum(ml_predictions_total{{job="hostile", ml_model_name="{hostile.MODEL}"}})'

    assert {"": float(ALL)} == settled(stack, expression, {"": float(ALL)})


def test_hostile_names_share_a_series(stack: Stack) -> None:
    """
    Names of ten megabytes, with lone surrogates or with control characters make no series.
    """
    expression = 'sum by (ml_model_name) (ml_predictions_total{job="hostile"})'
    wanted = {
        "ml_model_name=_OTHER": 3.0,
        "ml_model_name=many": 1.0,
        f"ml_model_name={hostile.MODEL}": float(ALL),
    }

    assert wanted == settled(stack, expression, wanted)


def test_neighbors_traces_are_all_there(spans: list[Item]) -> None:
    """
    Unsure predictions beside spans of ten megabytes and ten thousand attributes are all kept.
    """
    names = Counter(span.message.name for span in spans)

    assert ALL == names[f"predict {hostile.MODEL}"]


def test_hostile_spans_arrive_cut(stack: Stack, spans: list[Item]) -> None:
    """
    Hostile spans come too, in what Tempo takes, and say how much they lost.
    """
    rough = sorted((s for s in spans if s.message.name == "rough"), key=size)
    requests = stack.recorded("tempo").requests("traces")

    assert {"plain": "kept"} == rough[0].attributes
    assert [1, 1, 128] == sorted(len(s.attributes) for s in rough)
    assert [0, 0, 10_000 - 128] == sorted(s.message.dropped_attributes_count for s in rough)
    assert max(request.ByteSize() for request in requests) < TEMPO_BYTES


def test_neighbors_events_are_all_there(events: list[Item]) -> None:
    """
    Events in the same batch as a log record of twenty megabytes arrive, and so does that one.
    """
    models = Counter(
        event.attributes["ml.model.name"]
        for event in events
        if event.message.event_name == "ml.prediction.result"
    )

    assert {hostile.MODEL: ALL, "_OTHER": 3, "many": 1} == models


def test_events_are_what_loki_takes(events: list[Item]) -> None:
    """
    No event has more or larger metadata than Loki takes, and each is valid text.
    """
    assert max(len(event.attributes) for event in events) <= LOKI_ENTRIES
    assert max(size(event) for event in events) <= LOKI_BYTES
    assert max(len(event.message.body.string_value) for event in events) <= LOKI_BYTES


@pytest.mark.usefixtures("events")
def test_what_is_said_of_it_is_short(stack: Stack) -> None:
    """
    The program's own log names what was wrong and repeats no megabytes.
    """
    said = stack.plan.starts["hostile"].log.read_text()

    assert "must take at most" in said
    assert len(said) < 10_000
