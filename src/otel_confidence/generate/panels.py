"""
This module makes Grafana panels of one kind each: time series, stat, heatmap, bars, logs, traces.

Every panel takes its title, its description and its unit, and names its data source by uid.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Final, TypeVar

from grafana_foundation_sdk.builders import (
    barchart,
    bargauge,
    common,
    dashboard,
    heatmap,
    logs,
    loki,
    prometheus,
    stat,
    table,
    tempo,
    timeseries,
)
from grafana_foundation_sdk.models import common as common_model
from grafana_foundation_sdk.models import dashboard as dashboard_model
from grafana_foundation_sdk.models import heatmap as heatmap_model
from grafana_foundation_sdk.models import prometheus as prometheus_model
from grafana_foundation_sdk.models import tempo as tempo_model

PROMETHEUS: Final = common_model.DataSourceRef(type_val="prometheus", uid="prometheus")
LOKI: Final = common_model.DataSourceRef(type_val="loki", uid="loki")
TEMPO: Final = common_model.DataSourceRef(type_val="tempo", uid="tempo")

SHARE: Final = "percentunit"
SCORE: Final = "none"
SECONDS: Final = "s"
RATE: Final = "cps"
COUNT: Final = "short"

BYTES: Final = "bytes"
BYTE_RATE: Final = "Bps"

Panel = (
    barchart.Panel
    | bargauge.Panel
    | heatmap.Panel
    | logs.Panel
    | stat.Panel
    | table.Panel
    | timeseries.Panel
)
_P = TypeVar(
    "_P",
    barchart.Panel,
    bargauge.Panel,
    heatmap.Panel,
    logs.Panel,
    stat.Panel,
    table.Panel,
    timeseries.Panel,
)


@dataclass(frozen=True, slots=True)
class About:
    """
    What a panel says of itself, and how wide of 24 columns and how high it is.
    """

    title: str
    description: str
    unit: str = SCORE
    width: int = 12
    height: int = 8


@dataclass(frozen=True, slots=True)
class Query:
    """
    One PromQL expression and what its series are called.
    """

    expression: str
    legend: str = ""
    exemplars: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """
    A color from a value on; ``None`` stands for everything below the next step.
    """

    color: str
    value: float | None = None


def lines(
    about: About,
    queries: Sequence[Query],
    *,
    bounds: tuple[float, float] | None = None,
    steps: Sequence[Step] = (),
    stacked: bool = False,
) -> timeseries.Panel:
    """
    Values over time; ``steps`` are drawn as dashed lines.
    """
    panel = introduced(timeseries.Panel(), about).legend(_legend()).tooltip(_tooltip())
    if bounds:
        panel.min(bounds[0]).max(bounds[1])
    if steps:
        panel.thresholds(thresholds(steps)).thresholds_style(
            common.GraphThresholdsStyleConfig().mode(common_model.GraphThresholdsStyleMode.DASHED)
        )
    if stacked:
        panel.fill_opacity(40).stacking(
            common.StackingConfig().mode(common_model.StackingMode.PERCENT)
        )
    for letter, query in lettered(queries):
        panel.with_target(question(letter, query))
    return panel


def number(about: About, expression: str, steps: Sequence[Step]) -> stat.Panel:
    """
    One value over the whole shown range, colored by its steps.
    """
    target = question("A", Query(expression)).instant()
    return (
        introduced(stat.Panel(), about)
        .decimals(2)
        .no_value("no data")
        .graph_mode(common_model.BigValueGraphMode.NONE)
        .thresholds(thresholds(steps))
        .with_target(target)
    )


def buckets(about: About, expression: str) -> heatmap.Panel:
    """
    A histogram over time: one column a step, one row a bucket.
    """
    target = question("A", Query(expression, "{{le}}")).format(
        prometheus_model.PromQueryFormat.HEATMAP
    )
    return (
        introduced(heatmap.Panel(), about)
        .calculate(False)
        .cell_gap(1)
        .color(
            heatmap.HeatmapColorOptions()
            .mode(heatmap_model.HeatmapColorMode.SCHEME)
            .scheme("Viridis")
            .steps(64)
        )
        .show_legend()
        .with_target(target)
    )


def bars(
    about: About,
    queries: Sequence[Query],
    field: str,
    *,
    bounds: tuple[float, float] | None = (0, 1),
    order: str = "",
) -> barchart.Panel:
    """
    Bars side by side for each value of the label ``field``, one bar a query.

    Values stand in the order of their numbers, or of those that the expression ``order`` gives them
    where not all of them are numbers.
    """
    panel = introduced(barchart.Panel(), about).legend(_legend()).tooltip(_tooltip()).x_field(field)
    if bounds:
        panel.min(bounds[0]).max(bounds[1])
    asked = lettered([*queries, *([Query(order, "order")] if order else [])])
    for letter, query in asked:
        target = question(letter, query).instant().format(prometheus_model.PromQueryFormat.TABLE)
        panel.with_target(target).override_by_name(
            f"Value #{letter}",
            [dashboard_model.DynamicConfigValue(id_val="displayName", value=query.legend)],
        )
    for each in _joined(field, f"Value #{asked[-1][0]}" if order else ""):
        panel.with_transformation(each)
    return panel


def _joined(field: str, by: str) -> list[dashboard_model.DataTransformerConfig]:
    """
    The answers as columns of one table, in order.
    """

    def converted(kind: str) -> dashboard_model.DataTransformerConfig:
        conversions = [{"targetField": field, "destinationType": kind}]
        return transformation("convertFieldType", conversions=conversions, fields={})

    ordered = transformation("sortBy", sort=[{"field": by or field}])
    kept = transformation("filterFieldsByName", include={"pattern": f"^({field}|Value.*)$"})
    return [
        transformation("joinByField", byField=field, mode="outer"),
        kept,
        *(
            [
                ordered,
                transformation(
                    "organize", excludeByName={by: True}, indexByName={}, renameByName={}
                ),
            ]
            if by
            else [converted("number"), ordered, converted("string")]
        ),
    ]


def records(about: About, expression: str) -> logs.Panel:
    """
    Log records that a LogQL expression finds, the latest first.
    """
    return (
        introduced(logs.Panel(), about, LOKI)
        .show_time(True)
        .wrap_log_message(True)
        .enable_log_details(True)
        .sort_order(common_model.LogsSortOrder.DESCENDING)
        .dedup_strategy(common_model.LogsDedupStrategy.NONE)
        .with_target(loki.Dataquery().ref_id("A").datasource(LOKI).expr(expression).max_lines(100))
    )


def traces(about: About, expression: str) -> table.Panel:
    """
    Spans that a TraceQL expression finds.
    """
    target = (
        tempo.Dataquery()
        .ref_id("A")
        .datasource(TEMPO)
        .query_type("traceql")
        .query(expression)
        .limit(20)
        .table_type(tempo_model.SearchTableType.SPANS)
    )
    return introduced(table.Panel(), about, TEMPO).with_target(target)


def introduced(panel: _P, about: About, source: common_model.DataSourceRef = PROMETHEUS) -> _P:
    """
    The panel with what it says of itself.
    """
    panel.title(about.title).description(about.description).unit(about.unit)
    panel.span(about.width).height(about.height).datasource(source)
    return panel


def question(letter: str, query: Query) -> prometheus.Dataquery:
    """
    A query by its letter.
    """
    return (
        prometheus.Dataquery()
        .ref_id(letter)
        .datasource(PROMETHEUS)
        .expr(query.expression)
        .legend_format(query.legend or "__auto")
        .exemplar(query.exemplars)
    )


def lettered(queries: Sequence[Query]) -> list[tuple[str, Query]]:
    """
    Queries with the letters by which a panel tells them apart.
    """
    return list(zip(ascii_uppercase, queries, strict=False))


def thresholds(steps: Sequence[Step]) -> dashboard.ThresholdsConfig:
    """
    Steps as panels take them.
    """
    return (
        dashboard.ThresholdsConfig()
        .mode(dashboard_model.ThresholdsMode.ABSOLUTE)
        .steps([dashboard_model.Threshold(color=s.color, value=s.value) for s in steps])
    )


def _legend() -> common.VizLegendOptions:
    return (
        common.VizLegendOptions()
        .display_mode(common_model.LegendDisplayMode.LIST)
        .placement(common_model.LegendPlacement.BOTTOM)
        .show_legend(True)
    )


def _tooltip() -> common.VizTooltipOptions:
    return common.VizTooltipOptions().mode(common_model.TooltipDisplayMode.MULTI)


def transformation(name: str, **options: object) -> dashboard_model.DataTransformerConfig:
    """
    What becomes of results before they are drawn.
    """
    return dashboard_model.DataTransformerConfig(id_val=name, options=options)
