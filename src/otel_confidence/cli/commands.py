"""
This module holds the commands of ``otel-confidence``, each imported when it is run.

What ``up`` needs, the engine and the server, takes most of the time in which another command has
already answered; the list of commands needs none of them.
"""

from importlib import import_module
from importlib.metadata import version
from typing import Any, Final

import click

_ABOUT: Final = {
    "collector": "Configurations of the OpenTelemetry Collector.",
    "doctor": "Check that telemetry arrives, and say what is wrong where it does not.",
    "generate": "Write Prometheus rules, those of objectives among them, and Grafana dashboards.",
    "query": "Evaluate EXPR, in PromQL, at one time or over a range (--since, or --start and "
    "--end).",
    "slo": "Check objectives, list them, and see how much of their error budgets is left.",
    "store": "Where everything is kept.",
    "up": "Receive OTLP, keep it, and serve the pages and the Prometheus API.",
}
"""What each command says of itself, by its name, which is also that of its module."""


class _Later(click.Command):
    """
    A command that is known by its name and what it does, and imported where it is run.
    """

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:  # fmt: skip
        """
        The context of the command itself, which click invokes then.
        """
        return _command(str(self.name)).make_context(info_name, args, parent, **extra)


@click.group(commands={name: _Later(name, help=about) for name, about in _ABOUT.items()})
@click.version_option(version("otel-confidence"), package_name="otel-confidence")
def cli() -> None:
    """
    Confidence as ordinary telemetry.
    """


def commands() -> dict[str, click.Command]:
    """
    Every command by its name, imported.
    """
    return {name: _command(name) for name in _ABOUT}


def _command(name: str) -> click.Command:
    found: click.Command = getattr(import_module(f"otel_confidence.cli.{name}"), name)
    return found
