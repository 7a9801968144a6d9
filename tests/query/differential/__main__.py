"""
This module compares thousands of random queries with a real Prometheus and lists what differs.

Run ``python -m tests.query.differential --queries 20000``; the exit status is 1 when any differs.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random

from tests.query.differential.comparison import Question, Verdict, compare
from tests.query.differential.dataset import recorded
from tests.query.differential.grammar import Grammar
from tests.query.differential.reference import prometheus
from tests.query.promql.series import Memory

from otel_confidence.query.answers import Metrics
from otel_confidence.query.promql import Engine

PROGRESS_S = 20


def main() -> int:
    """
    Compare and report.
    """
    parser = argparse.ArgumentParser(description="Compare PromQL with a real Prometheus.")
    parser.add_argument("--queries", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--shown", type=int, default=20, help="differences to print")
    arguments = parser.parse_args()
    series = recorded()
    started = time.monotonic()
    with (
        tempfile.TemporaryDirectory() as folder,
        prometheus(Path(folder), series) as theirs,
    ):
        ours = Engine(Memory.of(series))
        found = run(ours, theirs, queries=arguments.queries, seed=arguments.seed)
    return report(found, time.monotonic() - started, arguments.shown)


def run(ours: Metrics, theirs: Metrics, *, queries: int, seed: int) -> dict[Question, Verdict]:
    """
    Draw so many different questions and ask both.
    """
    grammar = Grammar(Random(seed))
    found: dict[Question, Verdict] = {}
    told = time.monotonic()
    while len(found) < queries:
        asked = grammar.question()
        if asked not in found:
            found[asked] = compare(asked, ours, theirs)
        if time.monotonic() - told > PROGRESS_S:
            told = time.monotonic()
            sys.stdout.write(f"{len(found)} of {queries} ...\n")
            sys.stdout.flush()
    return found


def report(found: dict[Question, Verdict], seconds: float, shown: int) -> int:
    """
    Print how many were equal and which were not.
    """
    outcomes = Counter(verdict.outcome for verdict in found.values())
    different = [(asked, each) for asked, each in found.items() if each.outcome == "different"]
    for asked, verdict in different[:shown]:
        sys.stdout.write(f"{asked}\n    {verdict.reason}\n")
    for outcome in ("refused by us", "explained"):
        reasons = [each.reason for each in found.values() if each.outcome == outcome]
        for reason, count in Counter(reasons).most_common():
            sys.stdout.write(f"{outcome} {count} times: {reason}\n")
    total = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.most_common())
    sys.stdout.write(f"{len(found)} queries in {seconds:.0f} s: {total}\n")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
