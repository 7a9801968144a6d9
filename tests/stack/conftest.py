"""This module starts the whole stack once, for the tests of this folder."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.stack import world
from tools.stack import Stack


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Every service of docker-compose.yml, and programs of ours that send."""
    world.required()
    with world.started(tmp_path_factory.mktemp("stack")) as started:
        yield started


@pytest.fixture(scope="package")
def recorded(stack: Stack) -> dict[str, Any]:
    """What the shop recorded, once all of it was sent."""
    return world.recorded(stack)
