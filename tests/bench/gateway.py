"""This module measures the gateway beside the same Collector with nothing between in and out.

Run it by ``python -m tests.bench.gateway [ROUNDS]``, once ``make stack-tools`` built the Collector.
Each round takes both, in turns the one first and the other; what is printed are medians, the ratio
that of the rounds' ratios. How much comes through in a second is said only of a quiet machine.
"""

import os
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Final

from tests.bench.programs import (
    GATEWAY_PORT,
    KINDS,
    WIDTH,
    Kind,
    Program,
    bare_files,
    gateway_files,
    sink_files,
    spent_s,
    started,
)

QUIET: Final = 2.0
"""The load of a machine below which a rate means something."""
QUIET_S: Final = 2
PROGRAMS: Final[dict[str, Callable[[Program], list[str]]]] = {
    "gateway": gateway_files,
    "bare": bare_files,
}
Figures = dict[tuple[str, str], list[float]]
"""By program and kind, one number a round."""


def main() -> None:
    """Print a table of what a million of each kind costs both, and what comes through."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    load = os.getloadavg()[0]
    costs: Figures = defaultdict(list)
    rates: Figures = defaultdict(list)
    memory: dict[str, list[float]] = defaultdict(list)
    for number in range(rounds):
        for title in list(PROGRAMS)[:: -1 if number % 2 else 1]:
            for kind, cost, rate in _round(title, memory):
                costs[title, kind.name].append(cost)
                rates[title, kind.name].append(rate)
    print(f"processor seconds for a million, medians of {rounds} rounds, at a load of {load:.1f}:")
    print("| | gateway | bare Collector | ratio (smallest, largest) |\n|---|---|---|---|")
    for kind in KINDS:
        ours, theirs = costs["gateway", kind.name], costs["bare", kind.name]
        ratios = [one / other for one, other in zip(ours, theirs, strict=True)]
        spread = f"{median(ratios):.1f} ({min(ratios):.1f}, {max(ratios):.1f})"
        print(f"| {kind.name} | {median(ours):.1f} | {median(theirs):.1f} | {spread} |")
    print(f"| MiB at most | {median(memory['gateway']):.0f} | {median(memory['bare']):.0f} | |")
    if load < QUIET:
        _print_rates(rates)


def _print_rates(rates: Figures) -> None:
    for (title, kind), found in rates.items():
        print(f"{title}: {median(found):,.0f} {kind} taken a second, from one sender")


def _round(title: str, memory: dict[str, list[float]]) -> list[tuple[Kind, float, float]]:
    """One program from its start to its end: each kind with its cost and what came through."""
    with (
        tempfile.TemporaryDirectory() as name,
        started(sink_files(), Path(name), grpc=GATEWAY_PORT) as sink,
        started(PROGRAMS[title](sink), Path(name)) as program,
    ):
        found = [_sent(program, kind) for kind in KINDS]
        memory[title].append(program.memory_mib())
    return found


def _sent(program: Program, kind: Kind) -> tuple[Kind, float, float]:
    if kind.path != "/v1/traces":
        program = replace(program, quiet_s=QUIET_S)  # nothing waits for anything but traces
    count, began = kind.requests * WIDTH, time.monotonic()
    cost_s = spent_s(program, kind)
    # A lower bound, as the sender makes its requests meanwhile.
    seconds = max(time.monotonic() - began - program.quiet_s, 0.001)
    return kind, cost_s / count * 1e6, count / seconds


if __name__ == "__main__":
    main()
