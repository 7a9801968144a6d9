"""
This module makes Grafana panels that compare things by their present values: tables and rankings.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from grafana_foundation_sdk.builders import bargauge, common, table
from grafana_foundation_sdk.models import common as common_model
from grafana_foundation_sdk.models import dashboard as dashboard_model
from grafana_foundation_sdk.models import prometheus as prometheus_model

from otel_confidence.generate.panels import (
    SCORE,
    About,
    Query,
    Step,
    introduced,
    lettered,
    question,
    thresholds,
    transformation,
)

_BACKGROUND: Final = {"type": "color-background", "mode": "basic"}


@dataclass(frozen=True, slots=True)
class Column:
    """
    A column of a table: what its cells show, and from where on they are colored how.
    """

    title: str
    expression: str
    unit: str = SCORE
    steps: tuple[Step, ...] = ()
    decimals: int = 2


def compared(
    about: About,
    names: Mapping[str, str],
    columns: Sequence[Column],
    *,
    worst: str = "",
    links: Mapping[str, str] | None = None,
) -> table.Panel:
    """
    A row for each thing, a column for each measure, the rows ordered by one of them.

    Args:
        about: what the panel says of itself.
        names: titles by the labels that tell rows apart; every expression leaves just these.
        columns: the measures.
        worst: title of the column that orders the rows, the largest first.
        links: address that a cell leads to, by the label that it shows.
    """
    panel = introduced(table.Panel(), about).cell_height(common_model.TableCellHeight.SM)
    panel.no_value("-").filterable(True)
    for letter, column in zip(*_letters(columns), strict=True):
        target = question(letter, Query(column.expression)).instant()
        panel.with_target(target.format(prometheus_model.PromQueryFormat.TABLE))
        panel.override_by_name(column.title, _shown(column))
    for label, address in (links or {}).items():
        panel.override_by_name(names[label], [_link(address)])
    if worst:
        panel.sort_by([common.TableSortByFieldState().display_name(worst).desc(True)])
    return panel.with_transformation(transformation("merge")).with_transformation(
        transformation("organize", **_organized(names, columns))
    )


def ranking(
    about: About, query: Query, steps: Sequence[Step], bounds: tuple[float, float]
) -> bargauge.Panel:
    """
    A horizontal bar for each series, in the order of the answer.
    """
    target = question("A", query).instant()
    return (
        introduced(bargauge.Panel(), about)
        .min(bounds[0])
        .max(bounds[1])
        .decimals(2)
        .orientation(common_model.VizOrientation.HORIZONTAL)
        .display_mode(common_model.BarGaugeDisplayMode.BASIC)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
        .thresholds(thresholds(steps))
        .with_target(target)
    )


def _letters(columns: Sequence[Column]) -> tuple[list[str], Sequence[Column]]:
    return [letter for letter, _ in lettered([Query(c.expression) for c in columns])], columns


def _shown(column: Column) -> list[dashboard_model.DynamicConfigValue]:
    """
    How the cells of a column look.
    """
    shown: dict[str, object] = {"unit": column.unit, "decimals": column.decimals}
    if column.steps:
        steps = [{"color": step.color, "value": step.value} for step in column.steps]
        shown["thresholds"] = {"mode": "absolute", "steps": steps}
        shown["custom.cellOptions"] = _BACKGROUND
    return [dashboard_model.DynamicConfigValue(id_val=i, value=v) for i, v in shown.items()]


def _link(address: str) -> dashboard_model.DynamicConfigValue:
    return dashboard_model.DynamicConfigValue(
        id_val="links", value=[{"title": "Look at it", "url": address, "targetBlank": False}]
    )


def _organized(names: Mapping[str, str], columns: Sequence[Column]) -> dict[str, object]:
    """
    The columns' titles in their order; Grafana names the value of a lone query without a letter.
    """
    letters, _ = _letters(columns)
    fields = {f"Value #{letter}": c.title for letter, c in zip(letters, columns, strict=True)}
    if len(columns) == 1:
        fields["Value"] = columns[0].title
    titles = {**names, **fields}
    return {
        "excludeByName": {"Time": True},
        "indexByName": {name: place for place, name in enumerate(titles)},
        "renameByName": titles,
    }
