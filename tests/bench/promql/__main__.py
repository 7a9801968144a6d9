"""This module times queries of both servers in turn and prints medians, ratios and sizes.

Run it by ``python -m tests.bench.promql``; the first run fills folders, which takes some minutes.
"""

import argparse
import time
from pathlib import Path
from statistics import median

import httpx
from tests.bench.promql.dataset import SCALES, Scale
from tests.bench.promql.folders import prometheus_folder, store_folder
from tests.bench.promql.questions import Query, queries
from tests.bench.promql.servers import prometheus, up
from tests.query.differential.comparison import Question, compare

from otel_confidence.query.prometheus import PrometheusClient

ROW = "{:<44} {:>9} {:>10} {:>10} {:>7}"
ENOUGH_S = 4.0
WARM_S = 30.0


def main() -> None:
    """Compare at both scales, or at one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", choices=[scale.name for scale in SCALES])
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--only", default="", help="part of a query's name")
    asked = parser.parse_args()
    for scale in SCALES:
        if asked.scale in (None, scale.name):
            _compare(scale, asked.pairs, asked.only)


def _compare(scale: Scale, pairs: int, only: str) -> None:
    ours, theirs = store_folder(scale), prometheus_folder(scale)
    print(f"\n{scale.name} samples, 10,000 series, {scale.days} day(s)")
    print(ROW.format("", "series", "ours, ms", "Prometheus", "ratio"))
    asked = queries(scale)
    with up(ours) as our_url, prometheus(theirs) as their_url:
        _warm(asked[0], our_url, their_url)
        for query in asked:
            if only in query.name:
                _row(query, our_url, their_url, pairs)
    samples = scale.samples * 10_000
    sizes = (_bytes(ours / "chdb", samples), _bytes(theirs, samples))
    print(ROW.format("bytes a sample on disk", "", *sizes, ""), flush=True)


def _warm(query: Query, *urls: str) -> None:
    """Let both read what they keep in memory, which they do after they have begun to serve."""
    until = time.perf_counter() + WARM_S
    with httpx.Client(timeout=300) as client:
        while time.perf_counter() < until:
            for url in urls:
                _timed(client, url, query)
            time.sleep(0.2)


def _row(query: Query, our_url: str, their_url: str, pairs: int) -> None:
    ours: list[float] = []
    theirs: list[float] = []
    began = time.perf_counter()
    with httpx.Client(timeout=300) as client:
        for turn in range(pairs + 1):
            times = [_timed(client, url, query) for url in (our_url, their_url)]
            if turn or time.perf_counter() - began > ENOUGH_S:
                ours.append(times[0])
                theirs.append(times[1])
            if time.perf_counter() - began > 3 * ENOUGH_S:
                break
    ratio = median(a / b for a, b in zip(ours, theirs, strict=True))
    figures = (f"{median(ours):.1f}", f"{median(theirs):.1f}", f"{ratio:.2f}")
    found, unlike = _checked(query, our_url, their_url)
    print(ROW.format(query.name, found, *figures) + unlike, flush=True)


def _timed(client: httpx.Client, url: str, query: Query) -> float:
    began = time.perf_counter()
    response = client.post(f"{url}/api/v1/{query.path}", data=query.form)
    took = time.perf_counter() - began
    assert response.is_success, response.text
    return took * 1000


def _checked(query: Query, our_url: str, their_url: str) -> tuple[int, str]:
    ours, theirs = PrometheusClient(our_url), PrometheusClient(their_url)
    question = Question(query.expr, query.start, query.end, query.step)
    verdict = compare(question, ours, theirs)
    answer = question.ask(ours)
    ours.close()
    theirs.close()
    found = -1 if isinstance(answer, Exception) else len(answer.series)
    return found, "" if verdict.outcome == "equal" else f"  {verdict.outcome}: {verdict.reason}"


def _bytes(folder: Path, samples: int) -> str:
    size = sum(each.stat().st_size for each in folder.rglob("*") if each.is_file())
    return f"{size / samples:.2f}"


if __name__ == "__main__":
    main()
