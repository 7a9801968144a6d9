"""
This module counts how often days went, for who reads several times and wants one state of it all.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

_LOOK_UP_S: Final = 0.2
"""How often who waits for the end of a change looks whether it is still wanted."""


class Generations:
    """
    A number that grows with every drop: where it is the same before and after, none was between.
    """

    def __init__(self) -> None:
        self._number = 0
        self._under_way = False
        self._ended = threading.Condition()

    @contextmanager
    def changing(self) -> Iterator[None]:
        """
        Around a drop, also one that fails half-way.
        """
        with self._ended:
            self._under_way = True
        try:
            yield
        finally:
            with self._ended:
                self._number += 1
                self._under_way = False
                self._ended.notify_all()

    def current(self, check: Callable[[], None]) -> int:
        """
        The number, once no drop is under way.

        Args:
            check: Called now and then while waiting; raises to stop.
        """
        with self._ended:
            while self._under_way:
                self._ended.wait(_LOOK_UP_S)
                check()
            return self._number
