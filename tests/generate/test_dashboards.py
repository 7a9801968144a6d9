"""
This module checks what is promised of every dashboard.
"""

import json
import re
from typing import Any

import pytest
from tests.generate.panels import boards

from otel_confidence.conventions import HIGH_CONFIDENCE, LOW_CONFIDENCE
from otel_confidence.generate import links

BOARDS = boards()
PANELS = [
    pytest.param(panel, id=f"{name}: {panel['title']}")
    for name, board in BOARDS.items()
    for panel in board["panels"]
    if panel["type"] != "row"
]
EXEMPLARS = "rgba(255,0,255,0.7)"
"""The color of exemplars in a heatmap, which Grafana uses if none is chosen."""
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


def test_every_dashboard_that_is_named_is_written() -> None:
    """
    Alerts and panels lead to dashboards by uids, each of which is that of a file.
    """
    assert set(links.UIDS) == set(BOARDS)


@pytest.mark.parametrize("name", BOARDS)
def test_panels_fill_the_width_and_are_wide_enough_to_read(name: str) -> None:
    """
    Panels that begin at the same height fill 24 columns; none is narrower than four of them.
    """
    widths: dict[int, list[int]] = {}
    for panel in BOARDS[name]["panels"]:
        widths.setdefault(panel["gridPos"]["y"], []).append(panel["gridPos"]["w"])

    assert {24} == {sum(each) for each in widths.values()}
    assert min(min(each) for each in widths.values()) >= 4


@pytest.mark.parametrize("name", BOARDS)
def test_panels_are_told_apart_by_their_titles(name: str) -> None:
    """
    No two panels of a dashboard have the same title, so that a runbook can name one.
    """
    titles = [panel["title"] for panel in BOARDS[name]["panels"] if panel["type"] != "row"]

    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize("name", BOARDS)
def test_alerts_are_marked_and_deployments_where_models_are_shown(name: str) -> None:
    """
    Every dashboard marks alerts; one that shows models marks deployments and their versions too.
    """
    notes = {note["name"] for note in BOARDS[name]["annotations"]["list"]}
    variables = {variable["name"] for variable in BOARDS[name]["templating"]["list"]}
    of_models = {"Deployments", "Model versions"} if "model" in variables else set()

    assert {"Alerts"} | of_models == notes


@pytest.mark.parametrize("name", BOARDS)
def test_only_colors_of_the_theme_are_used(name: str) -> None:
    """
    Colors are names, which Grafana draws to suit its light and its dark theme.
    """
    colors = set(re.findall(r'"(?:color|iconColor)": "([^"]+)"', json.dumps(BOARDS[name])))

    assert colors - {EXEMPLARS} <= {"red", "orange", "green", "blue", "purple"}


@pytest.mark.parametrize("name", BOARDS)
def test_dashboard_fits_into_a_configuration_map(name: str) -> None:
    """
    Kubernetes keeps no more than a mebibyte in one object.
    """
    assert len(json.dumps(BOARDS[name], indent=2)) < 2**20


def test_links_to_dashboards_lead_to_some() -> None:
    """
    Each address in a dashboard is that of another, with a variable that it has.
    """
    addresses = re.findall(r"/d/([\w-]+)\?var-(\w+)=", json.dumps(BOARDS))

    assert addresses
    for uid, variable in addresses:
        assert variable in {each["name"] for each in BOARDS[uid]["templating"]["list"]}
