"""
This module lays the tables out: in one engine, or spread over a ClickHouse cluster.

In a cluster each table is two. ``samples_local`` keeps the rows of a shard, replicated; ``samples``
is the Distributed table that everybody reads and writes. A series' rows all live in one shard, by
its fingerprint, so that a shard can answer for its series alone and the last row written wins as
it does in one engine. The paths of replicas are made of the macros ``{shard}``, ``{database}``,
``{table}`` and ``{replica}``, which every server of a cluster defines.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from otel_confidence.store import schema

_LOCAL: Final = "_local"
_SHARDED_BY: Final = {
    "metadata": "cityHash64(name)",
    "events": "cityHash64(name, time, trace_id, span_id)",
    "spans": "cityHash64(trace_id)",
}
"""Where rows go that belong to no series; equal rows must meet in one shard to collapse."""
_BY_SERIES: Final = "fingerprint"
_REPLICA: Final = "'/clickhouse/tables/{shard}/{database}/{table}', '{replica}'"
_EVERYWHERE: Final = "'/clickhouse/tables/all/{database}/{table}', '{shard}-{replica}'"


@dataclass(frozen=True, slots=True)
class Layout:
    """
    The data definition of one store.
    """

    database: str = schema.DATABASE
    cluster: str = ""
    """The cluster's name; without, one engine has everything."""
    expires: bool = True
    """Whether the engine itself lets rows go; those of a folder go by ``store.retention`` alone."""

    def creation(self) -> str:
        """
        What makes the database.
        """
        return f"CREATE DATABASE IF NOT EXISTS {quoted(self.database)}{self._on()}"

    def tables(self, retention_days: float) -> dict[str, str]:
        """
        What makes each table, by its name, in the order to make them in.
        """
        seconds = self.kept_s(retention_days)
        made = {schema.VERSIONS: self._versions()}
        for table in schema.TABLES:
            made |= self._table(table, seconds)
        return made

    def changes(self, version: int) -> list[str]:
        """
        What brings the tables of one version to the next.
        """
        return [
            statement
            for table, change, is_column in schema.CHANGES[version]
            for statement in self._change(table, change, is_column=is_column)
        ]

    def retention(self, table: schema.Table, retention_days: float) -> str:
        """
        What brings one table to a retention, the rows that it has among them.
        """
        kept_s = self.kept_s(retention_days)
        change = "REMOVE TTL" if kept_s is None else f"MODIFY TTL {schema.expiry(table, kept_s)}"
        return f"ALTER TABLE {self._name(self.kept(table))}{self._on()} {change}"

    def kept_s(self, retention_days: float) -> int | None:
        """
        How many seconds after its day a row leaves by itself; None where it does not.
        """
        return schema.seconds(retention_days) if self.expires else None

    def kept(self, table: schema.Table) -> str:
        """
        The name of the table that holds the rows.
        """
        return table.name + (_LOCAL if self.cluster else "")

    def view(self) -> str:
        """
        What makes the view for people.
        """
        text = schema.METRICS.format(database=quoted(self.database))
        return f"CREATE OR REPLACE VIEW {self._name('metrics')}{self._on()} AS {text}"

    def newest(self) -> str:
        """
        What asks for the version of the tables.
        """
        return f"SELECT max(version) FROM {self._name(schema.VERSIONS)}"

    def record(self) -> str:
        """
        What says that the tables are of this release.
        """
        return f"INSERT INTO {self._name(schema.VERSIONS)} (version) VALUES ({schema.VERSION})"

    def script(self, retention_days: float) -> str:
        """
        Everything that makes a new store, for an operator to apply himself; safe to repeat.
        """
        tables = self.tables(retention_days).values()
        statements = [self.creation(), *tables, self.view(), self.record()]
        return "".join(f"{statement.strip()};\n\n" for statement in statements)

    def _table(self, table: schema.Table, retention_s: int | None) -> Mapping[str, str]:
        if not self.cluster:
            return {table.name: schema.create(table, self._name(table.name), retention_s)}
        local = self.kept(table)
        replicated = f"ReplicatedReplacingMergeTree({_REPLICA})"
        where = f"{self._name(local)}{self._on()}"
        return {
            local: schema.create(table, where, retention_s, engine=replicated),
            table.name: (
                f"CREATE TABLE IF NOT EXISTS {self._name(table.name)}{self._on()} "
                f"AS {self._name(local)} ENGINE = Distributed('{self.cluster}', "
                f"'{self.database}', '{local}', {_SHARDED_BY.get(table.name, _BY_SERIES)})"
            ),
        }

    def _versions(self) -> str:
        engine = f"ReplicatedMergeTree({_EVERYWHERE})" if self.cluster else "MergeTree"
        return (
            f"CREATE TABLE IF NOT EXISTS {self._name(schema.VERSIONS)}{self._on()} "
            f"(version UInt32, since DateTime('UTC') DEFAULT now()) ENGINE = {engine} "
            "ORDER BY version"
        )

    def _change(self, table: str, change: str, *, is_column: bool) -> list[str]:
        names = [table]
        if self.cluster:
            # A Distributed table has the columns of its local ones, but no indices.
            names = [table + _LOCAL, table] if is_column else [table + _LOCAL]
        return [f"ALTER TABLE {self._name(name)}{self._on()} {change}" for name in names]

    def _name(self, table: str) -> str:
        return f"{quoted(self.database)}.{table}"

    def _on(self) -> str:
        return f" ON CLUSTER '{self.cluster}'" if self.cluster else ""


def quoted(name: str) -> str:
    """
    A name as the engine takes whatever it is made of.
    """
    return name if name.isidentifier() else f"`{name}`"
