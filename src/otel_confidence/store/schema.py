"""
This module holds the tables of the store, as ClickHouse data definition.

Everything is partitioned by UTC day, never by name (an insert that touches more than a hundred
partitions fails), and leaves a day at a time when its retention ends. All tables replace: rows with
the same sorting key collapse into the one written last, which makes a repeated delivery harmless.
Read with the setting ``final = 1``, so that rows not merged yet collapse too.

==============  ==================================================================================
``series``      one row for each series and day it was written: ``fingerprint``, ``name``,
                ``labels`` (without the name), ``day``
``samples``     ``fingerprint``, ``time`` (milliseconds), ``value``
``metrics``     a view for people: ``name``, ``labels``, ``time``, ``value``
``starts``      since when series count: ``fingerprint``, ``start`` (nanoseconds), ``day`` (when it
                was told); one row for each series, start and day, the latest ``start`` holds
``metadata``    ``name``, ``type``, ``unit``, ``help``
``exemplars``   ``fingerprint``, ``time``, ``value``, ``labels``
``events``      ``time`` (nanoseconds), ``name``, ``severity``, ``severity_text``, ``body``,
                ``trace_id``, ``span_id``, ``attributes``, ``resource``, ``service``,
                ``prediction`` (the id of the prediction it is about)
``spans``       ``trace_id``, ``span_id``, ``parent_id``, ``name``, ``kind``, ``start``, ``end``,
                ``duration_ns``, ``status``, ``status_message``, ``attributes``, ``resource``,
                ``service``, ``events``, ``links``
==============  ==================================================================================

``attributes``, ``resource`` and ``labels`` are maps of text to text; a missing key reads as ''.

``rollups_1m``, ``rollups_5m``, ``rollups_1h`` and ``rollups_1d``, in folders only, hold one row for
each series and bucket of time: the samples with ``time - width < t <= time``, staleness markers
left out. Columns: ``fingerprint``, ``time`` (the bucket's end), ``count``, ``sum``, ``min``,
``max`` (NaN where nothing else is), ``first_time``, ``first``, ``last_time``, ``last``,
``correction`` (the sum of the values just before each counter reset in the bucket), ``resets``,
``changes``, ``nans`` (how many values are NaN), ``version``. Those of a minute leave after two
days, the others with their samples. A row with a ``count`` of 0 stands for a bucket all of whose
samples were replaced by staleness markers: pass over it. ``densities`` says of a day the ``finest``
width in milliseconds that it is rolled up at, where narrower buckets would hardly hold more than a
sample each; rows of narrower ones are out of date. ``progress``, ``touched`` and ``drops`` are the
store's own notes (``store.progress``, ``store.retention``).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from otel_confidence.conventions import PREDICTION_ID, SERVICE_NAME

DATABASE: Final = "otel_confidence"
_DAY_S: Final = 86_400
_ENGINE: Final = "ReplacingMergeTree"

_TEXTS = "Map(LowCardinality(String), String) CODEC(ZSTD(1))"
_NANOSECONDS = "DateTime64(9, 'UTC') CODEC(Delta(8), ZSTD(1))"
_MILLISECONDS = "DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1))"
_FINGERPRINT = "UInt64 CODEC(Delta(8), ZSTD(1))"
_TRACE_INDEX = "INDEX by_trace trace_id TYPE bloom_filter(0.01) GRANULARITY 1"
_PREDICTION = f"prediction String MATERIALIZED attributes['{PREDICTION_ID.name}'] CODEC(ZSTD(1))"
_PREDICTION_INDEX = "INDEX by_prediction prediction TYPE bloom_filter(0.01) GRANULARITY 1"
_SERVICE = f"LowCardinality(String) MATERIALIZED resource['{SERVICE_NAME.name}']"

_SERIES = f"""
    fingerprint UInt64,
    name LowCardinality(String),
    labels {_TEXTS},
    day Date
"""
_SAMPLES = f"""
    fingerprint {_FINGERPRINT},
    time {_MILLISECONDS},
    value Float64 CODEC(Gorilla, ZSTD(1))
"""
_STARTS = f"""
    fingerprint {_FINGERPRINT},
    start {_NANOSECONDS},
    day Date
"""
_METADATA = """
    name String,
    type LowCardinality(String),
    unit LowCardinality(String),
    help String,
    day Date
"""
_EXEMPLARS = f"""
    fingerprint {_FINGERPRINT},
    time {_MILLISECONDS},
    value Float64 CODEC(ZSTD(1)),
    labels {_TEXTS},
    id UInt64 DEFAULT cityHash64(value, mapKeys(labels), mapValues(labels))
"""
_EVENTS = f"""
    time {_NANOSECONDS},
    name LowCardinality(String),
    severity Int32,
    severity_text LowCardinality(String),
    body String CODEC(ZSTD(1)),
    trace_id String CODEC(ZSTD(1)),
    span_id String CODEC(ZSTD(1)),
    attributes {_TEXTS},
    resource {_TEXTS},
    service {_SERVICE},
    id UInt64 DEFAULT cityHash64(
        severity, severity_text, body, trace_id, span_id, mapKeys(attributes),
        mapValues(attributes), mapKeys(resource), mapValues(resource)),
    {_PREDICTION},
    {_TRACE_INDEX},
    {_PREDICTION_INDEX}
"""
_SPANS = f"""
    trace_id String CODEC(ZSTD(1)),
    span_id String CODEC(ZSTD(1)),
    parent_id String CODEC(ZSTD(1)),
    name LowCardinality(String),
    kind LowCardinality(String),
    start {_NANOSECONDS},
    end {_NANOSECONDS},
    duration_ns Int64 MATERIALIZED toUnixTimestamp64Nano(end) - toUnixTimestamp64Nano(start),
    status LowCardinality(String),
    status_message String CODEC(ZSTD(1)),
    attributes {_TEXTS},
    resource {_TEXTS},
    service {_SERVICE},
    events Array(Tuple(
        time DateTime64(9, 'UTC'), name String,
        attributes Map(LowCardinality(String), String))) CODEC(ZSTD(1)),
    links Array(Tuple(
        trace_id String, span_id String,
        attributes Map(LowCardinality(String), String))) CODEC(ZSTD(1)),
    {_TRACE_INDEX}
"""


@dataclass(frozen=True, slots=True)
class Table:
    """
    One table: its columns, the one that says how old a row is, and the sorting key.
    """

    name: str
    columns: str
    moment: str
    key: str


TABLES: Final = (
    Table("series", _SERIES, "day", "name, fingerprint"),
    Table("samples", _SAMPLES, "time", "fingerprint, time"),
    Table("starts", _STARTS, "day", "fingerprint, start"),
    Table("metadata", _METADATA, "day", "name, type, unit, help"),
    Table("exemplars", _EXEMPLARS, "time", "fingerprint, time, id"),
    Table("events", _EVENTS, "time", "name, time, id"),
    Table("spans", _SPANS, "start", "name, start, trace_id, span_id"),
)
VERSIONS: Final = "versions"
"""The table that says which version the others are of."""
VERSION: Final = 2
"""Of the tables as they stand here; one more whenever those of former releases must be changed."""
CHANGES: Final = {
    1: (
        ("events", f"ADD COLUMN IF NOT EXISTS {_PREDICTION}", True),
        ("events", f"ADD {_PREDICTION_INDEX.replace('INDEX', 'INDEX IF NOT EXISTS', 1)}", False),
    ),
}
"""By version, what brings it to the next: the table, the change, whether it is one of columns."""
_ROLLUP = f"""
    fingerprint {_FINGERPRINT},
    time {_MILLISECONDS},
    count UInt32 CODEC(ZSTD(1)),
    sum Float64 CODEC(Gorilla, ZSTD(1)),
    min Float64 CODEC(Gorilla, ZSTD(1)),
    max Float64 CODEC(Gorilla, ZSTD(1)),
    first_time {_MILLISECONDS},
    first Float64 CODEC(Gorilla, ZSTD(1)),
    last_time {_MILLISECONDS},
    last Float64 CODEC(Gorilla, ZSTD(1)),
    correction Float64 CODEC(ZSTD(1)),
    resets UInt32 CODEC(ZSTD(1)),
    changes UInt32 CODEC(ZSTD(1)),
    nans UInt32 CODEC(ZSTD(1)),
    version UInt64 CODEC(ZSTD(1))
"""
_TOUCHED = """
    time DateTime64(3, 'UTC'),
    marked SimpleAggregateFunction(max, UInt64),
    settled SimpleAggregateFunction(max, UInt64)
"""
_PROGRESS = """
    key UInt8,
    epoch SimpleAggregateFunction(max, UInt64),
    until SimpleAggregateFunction(max, UInt64)
"""
_DENSITIES = """
    day Date,
    samples UInt64,
    finest UInt64,
    version UInt64
"""
_DROPS = """
    day Date,
    asked SimpleAggregateFunction(max, UInt64),
    done SimpleAggregateFunction(max, UInt64)
"""
_BUCKET_DAY: Final = "PARTITION BY toDate(subtractMilliseconds(time, 1), 'UTC')"
"""A bucket that ends at midnight stands for the day before."""
_LARGEST: Final = "AggregatingMergeTree"
_NEWEST: Final = "ReplacingMergeTree(version)"
ROLLUPS: Final[Mapping[int, str]] = {
    60_000: "rollups_1m",
    300_000: "rollups_5m",
    3_600_000: "rollups_1h",
    86_400_000: "rollups_1d",
}
"""The tables of roll-ups by the width of their buckets in milliseconds, the finest first."""
FINEST: Final = "rollups_1m"
FINEST_DAYS: Final = 2
"""How long the finest are offered: at common intervals they are larger than the samples."""
DENSITIES: Final = "densities"
"""The table that says at which widths each day is rolled up."""
RAW: Final = tuple(table.name for table in TABLES)
DAILY: Final = (*RAW, *ROLLUPS.values(), "touched", DENSITIES)
"""Every table of a folder that is partitioned by day."""
METRICS: Final = """
    SELECT name, labels, time, value
    FROM {database}.samples
    INNER JOIN (
        SELECT fingerprint, any(name) AS name, any(labels) AS labels
        FROM {database}.series GROUP BY fingerprint
    ) AS described USING fingerprint
"""


def seconds(retention_days: float) -> int:
    """
    A retention as the tables have it.
    """
    return max(1, round(retention_days * _DAY_S))


def create(table: Table, name: str, retention_s: int | None, *, engine: str = _ENGINE) -> str:
    """
    What makes a table under a name; without a retention its rows stay until they are dropped.
    """
    made = (
        f"CREATE TABLE IF NOT EXISTS {name} ({table.columns}) ENGINE = {engine} "
        f"PARTITION BY toDate({table.moment}, 'UTC') ORDER BY ({table.key})"
    )
    if retention_s is None:
        return made
    return (
        f"{made} TTL {expiry(table, retention_s)} SETTINGS ttl_only_drop_parts = 1, "
        "merge_with_ttl_timeout = 3600, materialize_ttl_recalculate_only = 1"
    )


def rolling() -> list[str]:
    """
    What makes the tables of roll-ups and the notes about them; safe to repeat.
    """
    buckets = f"{_BUCKET_DAY} ORDER BY (fingerprint, time)"
    tables = [
        *((name, _ROLLUP, _NEWEST, buckets) for name in ROLLUPS.values()),
        (DENSITIES, _DENSITIES, _NEWEST, "PARTITION BY day ORDER BY day"),
        ("touched", _TOUCHED, _LARGEST, f"{_BUCKET_DAY} ORDER BY time"),
        ("progress", _PROGRESS, _LARGEST, "ORDER BY key"),
        ("drops", _DROPS, _LARGEST, "ORDER BY day"),
    ]
    return [
        f"CREATE TABLE IF NOT EXISTS {name} ({columns}) ENGINE = {engine} {order}"
        for name, columns, engine, order in tables
    ]


def expiry(table: Table, retention_s: int) -> str:
    """
    When a row of the table may go: all of a day at once.
    """
    end = f"toDate({table.moment}, 'UTC') + 1"
    return f"toDateTime({end}, 'UTC') + toIntervalSecond({retention_s})"
