"""
This module holds the commands of ``otel-confidence collector``.
"""

import os
from pathlib import Path
from typing import Final

import click

from otel_confidence.collector import Finding, binary, check
from otel_confidence.errors import ConfigurationError

_DEFAULT: Final = "collector/gateway.yaml"
_FILE: Final = click.Path(path_type=Path, dir_okay=False)
_HELP: Final = "Collector whose own validate to run too; by default the first otelcol* on the PATH."


@click.group()
def collector() -> None:
    """
    Configurations of the OpenTelemetry Collector.
    """


@collector.command()
@click.argument("files", type=_FILE, nargs=-1)
@click.option("--binary", "program", type=_FILE, help=_HELP)
def validate(files: tuple[Path, ...], program: Path | None) -> None:
    """
    Check a Collector's configuration for what otel_confidence needs of it.

    FILES are laid over each other in their order, as the Collector does with several --config.
    Variables are read from this environment. Ends with status 1 if there are errors; warnings
    alone end with 0. Nothing is started.
    """
    paths = files or (Path(_DEFAULT),)
    try:
        found = check(paths, os.environ)
    except ConfigurationError as error:
        raise click.ClickException(str(error)) from error
    found += _own(program, paths)
    for each in found:
        click.echo(str(each))
    errors = sum(each.level == "error" for each in found)
    click.echo(f"{_counted(errors, 'error')}, {_counted(len(found) - errors, 'warning')}")
    click.get_current_context().exit(int(errors > 0))


def _own(program: Path | None, paths: tuple[Path, ...]) -> tuple[Finding, ...]:
    """
    What a Collector says itself, if there is one.
    """
    program = program or binary.on_path(os.environ)
    if program is None:
        click.echo("no otelcol* on the PATH: its own validate did not run; see --binary", err=True)
        return ()
    return binary.check(program, paths, os.environ)


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
