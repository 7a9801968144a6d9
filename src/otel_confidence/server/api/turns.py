"""
This module gives requests their turn: so many are computed at a time, the others wait.

A request that takes too long or whose client has gone is answered at once and told to stop; what
it still reads keeps its place until it has ended, so that there are never more than allowed.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

import anyio
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
        self._threads = ThreadPoolExecutor(at_once, "turn")
        self._running: set[asyncio.Future[Any]] = set()

    async def run(self, work: Callable[[], _T], course: Course, request: Request) -> _T:
        """
        Compute on a thread what a request asks for.

        Raises:
            QueryError: Its time is over, or its client has gone.
        """
        computing = self._computing(work, course)
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

    def _computing(self, work: Callable[[], _T], course: Course) -> "asyncio.Future[_T]":
        # Nothing waits for a thread itself. With a queue before the threads, more runs of
        # tests.bench.concurrency had answers that took many times the median; some still have.
        try:
            self._places.acquire_nowait()
        except anyio.WouldBlock:
            return asyncio.ensure_future(self._later(work, course))
        return self._begun(work)

    async def _later(self, work: Callable[[], _T], course: Course) -> _T:
        try:
            with anyio.fail_after(course.left_s):
                await self._places.acquire()
        except TimeoutError:
            raise timeout("query timed out in query queue") from None
        return await self._begun(work)

    def _begun(self, work: Callable[[], _T]) -> "asyncio.Future[_T]":
        begun = asyncio.wrap_future(self._threads.submit(work))
        begun.add_done_callback(lambda _: self._places.release())
        return begun

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
