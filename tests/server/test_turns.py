"""
This module tests that requests take turns, and that none is waited for in vain.
"""

import asyncio
import threading
from collections.abc import Callable

import pytest
from starlette.requests import Request
from starlette.types import Message

from otel_confidence.errors import QueryError
from otel_confidence.query.promql.costs import Course
from otel_confidence.server.api.parameters import parameters_of
from otel_confidence.server.api.turns import Turns
from otel_confidence.server.bodies import BodyError


class Client:
    """
    Someone who sent a request, waits for the answer and may leave.
    """

    def __init__(self, method: str = "GET", query: bytes = b"") -> None:
        self.left = asyncio.Event()
        scope = {"type": "http", "method": method, "headers": [], "query_string": query}
        self.request = Request(scope, self._receive)

    async def _receive(self) -> Message:
        await self.left.wait()
        return {"type": "http.disconnect"}


class Gate:
    """
    Work that has begun and ends when told.
    """

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.open = threading.Event()

    def pass_through(self) -> str:
        """
        Wait until it is open.
        """
        self.begun.set()
        assert self.open.wait(60)
        return "through"


def until_stopped(course: Course, begun: threading.Event) -> Callable[[], None]:
    """
    Work that looks whether it is still wanted.
    """

    def work() -> None:
        begun.set()
        while True:
            course.check()

    return work


async def begun(event: threading.Event) -> None:
    """
    Wait until work has begun.
    """
    assert await asyncio.to_thread(event.wait, 60)


async def test_who_gets_no_turn_in_time_is_refused() -> None:
    """
    While all places are taken others wait, at most as long as they may take.
    """
    turns, gate = Turns(1), Gate()
    first = asyncio.ensure_future(turns.run(gate.pass_through, Course(60), Client().request))
    await begun(gate.begun)

    with pytest.raises(QueryError, match="query timed out in query queue") as refused:
        await turns.run(lambda: "second", Course(0.05), Client().request)
    gate.open.set()

    assert ("timeout", 503) == (refused.value.kind, refused.value.status)
    assert "through" == await first
    assert "third" == await turns.run(lambda: "third", Course(60), Client().request)


async def test_a_client_that_leaves_ends_its_work_and_frees_its_place() -> None:
    """
    The computation is told to stop, and the next one begins.
    """
    turns, client, course, started = Turns(1), Client(), Course(60), threading.Event()
    work = until_stopped(course, started)
    asked = asyncio.ensure_future(turns.run(work, course, client.request))
    await begun(started)

    client.left.set()
    with pytest.raises(QueryError, match="was canceled") as gone:
        await asked

    assert ("canceled", 499) == (gone.value.kind, gone.value.status)
    assert "next" == await turns.run(lambda: "next", Course(60), Client().request)


async def test_what_does_not_notice_its_end_keeps_its_place_but_not_its_client() -> None:
    """
    Whoever waits for work that goes on beyond its time is answered; its place is free only then.
    """
    turns, gate = Turns(1), Gate()

    with pytest.raises(QueryError, match="query timed out in query execution"):
        # Long enough for its thread to begin on a busy machine.
        await turns.run(gate.pass_through, Course(3), Client().request)
    with pytest.raises(QueryError, match="query timed out in query queue"):
        await turns.run(lambda: "second", Course(0.05), Client().request)
    gate.open.set()

    assert "third" == await turns.run(lambda: "third", Course(60), Client().request)


async def test_what_fails_fails_for_who_asked() -> None:
    """
    An error in the computation reaches the one who waits for it, and frees the place.
    """
    turns = Turns(1)

    def fail() -> None:
        raise QueryError("wrong")

    for _ in range(3):
        with pytest.raises(QueryError, match="wrong"):
            await turns.run(fail, Course(60), Client().request)


async def test_a_slow_form_is_not_waited_for() -> None:
    """
    A posted form that does not arrive is refused when patience ends.
    """
    with pytest.raises(BodyError, match=r"did not arrive within 0\.05 s") as refused:
        await parameters_of(Client("POST").request, patience_s=0.05)

    assert 408 == refused.value.status


async def test_time_in_the_queue_counts() -> None:
    """
    A request's own time limit runs from its arrival, whoever is before it.
    """
    turns, gate = Turns(1), Gate()
    first = asyncio.ensure_future(turns.run(gate.pass_through, Course(60), Client().request))
    await begun(gate.begun)
    client = Client(query=b"query=1&timeout=50ms")

    given = await parameters_of(client.request)
    with pytest.raises(QueryError, match="query timed out in query queue"):
        await turns.run(lambda: "second", given.course, client.request)
    gate.open.set()

    assert "through" == await first
