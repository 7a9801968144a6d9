"""
This module sends as many points a second as it is told, by remote write, from a process of its own.

A request is made once; only its times change, in place, so that sending costs the sender little.
"""

import asyncio
import multiprocessing
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Final

import httpx
import numpy as np
from tests import remote

TURNS: Final = 10
"""Requests a second; each holds another tenth of the series."""
_TIME: Final = 1_790_000_000_123
"""Stands where the time goes: as long as every time until the year 2109, when encoded."""


@dataclass(frozen=True, slots=True)
class Sent:
    """
    What a sender did.
    """

    points: int
    seconds: float
    late: int
    """Requests that were sent over a second after their time."""
    refused: dict[int, int]
    """Requests by status, other than those that were taken."""

    @property
    def rate(self) -> float:
        """
        Points taken a second.
        """
        return self.points / self.seconds


class Body:
    """
    One sample for each of some series, at any time.
    """

    def __init__(self, shard: int, series: int) -> None:
        parts = (
            remote.series(
                [("__name__", "load_total"), ("group", f"g{i % 10}"), ("i", f"{shard}-{i}")],
                [(_TIME, float(i))],
            )
            for i in range(series)
        )
        plain = b"".join(parts)
        self._bytes = np.frombuffer(plain, dtype=np.uint8).copy()
        stamp = remote.varint(_TIME)
        starts = [found.start() for found in re.finditer(re.escape(stamp), plain)]
        self._places = np.add.outer(np.array(starts), np.arange(len(stamp)))

    def at(self, time_ms: int) -> bytes:
        """
        The request at a time, packed.
        """
        self._bytes[self._places] = np.frombuffer(remote.varint(time_ms), dtype=np.uint8)
        return remote.packed(self._bytes.tobytes())


@contextmanager
def sending(url: str, points_per_s: int) -> Iterator[Connection]:
    """
    A process that sends until told; then it tells :class:`Sent`.
    """
    ours, theirs = multiprocessing.Pipe()
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=_run, args=(url, points_per_s, theirs))
    process.start()
    theirs.close()  # so that a process that ends early ends the wait for it
    try:
        assert ours.recv() == "ready"
        yield ours
    finally:
        process.kill()
        process.join()


def stop(connection: Connection) -> Sent:
    """
    End a sender; what it did.
    """
    connection.send("stop")
    sent = connection.recv()
    assert isinstance(sent, Sent)
    return sent


def _run(url: str, points_per_s: int, connection: Connection) -> None:
    bodies = [Body(shard, points_per_s // TURNS) for shard in range(TURNS)]
    with httpx.Client(timeout=60, headers=remote.V1) as client:
        for body in bodies:  # series that are new cost more than those that are known
            content = body.at(time.time_ns() // 1_000_000)
            client.post(f"{url}/api/v1/write", content=content).raise_for_status()
    connection.send("ready")
    connection.send(asyncio.run(_send(url, bodies, points_per_s // TURNS, connection)))


async def _send(url: str, bodies: list[Body], width: int, connection: Connection) -> Sent:
    began, turn, late = time.monotonic(), 0, 0
    refused: dict[int, int] = {}
    taken: list[int] = []
    pending: set[asyncio.Task[None]] = set()
    async with httpx.AsyncClient(timeout=60, headers=remote.V1) as client:

        async def post(content: bytes) -> None:
            answer = await client.post(f"{url}/api/v1/write", content=content)
            if answer.is_success:
                taken.append(width)
            else:
                refused[answer.status_code] = refused.get(answer.status_code, 0) + 1

        while not turn or not connection.poll():  # once at least, however late it began
            ahead = began + turn / TURNS - time.monotonic()
            if ahead > 0 or len(pending) >= TURNS:
                # As a Prometheus does, no more than some requests are on their way.
                await asyncio.sleep(max(ahead, 0.01))
                continue
            late += ahead < -1
            content = bodies[turn % TURNS].at(time.time_ns() // 1_000_000)
            task = asyncio.create_task(post(content))
            pending.add(task)
            task.add_done_callback(pending.discard)
            turn += 1
            await asyncio.sleep(0)
        await asyncio.gather(*pending)
    return Sent(sum(taken), time.monotonic() - began, late, refused)
