"""
This module writes what a serving process logs: a line each, with time and level.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_FORMAT: Final = "%(asctime)s.%(msecs)03dZ %(levelname)-7s %(name)s: %(message)s"
_TIME: Final = "%Y-%m-%dT%H:%M:%S"
_OURS: Final = "otel_confidence"


@contextmanager
def logged() -> Iterator[None]:
    """
    Write to standard error within the block: all of the package's own, warnings of libraries.
    """
    formatter = logging.Formatter(_FORMAT, _TIME)
    formatter.converter = time.gmtime
    handler = logging.StreamHandler()
    handler.setFormatter(formatter)
    root, ours = logging.getLogger(), logging.getLogger(_OURS)
    before = ours.level
    root.addHandler(handler)
    ours.setLevel(logging.INFO)
    try:
        yield
    finally:
        ours.setLevel(before)
        root.removeHandler(handler)
