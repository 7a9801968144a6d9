"""This module gives store tests a fresh store, in a folder and on a ClickHouse cluster."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.clickhouse import started

from otel_confidence.store import Store

_numbers = itertools.count()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a ClickHouse server."""
    with started(tmp_path_factory.mktemp("server")) as url:
        yield url


@pytest.fixture(params=["folder", "cluster"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    """Where a store is opened: a folder, or a database of a cluster."""
    if request.param == "folder":
        return tmp_path / "data"
    return f"{request.getfixturevalue('server')}/test_{next(_numbers)}?cluster=one"


@pytest.fixture(params=["folder", "memory", "cluster"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store: a folder without and with memory, and a database of a cluster."""
    if request.param == "cluster":
        opened = Store.open(
            f"{request.getfixturevalue('server')}/test_{next(_numbers)}?cluster=one"
        )
    else:
        opened = Store.open(tmp_path / "data", memory_size=(request.param == "memory") << 28)
        opened.keep_up()
    yield opened
    opened.close()
