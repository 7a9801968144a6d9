"""
This module bounds how many requests that bring something are under way, by whatever door they came.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from anyio import CapacityLimiter

from otel_confidence.errors import StoreBusy

MOST: Final = 128
"""With bodies of 20 MiB the most memory that requests can hold is known."""
_WORKERS: Final = 32


class Admission:
    """
    Lets in as many requests as there is room for. Belongs to one event loop.
    """

    def __init__(self, *, most: int = MOST, workers: int = _WORKERS) -> None:
        """
        Begin with nobody inside.

        Args:
            most: How many requests may be under way at once.
            workers: How many of them are worked on, each on its own thread.
        """
        self.limiter = CapacityLimiter(workers)
        self._most = most
        self._inside = 0

    @contextmanager
    def admitted(self) -> Iterator[None]:
        """
        Count a request as under way.

        Raises:
            StoreBusy: There is no room.
        """
        if self._inside >= self._most:
            raise StoreBusy(f"{self._most} requests are waiting")
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1
