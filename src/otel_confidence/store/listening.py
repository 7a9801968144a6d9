"""
This module lets a caller hear which statements the store runs for it.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from clickhouse_connect.driver.client import Client

from otel_confidence.store.connection import read


@dataclass(frozen=True, slots=True)
class Statement:
    """
    A statement that ran, and what came of it.
    """

    sql: str
    parameters: Mapping[str, Any]
    series: int
    rows: int
    seconds: float


_HEARD: Final[ContextVar[list[Statement] | None]] = ContextVar("heard", default=None)


@contextmanager
def listening() -> Iterator[list[Statement]]:
    """
    Hear of the statements about samples that run meanwhile, in this thread.
    """
    heard: list[Statement] = []
    token = _HEARD.set(heard)
    try:
        yield heard
    finally:
        _HEARD.reset(token)


def is_listened_to() -> bool:
    """
    Whether somebody hears what runs in this thread.
    """
    return _HEARD.get() is not None


def heard(client: Client, statement: str, parameters: Mapping[str, Any]) -> pa.Table:
    """
    Run a query, and let whoever listens know.
    """
    began = time.perf_counter()
    found = read(client, statement, parameters)
    listener = _HEARD.get()
    if listener is not None:
        took_s = time.perf_counter() - began
        series = pc.count_distinct(found["fingerprint"]).as_py() if found.num_rows else 0
        listener.append(Statement(statement, dict(parameters), series, found.num_rows, took_s))
    return found
