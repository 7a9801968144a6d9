"""
This module tests that a store's folder stays its own for as long as it is written to.
"""

import threading
from pathlib import Path
from typing import Any, cast

import pytest
from clickhouse_connect.driver.client import Client
from tests.running import until

from otel_confidence.errors import StoreError
from otel_confidence.points import Batch, Sample, Samples, Series
from otel_confidence.store import Store
from otel_confidence.store.catalog import Catalog
from otel_confidence.store.connection import Pool
from otel_confidence.store.homes import home
from otel_confidence.store.opening import Pools


class Stuck:
    """
    An engine whose inserts do not end.
    """

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.told = threading.Event()

    def insert_arrow(self, table: str, rows: Any) -> None:
        """
        Wait until told.
        """
        assert table
        assert rows is not None
        self.begun.set()
        assert self.told.wait(60)

    def command(self, statement: str) -> None:
        """
        Do nothing.
        """
        assert statement

    def close(self) -> None:
        """
        Nothing is open.
        """


def test_a_folder_still_written_to_is_not_let_go(tmp_path: Path) -> None:
    """
    Closing gives up on an insert that does not end, but no second store may open its folder.
    """
    engine = Stuck()
    client = cast("Client", engine)
    store = Store(home(tmp_path), client, Pools(Pool([]), Pool([]), Pool([])), Catalog(), None)
    batch = Batch(Samples.of([Sample(Series((("__name__", "m"),)), 1, 1.0)]))
    writing = threading.Thread(target=store.write, args=(batch,))
    writing.start()
    until(engine.begun.is_set)

    store.close()
    with pytest.raises(StoreError, match="in use by process"):
        home(tmp_path)
    engine.told.set()
    writing.join(60)
    store.close()

    home(tmp_path).release()
