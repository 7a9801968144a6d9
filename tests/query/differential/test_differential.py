"""
This module tests that the engine over the real store answers as a real Prometheus does.
"""

from collections.abc import Iterator
from random import Random

import pytest
from tests.programs import program
from tests.query.differential.comparison import Question, compare
from tests.query.differential.dataset import LENGTH_S, START_S, batch, recorded
from tests.query.differential.grammar import FIVE_MINUTES, Grammar
from tests.query.differential.reference import prometheus
from tests.query.differential.spellings import EXPRESSION_OF_ITS_OWN, READABLE, WRONG
from tests.query.differential.watching import GRIDS, MEMORY, ROLLUPS, SAMPLES, Watched

from otel_confidence.query.answers import Metrics
from otel_confidence.query.promql import Engine
from otel_confidence.query.promql.parsing import parse
from otel_confidence.store import Store

QUERIES = 150
INVALID = 'invalid parameter "query": '
UNEQUAL = ("different", "refused by us")
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
    "1 / clamp_min(odd, 0) or 1 / clamp_max(odd, -(0 * 1)) or 1 / clamp(odd, -1 * 0, 0)",
    "1 / sum by (i) (-(one - 1)) or 1 / avg by (zone) (-(one - 1)) or 1 / max(-(one - 1))",
)
EVEN = ("rate(c_total[10m])", "sum by (i) (max_over_time(level[5m]))", "avg_over_time(one[15m])")
"""What roll-ups answer at full five minutes."""
Both = tuple[Watched, Metrics]


@pytest.fixture(name="both", scope="module")
def _both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    program("prometheus")
    series = recorded()
    store = Store.open(tmp_path_factory.mktemp("store"), retention_days=10_000)
    store.write(batch(series))
    store.keep_up()
    with prometheus(tmp_path_factory.mktemp("prometheus"), series) as theirs:
        yield Watched(store), theirs
    store.close()


@pytest.mark.xdist_group("differential")
@pytest.mark.parametrize("expr", [*FIXED, *READABLE])
def test_common_queries_agree_with_prometheus(expr: str, both: Both) -> None:
    """
    Series, times and values, from memory or not, are Prometheus's, to a relative 1e-9.
    """
    source, theirs = both
    is_range = parse(expr).kind in ("vector", "scalar")
    question = Question(expr, START_S + 2000, START_S + (LENGTH_S if is_range else 2000), 37)
    verdicts = []

    for source.remembers in (True, False):
        verdicts.append(compare(question, Engine(source), theirs))

    assert [("equal", "")] * 2 == [(each.outcome, each.reason) for each in verdicts]


@pytest.mark.xdist_group("differential")
def test_what_is_wrong_and_where_agrees_with_prometheus(both: Both) -> None:
    """
    A wrong expression is refused in Prometheus's words, at the place that it names.
    """
    source, theirs = both
    engine = Engine(source)
    different = []

    for expr in WRONG:
        question = Question(expr, START_S, START_S, 1)
        mine, other = str(question.ask(engine)), str(question.ask(theirs)).removeprefix(INVALID)
        if EXPRESSION_OF_ITS_OWN in other:
            mine, other = (each.partition(": parse error: ")[0] for each in (mine, other))
        different += [(expr, mine, other)] if mine != other else []

    assert [] == different


@pytest.mark.xdist_group("differential")
@pytest.mark.parametrize("expr", EVEN)
def test_answers_made_of_roll_ups_agree_with_prometheus(expr: str, both: Both) -> None:
    """
    Where windows begin and end with buckets, the samples are not read, and nobody can tell.
    """
    source, theirs = both
    question = Question(expr, START_S + FIVE_MINUTES.after_s[0], START_S + LENGTH_S, 300)
    source.used()
    source.remembers = False

    verdict = compare(question, Engine(source), theirs)

    assert ("equal", "", ROLLUPS) == (verdict.outcome, verdict.reason, source.used())


@pytest.mark.xdist_group("differential")
def test_random_queries_agree_with_prometheus(both: Both) -> None:
    """
    Whatever the grammar draws, and whatever it is answered from, the answer is Prometheus's.
    """
    source, theirs = both
    grammar, engine = Grammar(Random(SEED)), Engine(source)
    used: set[str] = set()
    different = []

    for number, asked in enumerate(grammar.question() for _ in range(QUERIES)):
        source.remembers = number % 2 == 0
        verdict = compare(asked, engine, theirs)
        used.add(source.used())
        different += [(asked, verdict)] if verdict.outcome in UNEQUAL else []

    assert [] == different
    assert {MEMORY, SAMPLES, GRIDS, ROLLUPS} <= used
