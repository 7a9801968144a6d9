"""
This module checks with promtool when the alerts of objectives fire, and when they do not.
"""

from pathlib import Path
from typing import Any

import pytest
from tests.generate.slo_cases import complaints, fired, firing, series

from otel_confidence.generate.slos import FAST_BURN, SLOW_BURN
from otel_confidence.objectives import (
    Accuracy,
    Availability,
    Calibration,
    Confidence,
    ErrorRate,
    Freshness,
    Latency,
    Objective,
    Satisfaction,
    Throughput,
)

CALLS = 'ml_prediction_duration_seconds_count{ml_model_name="m", instance="a"}'
FAILED = 'ml_prediction_duration_seconds_count{ml_model_name="m", instance="a", error_type="E"}'
IN_TIME = 'ml_prediction_duration_seconds_bucket{ml_model_name="m", instance="a", le="0.25"}'
ERRORS = 'ml_errors_total{ml_model_name="m", instance="a", ml_error_severity="high"}'
SURE = 'ml_prediction_confidence_count{ml_model_name="m", instance="a"}'
UNSURE = 'ml_prediction_confidence_bucket{ml_model_name="m", instance="a", le="0.8"}'
MADE = 'ml_predictions_total{ml_model_name="m", ml_prediction_confidence_tier="high"}'
LOW = 'ml_predictions_total{ml_model_name="m", ml_prediction_confidence_tier="low"}'
_BIN = 'ml_model_name="m", ml_calibration_bin="1.0"'
KNOWN = f"ml_calibration_predictions_total{{{_BIN}}}"
RIGHT = f"ml_calibration_correct_total{{{_BIN}}}"
CLAIMED = f"ml_calibration_confidence_total{{{_BIN}}}"
LIKED = 'ml_feedback_score_count{ml_model_name="m", ml_feedback_type="overall"}'
DISLIKED = 'ml_feedback_score_bucket{ml_model_name="m", ml_feedback_type="overall", le="0.7"}'
TRUTH = 'ml_prediction_outcomes_total{ml_model_name="m", ml_prediction_outcome="correct"}'

STEADY = "0+60x240"
"""Sixty a minute for four hours."""
NEVER = "0+0x240"
LATER = "0+0x60 30+30x120"
"""None for an hour, then half of sixty."""
HALVED = "0+60x60 3630+30x120"
ENDED = "0+60x60 3600x120"
GONE = "0+60x60 _x120"

KINDS: dict[str, tuple[Objective, dict[str, str], dict[str, str]]] = {
    "availability": (
        Objective("n", Availability(), 0.99, "m"),
        {CALLS: STEADY, FAILED: NEVER},
        {CALLS: STEADY, FAILED: LATER},
    ),
    "error rate": (
        Objective("n", ErrorRate(severities=("high", "critical")), 0.99, "m", window_days=28),
        {CALLS: STEADY, ERRORS: NEVER},
        {CALLS: STEADY, ERRORS: LATER},
    ),
    "latency": (
        Objective("n", Latency(within_s=0.25), 0.99, "m", window_days=7),
        {CALLS: STEADY, IN_TIME: STEADY},
        {CALLS: STEADY, IN_TIME: HALVED},
    ),
    "confidence in the histogram": (
        Objective("n", Confidence(at_least=0.8), 0.97, "m"),
        {SURE: STEADY, UNSURE: NEVER},
        {SURE: STEADY, UNSURE: LATER},
    ),
    "confidence by tiers": (
        Objective("n", Confidence(at_least=0.9), 0.97, "m"),
        {MADE: STEADY, LOW: NEVER},
        {MADE: STEADY, LOW: "0+0x60 60+60x120"},
    ),
    "accuracy": (
        Objective("n", Accuracy(), 0.97, "m"),
        {KNOWN: STEADY, RIGHT: STEADY},
        {KNOWN: STEADY, RIGHT: HALVED},
    ),
    "satisfaction": (
        Objective("n", Satisfaction(above=0.7, type="overall"), 0.97, "m"),
        {LIKED: STEADY, DISLIKED: NEVER},
        {LIKED: STEADY, DISLIKED: LATER},
    ),
    "calibration": (
        Objective("n", Calibration(at_most=0.1, over_s=600), 0.98, "m"),
        {KNOWN: STEADY, RIGHT: STEADY, CLAIMED: "0+57x240"},
        {KNOWN: STEADY, RIGHT: HALVED, CLAIMED: "0+57x240"},
    ),
    "throughput": (
        Objective("n", Throughput(per_minute=50), 0.98, "m"),
        {MADE: STEADY},
        {MADE: HALVED},
    ),
    "throughput of counters that stand still": (
        Objective("n", Throughput(per_minute=50), 0.98, "m"),
        {MADE: STEADY},
        {MADE: ENDED},
    ),
    "throughput of series that are gone": (
        Objective("n", Throughput(per_minute=50), 0.98, "m"),
        {MADE: STEADY},
        {MADE: GONE},
    ),
    "freshness of series that are gone": (
        Objective("n", Freshness(of="truth", within_s=900), 0.98, "m"),
        {TRUTH: STEADY},
        {TRUTH: GONE},
    ),
    "freshness of what never arrived": (
        Objective("n", Freshness(of="truth", within_s=3600), 0.98, "m"),
        {TRUTH: "0 1+1x240"},
        {TRUTH: NEVER},
    ),
}


def case(values: dict[str, str], *expected: dict[str, Any]) -> dict[str, Any]:
    """
    A case of promtool.
    """
    return {"input_series": series(values), "promql_expr_test": list(expected)}


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_fires_and_stays_silent(kind: str, tmp_path: Path) -> None:
    """
    A page fires within the hour, once, and not before; good events and none at all are silent.
    """
    objective, good, bad = KINDS[kind]

    told = complaints(
        tmp_path,
        objective,
        [
            case(good, firing(FAST_BURN, 70, 0), firing(SLOW_BURN, 70, 0)),
            case(bad, firing(FAST_BURN, 60, 0), firing(FAST_BURN, 110, 1)),
            case({}, firing(FAST_BURN, 70, 0), firing(SLOW_BURN, 70, 0)),
        ],
    )

    assert not told


def test_what_an_alert_says(tmp_path: Path) -> None:
    """
    An alert names the objective, how fast the budget burns, the promise and a runbook.
    """
    promise = "99% of the calls of m do not raise, over 30 days"
    labels = {
        "severity": "critical", "sloth_severity": "page", "sloth_id": "m-n", "sloth_service": "m",
        "sloth_slo": "n", "ml_model_name": "m", "team": "vision",
    }  # fmt: skip
    notes = {
        "summary": "n of m burns its error budget too fast to wait",
        "description": f"Promised: {promise}. The budget burns 50.8 times as fast as it would to "
        "last.",
        "runbook_url": "http://localhost:9090/user/runbooks.html#slobudgetburnsfast",
        "dashboard_url": "http://localhost:3000/d/otel-confidence-slo?var-owner=m&var-slo=n",
    }
    alert = {
        "alertname": FAST_BURN,
        "eval_time": "179m",
        "exp_alerts": [{"exp_labels": labels, "exp_annotations": notes}],
    }
    values = {CALLS: "0+29x240", FAILED: "0+0x118 30+30x122"}
    objective = Objective("n", Availability(), 0.99, "m", labels={"team": "vision"})

    told = complaints(
        tmp_path, objective, [{"input_series": series(values), "alert_rule_test": [alert]}]
    )

    assert not told


def test_one_of_two_never_alerts(tmp_path: Path) -> None:
    """
    With little traffic one failure, though half of all calls, raises neither page nor ticket.
    """
    few = {CALLS: "0x30 1x210", FAILED: "0x30 1x210"}
    objective = Objective("n", Availability(), 0.999, "m", min_events=1)

    told = complaints(
        tmp_path,
        objective,
        [
            case(
                few, *(firing(name, m, 0) for name in (FAST_BURN, SLOW_BURN) for m in (32, 60, 239))
            )
        ],
    )

    assert not told


def test_the_least_number_of_events_holds_alerts_back(tmp_path: Path) -> None:
    """
    Where every call fails, the page comes when the window holds as many events as were asked for.
    """
    failing = {CALLS: "0+0x240", FAILED: "0+1x240"}
    objective = Objective("n", Availability(), 0.99, "m", min_events=40)

    told = complaints(
        tmp_path, objective, [case(failing, firing(FAST_BURN, 38, 0), firing(FAST_BURN, 42, 1))]
    )

    assert not told


def test_an_alert_ends_soon_after_its_cause(tmp_path: Path) -> None:
    """
    The short window recovers in minutes, though the long one still holds the bad events.
    """
    values = {CALLS: "0+60x240", FAILED: "0+0x59 30+30x60 1830x120"}
    objective = Objective("n", Availability(), 0.99, "m")
    ratio = 'slo:sli_error:ratio_rate1h{sloth_id="m-n"} > bool 0.144'

    told = complaints(
        tmp_path,
        objective,
        [
            case(
                values,
                firing(FAST_BURN, 118, 1),
                firing(FAST_BURN, 152, 0),
                fired(f"sum({ratio})", 128, 1),
            )
        ],
    )

    assert not told


def test_a_restart_is_no_incident(tmp_path: Path) -> None:
    """
    Counters that begin again, and a replica with another name, are neither good nor bad.
    """
    other = CALLS.replace('"a"', '"b"')
    values = {
        CALLS: "0+60x60 0+60x60 _x119",
        FAILED: "0+0x60 0+0x60 _x119",
        other: "_x122 0+60x118",
    }
    objective = Objective("n", Availability(), 0.999, "m")

    told = complaints(
        tmp_path,
        objective,
        [
            case(
                values,
                firing(FAST_BURN, 62, 0),
                firing(FAST_BURN, 125, 0),
                firing(FAST_BURN, 239, 0),
                fired('sum(slo:sli_error:ratio_rate6h{sloth_id="m-n"})', 239, 0),
            )
        ],
    )

    assert not told


def test_no_events_have_no_ratio(tmp_path: Path) -> None:
    """
    A window without events records no ratio and no burn rate, rather than NaN.
    """
    objective = Objective("n", Availability(), 0.999, "m")

    told = complaints(
        tmp_path,
        objective,
        [
            case(
                {CALLS: NEVER},
                fired("count(slo:sli_error:ratio_rate5m)", 60, None),
                fired("count(slo:current_burn_rate:ratio)", 60, None),
                fired("sum(slo:objective:ratio)", 60, 0.999),
                fired("sum(slo:error_budget:ratio)", 60, 0.001),
                fired("sum(slo:time_period:days)", 60, 30),
            )
        ],
    )

    assert not told


def test_a_slow_burn_is_a_ticket(tmp_path: Path) -> None:
    """
    Four times the budget raises a ticket and no page.
    """
    objective = Objective("n", Availability(), 0.99, "m")
    values = {CALLS: "0+96x100", FAILED: "0+4x100"}

    told = complaints(
        tmp_path, objective, [case(values, firing(SLOW_BURN, 60, 1), firing(FAST_BURN, 60, 0))]
    )

    assert not told


def test_programs_with_other_edges_have_no_ratio(tmp_path: Path) -> None:
    """
    Where the bound's bucket is missing nothing is known: neither all calls are bad, nor none.
    """
    objective = Objective("n", Latency(within_s=0.25), 0.99, "m")

    told = complaints(
        tmp_path,
        objective,
        [case({CALLS: STEADY}, fired("count(slo:sli_error:ratio_rate5m)", 30, None))],
    )

    assert not told
