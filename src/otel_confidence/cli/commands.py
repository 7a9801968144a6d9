"""
This module holds the commands of ``otel-confidence``, each imported when it is asked for.

What ``up`` needs, the engine and the server, takes most of the time in which another command has
already answered.
"""

from importlib import import_module
from importlib.metadata import version
from typing import Final

import click

_NAMES: Final = ("collector", "doctor", "generate", "query", "slo", "store", "up")
"""Of commands, and of the modules beside this one that hold them."""


class _Lazily(click.Group):
    """
    Knows the names of its commands, and imports those that are asked for.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        """
        The names of all commands.
        """
        return list(_NAMES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  click's signature
        """
        The command of a name, if there is one.
        """
        return _command(cmd_name) if cmd_name in _NAMES else None


@click.group(cls=_Lazily)
@click.version_option(version("otel-confidence"), package_name="otel-confidence")
def cli() -> None:
    """
    Confidence as ordinary telemetry.
    """


def commands() -> dict[str, click.Command]:
    """
    Every command by its name.
    """
    return {name: _command(name) for name in _NAMES}


def _command(name: str) -> click.Command:
    found: click.Command = getattr(import_module(f"otel_confidence.cli.{name}"), name)
    return found
