"""
This module compares the evaluator of rules with Prometheus's own for a while.
"""

import random

import pytest
from tests.campaigns.rule_differential import HERE, binary, differences, ours, scenario, theirs


def test_rules_give_what_prometheus_gives() -> None:
    """
    Over two hours with gaps and restarts every alert and sample equals Prometheus's.
    """
    if not binary().exists():
        pytest.skip("no ruler: run python -m tests.campaigns.rule_differential, which builds it")
    given = scenario(random.Random(3), 2, [HERE / "ruler" / "rules.yml"])

    assert [] == list(differences(given, ours(given), theirs(given, binary())))
