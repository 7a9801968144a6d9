"""
This module checks that a Collector is found out that takes away what rules and sampling rest on.
"""

from pathlib import Path

import pytest
from tests.collector.configurations import changed, faults, found

METRICS = "[memory_limiter, resource_detection, delta_to_cumulative]"


def processing(room: str, settings: str, order: str = METRICS) -> str:
    """
    The configuration without fault, with one more processor behind the memory limiter.
    """
    text = changed("  delta_to_cumulative:\n", f"  delta_to_cumulative:\n  {room}: {settings}\n")
    assert order in text
    return text.replace(order, order.replace("memory_limiter", f"memory_limiter, {room}"))


@pytest.mark.parametrize(
    "settings",
    [
        """{metrics: {metric: ['name == "ml.predictions"']}}""",
        """{metrics: {metric: ['IsMatch(name, "^ml\\\\.predictions$")']}}""",
        """{metric_conditions: ['metric.name == "ml.predictions"']}""",
        """{metric_conditions: [{context: metric, conditions: ['name == "ml.predictions"']}]}""",
        """{metrics: {exclude: {match_type: strict, metric_names: [ml.predictions]}}}""",
        """{metrics: {exclude: {match_type: regexp, metric_names: ['predictions$']}}}""",
        """{metrics: {include: {match_type: strict, metric_names: [up]}}}""",
        """{metrics: {include: {match_type: regexp, metric_names: ['^http']}}}""",
        """{metric_conditions: ['metric.name != "up"']}""",
        """{metric_conditions: ['not IsMatch(metric.name, "^http")']}""",
    ],
)
def test_a_filter_that_drops_metrics_of_ours_is_told(tmp_path: Path, settings: str) -> None:
    """
    A metric of the table of signals that is filtered out is told of, however that is written.
    """
    (told,) = found(tmp_path, processing("filter", settings))

    assert "error" == told.level
    assert told.path.startswith("processors.filter.")
    assert told.message.startswith("it drops ml.")


@pytest.mark.parametrize(
    "settings",
    [
        """{metrics: {metric: ['name == "http.server.duration"', 'IsMatch(name, "^rpc")']}}""",
        """{metrics: {metric: ['name == "ml.predictions" and resource.attributes["a"] == "b"']}}""",
        """{metrics: {include: {match_type: regexp, metric_names: ['.']}}}""",
        """{metrics: {exclude: {match_type: regexp, metric_names: ['(?P<', '^rpc']}}}""",
        """{metric_conditions: ['not IsMatch(metric.name, "[a-z]")']}""",
        """{traces: {span: ['name == "ml.predictions"']}}""",
    ],
)
def test_a_filter_that_drops_others_is_let_be(tmp_path: Path, settings: str) -> None:
    """
    What drops other metrics, or ours under a condition of its own, is the user's business.
    """
    assert [] == found(tmp_path, processing("filter", settings))


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        ("log.severity_number < SEVERITY_NUMBER_WARN", ["warning"]),
        ("severity_number < SEVERITY_NUMBER_INFO2", ["warning"]),
        ("severity_number < SEVERITY_NUMBER_INFO", []),
        ('log.severity_number < SEVERITY_NUMBER_WARN and log.event_name == ""', []),
    ],
)
def test_a_filter_of_quiet_events_is_told(tmp_path: Path, condition: str, told: list[str]) -> None:
    """
    Most predictions are events of severity INFO, which a filter of log lines takes for noise.
    """
    text = processing(
        "filter", f"{{log_conditions: ['{condition}']}}", "[memory_limiter, transform, redaction]"
    )
    found_of = faults(tmp_path, text, "it drops events of severity INFO")

    assert told == [level for level, _ in found_of]


@pytest.mark.parametrize(
    ("action", "told"),
    [("delete", 1), ("hash", 1), ("insert", 0)],
)
def test_a_label_that_is_taken_away_is_told(tmp_path: Path, action: str, told: int) -> None:
    """
    Without the label that tells models apart, the series of several become one.
    """
    settings = f"{{actions: [{{key: ml.model.name, value: x, action: {action}}}]}}"
    found_of = faults(
        tmp_path, processing("attributes", settings), "series that differ in ml.model.name alone"
    )

    assert [("error", "processors.attributes.actions[0]")] * told == found_of


@pytest.mark.parametrize(
    ("room", "settings", "place"),
    [
        ("attributes", "{actions: [{key: ml.prediction.confidence, action: delete}]}",
         "processors.attributes.actions[0]"),
        ("transform/cut",
         """{trace_statements: ['delete_key(span.attributes, "ml.prediction.confidence")']}""",
         "processors.transform/cut.trace_statements[0]"),
        ("redaction/all", "{allowed_keys: [ml.model.name]}", "processors.redaction/all"),
    ],
)  # fmt: skip
def test_confidence_that_is_taken_away_before_sampling_is_told(
    tmp_path: Path, room: str, settings: str, place: str
) -> None:
    """
    Sampling that goes by confidence needs it on the spans that reach it.
    """
    text = processing(room, settings, "[memory_limiter, redaction]")

    assert [("error", place)] == faults(tmp_path, text, "it takes ml.prediction.confidence away")


def test_differences_made_of_sums_are_told(tmp_path: Path) -> None:
    """
    Totals that are turned into differences are refused by Prometheus, every one of them.
    """
    order = "[memory_limiter, resource_detection, delta_to_cumulative]"
    text = changed("  delta_to_cumulative:\n", "  delta_to_cumulative:\n  cumulativetodelta:\n")
    text = text.replace(order, order.replace("]", ", cumulativetodelta]"))

    assert [("error", "processors.cumulativetodelta")] == faults(
        tmp_path, text, "its sums are differences"
    )
