"""
This module holds the commands of ``otel-confidence slo``: objectives checked, listed and looked at.
"""

import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console
from rich.table import Table

from otel_confidence.cli.query import HEADER, HELP, SERVER, WIDE
from otel_confidence.errors import ObjectiveError, QueryError
from otel_confidence.objectives import DEFAULT_FILE, Objective, read
from otel_confidence.query.budgets import Budget, budgets
from otel_confidence.query.prometheus import PrometheusClient

_DAY_S: Final = 86400
_NOTHING: Final = "-"
_FILE: Final = click.Path(path_type=Path, dir_okay=False)
_FORMAT: Final = click.option(
    "--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True,
    help="How to print.",
)  # fmt: skip


@click.group()
def slo() -> None:
    """
    Check objectives, list them, and see how much of their error budgets is left.
    """


@slo.command()
@click.argument("files", type=_FILE, nargs=-1)
def validate(files: tuple[Path, ...]) -> None:
    """
    Read FILES of objectives and say everything that is wrong, with line, field and remedy.
    """
    right = [_valid(path) for path in files or (Path(DEFAULT_FILE),)]
    click.get_current_context().exit(int(not all(right)))


@slo.command("list")
@click.argument("file", type=_FILE, default=DEFAULT_FILE)
@_FORMAT
def listed(file: Path, form: str) -> None:
    """
    List what the objectives of FILE promise.
    """
    found = _read(file)
    if form == "json":
        click.echo(json.dumps([_told(each) for each in found], indent=2))
        return
    rows = ((each.id, str(each), _least(each)) for each in found)
    _table(("id", "promise", "judged from"), rows)


@slo.command()
@click.option("--url", type=SERVER, default="http://127.0.0.1:8050", show_default=True,
              help=HELP["url"])  # fmt: skip
@click.option("--header", "headers", type=HEADER, multiple=True, help=HELP["header"])
@click.option("--objectives", type=_FILE, help="Show these only, those without data too.")
@_FORMAT
def status(
    url: str, headers: tuple[tuple[str, str], ...], objectives: Path | None, form: str
) -> None:
    """
    Show how much of each error budget is left, how fast it burns, and for how long it will do.

    The server must evaluate the rules that otel-confidence generate has written, or Sloth's.
    """
    wanted = _read(objectives) if objectives else ()
    client = PrometheusClient(url, headers=dict(headers))
    try:
        found = budgets(client)
    except QueryError as error:
        raise click.ClickException(f"{url}: {error}") from error
    finally:
        client.close()
    if wanted:
        found = _chosen(found, wanted)
    if form == "json":
        click.echo(json.dumps([_figures(each) for each in found], indent=2))
        return
    columns = ("id", "objective", "budget left", "burn rate", "exhausted in", "alert")
    _table(columns, (_row(each) for each in found), right=(1, 2, 3, 4))
    if not found:
        hint = "does the server evaluate their rules? otel-confidence up --objectives FILE does"
        click.echo(f"no objectives: {hint}", err=True)


def _valid(path: Path) -> bool:
    try:
        click.echo(f"{path}: {len(read(path))} objectives")
    except ObjectiveError as error:
        click.echo(str(error), err=True)
        return False
    return True


def _read(path: Path) -> tuple[Objective, ...]:
    try:
        return read(path)
    except ObjectiveError as error:
        raise click.ClickException(str(error)) from error


def _chosen(found: list[Budget], wanted: Iterable[Objective]) -> list[Budget]:
    known = {each.id: each for each in found}
    none = math.nan
    return [
        known.get(each.id)
        or Budget(each.id, each.belongs_to, each.name, each.target, each.window_days,
                  none, none, none, none, ())
        for each in wanted
    ]  # fmt: skip


def _row(budget: Budget) -> tuple[str, ...]:
    return (
        budget.id,
        f"{_percent(budget.target)} over {budget.period_days:g}d",
        _percent(budget.remaining),
        _NOTHING if math.isnan(budget.burn_rate) else f"{budget.burn_rate:.2f}",
        _spoken(budget.exhausted_in_s),
        ", ".join(budget.alerts) or _NOTHING,
    )


def _figures(budget: Budget) -> dict[str, Any]:
    """
    A budget as JSON, which knows neither NaN nor infinity: what is unknown or never comes is null.
    """
    figures = {
        "target": budget.target,
        "period_days": budget.period_days,
        "budget_remaining": budget.remaining,
        "error_ratio_1h": budget.error_ratio,
        "burn_rate_1h": budget.burn_rate,
        "burn_rate_5m": budget.current_burn_rate,
        "exhausted_in_seconds": budget.exhausted_in_s,
    }
    return {
        "id": budget.id,
        "service": budget.service,
        "slo": budget.name,
        **{name: value if math.isfinite(value) else None for name, value in figures.items()},
        "burning": None if math.isnan(budget.burn_rate) else budget.burn_rate > 0,
        "alerts": list(budget.alerts),
    }


def _told(objective: Objective) -> dict[str, Any]:
    return {
        "id": objective.id,
        "slo": objective.name,
        "service": objective.belongs_to,
        "kind": objective.indicator.kind,
        "target": objective.target,
        "window_days": objective.window_days,
        "min_events": objective.least_events or None,
        "conditions": list(objective.conditions),
        "promise": str(objective),
        "description": objective.description,
    }


def _least(objective: Objective) -> str:
    return f"{objective.least_events} events" if objective.least_events else "minutes"


def _percent(share: float) -> str:
    return _NOTHING if math.isnan(share) else f"{share * 100:.4g}%"


def _spoken(seconds: float) -> str:
    """
    A length of time in its largest unit, to one decimal.
    """
    if math.isnan(seconds):
        return _NOTHING
    if math.isinf(seconds):
        return "never"
    units: tuple[tuple[float, str], ...] = ((_DAY_S, "d"), (3600, "h"), (60, "min"), (1, "s"))
    width, unit = next(((w, u) for w, u in units if seconds >= w), (1, "s"))
    return "now" if not seconds else f"{seconds / width:.1f} {unit}"


def _table(
    columns: tuple[str, ...], rows: Iterable[tuple[str, ...]], right: tuple[int, ...] = ()
) -> None:
    console = Console(markup=False, highlight=False, emoji=False)
    if not console.is_terminal:
        console.width = WIDE
    made = Table(box=None, pad_edge=False, header_style="bold")
    for number, column in enumerate(columns):
        made.add_column(column, justify="right" if number in right else "left")
    for row in rows:
        made.add_row(*row)
    console.print(made)
