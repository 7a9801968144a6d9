"""This module checks that connections are lent in turn."""

import threading
from pathlib import Path

import pytest
from tests.running import until

from otel_confidence.errors import QueryError, StoreError
from otel_confidence.store.connection import Pool, connect


def test_who_waits_first_is_served_first(tmp_path: Path) -> None:
    """
    A connection goes to the one who waits longest, not to who happens to ask.
    """
    pool = Pool([connect(tmp_path)])
    order: list[int] = []

    def borrow(number: int) -> None:
        with pool.lend():
            order.append(number)

    threads = [threading.Thread(target=borrow, args=(number,)) for number in range(5)]
    with pool.lend():
        for number, thread in enumerate(threads):
            thread.start()
            until(lambda expected=number + 1: len(pool._waiting) == expected)  # type: ignore[misc]  # bound early
    for thread in threads:
        thread.join()
    pool.close(timeout_s=1)

    assert [0, 1, 2, 3, 4] == order


def test_nobody_waits_for_ever(tmp_path: Path) -> None:
    """
    Who gets no connection in time is told so, and the next gets one again.
    """
    pool = Pool([connect(tmp_path)], patience_s=0.01)

    with (
        pool.lend(),
        pytest.raises(QueryError, match="no reader became free") as caught,
        pool.lend(),
    ):
        pass
    with pool.lend() as client:
        assert client.ping()
    pool.close(timeout_s=1)

    assert 503 == caught.value.status
    with pytest.raises(StoreError, match="closed"), pool.lend():
        pass
