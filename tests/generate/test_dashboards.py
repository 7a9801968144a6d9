"""
This module checks what is promised of every dashboard.
"""

from typing import Any

import pytest
from tests.generate.panels import boards

from otel_confidence.conventions import HIGH_CONFIDENCE, LOW_CONFIDENCE

BOARDS = boards()
PANELS = [
    pytest.param(panel, id=f"{name}: {panel['title']}")
    for name, board in BOARDS.items()
    for panel in board["panels"]
    if panel["type"] != "row"
]
SOURCES = {"prometheus", "loki", "tempo"}


@pytest.mark.parametrize("panel", PANELS)
def test_panel_introduces_itself(panel: dict[str, Any]) -> None:
    """
    A panel has a title, a description that is a sentence, a unit and a data source by uid.
    """
    assert panel["title"]
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["datasource"]["uid"] in SOURCES
    assert panel["targets"]
    assert all(target["datasource"]["uid"] in SOURCES for target in panel["targets"])


@pytest.mark.parametrize("name", BOARDS)
def test_dashboard_is_classic_and_its_uid_is_its_file(name: str) -> None:
    """
    File provisioning reads the classic format; links rest on a uid that does not change.
    """
    board = BOARDS[name]

    assert 42 == board["schemaVersion"]
    assert name == board["uid"]
    assert "apiVersion" not in board
    assert board["editable"] is False


@pytest.mark.parametrize("name", BOARDS)
def test_panels_have_ids_of_their_own_and_do_not_overlap(name: str) -> None:
    """
    Panel ids are unique and no two panels cover the same cell of the grid of 24 columns.
    """
    panels = BOARDS[name]["panels"]
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in panels)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]

    assert len({panel["id"] for panel in panels}) == len(panels)
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) < 24


def test_confidence_is_colored_by_its_tiers() -> None:
    """
    The mean confidence turns orange at the end of the tier low, green at the start of high.
    """
    panel = next(
        p for p in BOARDS["otel-confidence-model"]["panels"] if p["title"] == "Mean confidence"
    )
    steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]

    assert [None, LOW_CONFIDENCE, HIGH_CONFIDENCE] == [step["value"] for step in steps]
