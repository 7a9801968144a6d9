"""This module runs one world for all tests that ask both servers."""

from collections.abc import Iterator

import pytest
from tests.programs import program
from tests.server.replay.world import World, world


@pytest.fixture(name="both", scope="package")
def _both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """An ``up`` and a Prometheus that were sent the same."""
    program("prometheus")
    with world(tmp_path_factory.mktemp("world")) as found:
        yield found
