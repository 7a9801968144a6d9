"""
This module tests that the engine over the real store answers as a real Prometheus does.
"""

from collections.abc import Iterator
from random import Random

import pytest
from tests.query.differential.comparison import Question, compare
from tests.query.differential.dataset import LENGTH_S, START_S, batch, recorded
from tests.query.differential.grammar import Grammar
from tests.query.differential.reference import binary, prometheus, required

from otel_confidence.query.answers import Metrics
from otel_confidence.query.promql import Engine
from otel_confidence.store import Store

QUERIES = 150
SEED = 20
FIXED = (
    "rate(c_total[5m])",
    "sum by (i) (increase(c_total[2m30s]))",
    "histogram_quantile(0.9, sum by (job, le) (rate(h_bucket[5m])))",
    "c_total / ignoring (j) group_left sum without (j) (c_total)",
    "avg_over_time(odd[10m])",
    "max_over_time(rate(c_total[1m])[10m:15s])",
    '{"my.metric", "label.é"="ü"}',
    "moved or on (i) level",
)


@pytest.fixture(name="both", scope="module")
def _both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Metrics, Metrics]]:
    if binary() is None and not required():
        pytest.skip("no Prometheus to compare with: run make stack-tools")
    series = recorded()
    store = Store.open(tmp_path_factory.mktemp("store"), retention_days=10_000)
    store.write(batch(series))
    with prometheus(tmp_path_factory.mktemp("prometheus"), series) as theirs:
        yield Engine(store), theirs
    store.close()


@pytest.mark.xdist_group("differential")
@pytest.mark.parametrize("expr", FIXED)
def test_common_queries_agree_with_prometheus(expr: str, both: tuple[Metrics, Metrics]) -> None:
    """
    Series, times and values are those of Prometheus, to a relative difference of 1e-9.
    """
    verdict = compare(Question(expr, START_S, START_S + LENGTH_S, 37), *both)

    assert ("equal", "") == (verdict.outcome, verdict.reason)


@pytest.mark.xdist_group("differential")
def test_random_queries_agree_with_prometheus(both: tuple[Metrics, Metrics]) -> None:
    """
    Whatever the grammar draws, the answer is Prometheus's, and a refusal where that refuses.
    """
    grammar = Grammar(Random(SEED))

    verdicts = [
        (asked, compare(asked, *both)) for asked in (grammar.question() for _ in range(QUERIES))
    ]

    assert [] == [each for each in verdicts if each[1].outcome == "different"]
