"""
This module asks every query of every dashboard of both engines, and prints what they return.

It is run as ``python -m tests.generate.panel_table``.
"""

import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from tests.generate.panel_world import NOW, STEP_S, shown, world
from tests.generate.panels import Asked, asked
from tests.query.differential.reference import started, write_whole
from tools import stack_tools

from otel_confidence.points import Batch, Sample, Samples, Selection, Series
from otel_confidence.query.answers import Answer, Metrics
from otel_confidence.query.prometheus import PrometheusClient
from otel_confidence.query.promql import Engine
from otel_confidence.store import Store

SHOWN_S = 3600
MAY_BE_EMPTY = frozenset[tuple[str, str]]()
"""Dashboards and places that may have nothing to show of the fleet; so far none."""


@dataclass(frozen=True)
class Row:
    """
    How many series an engine returned for one query, and what it complained of.
    """

    query: Asked
    series: int
    points: int
    warnings: tuple[str, ...]


@contextmanager
def up(folder: Path, held: Sequence[Selection]) -> Iterator[Metrics]:
    """
    The engine of ``otel-confidence up`` over an embedded store that holds the series.
    """
    store = Store.open(folder / "store", retention_days=10_000)
    try:
        store.write(Batch(samples=Samples.of(_samples(held))))
        yield Engine(store)
    finally:
        store.close()


@contextmanager
def stored(folder: Path, held: Sequence[Selection]) -> Iterator[Metrics]:
    """
    A real Prometheus that holds the series.
    """
    with started(folder) as url:
        write_whole(url, held)
        client = PrometheusClient(url)
        yield client
        client.close()


def rows(metrics: Metrics) -> list[Row]:
    """
    Ask everything, in the order of the dashboards.
    """
    return [_row(query, _answer(metrics, query)) for query in asked()]


def _samples(held: Sequence[Selection]) -> Iterator[Sample]:
    for each in held:
        series = Series(each.labels)
        for moment, value in zip(each.times_ms.tolist(), each.values.tolist(), strict=True):
            yield Sample(series, moment, value)


def _answer(metrics: Metrics, query: Asked) -> Answer:
    if query.instant:
        return metrics.query(query.expression, at=NOW)
    return metrics.query_range(query.expression, start=NOW - SHOWN_S, end=NOW, step=STEP_S)


def _row(query: Asked, answer: Answer) -> Row:
    points = sum(len(series.values) for series in answer.series)
    return Row(query, len(answer.series), points, answer.warnings)


def table(found: dict[str, list[Row]]) -> str:
    """
    A line for each panel: the series and points that each engine returned for all its queries.
    """
    lines = [f"| dashboard | panel | queries | {' | '.join(found)} |"]
    lines.append(f"|---|---|---|{'---|' * len(found)}")
    first = next(iter(found.values()))
    for (board, place), group in groupby(first, lambda row: (row.query.board, row.query.place)):
        held = {row.query for row in group}
        cells = [
            f"{sum(r.series for r in each if r.query in held)} series, "
            f"{sum(r.points for r in each if r.query in held)} points"
            for each in found.values()
        ]
        name = board.removeprefix("otel-confidence-")
        lines.append(f"| {name} | {place} | {len(held)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """
    Print the table; of the embedded engine alone where no Prometheus is installed.
    """
    held = shown(world())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with up(folder, held) as metrics:
            found = {"up": rows(metrics)}
        if stack_tools.binary("prometheus").exists():
            with stored(folder, held) as metrics:
                found["Prometheus"] = rows(metrics)
    sys.stdout.write(f"{table(found)}\n")


if __name__ == "__main__":
    main()
