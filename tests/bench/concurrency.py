"""
This module measures range queries of many clients at once while points come in.

Run it by ``python -m tests.bench.concurrency``; it prints errors, latency, the rate of points that
was kept, and the server's memory, for ``up`` and for Prometheus.
"""

import argparse
import asyncio
import re
import ssl
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
import numpy as np
from tests import remote
from tests.bench.load import Sent, sending, stop
from tests.bench.promql.servers import prometheus_process
from tests.running import running

MODELS: Final = 20
SERIES_PER_MODEL: Final = 50
HOUR_S: Final = 3600
STEP_S: Final = 15
QUERIES: Final = (
    'sum by (group) (rate(load_total{{group="g{n}"}}[1m]))',
    'sum(rate(panel_total{{model="m{n}"}}[1m]))',
    'histogram_quantile(0.9, sum by (le) (rate(panel_total{{model="m{n}"}}[5m])))',
    'max_over_time(panel_total{{model="m{n}"}}[5m])',
    'count(panel_total{{model=~"m{n}.*"}})',
)
"""Panels of a dashboard: of the points that come in, and of an hour that is there."""
Server = tuple[str, int]
"""A server's address and process."""


@dataclass(slots=True)
class Measured:
    """
    What came of one run.
    """

    seconds: float
    latencies_s: list[float]
    outcomes: Counter[str]
    sent: Sent
    memory_mib: float
    """At the end."""
    peak_mib: float

    @property
    def errors(self) -> int:
        """
        Queries that were not answered.
        """
        return sum(self.outcomes.values()) - self.outcomes["200"]


@contextmanager
def ours(folder: Path) -> Iterator[Server]:
    """
    ``otel-confidence up`` over a folder.
    """
    with running(folder) as up:
        yield up.http, up.process.pid


def measure(
    server: AbstractContextManager[Server], *, clients: int, points_per_s: int, seconds: float
) -> Measured:
    """
    Run a server and load it from both sides.
    """
    with server as (url, process):
        fill(url)
        with sending(url, points_per_s) as sender:
            began = time.monotonic()
            latencies, outcomes = asyncio.run(_asking(url, clients, seconds))
            took, sent = time.monotonic() - began, stop(sender)
        memory = [memory_mib(process, name) for name in ("VmRSS", "VmHWM")]
    return Measured(took, latencies, outcomes, sent, *memory)


def fill(url: str) -> None:
    """
    Write an hour of the series that panels show.
    """
    now_ms = time.time_ns() // 1_000_000
    times = range(now_ms - HOUR_S * 1000, now_ms, STEP_S * 1000)
    for model in range(MODELS):
        body = b"".join(
            remote.series(
                [("__name__", "panel_total"), ("le", str(i)), ("model", f"m{model}")],
                [(at, float(n * (i + 1))) for n, at in enumerate(times)],
            )
            for i in range(SERIES_PER_MODEL)
        )
        answer = httpx.post(
            f"{url}/api/v1/write", content=remote.packed(body), headers=remote.V1, timeout=60
        )
        answer.raise_for_status()


async def _asking(url: str, clients: int, seconds: float) -> tuple[list[float], Counter[str]]:
    latencies: list[float] = []
    outcomes: Counter[str] = Counter()
    ended, context = time.monotonic() + seconds, ssl.create_default_context()

    async def ask(number: int) -> None:
        # A connection each: the order in which a pool lends connections is not ours to measure.
        async with httpx.AsyncClient(base_url=url, timeout=240, verify=context) as http:
            while True:  # once at least, however slow the machine is
                began = time.monotonic()
                answer = await http.post("/api/v1/query_range", data=_form(number))
                latencies.append(time.monotonic() - began)
                outcomes[str(answer.status_code)] += 1
                number += 1
                if time.monotonic() > ended:
                    return

    await asyncio.gather(*(ask(number) for number in range(clients)))
    return latencies, outcomes


def _form(number: int) -> dict[str, str]:
    end = time.time()
    return {
        "query": QUERIES[number % len(QUERIES)].format(n=number % MODELS),
        "start": f"{end - HOUR_S / 4:.3f}",
        "end": f"{end:.3f}",
        "step": str(STEP_S),
    }


def memory_mib(process: int, name: str) -> float:
    """
    A line of a process's memory: ``VmRSS`` now, ``VmHWM`` at most so far.
    """
    text = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    found = re.search(rf"{name}:\s+(\d+) kB", text)
    return int(found[1]) / 1024 if found else float("nan")


def _told(found: Measured, clients: int, points_per_s: int) -> str:
    count, sent = len(found.latencies_s), found.sent
    names = ("median", "90%", "99%", "most")
    at = np.percentile(found.latencies_s, [50, 90, 99, 100])
    latency = ", ".join(f"{name} {value:.2f} s" for name, value in zip(names, at, strict=True))
    return (
        f"{count} range queries by {clients} clients in {found.seconds:.1f} s: "
        f"{count / found.seconds:.1f} a second; by status: {dict(found.outcomes)}\n"
        f"latency: {latency}\n"
        f"{sent.rate:,.0f} points/s kept of {points_per_s:,}; refused: {sent.refused}; "
        f"requests over 1 s late: {sent.late}\n"
        f"memory of the server: {found.memory_mib:.0f} MiB, at most {found.peak_mib:.0f} MiB"
    )


def main() -> int:
    """
    Measure and print; the exit status is 1 when a query or a write was refused.
    """
    parser = argparse.ArgumentParser(description="Range queries at once while points come in.")
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--points", type=int, default=50_000, help="points a second")
    parser.add_argument("--seconds", type=float, default=30)
    given = parser.parse_args()
    refused = 0
    for name, server in (("up", ours), ("Prometheus", prometheus_process)):
        with tempfile.TemporaryDirectory() as folder:
            found = measure(
                server(Path(folder)),
                clients=given.clients,
                points_per_s=given.points,
                seconds=given.seconds,
            )
        print(f"{name}: {_told(found, given.clients, given.points)}\n", flush=True)
        refused += found.errors + sum(found.sent.refused.values())
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
