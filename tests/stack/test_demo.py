"""This module checks that the demo of docker-compose.yml shows itself on every path."""

import pytest
from tests.running import until
from tests.stack.world import query
from tools.stack import Stack

from otel_confidence import conventions as c

pytestmark = pytest.mark.xdist_group("stack")
SERVICE = "digits"


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
    spans = until(lambda: stack.recorded("tempo").spans(SERVICE))
    events = until(lambda: stack.recorded("loki").events(SERVICE))

    assert "predict digits" in {span.message.name for span in spans}
    assert c.RESULT.name in {event.attributes[c.EVENT_NAME.name] for event in events}
