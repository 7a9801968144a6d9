"""
This module compares thousands of random queries with a real Prometheus and lists what differs.

Run ``python -m tests.query.differential --queries 20000``; the exit status is 1 when any differs,
or is refused by us alone: the grammar draws nothing of what we refuse on purpose.
Asked is an engine over a store whose samples are rolled up, half of the time with late samples
waiting to be rolled up again, and every other time without the store's memory; with ``--memory``
one that has nothing but samples in memory.
"""

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.query.differential.comparison import Question, Verdict, compare
from tests.query.differential.dataset import batch, late, recorded
from tests.query.differential.grammar import Grammar
from tests.query.differential.reference import prometheus
from tests.query.differential.watching import SAMPLES, Watched
from tests.query.promql.series import Memory

from otel_confidence.points import Selection
from otel_confidence.query.answers import Metrics
from otel_confidence.query.promql import Engine
from otel_confidence.store import Store

PROGRESS_S = 20
REST_S = 1e6
"""The store rolls up when it is told to, not by itself."""


@dataclass(frozen=True, slots=True)
class Asked:
    """
    What came of one question.
    """

    question: Question
    verdict: Verdict
    source: str
    """What the answer was made of."""


def main() -> int:
    """
    Compare and report.
    """
    parser = argparse.ArgumentParser(description="Compare PromQL with a real Prometheus.")
    parser.add_argument("--queries", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--shown", type=int, default=20, help="differences to print")
    parser.add_argument("--memory", action="store_true", help="read samples from memory only")
    arguments = parser.parse_args()
    series = recorded()
    questions = drawn(arguments.queries, arguments.seed)
    with (
        tempfile.TemporaryDirectory() as folder,
        prometheus(Path(folder), series) as theirs,
    ):
        started = time.monotonic()
        run = in_memory if arguments.memory else in_store
        found = list(told(run(questions, series, theirs), len(questions)))
    return report(found, time.monotonic() - started, arguments.shown)


def drawn(count: int, seed: int) -> list[Question]:
    """
    So many different questions.
    """
    grammar = Grammar(Random(seed))
    found: dict[Question, None] = {}
    while len(found) < count:
        found[grammar.question()] = None
    return list(found)


def in_memory(
    questions: list[Question], series: list[Selection], theirs: Metrics
) -> Iterator[Asked]:
    """
    Ask of samples in memory.
    """
    ours = Engine(Memory.of(series))
    for each in questions:
        yield Asked(each, compare(each, ours, theirs), SAMPLES)


def in_store(
    questions: list[Question], series: list[Selection], theirs: Metrics
) -> Iterator[Asked]:
    """
    Ask of a store, before and after what was written late is rolled up again.
    """
    half = len(questions) // 2
    with rolled_up(series) as store:
        store.write(batch(late(series)))
        yield from _asked(questions[:half], store, theirs)
        store.keep_up()
        yield from _asked(questions[half:], store, theirs)


@contextmanager
def rolled_up(series: list[Selection]) -> Iterator[Store]:
    """
    A store whose samples are rolled up.
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(Store.open(folder, retention_days=10_000, upkeep_s=REST_S)) as store,
    ):
        store.write(batch(series))
        store.keep_up()
        yield store


def _asked(questions: list[Question], store: Store, theirs: Metrics) -> Iterator[Asked]:
    source = Watched(store)
    ours = Engine(source)
    for number, each in enumerate(questions):
        source.remembers = number % 2 == 0
        yield Asked(each, compare(each, ours, theirs), source.used())


def told(found: Iterator[Asked], count: int) -> Iterator[Asked]:
    """
    Print how far it is now and then.
    """
    last = time.monotonic()
    for done, each in enumerate(found, 1):
        yield each
        if time.monotonic() - last > PROGRESS_S:
            last = time.monotonic()
            sys.stdout.write(f"{done} of {count} ...\n")
            sys.stdout.flush()


def report(found: list[Asked], seconds: float, shown: int) -> int:
    """
    Print how many were equal, which were not, and what the answers were made of.
    """
    outcomes = Counter(each.verdict.outcome for each in found)
    different = [each for each in found if each.verdict.outcome == "different"]
    for each in different[:shown]:
        sys.stdout.write(f"{each.question} from {each.source}\n    {each.verdict.reason}\n")
    for outcome in ("refused by us", "explained", "they crash", "both refuse"):
        reasons = [each.verdict.reason for each in found if each.verdict.outcome == outcome]
        for reason, count in Counter(reasons).most_common():
            sys.stdout.write(f"{outcome} {count} times: {reason}\n")
    for source, count in Counter(each.source for each in found).most_common():
        sys.stdout.write(f"answered from {source}: {count}\n")
    total = ", ".join(
        f"{outcomes[outcome]} {outcome}"
        for outcome in ("equal", "equal, empty", "both refuse", "refused by us", "they crash",
                        "explained", "different")
    )  # fmt: skip
    sys.stdout.write(f"{len(found)} queries in {seconds:.0f} s: {total}\n")
    return 1 if different or outcomes["refused by us"] else 0


if __name__ == "__main__":
    sys.exit(main())
