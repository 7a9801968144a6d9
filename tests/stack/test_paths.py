"""This module checks that one recorded set is one, by whatever path it is read."""

import pytest
from tests.stack import paths, world
from tools.stack import Stack

from otel_confidence import conventions as c

pytestmark = pytest.mark.xdist_group("stack")


@pytest.fixture(scope="module")
def rows(stack: Stack) -> list[paths.Row]:
    """Every signal on every path."""
    return world.reading(stack)


def test_every_signal_is_the_same_on_every_path(rows: list[paths.Row]) -> None:
    """
    Python's page, the Collector's, Prometheus and ``up`` have one name, its labels and value.
    """
    assert [] == [line for row in rows for line in row.differences]


def test_every_signal_of_the_table_is_on_every_path(rows: list[paths.Row]) -> None:
    """
    No signal is missing anywhere, so that nothing agrees by being absent.
    """
    assert [metric.name for metric in c.METRICS] == [row.metric.name for row in rows]
    assert [] == [row.metric.name for row in rows if not all(row.counts.values())]
    assert [] == [row.metric.name for row in rows if set(row.counts) != set(paths.PATHS)]


def test_a_difference_is_found() -> None:
    """
    Another value, a label too many and a missing series are each a difference.
    """
    name = c.PREDICTIONS.prometheus
    page = f'{name}{{ml_model_name="a"}} 1\n{name}{{ml_model_name="b"}} 2\n'
    other = f'{name}{{ml_model_name="a",job="shop"}} 3\n{name}{{ml_model_name="c"}} 2\n'
    series = dict.fromkeys(paths.PATHS, paths.from_page(page))
    found = paths.compared({**series, "up": paths.from_page(other)})

    assert 3 == sum(len(row.differences) for row in found)
