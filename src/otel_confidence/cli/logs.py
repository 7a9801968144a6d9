"""
This module writes what a serving process logs: a line each, with time and level.
"""

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

_FORMAT: Final = "%(asctime)s.%(msecs)03dZ %(levelname)-7s %(name)s: %(message)s"
_TIME: Final = "%Y-%m-%dT%H:%M:%S"
_LEVELS: Final = {
    "otel_confidence": logging.INFO,
    # What they warn of is told of by the error that follows.
    "clickhouse_connect": logging.ERROR,
    "urllib3": logging.ERROR,
}


@contextmanager
def logged() -> Iterator[None]:
    """
    Write to standard error within the block: the package's own from INFO, libraries' warnings.
    """
    formatter = logging.Formatter(_FORMAT, _TIME)
    formatter.converter = time.gmtime
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    before = {name: logging.getLogger(name).level for name in _LEVELS}
    logging.getLogger().addHandler(handler)
    _set(_LEVELS)
    try:
        yield
    finally:
        _set(before)
        logging.getLogger().removeHandler(handler)


def _set(levels: Mapping[str, int]) -> None:
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
