"""
This module holds what the server keeps: series with their samples, exemplars, events and spans.

Times are integers in milliseconds (Prometheus's own resolution) for samples and nanoseconds
(OpenTelemetry's) for events and spans, always since the Unix epoch in UTC.
"""

import hashlib
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


@dataclass(slots=True)
class Batch:
    """
    What one request brings, stored as a whole or not at all.
    """

    samples: list[Sample] = field(default_factory=list)
    exemplars: list[Exemplar] = field(default_factory=list)
    metadata: list[Metadata] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)

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
