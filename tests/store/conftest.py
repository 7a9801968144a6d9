"""This module gives store tests a fresh store."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from otel_confidence.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store."""
    opened = Store.open(tmp_path / "data")
    yield opened
    opened.close()
