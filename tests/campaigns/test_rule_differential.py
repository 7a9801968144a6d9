"""
This module compares the evaluator of rules with Prometheus's own for a while.
"""

import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.campaigns.rule_differential import FILES, differences, ours, theirs
from tests.campaigns.rule_scenarios import scenario
from tests.programs import program


@pytest.mark.parametrize(
    ("files", "hours", "every"),
    [(FILES[:1], 2, 1), (FILES[1:], 5, 30)],
    ids=["rules of every kind each minute", "the rules of the repository each half hour"],
)
def test_rules_give_what_prometheus_gives(files: Sequence[Path], hours: int, every: int) -> None:
    """
    Over hours with gaps and restarts every alert and sample equals Prometheus's.
    """
    ruler = program("ruler")
    given = scenario(random.Random(3), hours, files, every=every)

    prometheus = theirs(given, ruler)

    assert any(alert["state"] == "firing" for alerts in prometheus.alerts for alert in alerts)
    assert [] == list(differences(given, ours(given), prometheus))
