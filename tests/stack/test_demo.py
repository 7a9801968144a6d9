"""This module checks that the demo of docker-compose.yml shows itself on every path."""

import pytest
from tests.generate import panels
from tests.stack.world import last, query, until
from tools.stack import Stack
from tools.stack.recorded import Item

from otel_confidence import conventions as c

pytestmark = pytest.mark.xdist_group("stack")
SERVICE = "digits"
FIRST = "otel-confidence-fleet"


@pytest.mark.parametrize(
    "expression",
    [
        f'sum({c.PREDICTIONS.prometheus}{{job="{SERVICE}"}}) > 25',
        f'sum({c.CALIBRATION_PREDICTIONS.prometheus}{{job="{SERVICE}"}}) > 25',
        f'sum({c.FEATURE_VALUES.prometheus}{{job="{SERVICE}"}}) > 25',
        f'sum({c.PREDICTION_CONFIDENCE.prometheus}_bucket{{job="{SERVICE}", le="1"}}) > 25',
        "sum(traces_span_metrics_calls_total{span_name='predict digits'}) > 25",
    ],
    ids=["predictions", "truths", "features", "confidence", "spans"],
)
def test_the_demos_metrics_grow_in_prometheus(stack: Stack, expression: str) -> None:
    """
    What panels show of the demo is there soon after the start.
    """
    assert until(lambda: query(stack, expression))


def test_the_demos_traces_and_events_arrive(stack: Stack) -> None:
    """
    Sampled predictions come to Tempo's door, every one to Loki's.
    """

    def spans() -> list[Item]:
        found = stack.recorded("tempo").spans(SERVICE)
        return [span for span in found if span.message.name == f"{c.SPAN_PREFIX} {SERVICE}"]

    def events() -> list[Item]:
        found = stack.recorded("loki").events(SERVICE)
        return [
            event for event in found if event.attributes.get(c.EVENT_NAME.name) == c.RESULT.name
        ]

    assert {SERVICE} == {span.attributes[c.MODEL_NAME.name] for span in until(spans)}
    assert {SERVICE} == {event.attributes[c.MODEL_NAME.name] for event in until(events)}


def test_fleet_shows_the_demo(stack: Stack) -> None:
    """
    Every panel of the first dashboard has data soon, but for alerts, and drift of 500 values on.
    """
    later = ("ALERTS", "psi", "ks1")
    queries = [
        q
        for q in panels.asked()
        if q.board == FIRST
        and not q.place.startswith("annotation")  # which mark a moment, and are none afterwards
        and not any(word in q.expression for word in later)
    ]

    def empty() -> list[tuple[str, str]]:
        return [(q.place, q.letter) for q in queries if not query(stack, q.expression)]

    assert len(queries) >= 15
    assert [] == last(empty, lambda found: not found)
