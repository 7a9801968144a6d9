"""
This module checks what an objective accepts and what it refuses.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from otel_confidence.errors import ConfigurationError, ObjectiveError
from otel_confidence.objectives import (
    BURN_RATES,
    Accuracy,
    Availability,
    Calibration,
    Confidence,
    ErrorRate,
    Freshness,
    Indicator,
    Latency,
    Objective,
    Satisfaction,
    Throughput,
    check_names,
    confidence_bounds,
)


def objective(indicator: Indicator | None = None, **fields: Any) -> Objective:
    """
    An objective of the model ``digits``, unless fields say otherwise.
    """
    given = {"name": "n", "target": 0.99, "model": "digits", **fields}
    return Objective(indicator=indicator or Availability(), **given)


def test_the_budget_is_exact() -> None:
    """
    A target of 0.999 leaves 0.001, not 0.0010000000000000009.
    """
    assert Decimal("0.001") == objective(target=0.999).budget


def test_the_service_or_else_the_model_names_the_id() -> None:
    """
    ``sloth_id`` begins with the group, the service, the model or the fleet, whichever there is.
    """
    ids = [
        objective(service="shop", group="team").id,
        objective(service="shop").id,
        objective().id,
        objective(model="").id,
    ]

    assert ["team-n", "shop-n", "digits-n", "fleet-n"] == ids


def test_conditions_select_model_version_service_and_whatever_else() -> None:
    """
    Attributes are spelled as labels, operators are kept, and quotes cannot end a literal.
    """
    made = objective(
        version="2", service='a"b', where={"k8s.pod.name": "=~web-.*", "region": "!=eu", "x": "y"}
    )

    assert (
        'service_name="a\\"b"',
        'ml_model_name="digits"',
        'ml_model_version="2"',
        'k8s_pod_name=~"web-.*"',
        'region!="eu"',
        'x="y"',
    ) == made.conditions


def test_it_reads_as_a_sentence() -> None:
    """
    An objective says share, indicator, model and period.
    """
    made = objective(Latency(within_s=0.25), target=0.995, window_days=28)

    assert "99.5% of the calls of digits end within 0.25s, over 28 days" == str(made)


@pytest.mark.parametrize("days", [7, 28, 30])
def test_each_period_has_its_windows(days: int) -> None:
    """
    A pair of windows that burns for its whole long window spends the share it names.
    """
    for burn in BURN_RATES[days]:
        hours = {"1h": 1, "6h": 6, "1d": 24, "3d": 72}[burn.long]
        spent = burn.factor(days) * hours / (days * 24)

        assert abs(spent - burn.budget_share) < Decimal("0.00001")


def test_the_windows_of_thirty_days_are_those_of_the_workbook() -> None:
    """
    Google's table: 14.4 and 6 page, 3 and 1 are for a ticket.
    """
    table = [(b.severity, b.long, b.short, str(b.factor(30))) for b in BURN_RATES[30]]

    assert [
        ("page", "1h", "5m", "14.4"),
        ("page", "6h", "30m", "6"),
        ("ticket", "1d", "2h", "3"),
        ("ticket", "3d", "6h", "1"),
    ] == table


@pytest.mark.parametrize(
    ("fields", "field", "remedy"),
    [
        ({"name": "a b"}, "name", "letters, digits"),
        ({"name": ""}, "name", "letters, digits"),
        ({"target": 99.9}, "target", "percent? write 99.9%"),
        ({"target": 1.0}, "target", "within 0..1"),
        ({"target": True}, "target", "a number such as 0.99"),
        ({"window_days": 31}, "window", "7d, 28d, 30d"),
        ({"model": "", "version": "2"}, "version", "name it too"),
        ({"model": 3}, "model", "must be text"),
        ({"model": "a\x1b[31m"}, "model", "printable"),
        ({"min_events": 0}, "min_events", "at least 1"),
        ({"min_events": 1.5}, "min_events", "whole number"),
        ({"labels": {"sloth_id": "x"}}, "labels", "a label of the rules themselves"),
        ({"labels": {"a-b": "x"}}, "labels", "letters, digits and '_'"),
        ({"labels": {"team": ""}}, "labels", "names with texts"),
        ({"where": {"ml.feedback.type": "x"}}, "where", "ml.model.name"),
        ({"where": {"---": "x"}}, "where", "no character"),
    ],
)
def test_a_wrong_field_is_named_with_its_remedy(
    fields: dict[str, Any], field: str, remedy: str
) -> None:
    """
    The error says which field is wrong and what would be right.
    """
    with pytest.raises(ObjectiveError) as refused:
        objective(**fields)

    assert field == refused.value.field
    assert remedy in refused.value.reason
    assert isinstance(refused.value, ConfigurationError)


@pytest.mark.parametrize(
    ("make", "field", "remedy"),
    [
        (lambda: Latency(within_s=0), "within", "above zero"),
        (lambda: Latency(within_s=float("nan")), "within", "a number"),
        (lambda: Confidence(at_least=80), "at_least", "divide by 100"),
        (lambda: Confidence(at_least=1.0), "at_least", "ends excluded"),
        (lambda: Calibration(at_most=0), "at_most", "within 0..1"),
        (lambda: Calibration(at_most=0.1, over_s=30), "over", "60s..7d"),
        (lambda: Throughput(per_minute=-1), "per_minute", "above zero"),
        (lambda: Throughput(per_minute=1, over_s=60), "over", "120s..7d"),
        (lambda: Freshness(of="news"), "of", "predictions, truth, feedback"),  # type: ignore[arg-type]
        (lambda: Satisfaction(above=0.7, type="mood"), "type", "task_completion"),
        (lambda: Satisfaction(above=0.7, source="me"), "source", "end_user"),
        (lambda: ErrorRate(severities=("grave",)), "severities", "critical"),
    ],
)
def test_a_wrong_bound_is_named_with_its_remedy(
    make: Callable[[], Indicator], field: str, remedy: str
) -> None:
    """
    An indicator checks its bounds when it is made.
    """
    with pytest.raises(ObjectiveError) as refused:
        make()

    assert field == refused.value.field
    assert remedy in refused.value.reason


@pytest.mark.parametrize(
    ("indicator", "remedy"),
    [
        (Latency(within_s=0.2), "take 0.1 or 0.25"),
        (Latency(within_s=60), "take 30"),
        (Confidence(at_least=0.75), "take 0.7 or 0.8; or let the programs add it"),
        (Satisfaction(above=0.75), "take 0.7 or 0.8"),
    ],
)
def test_a_bound_between_two_edges_is_refused(indicator: Indicator, remedy: str) -> None:
    """
    What lies between two bucket edges cannot be counted; the error names the nearest edges.
    """
    with pytest.raises(ObjectiveError, match=remedy):
        objective(indicator)


def test_an_edge_that_programs_add_is_a_bound() -> None:
    """
    A threshold of the programs is an edge of their confidence histogram.
    """
    made = objective(Confidence(at_least=0.75), thresholds=(0.75,))

    assert (0.75,) == made.thresholds


@pytest.mark.parametrize("indicator", [Throughput(per_minute=1), Freshness(of="truth")])
def test_time_takes_no_number_of_events(indicator: Indicator) -> None:
    """
    What is judged by the minute has no minimum of events.
    """
    with pytest.raises(ObjectiveError, match="judged by the minute"):
        objective(indicator, min_events=5)

    assert 0 == objective(indicator).least_events


def test_events_have_a_minimum_of_their_own() -> None:
    """
    Without a number an objective asks for a hundred events.
    """
    assert [100, 7] == [
        objective(Accuracy()).least_events,
        objective(Accuracy(), min_events=7).least_events,
    ]


def test_two_of_one_id_are_refused() -> None:
    """
    Two objectives that would record the same series are refused.
    """
    with pytest.raises(ObjectiveError, match="'digits-n' is there twice"):
        check_names([objective(), objective(Accuracy())])


def test_programs_learn_which_edges_they_need() -> None:
    """
    Bounds that no program has by itself are what ``configure(thresholds=...)`` must be given.
    """
    bounds = (0.6, 0.8, 0.75, 0.333)
    promises = [
        objective(Accuracy()),
        *(objective(Confidence(at_least=bound), thresholds=(0.75, 0.333)) for bound in bounds),
    ]

    assert (0.333, 0.75) == confidence_bounds(promises)
