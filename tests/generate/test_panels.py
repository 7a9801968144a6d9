"""
This module asks every query of every dashboard of the engines that answer them.
"""

from pathlib import Path

import pytest
from tests.generate.panel_table import MAY_BE_EMPTY, Row, rows, stored, table
from tests.generate.panel_world import NOW, shown, world
from tests.generate.panels import asked, boards
from tests.model_history import Memory
from tests.programs import program

from otel_confidence.query.promql import Engine


@pytest.fixture(scope="module")
def memory() -> Memory:
    return world()


@pytest.fixture(scope="module")
def embedded(memory: Memory) -> list[Row]:
    return rows(Engine(memory))


def counts(found: list[Row]) -> list[tuple[str, int, int]]:
    return [(row.query.expression, row.series, row.points) for row in found]


def without_data(found: list[Row]) -> list[tuple[str, str, str]]:
    return [
        (row.query.board, row.query.place, row.query.letter)
        for row in found
        if not row.points and (row.query.board, row.query.place) not in MAY_BE_EMPTY
    ]


def test_every_query_has_data_in_up(embedded: list[Row]) -> None:
    """
    The embedded engine answers each query without a warning, and with data where there should be.

    It remarks, as Prometheus does, that some of the Collector's counters are not named like ones.
    """
    remarked = "PromQL info: metric might not be a counter"
    said = {text for row in embedded for text in row.warnings if not text.startswith(remarked)}

    assert [] == without_data(embedded)
    assert set() == said


def test_every_query_has_the_same_rows_in_prometheus(
    memory: Memory, embedded: list[Row], tmp_path: Path
) -> None:
    """
    Prometheus answers each query as well, with as many series and points as the embedded engine.
    """
    program("prometheus")
    with stored(tmp_path, shown(memory)) as metrics:
        found = rows(metrics)

    assert [] == without_data(found)
    assert counts(embedded) == counts(found)


def test_bins_of_a_feature_stand_in_the_order_of_their_edges(memory: Memory) -> None:
    """
    The number by which bars are ordered is the bin's edge; bins without a number come last.
    """
    place = "Distribution against the reference"
    order = max((q for q in asked() if q.place == place), key=lambda query: query.letter)
    answer = Engine(memory).query(order.expression, at=NOW)
    found = {dict(each.labels)["ml_feature_bin"]: each.values[0] for each in answer.series}

    assert {"0.5": 0.5, "2.0": 2.0, "+Inf": 1e300, "none": 1e300} == found


def test_table_has_a_line_for_each_panel() -> None:
    """
    The printed table names each panel that asks for metrics.
    """
    printed = table({"up": [Row(query, 2, 3, ()) for query in asked()]})
    panels = [
        (name.removeprefix("otel-confidence-"), panel["title"])
        for name, board in boards().items()
        for panel in board["panels"]
        if panel.get("datasource", {}).get("uid") == "prometheus"
    ]

    assert [] == [(name, title) for name, title in panels if f"| {name} | {title} |" not in printed]
