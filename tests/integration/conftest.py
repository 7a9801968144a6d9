"""This module gives integration tests one real server, shared by all that need no other."""

from collections.abc import Iterator

import pytest
from tests.running import Up, running


@pytest.fixture(scope="package")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """A server on free ports; tests keep apart by the names of their services and models."""
    with running(tmp_path_factory.mktemp("up") / "data") as served:
        yield served
