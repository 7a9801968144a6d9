"""
This module reads back what was told before: events by prediction, and where series ended.

The server counts truths by it: an event that is kept is the one record of a truth, and what the
counters say is the last sample and the events after it.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from otel_confidence.points import Matcher
from otel_confidence.store.connection import Pool, read
from otel_confidence.store.matching import Conditions

Texts = Mapping[str, str]
STALE_BITS: Final = 0x7FF0000000000002
"""Prometheus's staleness marker, a NaN."""
_IDS: Final = 5_000
"""Predictions or series asked for at once: a server takes 128 KiB in one parameter."""
_DIRECT: Final = "SETTINGS final = 0, use_skip_indexes = 1"
"""Rows that merging would replace are equal to what replaces them: no need to tell them apart."""


class Journal:
    """
    Questions about what was told, over a pool of connections.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def told(self, event: str, predictions: Sequence[str], attribute: str) -> set[str]:
        """
        The values that an attribute has on the events of one name about these predictions.
        """
        found: set[str] = set()
        for start in range(0, len(predictions), _IDS):
            where = Conditions()
            wanted = list(predictions[start : start + _IDS])
            statement = (
                f"SELECT DISTINCT attributes[{where.bind(attribute, 'String')}] AS value "
                f"FROM events WHERE name = {where.bind(event, 'String')} "
                f"AND prediction IN {where.bind(wanted, 'Array(String)')} {_DIRECT}"
            )
            found.update(row["value"] for row in self._rows(statement, where))
        return found

    def events(
        self, name: str, resource: Texts, after_ns: int, *, page: int = 50_000
    ) -> Iterator[tuple[int, Texts]]:
        """
        Time and attributes of one program's events of one name that are later, in order of time.
        """
        last_ns, last_id = after_ns, 2**64 - 1
        while True:
            where = Conditions()
            moment = "toUnixTimestamp64Nano(time)"
            since = f"({where.bind(last_ns, 'Int64')}, {where.bind(last_id, 'UInt64')})"
            statement = (
                f"SELECT attributes, {moment} AS at, id FROM events "
                f"WHERE name = {where.bind(name, 'String')} "
                f"AND time >= fromUnixTimestamp64Nano({where.bind(last_ns, 'Int64')}) "
                f"AND ({moment}, id) > {since} "
                f"AND mapKeys(resource) = {where.bind(list(resource), 'Array(String)')} "
                f"AND mapValues(resource) = {where.bind(list(resource.values()), 'Array(String)')} "
                f"ORDER BY at, id LIMIT {int(page)}"
            )
            rows = self._rows(statement, where)
            yield from ((row["at"], dict(row["attributes"])) for row in rows)
            if len(rows) < page:
                return
            last_ns, last_id = rows[-1]["at"], rows[-1]["id"]

    def ends(self, fingerprints: Sequence[int]) -> dict[int, tuple[int, float]]:
        """
        Time and value of the last sample of series, staleness markers apart.

        Looked for in the last day first; series without samples are left out.
        """
        found: dict[int, tuple[int, float]] = {}
        for when in ("time >= now() - INTERVAL 1 DAY", "true"):
            wanted = [each for each in fingerprints if each not in found]
            for start in range(0, len(wanted), _IDS):
                found.update(self._ends(wanted[start : start + _IDS], when))
        return found

    def starts(self, fingerprints: Sequence[int]) -> dict[int, int]:
        """
        Since when series count, in nanoseconds; those that nobody said it of are left out.
        """
        found: dict[int, int] = {}
        for first in range(0, len(fingerprints), _IDS):
            where = Conditions()
            wanted = where.bind(list(fingerprints[first : first + _IDS]), "Array(UInt64)")
            statement = (
                "SELECT fingerprint, toUnixTimestamp64Nano(max(start)) AS latest FROM starts "
                f"WHERE fingerprint IN {wanted} GROUP BY fingerprint {_DIRECT}"
            )
            rows = self._rows(statement, where)
            found.update((row["fingerprint"], row["latest"]) for row in rows)
        return found

    def newest_ms(self, matchers: Sequence[Matcher]) -> int | None:
        """
        The time of the last sample of the matching series: looked for in the last day first.
        """
        newest = self._newest(matchers, "time >= now() - INTERVAL 1 DAY")
        return newest if newest is not None else self._newest(matchers, "true")

    def _ends(
        self, fingerprints: Sequence[int], when: str
    ) -> Iterator[tuple[int, tuple[int, float]]]:
        where = Conditions()
        statement = (
            "SELECT fingerprint, toUnixTimestamp64Milli(max(time)) AS at, "
            f"argMax(value, time) AS last FROM samples WHERE {when} "
            f"AND fingerprint IN {where.bind(list(fingerprints), 'Array(UInt64)')} "
            f"AND reinterpretAsUInt64(value) != {STALE_BITS} GROUP BY fingerprint"
        )
        for row in self._rows(statement, where):
            yield row["fingerprint"], (row["at"], row["last"])

    def _newest(self, matchers: Sequence[Matcher], when: str) -> int | None:
        where = Conditions()
        statement = (
            "SELECT toUnixTimestamp64Milli(max(time)) AS newest, count() AS samples FROM samples "
            f"WHERE {when} AND fingerprint IN "
            f"(SELECT fingerprint FROM series WHERE {where.matching(matchers)}) {_DIRECT}"
        )
        (row,) = self._rows(statement, where)
        return int(row["newest"]) if row["samples"] else None

    def _rows(self, statement: str, where: Conditions) -> list[dict[str, Any]]:
        with self._pool.lend() as client:
            rows: list[dict[str, Any]] = read(client, statement, where.parameters).to_pylist()
        return rows
