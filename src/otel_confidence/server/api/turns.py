"""
This module gives requests their turn: so many are computed at a time, the others wait.

A request that takes too long or whose client has gone is answered at once and told to stop; what
it still reads keeps its place until it has ended, so that there are never more than allowed.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final, TypeVar

from starlette.requests import Request

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
            at_once: How many are computed at a time, each on a thread.
        """
        self._threads = ThreadPoolExecutor(at_once, "turn")

    async def run(self, work: Callable[[], _T], course: Course, request: Request) -> _T:
        """
        Compute on a thread what a request asks for.

        Raises:
            QueryError: Its time is over, or its client has gone.
        """
        place = self._threads.submit(work)
        computing = asyncio.wrap_future(place)
        computing.add_done_callback(_known)
        left = False
        try:
            await asyncio.wait((computing,), timeout=min(_SOON_S, course.left_s))
            if not computing.done():
                left = await _left_before(computing, place, course, request)
        finally:
            course.stop()
            queued = place.cancel()
        if computing.done():
            return computing.result()
        if left:
            raise canceled("query was canceled in query execution")
        raise timeout(f"query timed out in query {'queue' if queued else 'execution'}")


def _known(computing: "asyncio.Future[Any]") -> None:
    """
    Know of an error, whether somebody still waits for it or not.
    """
    if not computing.cancelled():
        computing.exception()


async def _left_before(
    computing: "asyncio.Future[Any]", place: "Future[Any]", course: Course, request: Request
) -> bool:
    """
    Wait for the answer, for the end of the time or for the client to go; whether it has gone.
    """
    leaving = asyncio.ensure_future(_leaving(request))
    either = (computing, leaving)
    try:
        await asyncio.wait(either, timeout=course.left_s, return_when=asyncio.FIRST_COMPLETED)
        if place.running():
            await asyncio.wait(either, timeout=_GRACE_S, return_when=asyncio.FIRST_COMPLETED)
        return leaving.done()
    finally:
        leaving.cancel()


async def _leaving(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
