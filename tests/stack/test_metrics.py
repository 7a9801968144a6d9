"""This module checks what of a program's metrics is in Prometheus, by names spelled out."""

from typing import Any

import pytest
from tests.stack import shop
from tests.stack.paths import ask
from tests.stack.world import settled, until
from tools.stack import Stack

pytestmark = pytest.mark.xdist_group("stack")
MODEL = "ml_model_name=glyphs,ml_model_version=1"
EXPECTED = {
    'ml_predictions_total{job="shop", ml_model_name="glyphs"} > 0': {
        f"__name__=ml_predictions_total,{MODEL},ml_prediction_confidence_tier=high,"
        "ml_prediction_decision=accept": 4.0,
        f"__name__=ml_predictions_total,{MODEL},ml_prediction_confidence_tier=medium,"
        "ml_prediction_decision=abstain": 4.0,
        f"__name__=ml_predictions_total,{MODEL},ml_prediction_confidence_tier=low,"
        "ml_prediction_decision=abstain": 4.0,
    },
    'ml_prediction_confidence_bucket{job="shop", ml_model_name="glyphs", '
    'ml_prediction_decision="abstain", le="0.6"}': {
        f"__name__=ml_prediction_confidence_bucket,le=0.6,{MODEL},"
        "ml_prediction_confidence_source=probability,ml_prediction_decision=abstain": 4.0
    },
    'ml_prediction_outcomes_total{job="shop", ml_model_name="glyphs"} > 0': {
        f"__name__=ml_prediction_outcomes_total,{MODEL},ml_prediction_outcome=correct": 9.0,
        f"__name__=ml_prediction_outcomes_total,{MODEL},ml_prediction_outcome=incorrect": 3.0,
    },
    'ml_calibration_predictions_total{job="shop", ml_model_name="glyphs"} > 0': {
        f"__name__=ml_calibration_predictions_total,ml_calibration_bin={edge},{MODEL},"
        "ml_prediction_confidence_source=probability": 4.0
        for edge in ("0.4", "0.7", "1.0")
    },
    'ml_feedback_score_sum{job="shop"}': {
        "__name__=ml_feedback_score_sum,ml_feedback_source=end_user,"
        f"ml_feedback_type=accuracy,{MODEL}": 9.0
    },
    'ml_resource_used_bytes{job="shop"}': {
        "__name__=ml_resource_used_bytes,ml_resource_name=0,ml_resource_type=gpu": 2.0**30
    },
    'ml_errors_total{job="shop", error_type="ValueError"}': {
        f"__name__=ml_errors_total,error_type=ValueError,ml_component_name=ranker,"
        f"ml_error_impact=degraded,ml_error_severity=high,{MODEL}": 1.0
    },
}


@pytest.mark.usefixtures("recorded")
@pytest.mark.parametrize("expression", EXPECTED)
def test_metrics_arrive_as_recorded(stack: Stack, expression: str) -> None:
    """
    A metric has in Prometheus exactly the name, labels and values that the program recorded.
    """
    assert EXPECTED[expression] == settled(stack, expression, EXPECTED[expression])


def exemplars(stack: Stack, expression: str) -> set[tuple[str, float]]:
    """
    The traces that Prometheus knows of by a series' exemplars, and the value of each.
    """
    answer = ask(
        f"{stack.url('prometheus', 9090)}/api/v1/query_exemplars",
        query=expression,
        start="0",
        end="4102444800",
    ).json()
    found = [e for series in answer["data"] for e in series["exemplars"]]
    return {(e["labels"]["trace_id"], float(e["value"])) for e in found}


def test_exemplars_lead_to_their_traces(stack: Stack, recorded: dict[str, Any]) -> None:
    """
    An exemplar of each confidence names a trace in which just this confidence was recorded.
    """
    expression = 'ml_prediction_confidence_bucket{ml_model_name="glyphs"}'
    made = {
        (trace, float(confidence))
        for confidence, traces in recorded["traces"].items()
        for trace in traces
    }

    def complete() -> set[tuple[str, float]]:
        found = exemplars(stack, expression)
        return found if len({value for _, value in found}) == len(shop.CONFIDENCES) else set()

    found = until(complete)

    assert set(shop.CONFIDENCES) == {value for _, value in found}
    assert set() == found - made


def test_metrics_about_spans_lead_to_their_traces(stack: Stack, recorded: dict[str, Any]) -> None:
    """
    An exemplar of the slow request's duration names its trace and how long it took.
    """
    expression = 'traces_span_metrics_duration_seconds_bucket{span_name="predict slow"}'
    found = until(lambda: exemplars(stack, expression))

    assert recorded["slow"] == [trace for trace, _ in found]
    assert all(1.05 <= seconds < 60 for _, seconds in found)


@pytest.mark.usefixtures("recorded")
def test_spans_are_counted_before_they_are_sampled(stack: Stack) -> None:
    """
    Metrics of spans count every one, also those that sampling leaves out.
    """
    expression = 'sum(traces_span_metrics_calls_total{span_name="predict sure"})'
    wanted = {"": float(shop.CONFIDENT)}

    assert wanted == settled(stack, expression, wanted)
