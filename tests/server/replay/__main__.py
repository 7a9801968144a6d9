"""
This module replays long Grafana sessions to both servers and lists what differs.

Run ``python -m tests.server.replay --rounds 12``; the exit status is 1 when any response differs.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import httpx
from tests.server.replay.comparison import Verdict, compare
from tests.server.replay.session import Asked, malformed, session
from tests.server.replay.world import world


def main() -> int:
    """
    Replay and report.
    """
    parser = argparse.ArgumentParser(description="Compare the HTTP API with a real Prometheus.")
    parser.add_argument("--rounds", type=int, default=12, help="time ranges to look at")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--shown", type=int, default=20, help="differences to print")
    arguments = parser.parse_args()
    asked = [*session(arguments.seed, arguments.rounds), *malformed()]
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory() as folder,
        world(Path(folder)) as both,
        httpx.Client(timeout=120) as client,
    ):
        found = {each: compare(each, both, client) for each in asked}
    return _report(found, time.monotonic() - began, arguments.shown)


def _report(found: dict[Asked, Verdict], seconds: float, shown: int) -> int:
    outcomes = Counter(verdict.outcome for verdict in found.values())
    different = [(asked, each) for asked, each in found.items() if each.outcome == "different"]
    for asked, verdict in different[:shown]:
        sys.stdout.write(f"{asked}\n    {verdict.reason}\n")
    reasons = Counter(each.reason for each in found.values() if each.outcome == "explained")
    for reason, count in reasons.most_common():
        sys.stdout.write(f"explained {count} times: {reason}\n")
    places = Counter(asked.path.partition("/")[0] for asked in found)
    sys.stdout.write(", ".join(f"{name} {count}" for name, count in places.most_common()) + "\n")
    total = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.most_common())
    sys.stdout.write(f"{len(found)} requests in {seconds:.0f} s: {total}\n")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
