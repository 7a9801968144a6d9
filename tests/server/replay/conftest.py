"""This module runs one world for all tests that ask both servers."""

from collections.abc import Iterator

import pytest
from tests.query.differential.reference import binary, required
from tests.server.replay.world import World, world


@pytest.fixture(name="both", scope="package")
def _both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """An ``up`` and a Prometheus that were sent the same."""
    if binary() is None and not required():
        pytest.skip("no Prometheus to compare with: run make stack-tools")
    with world(tmp_path_factory.mktemp("world")) as found:
        yield found
