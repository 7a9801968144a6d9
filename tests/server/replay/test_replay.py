"""
This module tests that a Grafana session gets from the server what Prometheus answers it.
"""

from collections.abc import Iterator, Sequence

import httpx
import pytest
from tests.query.differential.reference import binary, required
from tests.server.replay.comparison import Verdict, compare
from tests.server.replay.session import Asked, malformed, session
from tests.server.replay.world import World, world

SEED = 3


@pytest.fixture(name="both", scope="module")
def _both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    if binary() is None and not required():
        pytest.skip("no Prometheus to compare with: run make stack-tools")
    with world(tmp_path_factory.mktemp("world")) as found:
        yield found


def different(asked: Sequence[Asked], both: World) -> list[tuple[str, Verdict]]:
    """
    The requests whose responses differ without a listed reason.
    """
    with httpx.Client(timeout=60) as client:
        found = [(str(each), compare(each, both, client)) for each in asked]
    return [each for each in found if each[1].outcome == "different"]


@pytest.mark.xdist_group("replay")
def test_a_grafana_session_gets_prometheus_responses(both: World) -> None:
    """
    Dashboards, Explore, variables and label browsing get the same status, structure and values.
    """
    asked = session(SEED, 1)

    assert [] == different(asked, both)
    assert len(asked) > 150


@pytest.mark.xdist_group("replay")
def test_malformed_requests_get_prometheus_refusals(both: World) -> None:
    """
    What is missing, wrong or misplaced is refused with Prometheus's status, type and message.
    """
    asked = malformed()

    assert [] == different(asked, both)
    assert len(asked) > 100
