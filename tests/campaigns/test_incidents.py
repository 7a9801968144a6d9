"""
This module runs a few of the simulated incidents.
"""

from tests.campaigns.incidents import simulate


def test_notifications_are_neither_missing_nor_doubled_without_a_reason() -> None:
    """
    Flapping, restarts, a channel that is down and kills after sending cost no notification.
    """
    found = simulate(2, seed=7)

    assert found.incidents > 0
    assert ([], 0, 0) == (found.missing, found.doubled["no reason"], found.hurried)
