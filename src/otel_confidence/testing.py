"""
This module is a pytest plugin: the ``telemetry`` fixture captures what the code under test records.

    def test_unsure_answers_are_flagged(telemetry):
        classify(blurred_image)  # decorated with otel_confidence.track_confidence

        assert 1 == len(telemetry.events("ml.prediction.low_confidence"))

The clock stands still until it is moved, ids count from one, and a fault that the library would
contain in production is raised.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any

import pytest
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.trace import Tracer

from otel_confidence.sdk import recording, reporting, tracking
from otel_confidence.sdk.current import used
from otel_confidence.sdk.telemetry import Telemetry
from otel_confidence.settings import Settings


class FakeClock:
    """
    A clock that stands still until it is moved.
    """

    def __init__(self, time_s: float = 1_700_000_000.0) -> None:
        self.time_s: float = time_s
        """Epoch seconds."""

    def __call__(self) -> float:
        """
        The time.
        """
        return self.time_s

    def advance(self, seconds: float) -> None:
        """
        Move the clock on.
        """
        self.time_s += seconds


class SequentialIds(IdGenerator):
    """
    Trace and span ids that count from one.
    """

    def __init__(self) -> None:
        self._traces, self._spans = count(1), count(1)

    def generate_span_id(self) -> int:
        """
        The next span id.
        """
        return next(self._spans)

    def generate_trace_id(self) -> int:
        """
        The next trace id.
        """
        return next(self._traces)


@dataclass(frozen=True, slots=True)
class Point:
    """
    One series of a metric as it would be exported now.
    """

    attributes: Mapping[str, Any]
    value: float
    """A counter's or gauge's value; a histogram's sum."""
    count: int = 0
    """How many values a histogram holds."""
    buckets: Mapping[float, int] | None = None
    """A histogram's counts by upper edge, not cumulated; the last edge is infinite."""


@dataclass(frozen=True, slots=True)
class Event:
    """
    One event.
    """

    name: str
    attributes: Mapping[str, Any]
    severity: str
    trace_id: int
    span_id: int
    time_s: float


class Capture:
    """
    A ``Telemetry`` over in-memory exporters, and what arrived there.

    Code that names no telemetry records here too while the fixture is in use.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self.clock: FakeClock = FakeClock()
        """The wall clock and the stop watch."""
        self._reader = InMemoryMetricReader()
        self._spans = InMemorySpanExporter()
        self._events = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]  # as shipped
        self.meter_provider: MeterProvider = MeterProvider([self._reader], shutdown_on_exit=False)
        """For metrics of the test's own."""
        tracers = TracerProvider(shutdown_on_exit=False, id_generator=SequentialIds())
        tracers.add_span_processor(SimpleSpanProcessor(self._spans))
        loggers = LoggerProvider(shutdown_on_exit=False)
        loggers.add_log_record_processor(SimpleLogRecordProcessor(self._events))
        self.tracer: Tracer = tracers.get_tracer("test")
        """For spans of the test's own around the code under test."""
        self.telemetry: Telemetry = Telemetry(
            self.meter_provider,
            tracers,
            loggers,
            settings or Settings(strict=True),
            now=self.clock,
            timer=self.clock,
            new_id=partial(next, count(1)),
        )
        self.track_confidence = partial(tracking.track_confidence, telemetry=self.telemetry)
        self.prediction = partial(tracking.prediction, telemetry=self.telemetry)
        self.record_outcome = partial(recording.record_outcome, telemetry=self.telemetry)
        self.record_feedback = partial(recording.record_feedback, telemetry=self.telemetry)
        self.record = partial(reporting.record, telemetry=self.telemetry)
        self.record_performance = partial(reporting.record_performance, telemetry=self.telemetry)
        self.record_usage = partial(reporting.record_usage, telemetry=self.telemetry)
        self.record_learning = partial(reporting.record_learning, telemetry=self.telemetry)
        self.record_optimization = partial(reporting.record_optimization, telemetry=self.telemetry)
        self.record_error = partial(reporting.record_error, telemetry=self.telemetry)
        self.record_resource = partial(reporting.record_resource, telemetry=self.telemetry)
        self.record_data_quality = partial(reporting.record_data_quality, telemetry=self.telemetry)
        self.usage = partial(reporting.usage, telemetry=self.telemetry)

    def points(self, metric: str, **attributes: str) -> list[Point]:
        """
        A metric's series, those that have these attributes, dots of their names as underscores.
        """
        data = self._reader.get_metrics_data()
        scopes = [s for r in data.resource_metrics for s in r.scope_metrics] if data else []
        found = [m for s in scopes for m in s.metrics if m.name == metric]
        points = [_point(p) for m in found for p in m.data.data_points]
        return [p for p in points if _has(p.attributes, attributes)]

    def value(self, metric: str, **attributes: str) -> float:
        """
        The sum over those series: of a histogram, how many values it holds.
        """
        points = self.points(metric, **attributes)
        return sum(p.value if p.buckets is None else p.count for p in points)

    def level(self, metric: str, **attributes: str) -> float:
        """
        Where a gauge stands.

        Raises:
            LookupError: none of its series, or more than one, has these attributes.
        """
        points = self.points(metric, **attributes)
        if len(points) != 1:
            found = [dict(p.attributes) for p in points]
            raise LookupError(f"{metric} has {len(points)} series with {attributes}: {found}")
        return points[0].value

    def by(self, metric: str, attribute: str) -> dict[str, float]:
        """
        What a metric adds up to for each value of one attribute, zeros left out.
        """
        totals: dict[str, float] = {}
        for point in self.points(metric):
            key = str(point.attributes.get(attribute, ""))
            added = point.value if point.buckets is None else point.count
            totals[key] = totals.get(key, 0) + added
        return {key: total for key, total in totals.items() if total}

    def errors_by_type(self) -> dict[str, float]:
        """
        Exceptions of the code under test, counted by type.
        """
        return self.by("ml.errors", "error.type")

    def dropped(self) -> dict[str, float]:
        """
        What was not recorded, counted by reason.
        """
        return self.by("otel_confidence.dropped", "otel_confidence.reason")

    def spans(self, name: str = "") -> list[ReadableSpan]:
        """
        The spans that have ended, all or those of one name.
        """
        spans = self._spans.get_finished_spans()
        return [span for span in spans if name in {"", span.name}]

    def events(self, name: str = "") -> list[Event]:
        """
        The events, all or those of one name.
        """
        records = [data.log_record for data in self._events.get_finished_logs()]
        events = [
            Event(
                r.event_name or "",
                dict(r.attributes or {}),
                r.severity_text or "",
                r.trace_id or 0,
                r.span_id or 0,
                (r.timestamp or 0) / 1e9,
            )
            for r in records
        ]
        return [event for event in events if name in {"", event.name}]


@pytest.fixture(name="telemetry")
def _telemetry() -> Iterator[Capture]:
    """
    Captured telemetry: metrics, spans and events of the code under test.
    """
    capture = Capture()
    with used(capture.telemetry):
        yield capture


def _has(attributes: Mapping[str, Any], wanted: Mapping[str, str]) -> bool:
    return wanted.items() <= {k.replace(".", "_"): v for k, v in attributes.items()}.items()


def _point(point: Any) -> Point:
    if not hasattr(point, "bucket_counts"):
        return Point(dict(point.attributes), point.value)
    edges = (*point.explicit_bounds, float("inf"))
    buckets = dict(zip(edges, point.bucket_counts, strict=True))
    return Point(dict(point.attributes), point.sum, point.count, buckets)
