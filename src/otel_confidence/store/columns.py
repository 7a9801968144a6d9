"""
This module turns batches of points into the columns that the tables take.
"""

import sys
from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa

from otel_confidence.points import (
    NAME_LABEL,
    Batch,
    Event,
    Exemplar,
    Labels,
    Metadata,
    Samples,
    Span,
    Start,
)
from otel_confidence.store.catalog import Catalog

DAY_MS: Final = 86_400_000

_TEXTS = pa.map_(pa.string(), pa.string())
_MS = pa.timestamp("ms", "UTC")
_NS = pa.timestamp("ns", "UTC")
_SPAN_EVENTS = pa.list_(pa.struct([("time", _NS), ("name", pa.string()), ("attributes", _TEXTS)]))
_SPAN_LINKS = pa.list_(
    pa.struct([("trace_id", pa.string()), ("span_id", pa.string()), ("attributes", _TEXTS)])
)


Registration = tuple[int, int, Labels]
"""That a series, known by its fingerprint, has samples on a day (since the epoch)."""


def size(batch: Batch) -> int:
    """
    How many rows a batch makes, those that describe metrics too.
    """
    return len(batch) + len(batch.metadata)


def merge(group: Sequence[Batch]) -> Batch:
    """
    Several batches as one, in their order, so that the last written stays last.
    """
    if len(group) == 1:
        return group[0]
    return Batch(
        Samples.joined([each.samples for each in group]),
        [exemplar for each in group for exemplar in each.exemplars],
        [entry for each in group for entry in each.metadata],
        [event for each in group for event in each.events],
        [span for each in group for span in each.spans],
        [start for each in group for start in each.starts],
    )


def by_day(samples: Samples) -> Iterator[tuple[int, Collection[int]]]:
    """
    The days (since the epoch) that samples touch, each with the fingerprints it has.
    """
    if not len(samples):
        return
    days = samples.times_ms // DAY_MS
    if days.min() == days.max():
        yield int(days[0]), samples.series.keys()
        return
    order = np.argsort(days, kind="stable")
    found, starts = np.unique(days[order], return_index=True)
    parts = np.split(samples.fingerprints[order], starts[1:])
    for day, fingerprints in zip(found.tolist(), parts, strict=True):
        yield day, np.unique(fingerprints).tolist()


def series_table(rows: Sequence[Registration]) -> pa.Table:
    """
    Rows of ``series``.
    """
    labels = [labels for _, _, labels in rows]
    return pa.table(
        {
            "fingerprint": pa.array([fingerprint for fingerprint, _, _ in rows], pa.uint64()),
            "name": pa.array([dict(pairs).get(NAME_LABEL, "") for pairs in labels], pa.string()),
            "labels": pa.array([_without_name(pairs) for pairs in labels], _TEXTS),
            "day": pa.array([day for _, day, _ in rows], pa.int32()).cast(pa.date32()),
        }
    )


def described(table: pa.Table) -> list[tuple[int, Labels]]:
    """
    Fingerprints with their labels, from rows of ``fingerprint``, ``name`` and ``labels``.
    """
    return [
        (row["fingerprint"], tuple(sorted((sys.intern(k), v) for k, v in _all_labels(row))))
        for row in table.to_pylist()
    ]


def _all_labels(row: dict[str, Any]) -> list[tuple[str, str]]:
    return [*row["labels"], *([(NAME_LABEL, row["name"])] if row["name"] else [])]


def samples_table(samples: Samples) -> pa.Table:
    """
    Rows of ``samples``.
    """
    return pa.table(
        {
            "fingerprint": pa.array(samples.fingerprints),
            "time": pa.array(samples.times_ms).cast(_MS),
            "value": pa.array(samples.values),
        }
    )


def metadata_table(entries: Sequence[Metadata], day: int) -> pa.Table:
    """
    Rows of ``metadata``, seen on the day given.
    """
    return pa.table(
        {
            "name": pa.array([entry.name for entry in entries], pa.string()),
            "type": pa.array([entry.type for entry in entries], pa.string()),
            "unit": pa.array([entry.unit for entry in entries], pa.string()),
            "help": pa.array([entry.help for entry in entries], pa.string()),
            "day": pa.array([day] * len(entries), pa.int32()).cast(pa.date32()),
        }
    )


def starts_table(starts: Sequence[Start], day: int) -> pa.Table:
    """
    Rows of ``starts``, told on the day given.
    """
    fingerprints = [each for series, _ in starts for each in series]
    moments = [start_ns for series, start_ns in starts for _ in series]
    return pa.table(
        {
            "fingerprint": pa.array(fingerprints, pa.uint64()),
            "start": pa.array(moments, pa.int64()).cast(_NS),
            "day": pa.array([day] * len(moments), pa.int32()).cast(pa.date32()),
        }
    )


def exemplars_table(exemplars: Sequence[Exemplar], catalog: Catalog) -> pa.Table:
    """
    Rows of ``exemplars``.
    """
    fingerprints = [catalog.fingerprint(exemplar.series) for exemplar in exemplars]
    return pa.table(
        {
            "fingerprint": pa.array(fingerprints, pa.uint64()),
            "time": pa.array([exemplar.time_ms for exemplar in exemplars], pa.int64()).cast(_MS),
            "value": pa.array([exemplar.value for exemplar in exemplars], pa.float64()),
            "labels": pa.array([list(exemplar.labels) for exemplar in exemplars], _TEXTS),
        }
    )


def events_table(events: Sequence[Event]) -> pa.Table:
    """
    Rows of ``events``.
    """
    return pa.table(
        {
            "time": pa.array([event.time_ns for event in events], pa.int64()).cast(_NS),
            **_texts(events, "name", "severity_text", "body", "trace_id", "span_id"),
            "severity": pa.array([event.severity for event in events], pa.int32()),
            **_maps(events, "attributes", "resource"),
        }
    )


def spans_table(spans: Sequence[Span]) -> pa.Table:
    """
    Rows of ``spans``.
    """
    return pa.table(
        {
            **_texts(spans, "trace_id", "span_id", "parent_id", "name", "kind", "status"),
            **_texts(spans, "status_message"),
            "start": pa.array([span.start_ns for span in spans], pa.int64()).cast(_NS),
            "end": pa.array([span.end_ns for span in spans], pa.int64()).cast(_NS),
            **_maps(spans, "attributes", "resource"),
            "events": pa.array([_span_events(span) for span in spans], _SPAN_EVENTS),
            "links": pa.array([_span_links(span) for span in spans], _SPAN_LINKS),
        }
    )


def _texts(records: Sequence[Event] | Sequence[Span], *names: str) -> dict[str, pa.Array]:
    return {
        name: pa.array([getattr(record, name) for record in records], pa.string()) for name in names
    }


def _maps(records: Sequence[Event] | Sequence[Span], *names: str) -> dict[str, pa.Array]:
    return {
        name: pa.array([list(getattr(record, name).items()) for record in records], _TEXTS)
        for name in names
    }


def _span_events(span: Span) -> list[dict[str, Any]]:
    return [
        {"time": event.time_ns, "name": event.name, "attributes": list(event.attributes.items())}
        for event in span.events
    ]


def _span_links(span: Span) -> list[dict[str, Any]]:
    return [
        {
            "trace_id": link.trace_id,
            "span_id": link.span_id,
            "attributes": list(link.attributes.items()),
        }
        for link in span.links
    ]


def _without_name(labels: Labels) -> list[tuple[str, str]]:
    return [pair for pair in labels if pair[0] != NAME_LABEL]
