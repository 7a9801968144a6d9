"""
This module turns batches of points into the columns that the tables take.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from otel_confidence.points import NAME_LABEL, Batch, Event, Exemplar, Labels, Metadata, Span
from otel_confidence.store.catalog import Catalog

DAY_MS: Final = 86_400_000

_TEXTS = pa.map_(pa.string(), pa.string())
_MS = pa.timestamp("ms", "UTC")
_NS = pa.timestamp("ns", "UTC")
_SPAN_EVENTS = pa.list_(pa.struct([("time", _NS), ("name", pa.string()), ("attributes", _TEXTS)]))
_SPAN_LINKS = pa.list_(
    pa.struct([("trace_id", pa.string()), ("span_id", pa.string()), ("attributes", _TEXTS)])
)


@dataclass(slots=True)
class Rows:
    """
    One or several batches, ready for the writer; samples are columns already.
    """

    fingerprints: NDArray[np.uint64]
    times_ms: NDArray[np.int64]
    values: NDArray[np.float64]
    series: dict[int, Labels]
    """The labels of every fingerprint that occurs."""
    metadata: list[Metadata] = field(default_factory=list)
    exemplars: list[Exemplar] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)

    def __len__(self) -> int:
        return (
            len(self.fingerprints)
            + len(self.exemplars)
            + len(self.events)
            + len(self.spans)
            + len(self.metadata)
        )

    def days(self) -> set[tuple[int, int]]:
        """
        The pairs of fingerprint and day (since the epoch) that the samples touch.
        """
        if not len(self.fingerprints):
            return set()
        days = self.times_ms // DAY_MS
        if days[0] == days[-1] and (days == days[0]).all():
            return {(fingerprint, int(days[0])) for fingerprint in self.series}
        pairs = np.unique(np.rec.fromarrays([self.fingerprints, days]))
        return {(int(pair[0]), int(pair[1])) for pair in pairs}


def rows(batch: Batch, catalog: Catalog) -> Rows:
    """
    The columns of one batch.
    """
    series: dict[int, Labels] = {}
    fingerprints = np.empty(len(batch.samples), dtype=np.uint64)
    for position, sample in enumerate(batch.samples):
        fingerprint = catalog.fingerprint(sample.series)
        fingerprints[position] = fingerprint
        series[fingerprint] = sample.series.labels
    for exemplar in batch.exemplars:
        series.setdefault(catalog.fingerprint(exemplar.series), exemplar.series.labels)
    return Rows(
        fingerprints,
        np.array([sample.time_ms for sample in batch.samples], dtype=np.int64),
        np.array([sample.value for sample in batch.samples], dtype=np.float64),
        series,
        list(batch.metadata),
        list(batch.exemplars),
        list(batch.events),
        list(batch.spans),
    )


def merge(group: Sequence[Rows]) -> Rows:
    """
    Several rows as one, in their order, so that the last written stays last.
    """
    if len(group) == 1:
        return group[0]
    return Rows(
        np.concatenate([each.fingerprints for each in group]),
        np.concatenate([each.times_ms for each in group]),
        np.concatenate([each.values for each in group]),
        {key: labels for each in group for key, labels in each.series.items()},
        [entry for each in group for entry in each.metadata],
        [exemplar for each in group for exemplar in each.exemplars],
        [event for each in group for event in each.events],
        [span for each in group for span in each.spans],
    )


def series_table(pairs: Iterable[tuple[int, int]], labels_of: Mapping[int, Labels]) -> pa.Table:
    """
    Rows of ``series`` for pairs of fingerprint and day.
    """
    wanted = list(pairs)
    labels = [labels_of[fingerprint] for fingerprint, _ in wanted]
    return pa.table(
        {
            "fingerprint": pa.array([fingerprint for fingerprint, _ in wanted], pa.uint64()),
            "name": pa.array([dict(pairs).get(NAME_LABEL, "") for pairs in labels], pa.string()),
            "labels": pa.array([_without_name(pairs) for pairs in labels], _TEXTS),
            "day": pa.array([day for _, day in wanted], pa.int32()).cast(pa.date32()),
        }
    )


def samples_table(group: Rows) -> pa.Table:
    """
    Rows of ``samples``.
    """
    return pa.table(
        {
            "fingerprint": pa.array(group.fingerprints),
            "time": pa.array(group.times_ms).cast(_MS),
            "value": pa.array(group.values),
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
