"""
This module finds the series of a data point: a stream is all points of one metric and attributes.

What was worked out for one point holds for the next of its stream, and so do name and description
for a metric of one resource, and labels for a resource. Each is remembered within bounds.
"""

from array import array
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count, pairwise
from typing import Any, Final

from otel_confidence import spelling
from otel_confidence.ingest import otlp_points, otlp_shallow
from otel_confidence.ingest.limits import Limits, Refused
from otel_confidence.ingest.otlp_points import DELTA, READING, Read, Shape
from otel_confidence.ingest.recent import Recent
from otel_confidence.ingest.resources import Origin, base_labels, origin
from otel_confidence.points import NAME_LABEL, Metadata, Series

Key = tuple[Any, ...]
"""What tells a stream from all others: its family's number, and what its points repeat."""

_SHAPES: Final[dict[str, Shape]] = {
    "gauge": "number", "sum": "number", "histogram": "histogram", "summary": "summary",
}  # fmt: skip
_MIB: Final = 1 << 20
_ENTRY_BYTES: Final = 500
_SERIES_BYTES: Final = 400
_LABEL_BYTES: Final = 100
"""What an entry, a series and a label take beside their texts, about."""


@dataclass(frozen=True, slots=True)
class Stream:
    """
    The series of a data point, in the order of its values.
    """

    fingerprints: "array[int]"
    series: dict[int, Series]
    order: tuple[Series, ...]


@dataclass(frozen=True, slots=True)
class Family:
    """
    One metric of one resource.
    """

    number: int
    """The same for as long as it is remembered, and never another's."""
    name: str
    shape: Shape
    read: Callable[[Any], Read]
    is_delta: bool
    counts: bool
    """Whether its points count from a start on."""
    about: Metadata
    origin: Origin


Place = tuple[Origin, Stream | None]
"""A resource, and the stream of its ``target_info`` where it has one."""


class Streams:
    """
    The resources, metrics and streams seen lately. Safe for use by many threads.
    """

    def __init__(
        self, limits: Limits, *, size: int = 200_000, size_bytes: int = 256 * _MIB
    ) -> None:
        self._limits = limits
        self._numbers = count()
        self._origins: Recent[Key, Place] = Recent(size=10_000, size_bytes=32 * _MIB)
        self._families: Recent[Key, Family] = Recent(size=50_000, size_bytes=64 * _MIB)
        self._streams: Recent[Key, Stream] = Recent(size=size, size_bytes=size_bytes)
        self.known: Callable[[Key], Stream | None] = self._streams.get
        """The stream of a key, None where it has to be made."""

    def __len__(self) -> int:
        return len(self._streams)

    def place(self, resource: Any) -> Place:
        """
        What a resource gives to its series, and the one that describes it.

        Raises:
            Refused: Its attributes are too long or too many to be labels.
        """
        key = tuple(resource.attributes[:])
        found = self._origins.get(key)
        if found is None:
            here = origin(key, otlp_shallow.attributes(list(key)), self._limits)
            found = here, None if here.info is None else _stream((here.info,))
            texts = 4 * sum(map(len, key))
            self._origins.put(key, found, _ENTRY_BYTES + len(key) * _LABEL_BYTES + texts)
        return found

    def family(self, metric: Any, which: str, here: Origin) -> Family:
        """
        What a metric is to its points.

        Raises:
            Refused: Its name, type or temporality is none that is kept.
        """
        said = (metric.name, metric.unit, metric.description)
        more = otlp_points.nature(metric, which)
        key = (here.key, which, more, said)
        found = self._families.get(key)
        if found is None:
            found = self._family(metric, which, here)
            texts = sum(map(len, said)) + sum(map(len, here.key))
            self._families.put(key, found, _ENTRY_BYTES + texts)
        return found

    def make(self, key: Key, point: Any, family: Family) -> Stream:
        """
        The stream of a point seen for the first time.

        Raises:
            Refused: Its bounds or attributes are none that can be kept.
        """
        if family.shape == "histogram":
            _check_bounds(point.explicit_bounds[:])
        labels = base_labels(otlp_shallow.attributes(point.attributes[:]), family.origin)
        made = tuple(otlp_points.series_of(point, family.shape, family.name, labels))
        self._limits.check_labels(made[-1].labels)
        stream = _stream(made)
        self._streams.put(key, stream, _weight(made))
        return stream

    def _family(self, metric: Any, which: str, here: Origin) -> Family:
        kind, kept_as = otlp_points.kind(metric, which)
        try:
            name = spelling.metric_name(metric.name, metric.unit, kind)
        except ValueError as error:
            raise Refused("invalid_name", str(error)) from None
        self._limits.check_labels([(NAME_LABEL, name), ("unit", metric.unit)])
        text = metric.description[: self._limits.label_value_bytes]
        about = Metadata(name, kept_as, spelling.unit_name(metric.unit), text)
        is_delta = otlp_points.nature(metric, which)[0] == DELTA
        shape = _SHAPES[which]
        read = READING[shape]
        counts = is_delta or kept_as != "gauge"
        return Family(next(self._numbers), name, shape, read, is_delta, counts, about, here)


def _stream(series: tuple[Series, ...]) -> Stream:
    fingerprints = array("Q", [each.fingerprint for each in series])
    return Stream(fingerprints, dict(zip(fingerprints, series, strict=True)), series)


def _weight(made: tuple[Series, ...]) -> int:
    labels = made[-1].labels
    # The texts of a stream's series are the same objects; its key has them once more.
    texts = 2 * sum(len(name) + len(value) for name, value in labels)
    return _ENTRY_BYTES + len(made) * (_SERIES_BYTES + _LABEL_BYTES * len(labels)) + texts


def _check_bounds(bounds: list[float]) -> None:
    if any(low >= high for low, high in pairwise(bounds)):
        raise Refused("malformed_histogram", "the bounds do not rise")
