"""
This module is the command ``otel-confidence doctor``: does telemetry arrive, and if not, why?
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, Final, TypeVar

import click
from click.core import ParameterSource
from rich.console import Console
from rich.text import Text

from otel_confidence.cli.query import HEADER, HELP, SERVER
from otel_confidence.doctor.checks import Check, any_failed
from otel_confidence.doctor.services import WAIT_S, Addresses

_Command = TypeVar("_Command", bound=Callable[..., Any])
_NONE: Final = "none"
_STYLES: Final = {"ok": "green", "warning": "yellow", "failed": "bold red", "skipped": "dim"}
_SERVICES: Final = {
    "gateway": "The Collector's OTLP/HTTP address.",
    "gateway_health": "The Collector's health check.",
    "gateway_metrics": "The Collector's own metrics.",
    "prometheus": "Prometheus, or anything with its API.",
    "tempo": "Tempo.",
    "loki": "Loki.",
    "alertmanager": "Alertmanager.",
    "grafana": "Grafana.",
}
_HELP: Final = {
    "stack": "Follow a metric, a trace, an event and an alert through the stack instead.",
    "up": "Address of otel-confidence up.",
    "data": "Folder that up keeps everything in.",
    "wait": "Seconds that a probe may take through the stack.",
    "json": "Print the checks as JSON.",
}
_OF_STACK: Final = (*_SERVICES, "headers", "wait")
_OF_OWN: Final = ("url", "data")


class _Server(click.ParamType[str]):
    """
    An address, or none.
    """

    name = "url"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """
        The address; empty for none.
        """
        return "" if value in {"", _NONE} else str(SERVER.convert(value, param, ctx))


def _addresses(command: _Command) -> _Command:
    """
    Give a command an option for each service.
    """
    defaults = {field.name: field.default for field in fields(Addresses)}
    for name, about in reversed(_SERVICES.items()):
        variable = f"OTEL_CONFIDENCE_{name.upper()}"
        command = click.option(
            f"--{name.replace('_', '-')}", type=_Server(), envvar=variable, metavar="URL",
            default=defaults[name], show_default=True,
            help=f"{about} 'none' leaves it out. Variable: {variable}.",
        )(command)  # fmt: skip
    return command


@click.command()
@click.option("--stack", "whole", is_flag=True, help=_HELP["stack"])
@_addresses
@click.option("--header", "headers", type=HEADER, multiple=True, help=HELP["header"])
@click.option("--wait", type=click.FloatRange(1, 600), default=WAIT_S, show_default=True,
              help=_HELP["wait"])  # fmt: skip
@click.option("--url", type=SERVER, default="http://127.0.0.1:8050", show_default=True,
              help=_HELP["up"])  # fmt: skip
@click.option("--data", type=click.Path(path_type=Path), default="otel-confidence-data",
              show_default=True, help=_HELP["data"])  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help=_HELP["json"])
@click.pass_context
def doctor(ctx: click.Context, /, *, whole: bool, as_json: bool, **given: Any) -> None:
    """
    Check that telemetry arrives, and say what is wrong where it does not.

    Looks at this side: settings, libraries, the endpoint that telemetry is sent to, clocks, disk.
    With --stack it sends a probe through the Collector and looks for it in every backend; however
    often that is done, no new series is left behind. The status is 1 when a check failed.
    """
    _refuse_misplaced(ctx, _OF_OWN if whole else _OF_STACK, whole=whole)
    console = Console(markup=False, highlight=False, emoji=False, soft_wrap=True)
    progress = Console(stderr=True) if as_json else console
    with progress.status("looking") as status:
        say = status.update
        checks = _of_stack(given, say) if whole else _of_own(given)
        seen = []
        for check in checks:
            seen.append(check)
            if not as_json:
                _print(console, check)
    if as_json:
        click.echo(json.dumps(_told(seen), indent=2))
    else:
        console.print(_sum(seen))
    ctx.exit(int(any_failed(seen)))


def _of_own(given: dict[str, Any]) -> Iterator[Check]:
    from otel_confidence.doctor import own  # the SDK, which no other command needs

    return own.examine(given["data"], given["url"])


def _of_stack(given: dict[str, Any], say: Callable[[str], object]) -> Iterator[Check]:
    from otel_confidence.doctor import stack  # the SDK, which no other command needs

    places = {name: given[name] for name in _SERVICES}
    addresses = Addresses(**places, headers=dict(given["headers"]))
    return stack.examine(addresses, pace=stack.Pace(given["wait"]), say=say)


def _refuse_misplaced(ctx: click.Context, names: tuple[str, ...], *, whole: bool) -> None:
    for name in names:
        if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            option = "header" if name == "headers" else name.replace("_", "-")
            where = "is not for --stack" if whole else "belongs to --stack"
            raise click.UsageError(f"--{option} {where}")


def _print(console: Console, check: Check) -> None:
    line = Text(f"{check.status:<9}", style=_STYLES[check.status])
    line.append(f"{check.subject}: {check.place}", style="default")
    line.append(f"  {check.found}" if check.found else "", style="default")
    console.print(line)
    if check.remedy:
        console.print(Text(f"{'':<9}-> {check.remedy}"))


def _told(checks: list[Check]) -> dict[str, Any]:
    counted = Counter(check.status for check in checks)
    return {
        "failed": counted["failed"],
        "warnings": counted["warning"],
        "checks": [asdict(check) for check in checks],
    }


def _sum(checks: list[Check]) -> str:
    counted = Counter(check.status for check in checks)
    if counted["failed"]:
        first = next(check for check in checks if check.status == "failed")
        return f"\n{counted['failed']} failed; begin with {first.subject}: {first.place}."
    if counted["warning"]:
        return f"\nNothing failed; {counted['warning']} may do harm."
    return f"\nAll is well: {counted['ok']} checks."
