"""
This module reads the committed dashboards as Grafana does: panels, their queries, their variables.
"""

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent
VARIABLES = {
    "$__rate_interval": "4m",
    "$__interval": "1m",
    "$__range": "1h",
    "$truth": "15m",
    "$window": "1h",
    "$model": "digits",
    "$version": ".*",
    "$service": ".*",
    "$feature": "pixel_0",
    "$component": ".*",
    "$owner": ".*",
    "$slo": ".*",
    "$job": ".*",
}
"""What Grafana puts for each variable; several of the choices are all by default."""


@dataclass(frozen=True)
class Asked:
    """
    One query of a panel, a variable or an annotation, as Prometheus gets it.
    """

    board: str
    place: str
    letter: str
    expression: str
    instant: bool


@cache
def boards() -> dict[str, dict[str, Any]]:
    """
    Every committed dashboard by its file's name.
    """
    paths = sorted((ROOT / "grafana" / "dashboards").glob("*.json"))
    return {path.stem: json.loads(path.read_text()) for path in paths}


def plain(expression: str) -> str:
    """
    The expression with its variables' values.
    """
    for variable in sorted(VARIABLES, key=len, reverse=True):
        expression = expression.replace(variable, VARIABLES[variable])
    return expression


@cache
def asked() -> tuple[Asked, ...]:
    """
    Every PromQL query of every dashboard.
    """
    return tuple(
        query
        for name, board in boards().items()
        for query in (*_of_panels(name, board), *_of_notes(name, board), *_of_choices(name, board))
    )


def _of_panels(name: str, board: dict[str, Any]) -> list[Asked]:
    return [
        Asked(name, panel["title"], target["refId"], plain(target["expr"]), _instant(target))
        for panel in board["panels"]
        if panel.get("datasource", {}).get("uid") == "prometheus"
        for target in panel["targets"]
    ]


def _of_notes(name: str, board: dict[str, Any]) -> list[Asked]:
    return [
        Asked(name, f"annotation {note['name']}", "A", plain(note["expr"]), instant=False)
        for note in board["annotations"]["list"]
    ]


def _of_choices(name: str, board: dict[str, Any]) -> list[Asked]:
    """
    The values of a label, which Grafana asks by an address of its own, as a sum.
    """
    found = []
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            series, label = re.findall(r"label_values\((.+), (\w+)\)", variable["query"])[0]
            expression = plain(f"group by ({label}) ({series})")
            found.append(Asked(name, f"variable {variable['name']}", "A", expression, True))
    return found


def _instant(target: dict[str, Any]) -> bool:
    return bool(target.get("instant"))
