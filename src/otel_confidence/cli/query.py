"""
This module is the command ``otel-confidence query``: PromQL from the command line.
"""

import math
import re
import time
from collections.abc import Callable
from typing import Any, Final

import click
import httpx
from rich.console import Console

from otel_confidence.cli.explaining import Range, explanation
from otel_confidence.cli.printing import FORMATS
from otel_confidence.errors import QueryError
from otel_confidence.query.answers import Answer
from otel_confidence.query.prometheus import PrometheusClient
from otel_confidence.query.times import epoch_seconds, seconds

_POINTS: Final = 250
"""About how many times a range is evaluated at when no step is given."""
_PLACE: Final = re.compile(r"(\d+):(\d+): parse error")
WIDE: Final = 10_000
HELP: Final = {
    "url": "Address of the server: up, Prometheus or anything with its API.",
    "header": "Header to send, such as 'X-Scope-OrgID: a'; can be repeated.",
    "at": "Time to evaluate at, as RFC 3339 or epoch seconds; now if not given.",
    "start": "First time of a range, as RFC 3339 or epoch seconds.",
    "end": "Last time of a range; now if not given.",
    "since": "Length of a range that ends at --end, such as 90s, 1h or 2d.",
    "step": "Time between evaluations in a range, such as 15s; about 250 of them if not given.",
    "format": "How to print the answer.",
    "explain": "Print the SQL that ran for each selector instead; only up has it.",
}


class _Read(click.ParamType[Any]):
    """
    A text that a function understands or says why it does not.
    """

    def __init__(self, name: str, reading: Callable[[str], Any]) -> None:
        self.name = name
        self._reading = reading

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """
        What the text means.
        """
        try:
            return self._reading(value) if isinstance(value, str) else value
        except ValueError as error:
            self.fail(str(error), param, ctx)


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not (colon and re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name.strip())):
        raise ValueError(f"{text!r} is no header such as 'Name: value'")
    return name.strip(), value.strip()


def _address(text: str) -> str:
    try:
        parts = httpx.URL(text)
    except httpx.InvalidURL as error:
        raise ValueError(f"{text!r} is no address: {error}") from error
    if parts.scheme not in ("http", "https") or not parts.host:
        raise ValueError(f"{text!r} is no address such as http://127.0.0.1:8050")
    return text


def _length(text: str) -> float:
    length = seconds(text)
    if length <= 0:
        raise ValueError(f"{text!r} is not above zero")
    return length


_TIME: Final = _Read("time", epoch_seconds)
_DURATION: Final = _Read("duration", _length)
SERVER: Final = _Read("url", _address)
HEADER: Final = _Read("header", _header)


@click.command()
@click.argument("expr")
@click.option("--url", type=SERVER, default="http://127.0.0.1:8050", show_default=True,
              help=HELP["url"])  # fmt: skip
@click.option("--header", "headers", type=HEADER, multiple=True, help=HELP["header"])
@click.option("--at", type=_TIME, help=HELP["at"])
@click.option("--start", type=_TIME, help=HELP["start"])
@click.option("--end", type=_TIME, help=HELP["end"])
@click.option("--since", type=_DURATION, help=HELP["since"])
@click.option("--step", type=_DURATION, help=HELP["step"])
@click.option("--format", "form", type=click.Choice(list(FORMATS)), default="table",
              show_default=True, help=HELP["format"])  # fmt: skip
@click.option("--explain", is_flag=True, help=HELP["explain"])
def query(
    expr: str,
    url: str,
    headers: tuple[tuple[str, str], ...],
    form: str,
    *,
    explain: bool,
    **when: Any,
) -> None:
    """
    Evaluate EXPR, in PromQL, at one time or over a range (--since, or --start and --end).
    """
    span = _span(**when)
    if form == "plot" and span is None and not explain:
        raise click.UsageError("a plot needs a range: add --since 1h, or --start and --end")
    try:
        if explain:
            click.echo(explanation(url, dict(headers), expr, span=span, at=when["at"]))
        else:
            _print(_ask(url, dict(headers), expr, span, when["at"]), form)
    except QueryError as error:
        raise click.ClickException(_reason(error, expr, url)) from error


def _span(
    *,
    at: float | None,
    start: float | None,
    end: float | None,
    since: float | None,
    step: float | None,
) -> Range | None:
    if start is None and since is None:
        if end is not None or step is not None:
            raise click.UsageError("--end and --step belong to a range: add --since or --start")
        return None
    if at is not None:
        raise click.UsageError("--at is one time; leave it out to ask for a range")
    if start is not None and since is not None:
        raise click.UsageError("--start and --since both begin the range; give one of them")
    last = time.time() if end is None else end
    first = last - since if since is not None else start
    if first is None or first >= last:
        raise click.UsageError("the range must end after its start")
    return first, last, step or max(1.0, math.ceil((last - first) / _POINTS))


def _ask(
    url: str, headers: dict[str, str], expr: str, span: Range | None, at: float | None
) -> Answer:
    client = PrometheusClient(url, headers=headers)
    try:
        if span is None:
            return client.query(expr, at=at)
        start, end, step = span
        return client.query_range(expr, start=start, end=end, step=step)
    finally:
        client.close()


def _print(answer: Answer, form: str) -> None:
    console = Console(markup=False, highlight=False, emoji=False)
    if form == "table" and not console.is_terminal:
        # A pipe has no width to fold at.
        console.width = WIDE
    FORMATS[form](answer, console)
    for warning in answer.warnings:
        click.echo(f"warning: {warning}", err=True)
    if not answer.series and answer.kind != "string":
        click.echo("no series: nothing has samples there", err=True)


def _reason(error: QueryError, expr: str, url: str) -> str:
    if error.kind == "unavailable":
        reason = str(error).removeprefix("cannot ask: ")
        return (
            f"{url} cannot be reached ({reason}); does the server run? "
            "otel-confidence up starts one, --url names another"
        )
    found = _PLACE.search(str(error))
    return f"{error}{_caret(expr, int(found[1]), int(found[2]))}" if found else str(error)


def _caret(expr: str, line: int, column: int) -> str:
    lines = expr.split("\n")
    if not 0 < line <= len(lines):
        return ""
    shown = lines[line - 1].expandtabs(1)
    return f"\n  {shown}\n  {' ' * (min(column, len(shown) + 1) - 1)}^"
