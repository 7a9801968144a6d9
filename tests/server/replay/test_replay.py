"""
This module tests that a Grafana session gets from the server what Prometheus answers it.
"""

from collections.abc import Sequence

import httpx
from tests.server.replay.comparison import Verdict, compare
from tests.server.replay.session import Asked, malformed, session
from tests.server.replay.world import World

SEED = 3


def different(asked: Sequence[Asked], both: World) -> list[tuple[str, Verdict]]:
    """
    The requests whose responses differ without a listed reason.
    """
    with httpx.Client(timeout=240) as client:
        found = [(str(each), compare(each, both, client)) for each in asked]
    return [each for each in found if each[1].outcome == "different"]


def test_a_grafana_session_gets_prometheus_responses(both: World) -> None:
    """
    Dashboards, Explore, variables and label browsing get the same status, structure and values.
    """
    asked = session(SEED, 1)

    assert [] == different(asked, both)
    assert len(asked) > 150


def test_malformed_requests_get_prometheus_refusals(both: World) -> None:
    """
    What is missing, wrong or misplaced is refused with Prometheus's status, type and message.
    """
    asked = malformed()

    assert [] == different(asked, both)
    assert len(asked) > 100
