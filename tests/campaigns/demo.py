"""
This module starts docker-compose.yml's demo as it is, and says when each panel has data.

``python -m tests.campaigns.demo``. No interval is shortened, so that it takes up to a minute after
the start, which is what docs/how-to/stack.md promises for the first dashboard. Its status is 1
where a panel is later. Stand-ins take the places of Tempo, Loki and Grafana.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from tests.generate import panels
from tests.stack.world import query
from tools.stack import Stack
from tools.stack.plan import Wishes

PROMISED_S: Final = 60.0
BOARD: Final = "otel-confidence-fleet"
LATER: Final = ("ALERTS", "psi", "ks1")
"""What has data later by its nature: alerts, and drift of five hundred values on."""


def shown() -> dict[str, str]:
    """The expressions of the first dashboard that the demo fills, by panel and letter."""
    return {
        f"{asked.place} {asked.letter}": asked.expression
        for asked in panels.asked()
        if asked.board == BOARD
        and not asked.place.startswith("annotation")  # which mark a moment
        and not any(word in asked.expression for word in LATER)
    }


def first_seen(
    expressions: Mapping[str, str],
    ask: Callable[[str], object],
    *,
    patience_s: float = PROMISED_S,
    now: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> dict[str, float]:
    """After how long each expression had data, seconds; those that had none are missing."""
    began, found = now(), dict[str, float]()
    while len(found) < len(expressions) and now() - began < patience_s:
        for name, expression in expressions.items():
            if name not in found and ask(expression):
                found[name] = now() - began
        pause(0.5)
    return found


def main() -> int:
    """Start the demo, wait for a minute at most, and print a line for each panel."""
    expressions = shown()
    with tempfile.TemporaryDirectory(prefix="demo-") as made:
        wishes = Wishes(profiles=["demo"], stand_ins=True)
        with Stack.started(Path(made), wishes) as stack:
            found = first_seen(expressions, lambda asked: query(stack, asked))
    for name in sorted(expressions, key=lambda name: found.get(name, PROMISED_S)):
        said = f"{found[name]:5.0f} s" if name in found else "  never"
        sys.stdout.write(f"{said}  {name}\n")
    sys.stdout.write(f"{len(found)} of {len(expressions)} within {PROMISED_S:.0f} s\n")
    return int(len(found) < len(expressions))


if __name__ == "__main__":
    sys.exit(main())
