"""
This module is the command ``otel-confidence generate``: rules and dashboards as files.
"""

from pathlib import Path
from typing import Final

import click

from otel_confidence.errors import ConfigurationError
from otel_confidence.objectives import DEFAULT_FILE

_PARTS: Final = ("rules", "dashboards")
_ON_REQUEST: Final = "kubernetes"
_HELP: Final = {
    "objectives": f"File of objectives; {DEFAULT_FILE} in this folder if there is one.",
    "collector": "Folder of the Collector, for kubernetes; collector here if there is one.",
    "boards": "Folder of dashboards written before, for kubernetes; grafana/dashboards here if "
    "there is one. Without one they are made anew.",
    "out": "Folder below which prometheus/rules and grafana/dashboards are written.",
    "check": "Write nothing; end with status 1 if a file differs.",
    "only": (
        "Write only these: rules; dashboards, which need Python 3.11 and the extra [generate]; "
        "kubernetes, which is all of it as manifests below kubernetes/generated, written only "
        "when named. Rules and dashboards where it is not given."
    ),
    "runbooks": "Address of the runbooks' page, for the links of alerts. The stack's Prometheus "
    "serves prometheus/pages, where it is written with the rules unless another one is given.",
    "dashboards": "Address of Grafana, for the links of alerts.",
}


@click.command(context_settings={"show_default": True})
@click.option("--objectives", type=click.Path(path_type=Path, dir_okay=False),
              help=_HELP["objectives"])  # fmt: skip
@click.option("--collector", type=click.Path(path_type=Path, file_okay=False, exists=True),
              help=_HELP["collector"])  # fmt: skip
@click.option("--boards", type=click.Path(path_type=Path, file_okay=False, exists=True),
              help=_HELP["boards"])  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=".",
              help=_HELP["out"])  # fmt: skip
@click.option("--check", is_flag=True, help=_HELP["check"])
@click.option(
    "--only", type=click.Choice((*_PARTS, _ON_REQUEST)), multiple=True, help=_HELP["only"]
)
@click.option(
    "--runbooks", default="http://localhost:9090/user/runbooks.html", help=_HELP["runbooks"]
)
@click.option("--dashboards", default="http://localhost:3000", help=_HELP["dashboards"])
def generate(
    objectives: Path | None,
    collector: Path | None,
    boards: Path | None,
    out: Path,
    only: tuple[str, ...],
    *,
    runbooks: str,
    dashboards: str,
    check: bool,
) -> None:
    """
    Write Prometheus rules, those of objectives among them, and Grafana dashboards.
    """
    from otel_confidence.generate import write  # it reads the whole package, which takes a while
    from otel_confidence.generate.rules import Links

    found, configured = objectives or present(), collector or _folder(Path("collector"))
    if boards is None and "dashboards" not in only:
        boards = _folder(Path("grafana", "dashboards"))
    try:
        changed = write(
            out, check, links=Links(runbooks, dashboards), objectives=found,
            parts=only or _PARTS, collector=configured, boards=boards,
        )  # fmt: skip
    except ConfigurationError as error:
        raise click.ClickException(str(error)) from error
    for path in changed:
        click.echo(f"{'differs' if check else 'written'}: {path}")
    if found is None:
        click.echo(f"no objectives: there is no {DEFAULT_FILE} here", err=True)
    if configured is None and _ON_REQUEST in only:
        click.echo("no Collector: there is no folder collector here", err=True)
    if check and changed:
        click.echo("mend it with the same command without --check", err=True)
        click.get_current_context().exit(1)


def _folder(path: Path) -> Path | None:
    return path if path.is_dir() else None


def present(path: Path = Path(DEFAULT_FILE)) -> Path | None:
    """
    The file of objectives, if it exists.
    """
    return path if path.is_file() else None
