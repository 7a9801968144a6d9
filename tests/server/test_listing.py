"""This module checks that no question about series is answered beyond a bound."""

import json
from collections.abc import Callable, Iterator

import pytest

from otel_confidence.errors import QueryError
from otel_confidence.points import Batch, Exemplar, Metadata, Sample, Samples, Series
from otel_confidence.query.promql import Engine
from otel_confidence.server.api.parameters import Parameters
from otel_confidence.server.api.queries import Queries
from otel_confidence.server.api.replies import TRUNCATED, Reply
from otel_confidence.store import Store

NOW_MS = 1_800_000_000_000
NAMES = ("a", "b", "c")


@pytest.fixture(name="store", scope="module")
def _store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = Store.open(tmp_path_factory.mktemp("data"), retention_days=10_000)
    series = [Series((("__name__", name), ("x", "1"))) for name in NAMES]
    store.write(
        Batch(
            samples=Samples.of(Sample(each, NOW_MS, 1.0) for each in series),
            exemplars=[Exemplar(each, NOW_MS, 1.0, (("trace_id", "t"),)) for each in series],
            metadata=[Metadata(name, "gauge", "", "") for name in NAMES],
        )
    )
    yield store
    store.close()


def given(*pairs: tuple[str, str]) -> Parameters:
    """The parameters of a request for the values of the metric's name, or anything else."""
    return Parameters(pairs, {"label": "__name__"})


ASKED: dict[str, Callable[[Queries, Parameters], Reply]] = {
    "series": Queries.series,
    "label values": Queries.label_values,
    "metadata": Queries.metadata,
}


@pytest.mark.parametrize("asked", sorted(ASKED))
@pytest.mark.parametrize("limit", ["", "9"], ids=["no limit", "a larger limit"])
@pytest.mark.parametrize(
    ("most", "said"), [(2, (TRUNCATED,)), (3, ())], ids=["too many", "just as many"]
)
def test_a_list_is_cut_and_says_so(
    store: Store, asked: str, limit: str, most: int, said: tuple[str, ...]
) -> None:
    """
    Whatever limit is asked for, no more than the server's own is listed.
    """
    queries = Queries(Engine(store), store, most=most)

    reply = ASKED[asked](queries, given(("match[]", '{x="1"}'), ("limit", limit)))

    assert most == len(json.loads(reply.data))
    assert said == reply.warnings


def test_too_many_exemplars_are_refused(store: Store) -> None:
    """
    An expression of many selectors has no more exemplars than one of a single selector.
    """
    queries = Queries(Engine(store), store, most=2)

    with pytest.raises(QueryError, match="more than 2 exemplars"):
        queries.exemplars(given(("query", "a + b + c")))
