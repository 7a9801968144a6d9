"""
This module sends the demo's traffic: held-out images, and their truths two seconds later.

It goes through phases (healthy, corrupted, recovered) and after each compares its own ledger with
what the Prometheus API says. Exit status 0 means that every phase that was gone through agreed.
"""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from itertools import cycle
from typing import NamedTuple

import anyio
import click
import httpx
import numpy as np
from rich.console import Console
from rich.table import Table

from examples.digits import images
from examples.digits.ledger import Figures, Ledger, measured
from otel_confidence import conventions as c

MODEL = "digits"
RATE = 25.0
"""Images a second."""
TRUTH_AFTER_S = 2.0
SHORT_LIVED = httpx.Limits(keepalive_expiry=2.0)
"""Connections are given up before the service closes them, which it does after five seconds."""
PATIENCE_S = 60.0
"""How long to wait for the last predictions to show up before the comparison fails."""
PHASES = {
    "healthy": images.intact,
    "corrupted": images.lower_half_lost,
    "recovered": images.intact,
}
console = Console(soft_wrap=True)


class Row(NamedTuple):
    """
    One phase as both sides tell it.
    """

    phase: str
    sent: Figures
    read: Figures


@dataclass
class Traffic:
    """
    One client of the service and one of the Prometheus API.
    """

    service: httpx.AsyncClient
    prometheus: httpx.Client
    rows: list[Row] = field(default_factory=list)
    sent: int = 0
    boundary: float = 0.0

    async def run(self, seconds: float) -> None:
        """
        Go through the phases: once within so many seconds, or for ever when that is 0.
        """
        self.boundary = await self._settled()
        length = seconds / len(PHASES) if seconds else 30.0
        for phase in PHASES if seconds else cycle(PHASES):
            started = time.monotonic()
            sending = length - TRUTH_AFTER_S - 2
            console.print(
                f"[bold]{phase}[/]: up to {RATE:.0f} images a second for {sending:.0f} s, "
                "then the last truths"
            )
            await self._phase(phase, sending)
            await asyncio.sleep(max(0.0, started + length - time.monotonic()))

    async def _phase(self, phase: str, seconds: float) -> None:
        ledger = Ledger()
        async with anyio.create_task_group() as tasks:
            async for pixels, label in _images(phase, seconds):
                tasks.start_soon(self._one, ledger, pixels, label)
        self.sent += len(ledger.correct)
        end = await self._settled()
        row = Row(phase, ledger.figures(), measured(self._query, MODEL, self.boundary, end))
        self.boundary = end
        self.rows.append(row)
        console.print(
            f"  said {row.read.confidence:.0%} sure, was right {row.read.accuracy:.0%} of the time"
        )

    async def _one(self, ledger: Ledger, pixels: list[float], label: int) -> None:
        answer = (await self._post("/classify", {"pixels": pixels})).json()
        ledger.add(max(answer["proba"]), correct=answer["label"] == label)
        await asyncio.sleep(TRUTH_AFTER_S)
        await self._post("/truth", {"receipt": answer["receipt"], "label": label})

    async def _post(self, path: str, body: dict[str, object]) -> httpx.Response:
        return (await self.service.post(path, json=body)).raise_for_status()

    async def _settled(self) -> float:
        """
        The moment at which every truth sent so far can be read back.
        """
        deadline = time.monotonic() + PATIENCE_S
        counted = f'sum({c.CALIBRATION_PREDICTIONS.prometheus}{{{c.MODEL_NAME.label}="{MODEL}"}})'
        while time.monotonic() < deadline:
            if self._query(counted) == self.sent:
                return time.time()
            await asyncio.sleep(0.2)
        console.print(f"[red]Only {self._query(counted):.0f} of {self.sent} arrived.[/]")
        return time.time()

    def _query(self, expression: str) -> float:
        answer = self.prometheus.post("/api/v1/query", data={"query": expression})
        result = answer.raise_for_status().json()["data"]["result"]
        return float(result[0]["value"][1]) if result else float("nan")


async def _images(phase: str, seconds: float) -> AsyncIterator[tuple[list[float], int]]:
    _, held_out = images.split()
    pixels = PHASES[phase](held_out.pixels)
    ends = time.monotonic() + seconds
    for i in _endless(len(pixels)):
        if time.monotonic() > ends:
            return
        yield pixels[i].tolist(), int(held_out.labels[i])
        await asyncio.sleep(1 / RATE)


def _endless(n: int) -> Iterator[int]:
    generator = np.random.default_rng(0)
    while True:
        yield from generator.permutation(n).tolist()


def table(rows: list[Row]) -> Table:
    """
    Every phase: what was sent above what the Prometheus API says.
    """
    drawn = Table(title="What was sent, and what the Prometheus API says")
    for heading in ("phase", "by", "outcomes", "confidence", "accuracy", "ECE", "agrees"):
        left = heading in {"phase", "by"}
        drawn.add_column(heading, justify="left" if left else "right", no_wrap=True)
    for phase, sent, read in rows:
        agrees = "yes" if sent.agrees(read) else "[red]NO[/]"
        drawn.add_row(phase, "demo", *_told(sent))
        drawn.add_row("", "API", *_told(read), agrees, end_section=True)
    return drawn


def _told(figures: Figures) -> tuple[str, ...]:
    return (f"{figures.outcomes:.0f}", *(f"{value:.6f}" for value in figures[2:]))


@click.command(help=__doc__)
@click.option("--service", required=True, help="URL of the service.")
@click.option("--prometheus", required=True, help="URL of the Prometheus API.")
@click.option("--seconds", default=0.0, help="How long all phases take; 0 repeats them for ever.")
@click.pass_context
def main(context: click.Context, *, service: str, prometheus: str, seconds: float) -> None:
    """
    Send the traffic, print the comparison.
    """
    rows = asyncio.run(_main(service, prometheus, seconds))
    console.print(table(rows) if rows else "No phase was gone through: nothing to compare.")
    context.exit(0 if all(row.sent.agrees(row.read) for row in rows) else 1)


async def _main(service: str, prometheus: str, seconds: float) -> list[Row]:
    whole = asyncio.ensure_future(_traffic(service, prometheus, seconds))
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, whole.cancel)
    return await whole


async def _traffic(service: str, prometheus: str, seconds: float) -> list[Row]:
    serving = httpx.AsyncClient(base_url=service, timeout=PATIENCE_S, limits=SHORT_LIVED)
    async with serving as client:
        with httpx.Client(base_url=prometheus, timeout=PATIENCE_S) as reader:
            traffic = Traffic(client, reader)
            try:
                await traffic.run(seconds)
            except asyncio.CancelledError:
                console.print("\nStopped.")
            return traffic.rows


if __name__ == "__main__":
    main()
