"""This module checks that matchers mean in the store what they mean in Prometheus."""

import time
from collections.abc import Iterator

import pytest

from otel_confidence.errors import QueryError
from otel_confidence.points import Batch, Matcher, Sample, Samples, Series
from otel_confidence.store import Store

NOW_MS = int(time.time() * 1000)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store for all these tests, with three series that tell each other apart by ``id``."""
    opened = Store.open(tmp_path_factory.mktemp("store") / "data")
    write(opened, {"id": "p", "env": "prod"})
    write(opened, {"id": "d", "env": "dev"})
    write(opened, {"id": "n", "text": "a\nb"})
    yield opened
    opened.close()


def write(store: Store, labels: dict[str, str]) -> None:
    """Write one sample of a series with these labels."""
    which = Series(tuple(sorted({"__name__": "m_total", **labels}.items())))
    store.write(Batch(samples=Samples.of([Sample(which, NOW_MS, 1.0)])))


@pytest.mark.parametrize(
    ("matcher", "expected"),
    [
        pytest.param(Matcher("env", "=", "prod"), {"p"}, id="equal"),
        pytest.param(Matcher("env", "!=", "prod"), {"d", "n"}, id="unequal takes missing labels"),
        pytest.param(Matcher("env", "=", ""), {"n"}, id="empty means missing"),
        pytest.param(Matcher("env", "!=", ""), {"p", "d"}, id="not empty means present"),
        pytest.param(Matcher("env", "=~", "pro"), set(), id="expressions are anchored"),
        pytest.param(Matcher("env", "=~", "pro."), {"p"}, id="expression"),
        pytest.param(
            Matcher("env", "=~", "p.*|"), {"p", "n"}, id="alternative with the empty text"
        ),
        pytest.param(Matcher("env", "!~", "pro.|dev"), {"n"}, id="not matching"),
        pytest.param(Matcher("env", "=~", "(?i)PROD"), {"p"}, id="flags"),
        pytest.param(Matcher("text", "=~", "a.b"), {"n"}, id="a dot takes a line feed"),
        pytest.param(Matcher("text", "=", "a\nb"), {"n"}, id="line feed"),
        pytest.param(Matcher("__name__", "=~", "m_.*"), {"p", "d", "n"}, id="the name"),
    ],
)
def test_matchers_mean_what_they_mean_in_prometheus(
    store: Store, matcher: Matcher, expected: set[str]
) -> None:
    """
    A missing label is the empty text; expressions match the whole value, line feeds too.
    """
    found = store.select([matcher, Matcher("id", "!=", "")], NOW_MS - 1, NOW_MS)

    assert expected == {dict(each.labels)["id"] for each in found}


@pytest.mark.parametrize(
    "value", ["'", '"', "\\", "\\'", "\t", "\0", "{p0:String}", "'; DROP TABLE samples; --", "é😀"]
)
def test_no_label_value_is_read_as_sql(store: Store, value: str) -> None:
    """
    Whatever stands in a label is data, when written and when asked for.
    """
    write(store, {"x": value})
    matcher = Matcher("x", "=", value)

    found = store.select([matcher], NOW_MS - 1, NOW_MS)

    assert [value] == [dict(each.labels)["x"] for each in found]
    assert [value] == store.label_values("x", [[matcher]], NOW_MS, NOW_MS)


def test_a_wrong_expression_is_the_askers_fault(store: Store) -> None:
    """
    A regular expression that RE2 does not take is answered as bad data.
    """
    with pytest.raises(QueryError, match=r"regular expression|re2") as caught:
        store.select([Matcher("id", "=~", "(")], NOW_MS - 1, NOW_MS)

    assert ("bad_data", 400) == (caught.value.kind, caught.value.status)
