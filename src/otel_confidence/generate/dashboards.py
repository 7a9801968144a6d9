"""
This module lays out the Grafana dashboards, in the classic format that file provisioning reads.
"""

from typing import Final

from grafana_foundation_sdk.builders import dashboard, prometheus
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as dashboard_model

from otel_confidence import expressions
from otel_confidence.conventions import MODEL_NAME, MODEL_VERSION, PREDICTIONS
from otel_confidence.generate.model import CHOSEN, sections
from otel_confidence.generate.panels import PROMETHEUS

MODEL_UID: Final = "otel-confidence-model"


def model_dashboard(command: str) -> str:
    """
    The dashboard of one model, as JSON; ``command`` is what writes it.
    """
    board = _frame(command)
    number_of = iter(range(1, 1000))
    for title, panels in sections():
        board.with_row(dashboard.Row(title).id(next(number_of)))
        for panel in panels:
            board.with_panel(panel.id(next(number_of)))
    encoded: str = JSONEncoder(sort_keys=True, indent=2).encode(board.build())
    return f"{encoded}\n"


def _frame(command: str) -> dashboard.Dashboard:
    known = expressions.selector(PREDICTIONS, "", CHOSEN[0])
    return (
        dashboard.Dashboard("Model")
        .uid(MODEL_UID)
        .description(f"How sure a model is and whether it is right to be. Written by `{command}`.")
        .tags(["otel-confidence"])
        .readonly()
        .refresh("10s")
        .time("now-1h", "now")
        .timezone("browser")
        .tooltip(dashboard_model.DashboardCursorSync.CROSSHAIR)
        .with_variable(
            _choice("model", "Model").query(
                f"label_values({expressions.selector(PREDICTIONS)}, {MODEL_NAME.label})"
            )
        )
        .with_variable(
            _choice("version", "Version")
            .query(f"label_values({known}, {MODEL_VERSION.label})")
            .multi(True)
            .include_all(True)
            .all_value(".*")
        )
        .with_variable(
            dashboard.IntervalVariable("truth")
            .label("Truth over")
            .values("5m,15m,1h,6h,1d")
            .current(dashboard_model.VariableOption(text="15m", value="15m"))
        )
        .annotation(_alerts())
    )


def _choice(name: str, label: str) -> dashboard.QueryVariable:
    return (
        dashboard.QueryVariable(name)
        .label(label)
        .datasource(PROMETHEUS)
        .refresh(dashboard_model.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(dashboard_model.VariableSort.ALPHABETICAL_ASC)
    )


def _alerts() -> dashboard.AnnotationQuery:
    expression = f'ALERTS{{alertstate="firing", {CHOSEN[0]}}}'
    return (
        dashboard.AnnotationQuery()
        .name("Alerts")
        .datasource(PROMETHEUS)
        .enable(True)
        .icon_color("red")
        .title_format("{{alertname}}")
        .text_format("{{severity}}")
        .expr(expression)
        .target(prometheus.Dataquery().ref_id("A").datasource(PROMETHEUS).expr(expression))
    )
