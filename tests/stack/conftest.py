"""This module starts the whole stack once for all tests of a worker."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.stack import world
from tools.stack import Stack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Every service of docker-compose.yml, and programs of ours that send."""
    world.required()
    with world.started(tmp_path_factory.mktemp("stack")) as started:
        yield started


@pytest.fixture(scope="session")
def recorded(stack: Stack) -> dict[str, Any]:
    """What the shop recorded, once all of it was sent."""
    return world.recorded(stack)
