"""
This module reads series and samples back, exactly: sorted, one per time, the last one written.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
from clickhouse_connect.driver.client import Client
from numpy.typing import NDArray

from otel_confidence.errors import QueryError
from otel_confidence.points import (
    NAME_LABEL,
    Exemplar,
    Labels,
    Matcher,
    Metadata,
    Selection,
    Series,
)
from otel_confidence.store.buckets import Buckets, bucketing, named, weighing
from otel_confidence.store.catalog import Catalog
from otel_confidence.store.columns import DAY_MS, described
from otel_confidence.store.connection import Pool, read
from otel_confidence.store.grids import Cells, Steps, cells_of, gridding, is_plain
from otel_confidence.store.listening import heard
from otel_confidence.store.matching import Conditions, Known, Wanted

_ALL_LABELS: Final = "arrayJoin(arrayPushBack(mapKeys(labels), {name:String}))"
_FINGERPRINTS: Final = 5_000
"""Asked for at once: a server takes 128 KiB in one parameter."""
MatcherSets = Sequence[Sequence[Matcher]]


class Reader:
    """
    What the store answers, over a pool of connections.
    """

    def __init__(
        self,
        pool: Pool,
        catalog: Catalog,
        known: Callable[[Sequence[Matcher]], Known | None] = lambda _: None,
        *,
        listing: Pool | None = None,
    ) -> None:
        self._pool = pool
        self._listing = listing or pool
        self._catalog = catalog
        self._known = known

    def select(
        self, matchers: Sequence[Matcher], start_ms: int, end_ms: int, max_samples: int
    ) -> list[Selection]:
        """
        The samples with ``start < time <= end`` of the matching series.
        """
        if end_ms <= start_ms:
            return []
        statement, parameters = selecting(self._wanted(matchers), start_ms, end_ms, max_samples)
        with self._pool.lend() as client:
            found = heard(client, statement, parameters)
            if found.num_rows > max_samples:
                raise _too_many(max_samples, "samples")
            return self._selections(client, found)

    def grid(
        self, function: str, matchers: Sequence[Matcher], steps: Steps, max_cells: int
    ) -> Cells | None:
        """
        What the engine computes of the matching series; None where the samples have to be read.
        """
        most = max_cells // steps.count
        statement, parameters = gridding(function, self._wanted(matchers), steps, most)
        with self._pool.lend() as client:
            found = heard(client, statement, parameters)
            if found.num_rows > most:
                raise _too_many(max_cells, "samples")
            if not is_plain(found):
                return None
            fingerprints = _numbers(found, "fingerprint")
            labels = self._labels(client, fingerprints)
        values, present = cells_of(function, found, steps.count)
        kept = [row for row, each in enumerate(fingerprints.tolist()) if each in labels]
        named = [labels[int(fingerprints[row])] for row in kept]
        return Cells(named, values[kept], present[kept])

    def buckets(
        self,
        columns: Sequence[str],
        matchers: Sequence[Matcher],
        steps: Steps,
        width_ms: int,
        max_rows: int,
    ) -> Buckets | None:
        """
        The roll-ups of the matching series; None where reading the samples costs no more.
        """
        with self._pool.lend() as client:
            (weighed,) = read(client, *weighing(width_ms)).to_pylist()
            if not weighed["worth"]:
                return None
            wanted = self._wanted(matchers)
            found = heard(client, *bucketing(columns, wanted, steps, width_ms, max_rows))
            if found.num_rows > max_rows:
                raise _too_many(max_rows, "buckets")
            fingerprints = _numbers(found, "fingerprint").astype(np.uint64)
            starts = np.flatnonzero(np.append(True, fingerprints[1:] != fingerprints[:-1]))
            starts = starts[: len(fingerprints)]
            labels = self._labels(client, fingerprints[starts])
        if len(labels) < len(starts):
            return None
        return Buckets(
            [labels[int(each)] for each in fingerprints[starts]],
            np.append(starts, len(fingerprints)),
            _numbers(found, "end_ms").astype(np.int64),
            {column: _numbers(found, named(column)) for column in columns},
        )

    def series(self, sets: MatcherSets, start_ms: int, end_ms: int, limit: int) -> list[Labels]:
        """
        The labels of the matching series that have samples with ``start <= time <= end``.
        """
        where = Conditions()
        statement = (
            f"SELECT DISTINCT fingerprint FROM series WHERE {_present(where, start_ms, end_ms)} "
            f"AND ({where.matching_any(sets)}) ORDER BY name, fingerprint{_limit(where, limit)}"
        )
        with self._listing.lend() as client:
            found = read(client, statement, where.parameters)
            return sorted(self._labels(client, _numbers(found, "fingerprint")).values())

    def label_names(self, sets: MatcherSets, start_ms: int, end_ms: int, limit: int) -> list[str]:
        """
        The labels that the matching series have.
        """
        where = Conditions()
        where.parameters["name"] = NAME_LABEL
        return self._texts(_ALL_LABELS, where, sets, (start_ms, end_ms), limit)

    def label_values(
        self, label: str, sets: MatcherSets, start_ms: int, end_ms: int, limit: int
    ) -> list[str]:
        """
        The values that a label has on the matching series.
        """
        where = Conditions()
        return self._texts(where.label(label), where, sets, (start_ms, end_ms), limit)

    def metadata(self, metric: str, limit: int) -> list[Metadata]:
        """
        What is known of one metric or of all; the last seen first where it changed.
        """
        where = Conditions()
        statement = (
            "SELECT name, type, unit, help FROM metadata "
            f"WHERE {where.bind(metric, 'String')} IN ('', name) "
            f"ORDER BY name, day DESC, type, unit, help{_limit(where, limit)}"
        )
        with self._listing.lend() as client:
            found = read(client, statement, where.parameters)
        return [Metadata(**row) for row in found.to_pylist()]

    def exemplars(
        self, matchers: Sequence[Matcher], start_ms: int, end_ms: int, max_exemplars: int
    ) -> list[Exemplar]:
        """
        The exemplars with ``start <= time <= end`` of the matching series.
        """
        where = Conditions()
        series = where.series(matchers, start_ms, end_ms)
        statement = (
            "SELECT fingerprint, toUnixTimestamp64Milli(time) AS time_ms, value, labels "
            f"FROM exemplars WHERE {where.during(start_ms, end_ms)} "
            f"AND fingerprint IN {series} ORDER BY fingerprint, time "
            f"LIMIT {where.bind(max_exemplars + 1, 'UInt64')}"
        )
        with self._pool.lend() as client:
            found = read(client, statement, where.parameters)
            if found.num_rows > max_exemplars:
                raise _too_many(max_exemplars, "exemplars")
            known = self._labels(client, _numbers(found, "fingerprint"))
        return [
            Exemplar(Series(labels), row["time_ms"], row["value"], tuple(sorted(row["labels"])))
            for row in found.to_pylist()
            if (labels := known.get(row["fingerprint"])) is not None
        ]

    def _wanted(self, matchers: Sequence[Matcher]) -> Wanted:
        return self._known(matchers) or matchers

    def _texts(
        self,
        expression: str,
        where: Conditions,
        sets: MatcherSets,
        span_ms: tuple[int, int],
        limit: int,
    ) -> list[str]:
        statement = (
            f"SELECT DISTINCT {expression} AS text FROM series "
            f"WHERE {_present(where, *span_ms)} AND ({where.matching_any(sets)}) "
            f"AND text != '' ORDER BY text{_limit(where, limit)}"
        )
        with self._listing.lend() as client:
            found = read(client, statement, where.parameters)
        return list(found["text"].to_pylist()) if found.num_rows else []

    def _selections(self, client: Client, found: pa.Table) -> list[Selection]:
        if not found.num_rows:
            return []
        fingerprints = _numbers(found, "fingerprint")
        times, values = _numbers(found, "time_ms"), _numbers(found, "value")
        edges = np.flatnonzero(fingerprints[1:] != fingerprints[:-1]) + 1
        starts = np.concatenate([[0], edges])
        known = self._labels(client, fingerprints[starts])
        return [
            Selection(labels, times[start:end], values[start:end])
            for start, end in zip(starts, [*edges, len(fingerprints)], strict=True)
            if (labels := known.get(int(fingerprints[start]))) is not None
        ]

    def _labels(self, client: Client, fingerprints: NDArray[np.uint64]) -> dict[int, Labels]:
        """
        The labels behind fingerprints; a series that retention took meanwhile has none left.
        """
        found = {int(each): self._catalog.labels(int(each)) for each in fingerprints}
        unknown = [each for each, labels in found.items() if labels is None]
        if unknown:
            found.update(recall(client, unknown, self._catalog))
        return {each: labels for each, labels in found.items() if labels is not None}


def selecting(
    wanted: Wanted, start_ms: int, end_ms: int, max_samples: int
) -> tuple[str, dict[str, Any]]:
    """
    The statement that ``select`` runs, and the parameters bound in it.
    """
    where = Conditions()
    statement = (
        "SELECT fingerprint, toUnixTimestamp64Milli(time) AS time_ms, value FROM samples "
        f"WHERE {where.during(start_ms, end_ms, open_start=True)} "
        f"AND fingerprint IN {where.series(wanted, start_ms, end_ms)} ORDER BY fingerprint, time "
        f"LIMIT {where.bind(max_samples + 1, 'UInt64')}"
    )
    return statement, where.parameters


def recall(client: Client, fingerprints: Sequence[int], catalog: Catalog) -> dict[int, Labels]:
    """
    Read the labels behind fingerprints from the table and have the catalog learn them.
    """
    found: dict[int, Labels] = {}
    for start in range(0, len(fingerprints), _FINGERPRINTS):
        where = Conditions()
        some = where.bind(list(fingerprints[start : start + _FINGERPRINTS]), "Array(UInt64)")
        statement = (
            "SELECT fingerprint, any(name) AS name, any(labels) AS labels FROM series "
            f"WHERE fingerprint IN {some} GROUP BY fingerprint"
        )
        found.update(described(read(client, statement, where.parameters)))
    catalog.learn(found.items())
    return found


def remember(client: Client, catalog: Catalog) -> None:
    """
    Have the catalog learn the series of today and yesterday.
    """
    found = read(
        client,
        "SELECT fingerprint, name, labels FROM series WHERE day >= today() - 1 "
        "LIMIT 1 BY fingerprint LIMIT 100000",
    )
    catalog.learn(described(found))


def _present(where: Conditions, start_ms: int, end_ms: int) -> str:
    # A day that lies wholly within the range answers from the table of series alone.
    inner_start, inner_end = -(-start_ms // DAY_MS) * DAY_MS, (end_ms + 1) // DAY_MS * DAY_MS - 1
    edges = [
        (start_ms, min(end_ms, inner_start - 1)),
        (max(start_ms, inner_end + 1), end_ms),
    ]
    parts = [
        f"({where.on_days(first, last)} AND fingerprint IN (SELECT fingerprint FROM samples "
        f"WHERE {where.during(first, last)}))"
        for first, last in dict.fromkeys(edges)
        if first <= last
    ]
    if inner_start <= inner_end:
        parts.append(f"({where.on_days(inner_start, inner_end)})")
    return f"({' OR '.join(parts) or 'false'})"


def _limit(where: Conditions, limit: int) -> str:
    return f" LIMIT {where.bind(limit, 'UInt64')}" if limit > 0 else ""


def _numbers(table: pa.Table, column: str) -> NDArray[Any]:
    if not table.num_rows:
        return np.empty(0)
    numbers: NDArray[Any] = table[column].to_numpy()
    return numbers


def _too_many(most: int, what: str) -> QueryError:
    return QueryError(
        f"the query reads more than {most} {what}; narrow its time range or its matchers",
        kind="execution",
        status=422,
    )
