"""
This module checks the dashboards against Grafana's own schemas of the classic format.

Grafana generates the schemas from the same definitions as its own code. They name every field, so
that one which Grafana does not know, or takes for something else, is found.
"""

import copy
import json
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from tests.generate.panels import boards

BOARDS = boards()
SCHEMAS: dict[str, Any] = json.loads((Path(__file__).parent / "grafana_schemas.json").read_text())
ANYTHING = ("DynamicConfigValue.value", "MatcherConfig.options")
"""Fields that hold any value, which the conversion to JSON schemas made objects of."""
QUERIES = {"prometheus": "Dataquery", "loki": "dataquery", "tempo": "Dataquery"}


@cache
def validator(name: str, part: str) -> jsonschema.Draft7Validator:
    """A check of one part of one schema."""
    definitions = copy.deepcopy(SCHEMAS[name])
    for place in ANYTHING:
        owner, field = place.split(".")
        if owner in definitions:
            assert "object" == definitions[owner]["properties"][field]["type"]
            definitions[owner]["properties"][field] = {}
    return jsonschema.Draft7Validator({"$ref": f"#/definitions/{part}", "definitions": definitions})


def parts(board: dict[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """What of a dashboard each schema is about: the whole, options, looks and queries of panels."""
    yield "dashboard", "Dashboard", board
    for panel in board["panels"]:
        kind = panel["type"]
        if kind == "row":
            continue
        yield kind, "Options", panel["options"]
        custom = panel["fieldConfig"]["defaults"].get("custom")
        if custom is not None:
            yield kind, "FieldConfig", custom
        for query in panel["targets"]:
            source = query["datasource"]["type"]
            yield source, QUERIES[source], query
    for note in board["annotations"]["list"]:
        if "target" in note:
            yield "prometheus", "Dataquery", note["target"]


def faults(board: dict[str, Any]) -> list[str]:
    """What Grafana's schemas find wrong with a dashboard."""
    return [
        f"{name} {part} {error.json_path}: {error.message[:200]}"
        for name, part, content in parts(board)
        for error in validator(name, part).iter_errors(content)
    ]


@pytest.mark.parametrize("name", BOARDS)
def test_dashboard_fulfils_grafanas_schemas(name: str) -> None:
    """
    The dashboard, each panel's options and looks, and each query hold what Grafana knows alone.
    """
    assert [] == faults(BOARDS[name])


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("title",), 7),
        (("graphTooltip",), 9),
        (("panels", 1, "options", "legendd"), {}),
        (("panels", 1, "targets", 0, "instant"), "yes"),
        (("panels", 1, "gridPos", "w"), 25),
        (("templating", "list", 0, "type"), "choice"),
    ],
    ids=["a text", "a choice", "an unknown option", "a query", "a place", "a variable"],
)
def test_the_check_finds_what_is_wrong(place: tuple[str | int, ...], value: Any) -> None:
    """
    A field that is unknown, of another type or out of bounds is complained of.
    """
    board = copy.deepcopy(BOARDS["otel-confidence-model"])
    *way, last = place
    found: Any = board
    for step in way:
        found = found[step]
    found[last] = value

    assert 1 <= len(faults(board))


@pytest.mark.skipif(sys.version_info < (3, 11), reason="grafana-foundation-sdk needs Python 3.11")
@pytest.mark.parametrize("name", BOARDS)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_grafanas_models_read_every_field(name: str) -> None:
    """
    What Grafana's models read out of a dashboard, written again, lacks nothing and adds nothing.
    """
    from grafana_foundation_sdk.cog import plugins
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.models.dashboard import Dashboard

    plugins.register_default_plugins()
    read = Dashboard.from_json(copy.deepcopy(BOARDS[name]))
    for link in read.links or ():
        link.placement = None  # which the model makes of none

    assert BOARDS[name] == json.loads(JSONEncoder().encode(read))
