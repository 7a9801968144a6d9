"""
This module holds what the server keeps: series with their samples, exemplars, events and spans.

Times are integers in milliseconds (Prometheus's own resolution) for samples and nanoseconds
(OpenTelemetry's) for events and spans, always since the Unix epoch in UTC.
"""

import hashlib
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

NAME_LABEL = "__name__"
Labels = tuple[tuple[str, str], ...]
"""Pairs of label and value, sorted by label, without empty values; the name is ``__name__``."""
MetricType = Literal["counter", "gauge", "histogram", "summary", "info", "unknown"]


@dataclass(frozen=True, slots=True)
class Series:
    """
    One time series: Prometheus's labels, the name among them.
    """

    labels: Labels

    @property
    def name(self) -> str:
        """
        The metric's name, with ``_bucket``, ``_sum`` or ``_count`` where it is a histogram's.
        """
        return dict(self.labels).get(NAME_LABEL, "")

    @property
    def fingerprint(self) -> int:
        """
        Sixty-four bits that stand for the labels, the same in every process (BLAKE2b).
        """
        # Neither byte occurs in UTF-8, so that no text of a label can look like two labels.
        pairs = b"\xff".join(
            b"%b\xfe%b" % (_utf_8(key), _utf_8(value)) for key, value in self.labels
        )
        return int.from_bytes(hashlib.blake2b(pairs, digest_size=8).digest(), "big")


@dataclass(frozen=True, slots=True)
class Sample:
    """
    One value of one series.
    """

    series: Series
    time_ms: int
    value: float


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """
    Samples as columns, in the order they came: a row is one value of one series.
    """

    fingerprints: NDArray[np.uint64] = field(default_factory=lambda: np.empty(0, np.uint64))
    times_ms: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    values: NDArray[np.float64] = field(default_factory=lambda: np.empty(0, np.float64))
    series: Mapping[int, Series] = field(default_factory=dict)
    """Every series that occurs in the rows, and no other, by its fingerprint."""

    @classmethod
    def of(cls, rows: Iterable[Sample]) -> "Samples":
        """
        The columns of single samples; for few of them, since each costs a step.
        """
        known: dict[Series, int] = {}
        gathering = Gathering()
        for row in rows:
            fingerprint = known.get(row.series)
            if fingerprint is None:
                fingerprint = known[row.series] = row.series.fingerprint
            gathering.add(row.series, fingerprint, row.time_ms, row.value)
        return gathering.samples()

    @classmethod
    def run(
        cls, series: Series, times_ms: NDArray[np.int64], values: NDArray[np.float64]
    ) -> "Samples":
        """
        Many samples of one series.
        """
        fingerprint = series.fingerprint
        fingerprints = np.full(len(values), fingerprint, dtype=np.uint64)
        return cls(fingerprints, times_ms, values, {fingerprint: series} if len(values) else {})

    @classmethod
    def joined(cls, parts: "Sequence[Samples]") -> "Samples":
        """
        Several as one, in their order.
        """
        if len(parts) == 1:
            return parts[0]
        series: dict[int, Series] = {}
        for part in parts:
            series.update(part.series)
        return cls(
            np.concatenate([cls().fingerprints, *(part.fingerprints for part in parts)]),
            np.concatenate([cls().times_ms, *(part.times_ms for part in parts)]),
            np.concatenate([cls().values, *(part.values for part in parts)]),
            series,
        )

    def __len__(self) -> int:
        return len(self.fingerprints)

    def __iter__(self) -> Iterator[Sample]:
        rows = zip(
            self.fingerprints.tolist(), self.times_ms.tolist(), self.values.tolist(), strict=True
        )
        for fingerprint, time_ms, value in rows:
            yield Sample(self.series[fingerprint], time_ms, value)


class Gathering:
    """
    Columns of samples that grow.
    """

    __slots__ = ("fingerprints", "series", "times_ms", "values")

    def __init__(self) -> None:
        self.fingerprints = array("Q")
        self.times_ms = array("q")
        self.values = array("d")
        self.series: dict[int, Series] = {}

    def add(self, series: Series, fingerprint: int, time_ms: int, value: float) -> None:
        """
        Add one sample of a series whose fingerprint is known.
        """
        self.fingerprints.append(fingerprint)
        self.times_ms.append(time_ms)
        self.values.append(value)
        self.series[fingerprint] = series

    def samples(self) -> Samples:
        """
        What was gathered so far.
        """
        return Samples(
            np.array(self.fingerprints, dtype=np.uint64),
            np.array(self.times_ms, dtype=np.int64),
            np.array(self.values, dtype=np.float64),
            self.series,
        )


@dataclass(frozen=True, slots=True)
class Exemplar:
    """
    One recorded value that links a series to a trace.
    """

    series: Series
    time_ms: int
    value: float
    labels: Labels


@dataclass(frozen=True, slots=True)
class Metadata:
    """
    What is known of a metric's name: type, unit, help.
    """

    name: str
    type: MetricType
    unit: str
    help: str


@dataclass(frozen=True, slots=True)
class Event:
    """
    One log record; ``name`` is its event name, empty for a plain log line.
    """

    time_ns: int
    name: str
    severity: int
    severity_text: str
    body: str
    trace_id: str
    span_id: str
    attributes: dict[str, str]
    """Values as text: numbers in their shortest exact form, arrays and maps as JSON."""
    resource: dict[str, str]


@dataclass(frozen=True, slots=True)
class SpanEvent:
    """
    Something that happened within a span.
    """

    time_ns: int
    name: str
    attributes: dict[str, str]


@dataclass(frozen=True, slots=True)
class SpanLink:
    """
    A span's reference to another span.
    """

    trace_id: str
    span_id: str
    attributes: dict[str, str]


@dataclass(frozen=True, slots=True)
class Span:
    """
    One finished span; ids are lower-case hexadecimal, ``parent_id`` empty for a root.
    """

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    kind: str
    start_ns: int
    end_ns: int
    status: str
    status_message: str
    attributes: dict[str, str]
    resource: dict[str, str]
    events: tuple[SpanEvent, ...] = ()
    links: tuple[SpanLink, ...] = ()


Start = tuple[Sequence[int], int]
"""The fingerprints of series that count from one moment on, and that moment in nanoseconds."""


@dataclass(slots=True)
class Batch:
    """
    What one request brings, stored as a whole or not at all.
    """

    samples: Samples = field(default_factory=Samples)
    exemplars: list[Exemplar] = field(default_factory=list)
    metadata: list[Metadata] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    starts: list[Start] = field(default_factory=list)
    """Since when series of the samples count, as far as their senders said."""

    def __len__(self) -> int:
        return len(self.samples) + len(self.exemplars) + len(self.events) + len(self.spans)


@dataclass(frozen=True, slots=True)
class Matcher:
    """
    A condition on one label; a missing label matches as the empty text, as in PromQL.
    """

    label: str
    op: Literal["=", "!=", "=~", "!~"]
    value: str
    """The text, or for ``=~`` and ``!~`` a regular expression (RE2) anchored at both ends."""


@dataclass(frozen=True, slots=True)
class Selection:
    """
    A series found by a query and its samples in time order, one per time.
    """

    labels: Labels
    times_ms: NDArray[np.int64]
    values: NDArray[np.float64]


def _utf_8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
