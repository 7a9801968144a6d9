"""
This module reads one recorded set by four paths and compares: same names, labels and values?

The paths are Python's own ``/metrics``, the Collector's Prometheus exporter, Prometheus by OTLP and
``otel-confidence up``. ``python -m tests.stack.paths`` starts the stack, and prints every signal of
the table of signals with its number of series on each path and the number of differences.
"""

import math
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console
from rich.table import Table

from otel_confidence import conventions as c

JOB: Final = "shop"
PATHS: Final = ("python", "collector", "prometheus", "up")
WHO: Final = frozenset(
    {"job", "instance", "service_name", "service_instance_id", "deployment_environment_name"}
)
"""Labels of the resource, which says who sent: Python's page leaves them to whoever reads it, the
Collector's page has two of them, and the gateway adds the environment, for all who do not say."""
SCOPE: Final = frozenset({"otel_scope_name", "otel_scope_version", "otel_scope_schema_url"})
"""What the exporters of pages add of the instrumentation scope; Prometheus's receiver and ``up`` do
so only where ``promote_scope_metadata`` asks for it, and nothing here reads it."""
LAST_BIT: Final = 1e-14
SUFFIXES: Final = {"histogram": ("_bucket", "_sum", "_count")}
Series = Mapping[str, Mapping[frozenset[tuple[str, str]], float]]
"""By sample name: by labels, the value."""


@dataclass(frozen=True, slots=True)
class Row:
    """
    One signal on every path.
    """

    metric: c.Metric
    counts: Mapping[str, int]
    differences: tuple[str, ...]


def ask(url: str, **parameters: str) -> httpx.Response:
    """
    What a server answers, however busy the machine is.
    """
    # No proxy of the environment leads to loopback addresses.
    return httpx.get(url, params=parameters, timeout=60, trust_env=False).raise_for_status()


def from_page(text: str) -> Series:
    """
    The samples of a page of Prometheus text.
    """
    families = text_string_to_metric_families(text)
    return _by_name((s.name, s.labels, s.value) for family in families for s in family.samples)


def from_api(url: str) -> Series:
    """
    The present samples of the shop, by the Prometheus API.
    """
    query = f'{{__name__=~"(ml|otel_confidence)_.+", job="{JOB}"}}'
    answer = ask(f"{url}/api/v1/query", query=query).json()
    return _by_name(
        (found["metric"].pop("__name__"), found["metric"], float(found["value"][1]))
        for found in answer["data"]["result"]
    )


def _by_name(samples: Iterable[tuple[str, Mapping[str, str], float]]) -> Series:
    found: dict[str, dict[frozenset[tuple[str, str]], float]] = {}
    for name, labels, value in samples:
        if labels.get("job", JOB) == JOB:
            found.setdefault(name, {})[_labels(labels)] = value
    return found


def _labels(labels: Mapping[str, str]) -> frozenset[tuple[str, str]]:
    return frozenset(
        (name, _edge(value) if name == "le" else value)
        for name, value in labels.items()
        if name not in WHO | SCOPE and value  # no label and an empty one are the same to Prometheus
    )


def _edge(text: str) -> str:
    # One edge, several spellings: Python writes 1.0, the Collector 1. Prometheus itself reads the
    # one as the other when it scrapes.
    return str(float(text))


def compared(paths: Mapping[str, Series]) -> list[Row]:
    """
    Every metric of the table, with what differs from Python's own page.
    """
    return [_row(metric, paths) for metric in c.METRICS]


def _row(metric: c.Metric, paths: Mapping[str, Series]) -> Row:
    names = [metric.prometheus + suffix for suffix in SUFFIXES.get(metric.kind, ("",))]
    own = {path: {name: series.get(name, {}) for name in names} for path, series in paths.items()}
    counts = {path: sum(len(s) for s in series.values()) for path, series in own.items()}
    first = own[PATHS[0]]
    differences = [
        f"{path}: {name}{dict(sorted(labels))} is {theirs}, {PATHS[0]} says {ours}"
        for path in PATHS[1:]
        for name in names
        for labels in sorted(first[name].keys() | own[path][name].keys(), key=sorted)
        for ours, theirs in [(first[name].get(labels), own[path][name].get(labels))]
        if ours is None or theirs is None or not _equal(name, ours, theirs)
    ]
    return Row(metric, counts, tuple(differences))


def _equal(name: str, one: float, other: float) -> bool:
    # Each reader of Python's SDK adds up a histogram's sum by itself, in portions from one of its
    # collections to the next: Python's page and what leaves by OTLP may differ in the last bit.
    return one == other or (name.endswith("_sum") and math.isclose(one, other, rel_tol=LAST_BIT))


def table(rows: Iterable[Row]) -> Table:
    """
    Signals and paths, with the number of series and of differences.
    """
    drawn = Table(title="Series of one recorded set, by path")
    drawn.add_column("signal")
    for heading in (*PATHS, "differences"):
        drawn.add_column(heading, justify="right")
    for row in rows:
        counts = [str(row.counts[path]) for path in PATHS]
        drawn.add_row(row.metric.name, *counts, str(len(row.differences)))
    return drawn


def main() -> int:
    """
    Start the stack, print the table; 1 where anything differs.
    """
    from tests.stack.world import reading, started  # which needs this module

    with tempfile.TemporaryDirectory(prefix="stack-") as folder, started(Path(folder)) as stack:
        rows = reading(stack)
    console = Console(width=120)
    console.print(table(rows))
    for row in rows:
        for line in row.differences:
            console.print(line, highlight=False)
    return 1 if any(row.differences or not row.counts[PATHS[0]] for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
