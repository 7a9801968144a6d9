"""
This module lays out the Grafana dashboards, in the classic format that file provisioning reads.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as dashboard_model

from otel_confidence.generate import frames, links
from otel_confidence.generate.boards import (
    calibration,
    drift,
    feedback,
    fleet,
    health,
    model,
    slo,
)
from otel_confidence.generate.boards.choices import FLEET, RECORDED, Sections

_Notes = list[dashboard.AnnotationQuery]


@dataclass(frozen=True, slots=True)
class Board:
    """
    A dashboard: its name, and what makes its panels, variables and annotations.
    """

    uid: str
    title: str
    about: str
    sections: Callable[[], Sections]
    variables: Callable[[], list[frames.Variable]]
    notes: Callable[[], _Notes]
    shown: str = "now-1h"
    """From when on."""


def _of_fleet() -> _Notes:
    return [frames.alerts(FLEET[0]), frames.deployments(), frames.releases(*FLEET)]


def _of_model() -> _Notes:
    return [frames.alerts(RECORDED[0]), frames.deployments(), frames.releases(RECORDED[0])]


BOARDS: Final = (
    Board(links.FLEET, "Fleet", "Which models need a look now.",
          fleet.sections, fleet.variables, _of_fleet),
    Board(links.MODEL, "Model", "How sure a model is and whether it is right to be.",
          model.sections, model.variables, _of_model),
    Board(links.CALIBRATION, "Calibration and truth", "Whether confidence can be believed.",
          calibration.sections, calibration.variables, _of_model, "now-6h"),
    Board(links.DRIFT, "Drift", "How far inputs, confidence and predictions are from normal.",
          drift.sections, drift.variables, _of_model, "now-6h"),
    Board(links.SLO, "SLO", "What is left of the error budgets, and for how long.",
          slo.sections, slo.variables, slo.notes, "now-24h"),
    Board(links.FEEDBACK, "Feedback, learning and optimization",
          "What people think, what was learnt, and what optimizations brought.",
          feedback.sections, feedback.variables, _of_model, "now-6h"),
    Board(links.HEALTH, "Pipeline health", "Whether to believe what the dashboards show.",
          health.sections, health.variables, health.notes),
)  # fmt: skip
"""All of them."""


def texts(command: str) -> dict[str, str]:
    """
    Each dashboard's JSON by its uid; ``command`` is what writes it.
    """
    return {board.uid: _text(board, command) for board in BOARDS}


def _text(board: Board, command: str) -> str:
    built = _frame(board, command)
    number_of = iter(range(1, 1000))
    for title, panels in board.sections():
        built.with_row(dashboard.Row(title).id(next(number_of)))
        for panel in panels:
            built.with_panel(panel.id(next(number_of)))
    made = built.build()
    for link in made.links or ():
        link.placement = None  # the library's own choice hides links in a menu of settings
    encoded: str = JSONEncoder(sort_keys=True, indent=2).encode(made)
    return f"{encoded}\n"


def _frame(board: Board, command: str) -> dashboard.Dashboard:
    built = (
        dashboard.Dashboard(board.title)
        .uid(board.uid)
        .description(f"{board.about} Written by `{command}`.")
        .tags([frames.TAG])
        .readonly()
        .refresh("30s" if board.shown == "now-1h" else "1m")
        .time(board.shown, "now")
        .timezone("browser")
        .tooltip(dashboard_model.DashboardCursorSync.CROSSHAIR)
        .link(frames.others(chosen_too=board.notes is _of_model))
    )
    for variable in board.variables():
        built.with_variable(variable)
    for note in board.notes():
        built.annotation(note)
    return built
