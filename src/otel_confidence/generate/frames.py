"""
This module makes what surrounds a dashboard's panels: variables, annotations, links to the others.
"""

from typing import Final, TypeAlias

from grafana_foundation_sdk.builders import dashboard, prometheus
from grafana_foundation_sdk.models import dashboard as dashboard_model

from otel_confidence import expressions
from otel_confidence.conventions import MODEL_NAME, MODEL_VERSION, PREDICTIONS, SERVICE_NAME
from otel_confidence.generate.panels import PROMETHEUS

Variable: TypeAlias = dashboard.QueryVariable | dashboard.IntervalVariable
TAG: Final = "otel-confidence"
_SERVICE_VERSION: Final = "service_version"
"""The version of a program, which Prometheus keeps of its resource."""


def choice(
    name: str, label: str, series: str, of: str, *, several: bool = True
) -> dashboard.QueryVariable:
    """
    A choice among the values that a label takes in a series; of ``several``, all by default.
    """
    variable = (
        dashboard.QueryVariable(name)
        .label(label)
        .datasource(PROMETHEUS)
        .refresh(dashboard_model.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(dashboard_model.VariableSort.ALPHABETICAL_ASC)
        .query(f"label_values({series}, {of})")
    )
    if several:
        everything = dashboard_model.VariableOption(text="All", value="$__all")
        variable.multi(True).include_all(True).all_value(".*").current(everything)
    return variable


def service() -> dashboard.QueryVariable:
    """
    Of which programs.
    """
    made = expressions.selector(PREDICTIONS)
    return choice("service", "Service", made, SERVICE_NAME.label)


def of_fleet() -> list[Variable]:
    """
    Any models of any services.
    """
    made = expressions.selector(PREDICTIONS)
    return [service(), choice("model", "Model", made, MODEL_NAME.label)]


def of_model() -> list[Variable]:
    """
    One model with any of its versions, of any services.
    """
    made = expressions.selector(PREDICTIONS)
    known = expressions.selector(PREDICTIONS, "", f'{MODEL_NAME.label}="$model"')
    return [
        choice("model", "Model", made, MODEL_NAME.label, several=False),
        choice("version", "Version", known, MODEL_VERSION.label),
        service(),
    ]


def interval(name: str, label: str, usual: str, *lengths: str) -> dashboard.IntervalVariable:
    """
    A choice of how far to look back.
    """
    return (
        dashboard.IntervalVariable(name)
        .label(label)
        .values(",".join(lengths))
        .current(dashboard_model.VariableOption(text=usual, value=usual))
    )


def truth() -> dashboard.IntervalVariable:
    """
    How far points of curves look back for truths.
    """
    return interval("truth", "Truth over", "15m", "5m", "15m", "1h", "6h", "1d")


def alerts(*conditions: str) -> dashboard.AnnotationQuery:
    """
    A mark while an alert fires.
    """
    met = ", ".join(['alertstate="firing"', *conditions])
    return _marks("Alerts", f"ALERTS{{{met}}}", "red", "{{alertname}}", "{{severity}}")


def deployments() -> dashboard.AnnotationQuery:
    """
    A mark where a program reports a version that it did not report a step before.
    """
    by = f"{SERVICE_NAME.label}, {_SERVICE_VERSION}"
    running = f'target_info{{{SERVICE_NAME.label}=~"$service"}}'
    title = f"{{{{{SERVICE_NAME.label}}}}} {{{{{_SERVICE_VERSION}}}}}"
    return _marks("Deployments", _begun(running, by), "blue", title, "A program began to report.")


def releases(*conditions: str) -> dashboard.AnnotationQuery:
    """
    A mark where a version of a model predicts that did not a step before.
    """
    by = f"{MODEL_NAME.label}, {MODEL_VERSION.label}"
    made = expressions.selector(PREDICTIONS, "", *conditions)
    title = f"{{{{{MODEL_NAME.label}}}}} {{{{{MODEL_VERSION.label}}}}}"
    return _marks("Model versions", _begun(made, by), "purple", title, "A version came up.")


def others(*, chosen_too: bool) -> dashboard.DashboardLink:
    """
    A menu of the other dashboards, which keeps the time range and, where it fits, what is chosen.
    """
    return (
        dashboard.DashboardLink("Dashboards")
        .type(dashboard_model.DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .keep_time(True)
        .include_vars(chosen_too)
        .as_dropdown(True)
    )


def _begun(series: str, by: str) -> str:
    return f"group by ({by}) ({series})\nunless group by ({by}) ({series} offset $__interval)"


def _marks(
    name: str, expression: str, color: str, title: str, text: str
) -> dashboard.AnnotationQuery:
    return (
        dashboard.AnnotationQuery()
        .name(name)
        .datasource(PROMETHEUS)
        .enable(True)
        .icon_color(color)
        .title_format(title)
        .text_format(text)
        .expr(expression)
        .target(prometheus.Dataquery().ref_id("A").datasource(PROMETHEUS).expr(expression))
    )
