"""
This module is the command ``otel-confidence up``: everything in one process.
"""

from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console

from otel_confidence.cli.durations import Retention
from otel_confidence.cli.logs import logged
from otel_confidence.cli.sizes import Size
from otel_confidence.cli.telling import telling_of, telling_options
from otel_confidence.errors import ConfigurationError, OtelConfidenceError
from otel_confidence.objectives.windows import KEPT_DAYS
from otel_confidence.server.app import Options, Served, serve
from otel_confidence.server.ruling import BUILT_IN, OWN_RUNBOOKS
from otel_confidence.settings import Settings
from otel_confidence.store.folder import strangers

_FOLDER: Final = click.Path(path_type=Path, file_okay=False)
_FILE: Final = click.Path(path_type=Path, dir_okay=False)
_PORT: Final = click.IntRange(0, 65535)
_HELP: Final = {
    "host": "Address to listen at.",
    "port": "Port of the pages and the Prometheus API; 0 takes any free one.",
    "grpc": "Port of OTLP over gRPC.",
    "http": "Port of OTLP over HTTP.",
    "data": "Folder that keeps everything: its own, a new or an empty one.",
    "store": "URL of a ClickHouse server that keeps everything instead of the folder, such as "
    "clickhouse://user@host:8123/database?cluster=name. Variable: OTEL_CONFIDENCE_STORE.",
    "retention": "How long everything is kept, such as 36h, 35d or 1y; a day more than the longest "
    "objective at least.",
    "size": "How much is kept before the oldest days go, such as 512MB or 10GB; today never goes. "
    "The disk holds some megabytes more: blocks that small files do not fill, and for a minute "
    "what was merged. 0 for any size.",
    "memory": "How much memory the newest samples may take, such as 256MB, and for moments half as "
    "much again; what reaches further back is read from the folder. 0 for none.",
    "ready": "File to write the addresses to, as JSON, once it serves.",
    "rules": "Prometheus rule files to evaluate, such as 'rules/*.yml'; can be repeated. "
    "'built-in' stands for those that come along.",
    "objectives": "File of objectives whose error budgets to keep, with alerts when they burn; can "
    "be repeated. Variable: OTEL_CONFIDENCE_OBJECTIVES, several between colons.",
    "runbooks": "Address of the runbooks' page, for the links of the alerts that come along, if "
    "not this server's own.",
    "insecure": "Serve other machines although there is no authentication.",
}


@click.command(context_settings={"show_default": True})
@click.option("--host", default="127.0.0.1", help=_HELP["host"])
@click.option("--port", type=_PORT, default=8050, help=_HELP["port"])
@click.option("--otlp-grpc-port", type=_PORT, default=4317, help=_HELP["grpc"])
@click.option("--otlp-http-port", type=_PORT, default=4318, help=_HELP["http"])
@click.option("--data", type=_FOLDER, default="otel-confidence-data", help=_HELP["data"])
@click.option("--store", default="", envvar="OTEL_CONFIDENCE_STORE", help=_HELP["store"])
@click.option("--retention", type=Retention(), default=f"{KEPT_DAYS}d", help=_HELP["retention"])
@click.option("--retention-size", type=Size(), default="0", help=_HELP["size"])
@click.option("--memory", type=Size(), default="384MB", help=_HELP["memory"])
@click.option("--ready-file", type=_FILE, help=_HELP["ready"])
@click.option("--rules", multiple=True, default=(BUILT_IN,), metavar="GLOB", help=_HELP["rules"])
@click.option("--objectives", type=_FILE, multiple=True, envvar="OTEL_CONFIDENCE_OBJECTIVES",
              help=_HELP["objectives"])  # fmt: skip
@click.option("--runbooks", default=OWN_RUNBOOKS, help=_HELP["runbooks"])
@telling_options
@click.option("--insecure", is_flag=True, help=_HELP["insecure"])
def up(**given: Any) -> None:
    """
    Receive OTLP, keep it, and serve the pages and the Prometheus API.
    """
    try:
        keys = Settings.read().receipt_keys
        telling = telling_of(given)
        options = Options(**given, telling=telling, receipt_keys=keys)
        _refuse_strangers(options)
        with logged():
            serve(options, on_ready=_welcome)
    except OtelConfidenceError as error:
        raise click.ClickException(str(error)) from error
    Console(highlight=False).print("Stopped; everything acknowledged is kept.")


def _refuse_strangers(options: Options) -> None:
    """
    Keep apart from what is somebody else's: a folder that is not empty must have been used before.
    """
    found = [] if options.store else strangers(options.data)
    if found:
        raise ConfigurationError(
            f"--data {str(options.data)!r} holds something else, such as {found[0]!r}: name a new "
            f"or empty folder, such as {str(options.data / 'otel-confidence-data')!r}"
        )


def _welcome(served: Served) -> None:
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"\n[bold]otel-confidence[/] serves, and keeps what it gets in {served.data}\n")
    console.print(f"  pages, Prometheus API   {served.http}")
    console.print(f"  OTLP over HTTP          {served.otlp_http}")
    console.print(f"  OTLP over gRPC          {served.otlp_grpc}\n")
    console.print("Next: send it something, then look at the pages.\n")
    console.print(f"  export OTEL_EXPORTER_OTLP_ENDPOINT={served.otlp_http}")
    console.print("  python your_program.py      # that calls otel_confidence.configure()\n")
    console.print("Ctrl-C ends it.\n")
