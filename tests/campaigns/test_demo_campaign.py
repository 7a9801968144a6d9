"""This module checks how the demo's panels are waited for, without a stack."""

from tests.campaigns.demo import BOARD, first_seen, shown
from tests.generate import panels


def test_each_panel_has_a_time_or_is_missing() -> None:
    """
    A panel counts from the moment at which it has data; one that has none in time is missing.
    """
    moment = [0.0]

    def pause(seconds: float) -> None:
        moment[0] += seconds

    found = first_seen(
        {"early": "a", "late": "b", "never": "c"},
        lambda asked: moment[0] >= {"a": 0.5, "b": 3.0, "c": 1e9}[asked],
        patience_s=5.0, now=lambda: moment[0], pause=pause,
    )  # fmt: skip

    assert {"early": 0.5, "late": 3.0} == found


def test_the_first_dashboard_is_waited_for() -> None:
    """
    Most of the dashboard that opens first is looked at.
    """
    every = [asked for asked in panels.asked() if asked.board == BOARD]

    assert len(shown()) >= 15
    assert len(shown()) > len(every) / 2
