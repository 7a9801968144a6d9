"""This module checks the data definition for a cluster: what the engine's own parser makes of it.

That the tables work as a store is what the store's other tests show, which run on a cluster too.
"""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from otel_confidence.cli.commands import cli
from otel_confidence.store import schema
from otel_confidence.store.cluster import Layout
from otel_confidence.store.connection import connect, read_lines

CLUSTER = Layout("db", "c")


def test_every_statement_is_understood(tmp_path: Path) -> None:
    """
    The engine parses each statement of a cluster's script, and of one server's.
    """
    client = connect(tmp_path / "chdb")

    parsed = [
        read_lines(client, f"EXPLAIN AST {statement}")[0].split()[0]
        for layout in (CLUSTER, Layout())
        for statement in layout.script(15).split(";\n\n")[:-1]
    ]
    client.close()

    assert ["CreateQuery"] * 17 + ["InsertQuery"] == parsed[:18]
    assert ["CreateQuery"] * 10 + ["InsertQuery"] == parsed[18:]


def test_every_table_is_replicated_and_distributed() -> None:
    """
    Each table is a replicated one on every server and a Distributed one over them.
    """
    made = CLUSTER.tables(15)

    assert {"versions"} | {
        name + ending
        for table in schema.TABLES
        for name in [table.name]
        for ending in ("", "_local")
    } == set(made)
    assert all(" ON CLUSTER 'c'" in statement for statement in made.values())
    assert all(
        "ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/{table}', "
        "'{replica}')" in made[f"{table.name}_local"]
        for table in schema.TABLES
    )
    assert made["samples"].endswith(
        "AS db.samples_local ENGINE = Distributed('c', 'db', 'samples_local', fingerprint)"
    )


def test_columns_come_to_both_tables_and_indices_to_the_local_one() -> None:
    """
    What an older version lacks is added where it can be.
    """
    changed = [re.findall(r"ALTER TABLE (\S+)", each)[0] for each in CLUSTER.changes(1)]

    assert ["db.events_local", "db.events", "db.events_local"] == changed


def test_an_operator_gets_the_script() -> None:
    """
    The command prints the statements of the store that a URL names, with its retention.
    """
    url = "clickhouse://there/db?cluster=c"

    shown = CliRunner().invoke(cli, ["store", "schema", url, "--retention", "1d"])

    assert Layout("db", "c").script(1) == shown.output
    assert "toIntervalSecond(86400)" in shown.output


@pytest.mark.parametrize("place", ["folder", "clickhouse://me:secret@there"])
def test_a_wrong_place_is_refused(place: str) -> None:
    """
    The command takes the URL of a server and nothing else.
    """
    shown = CliRunner().invoke(cli, ["store", "schema", place])

    assert 0 != shown.exit_code
    assert "secret" not in shown.output
