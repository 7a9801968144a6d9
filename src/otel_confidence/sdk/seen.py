"""This module remembers a bounded number of ids, so that what arrives twice counts once."""

import threading
from collections import OrderedDict


class Seen:
    """
    The last ``limit`` ids.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._ids: OrderedDict[int, None] = OrderedDict()
        self._lock = threading.RLock()

    def before(self, number: int) -> bool:
        """
        Whether an id was seen before; it has been from now on.
        """
        with self._lock:
            if number in self._ids:
                return True
            self._ids[number] = None
            if len(self._ids) > self._limit:
                self._ids.popitem(last=False)
            return False

    def restart(self) -> None:
        """
        Go on in a forked child, where the lock may be held by a thread left behind.
        """
        self._lock = threading.RLock()
