"""
This module holds the commands about where everything is kept.
"""

import click

from otel_confidence.cli.durations import Retention
from otel_confidence.errors import OtelConfidenceError
from otel_confidence.objectives.windows import KEPT_DAYS
from otel_confidence.store.address import Address, is_url
from otel_confidence.store.cluster import Layout


@click.group()
def store() -> None:
    """
    Where everything is kept.
    """


@store.command(context_settings={"show_default": True})
@click.argument("url", default="clickhouse://localhost")
@click.option(
    "--retention", type=Retention(), default=f"{KEPT_DAYS}d", help="How long everything is kept."
)
def schema(url: str, retention: float) -> None:
    """
    Print what makes the tables on a ClickHouse server, to be applied by an administrator.

    URL is that of the store, such as clickhouse://user@host:8123/database?cluster=name; nothing is
    connected to. With a cluster, tables are replicated and spread over its shards. An up whose user
    may read and insert, but make no tables, then finds them as it needs them.
    """
    if not is_url(url):
        raise click.BadParameter(
            "it must be like clickhouse://user@host:8123/database", param_hint="URL"
        )
    try:
        address = Address.read(url, {})
    except OtelConfidenceError as error:
        raise click.ClickException(str(error)) from error
    layout = Layout(address.database, address.cluster)
    click.echo(layout.script(retention), nl=False)
