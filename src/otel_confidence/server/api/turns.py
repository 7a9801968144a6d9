"""
This module gives requests their turn: so many are computed at a time, the others wait.

A request that takes too long or whose client has gone is answered at once and told to stop; what
it still reads keeps its place until it has ended, so that there are never more than allowed.
"""

import asyncio
import math
from collections.abc import Callable
from typing import Any, Final, TypeVar

import anyio
from anyio import CapacityLimiter, to_thread
from starlette.requests import Request

from otel_confidence.errors import QueryError
from otel_confidence.query.promql.costs import Course
from otel_confidence.query.promql.faults import canceled, timeout

_SOON_S: Final = 0.02
"""Within this time nobody looks whether the client has gone: most answers are there before."""
_GRACE_S: Final = 0.5
"""How long the computation itself may take to notice that its time is over."""
_T = TypeVar("_T")


class Turns:
    """
    First come, first served.
    """

    def __init__(self, at_once: int) -> None:
        """
        Open for requests.

        Args:
            at_once: How many are computed at a time.
        """
        self._places = anyio.Semaphore(at_once)
        self._threads = CapacityLimiter(math.inf)
        self._running: set[asyncio.Future[Any]] = set()

    async def run(self, work: Callable[[], _T], course: Course, request: Request) -> _T:
        """
        Compute on a thread what a request asks for.

        Raises:
            QueryError: Its time is over, or its client has gone.
        """
        computing = asyncio.ensure_future(self._in_turn(work, course))
        self._running.add(computing)
        computing.add_done_callback(self._ended)
        left = False
        try:
            await asyncio.wait((computing,), timeout=min(_SOON_S, course.left_s))
            if not computing.done():
                left = await _waited(computing, course, request)
        finally:
            course.stop()
        if computing.done():
            return computing.result()
        raise _gone() if left else timeout("query timed out in query execution")

    async def _in_turn(self, work: Callable[[], _T], course: Course) -> _T:
        await self._place(course)
        try:
            return await to_thread.run_sync(work, limiter=self._threads)
        finally:
            self._places.release()

    async def _place(self, course: Course) -> None:
        try:
            self._places.acquire_nowait()
        except anyio.WouldBlock:
            await self._place_later(course)

    async def _place_later(self, course: Course) -> None:
        try:
            with anyio.fail_after(course.left_s):
                await self._places.acquire()
        except TimeoutError:
            raise timeout("query timed out in query queue") from None

    def _ended(self, computing: "asyncio.Future[Any]") -> None:
        self._running.discard(computing)
        if not computing.cancelled():
            computing.exception()  # known, whether somebody still waits for it or not


async def _waited(computing: "asyncio.Future[Any]", course: Course, request: Request) -> bool:
    """
    Wait for the answer, for the end of the time or for the client to go; whether it has gone.
    """
    leaving = asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait(
            (computing, leaving),
            timeout=course.left_s + _GRACE_S,
            return_when=asyncio.FIRST_COMPLETED,
        )
        return leaving.done()
    finally:
        leaving.cancel()


def _gone() -> QueryError:
    return canceled("query was canceled in query execution")


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
