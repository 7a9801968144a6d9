"""
This module bounds what queries cost: each one's time, and the memory of all together.
"""

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Final

from otel_confidence.query.promql.faults import canceled, timeout, too_many_samples

_LOOK_UP_S: Final = 0.2
"""How often a query that waits for room looks whether it is still wanted."""


class Course:
    """
    The course of one query, from its start until its answer is no longer needed.

    Args:
        timeout_s: How long it may take.
        clock: A steady clock in seconds.
    """

    def __init__(self, timeout_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._started = clock()
        self._deadline = self._started + timeout_s
        self._stopped = False
        self._kept = ExitStack()

    def shorten(self, timeout_s: float | None) -> None:
        """
        Let it take no longer than this from its start.
        """
        if timeout_s is not None:
            self._deadline = min(self._deadline, self._started + timeout_s)

    @property
    def left_s(self) -> float:
        """
        The time left, never negative.
        """
        return max(0.0, self._deadline - self._clock())

    def check(self) -> None:
        """
        Go on, or not.

        Raises:
            QueryError: The time is over, or nobody waits for the answer any more.
        """
        if self._stopped:
            raise canceled("query was canceled in expression evaluation")
        if self._clock() > self._deadline:
            raise timeout("query timed out in expression evaluation")

    def stop(self) -> None:
        """
        End it at its next step, from any thread.
        """
        self._stopped = True

    def keep(self, share: "Share") -> None:
        """
        Hold a share until the answer has been used.
        """
        self._kept.callback(share.close)

    def close(self) -> None:
        """
        Give back what was kept for the answer.
        """
        self._kept.close()


class Again(Exception):  # noqa: N818  reads as what it is
    """
    A query has to begin again, once there is room for so many samples.

    The others have left it no more, or what it has read is no longer there.
    """

    def __init__(self, needed: int) -> None:
        super().__init__(f"again with room for {needed} samples")
        self.needed = needed


class Room:
    """
    How many samples all queries together may hold in memory.

    A query takes its share as it goes. When the room is full it gives all back and starts again
    once what it needed is free, so that nobody waits while holding something.
    """

    def __init__(self, samples: int) -> None:
        self._free = samples
        self._changed = threading.Condition()

    def share(self, samples: int, most: int, check: Callable[[], None]) -> "Share":
        """
        A share of so many samples to begin with, waited for, which may grow to the most.

        Raises:
            QueryError: The query ended while waiting.
        """
        with self._changed:
            while samples > self._free:
                self._changed.wait(_LOOK_UP_S)
                check()
            self._free -= samples
        return Share(self, samples, most)

    @property
    def free(self) -> int:
        """
        How many samples nobody holds.
        """
        return self._free

    def take(self, samples: int) -> bool:
        """
        Take more, if there is.
        """
        with self._changed:
            if samples > self._free:
                return False
            self._free -= samples
            return True

    def give(self, samples: int) -> None:
        """
        Give back.
        """
        with self._changed:
            self._free += samples
            self._changed.notify_all()


class Share:
    """
    What one query holds of the room.
    """

    def __init__(self, room: Room, granted: int, most: int) -> None:
        self.held = 0
        self._room = room
        self._granted = granted
        self._most = most

    def hold(self, samples: int) -> None:
        """
        Count samples that are held from now on.

        Raises:
            QueryError: They are more than one query may hold.
            Again: The other queries leave no room.
        """
        self.held += samples
        if self.held > self._most:
            raise too_many_samples()
        more = self.held - self._granted
        if more > 0:
            if not self._room.take(more):
                raise Again(self.held)
            self._granted += more

    def release(self, samples: int) -> None:
        """
        Count samples that are held no more; their room stays this query's, who may need it again.
        """
        self.held -= samples

    def shrink(self) -> None:
        """
        Give back all room but that of what is held.
        """
        self._room.give(self._granted - self.held)
        self._granted = self.held

    @property
    def free(self) -> int:
        """
        How many more samples it may hold right now, without waiting for other queries.
        """
        return min(self._most, self._granted + self._room.free) - self.held

    def close(self) -> None:
        """
        Give all back.
        """
        self._room.give(self._granted)
        self._granted = 0
