"""
This module keeps what Prometheus's remote write brings: samples, exemplars and metadata.

What is wrong with one series, sample or exemplar costs that one: the rest of the request is kept,
and the sender hears what was refused. Labels have to be as the specifications ask: sorted, each
once, neither name nor value empty, a metric name among them. Native histograms are refused.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

from otel_confidence.ingest.limits import Limits, Refusals, Refused
from otel_confidence.ingest.pipeline import Ledger
from otel_confidence.ingest.recent import Recent
from otel_confidence.ingest.remote_requests import (
    About,
    Key,
    Pairs,
    Request,
    Version,
    parsed,
    request,
)
from otel_confidence.ingest.snappy import decompressed
from otel_confidence.points import (
    NAME_LABEL,
    Batch,
    Exemplar,
    Gathering,
    Labels,
    Metadata,
    MetricType,
    Series,
)

SIGNAL: Final = "metric"
_MIB: Final = 1 << 20
_MAX_BYTES: Final = 20 * _MIB
_MAX_SERIES_BYTES: Final = 4 * _MIB
"""The most one series may measure, so that parsing it needs little memory, whatever it holds."""
_ENTRY_BYTES: Final = 500
_LABEL_BYTES: Final = 200
"""What a series remembered and each of its labels take beside their texts, about."""
_BAD: Final = "invalid_labels"
_TYPES: Final[Mapping[int, MetricType]] = {
    1: "counter", 2: "gauge", 3: "histogram", 5: "summary", 6: "info",
}  # fmt: skip
"""Gauge histograms and state sets, which nothing here reads otherwise, are unknown ones."""
_SUFFIXES: Final[Mapping[MetricType, tuple[str, ...]]] = {
    "histogram": ("_bucket", "_sum", "_count"),
    "summary": ("_sum", "_count"),
}


@dataclass(frozen=True, slots=True)
class Written:
    """
    What of a request was kept, and what was not.
    """

    samples: int = 0
    exemplars: int = 0
    refusals: Refusals = field(default_factory=Refusals)


class RemoteWriter:
    """
    From a request to the sink. Blocks as long as the sink does; safe for use by many threads.
    """

    def __init__(
        self,
        sink: Callable[[Batch], None],
        *,
        limits: Limits | None = None,
        ledger: Ledger | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.ledger = ledger or Ledger()
        self._sink = sink
        self._limits = limits or Limits()
        self._known = _Knowledge(self._limits)
        self._now = now

    def accept(self, block: bytes, version: Version) -> Written:
        """
        Keep what can be kept of a compressed request; return once the sink has it.

        Raises:
            InvalidRecord: It is no request at all; nothing was kept.
            StoreBusy: The sink is full; nothing was kept.
            StoreError: The sink failed.
        """
        came = request(decompressed(block, max_bytes=_MAX_BYTES), version)
        decoding = _Decoding(came, self._limits, self._known, self._now())
        decoding.add()
        batch, refusals = decoding.batch(), decoding.refusals
        if len(batch.samples) or batch.exemplars or batch.metadata:
            self._sink(batch)
        self.ledger.keep(SIGNAL, len(batch.samples))
        for reason, count in refusals.counts.items():
            self.ledger.lose(SIGNAL, reason, count)
        return Written(len(batch.samples), len(batch.exemplars), refusals)


@dataclass(frozen=True, slots=True)
class _Known:
    """
    A series, and what is asked of it again and again.
    """

    series: Series
    fingerprint: int
    name: str


class _Knowledge:
    """
    The series seen lately, so that the next sample of the same costs little.
    """

    def __init__(
        self, limits: Limits, *, size: int = 300_000, size_bytes: int = 256 * _MIB
    ) -> None:
        self._limits = limits
        self._series: Recent[tuple[str, Key], _Known] = Recent(size=size, size_bytes=size_bytes)

    def of(self, key: Key, came: Request) -> _Known:
        """
        The series with these labels; refused unless they are as they have to be.
        """
        known = self._series.get((came.kind, key))
        if known is None:
            series = Series(_series_labels(came.pairs(key), self._limits))
            known = _Known(series, series.fingerprint, series.name)
            size_bytes = _ENTRY_BYTES + len(key) * _LABEL_BYTES + 2 * sum(map(len, key))
            self._series.put((came.kind, key), known, size_bytes)
        return known


class _Decoding:
    """
    One request on its way into a batch.
    """

    def __init__(self, came: Request, limits: Limits, known: _Knowledge, now_s: float) -> None:
        self.refusals = Refusals()
        self._batch = Batch()
        self._gathering = Gathering()
        self._came = came
        self._limits = limits
        self._known = known
        self._now_s = now_s
        self._earliest_ms = (now_s - limits.age_s) * 1000
        self._latest_ms = (now_s + limits.lead_s) * 1000
        self._room = limits.points

    def batch(self) -> Batch:
        """
        What can be kept.
        """
        self._batch.samples = self._gathering.samples()
        return self._batch

    def add(self) -> None:
        """
        Add everything to the batch or to the refusals.
        """
        for position, content in enumerate(self._came.series):
            where = f"series {position}"
            if len(content) > _MAX_SERIES_BYTES:
                why = f"it has {len(content)} bytes, more than {_MAX_SERIES_BYTES}"
                self.refusals.add(where, Refused("series_too_large", why))
            else:
                self._series(where, parsed(self._came.kind, content))
        for about in self._came.abouts():
            self._describe("metadata", about)

    def _series(self, where: str, given: Any) -> None:
        # Each of these makes an object anew whenever it is asked for.
        samples, exemplars, histograms = given.samples, given.exemplars, len(given.histograms)
        points = len(samples) + len(exemplars)
        try:
            known = self._known.of(self._came.key(given), self._came)
            self._check_full(known.name, points + histograms)
            self._take(points)
        except Refused as refused:
            self.refusals.add(where, refused, max(1, points + histograms))
            return
        started_ms = 0
        for sample in samples:
            self._sample(known, sample.timestamp, sample.value)
            started_ms = self._came.started_ms(given, sample)
        if 0 < started_ms <= self._latest_ms:
            self._batch.starts.append(((known.fingerprint,), started_ms * 1_000_000))
        if exemplars:
            self._exemplars(known, exemplars)
        if histograms:
            why = "native histograms are not kept; send them as classic ones, with buckets"
            self.refusals.add(known.name, Refused("native_histogram", why), histograms)
        try:
            about = self._came.about(given, known.name)
        except Refused as refused:
            self.refusals.add(f"metadata of {known.name}", refused)
            return
        if about is not None:
            self._describe(known.name, about)

    def _check_full(self, name: str, points: int) -> None:
        # The specification asks for a sample or histogram. Prometheus itself sends exemplars alone.
        if self._came.needs_samples and not points:
            raise Refused("no_samples", f"{name} has no sample, histogram or exemplar")

    def _take(self, points: int) -> None:
        if points > self._room:
            raise Refused("too_many_points", f"more than {self._limits.points} samples")
        self._room -= points

    def _sample(self, known: _Known, time_ms: int, value: float) -> None:
        try:
            self._check_time(time_ms)
        except Refused as refused:
            self.refusals.add(known.name, refused)
            return
        self._gathering.add(known.series, known.fingerprint, time_ms, value)

    def _exemplars(self, known: _Known, exemplars: Iterable[Any]) -> None:
        for exemplar in exemplars:
            try:
                self._check_time(exemplar.timestamp)
                pairs = self._came.pairs(self._came.key(exemplar))
                labels = _exemplar_labels(pairs, self._limits)
            except Refused as refused:
                self.refusals.add(f"exemplar of {known.name}", refused)
                continue
            kept = Exemplar(known.series, exemplar.timestamp, exemplar.value, labels)
            self._batch.exemplars.append(kept)

    def _check_time(self, time_ms: int) -> None:
        if not self._earliest_ms <= time_ms <= self._latest_ms:
            self._limits.check_time(time_ms * 1_000_000, self._now_s)

    def _describe(self, where: str, about: About) -> None:
        kind = _TYPES.get(about.type, "unknown")
        longest = self._limits.label_value_bytes
        try:
            name, unit = _text(about.name), _text(about.unit)
            self._limits.check_labels([(NAME_LABEL, name), ("unit", unit)])
        except Refused as refused:
            self.refusals.add(where, refused)
            return
        text = about.help[:longest].decode("utf-8", "replace")
        if name and (about.type or unit or text):
            self._batch.metadata.append(Metadata(_family(name, kind), kind, unit, text))


def _family(name: str, kind: MetricType) -> str:
    suffixes = (suffix for suffix in _SUFFIXES.get(kind, ()) if name.endswith(suffix))
    return name.removesuffix(next(suffixes, ""))


def _series_labels(pairs: Pairs, limits: Limits) -> Labels:
    labels = _labels(pairs, limits)
    names = [name for name, _ in labels]
    for before, name in pairwise(names):
        if before > name:
            raise Refused(_BAD, f"labels are not sorted: {before!r} stands before {name!r}")
    if NAME_LABEL not in names:
        raise Refused(_BAD, f"the metric has no name: there is no label {NAME_LABEL}")
    return labels


def _exemplar_labels(pairs: Pairs, limits: Limits) -> Labels:
    return tuple(sorted(_labels(pairs, limits)))


def _labels(pairs: Pairs, limits: Limits) -> Labels:
    labels = tuple([(_text(name), _text(value)) for name, value in pairs])
    limits.check_labels(labels)
    seen: set[str] = set()
    for name, value in labels:
        if not name:
            raise Refused(_BAD, f"the label with the value {value[:80]!r} has no name")
        if not value:
            raise Refused(_BAD, f"label {name!r} is empty")
        if name in seen:
            raise Refused(_BAD, f"label {name!r} occurs twice")
        seen.add(name)
    return labels


def _text(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise Refused(_BAD, f"{content[:80]!r} is no UTF-8") from None
