"""
This module turns records into telemetry: one ``emit`` for metrics, span attributes and events.
"""

import random
import time
from collections.abc import Callable
from functools import lru_cache
from importlib import metadata
from typing import Any, Final

from opentelemetry import _logs, metrics, trace
from opentelemetry.context import Context
from opentelemetry.trace import INVALID_SPAN, Span

from otel_confidence import conventions as c
from otel_confidence.decisions import EVERYTHING, Decisions
from otel_confidence.records import Record
from otel_confidence.reference import Reference
from otel_confidence.sdk.emitters.dispatch import emitter_of
from otel_confidence.sdk.guard import Guard
from otel_confidence.sdk.instruments import Instruments
from otel_confidence.sdk.labels import Labels
from otel_confidence.sdk.redaction.redactor import Redactor
from otel_confidence.sdk.references import References
from otel_confidence.sdk.seen import Seen
from otel_confidence.sdk.series import OTHER, ModelSeries
from otel_confidence.sdk.sums import Sums, board
from otel_confidence.settings import Settings
from otel_confidence.text import label_text

MAX_EDGES: Final = 100
"""Thresholds that become bucket edges; each is one more series for every bucketed one."""


class Telemetry:
    """
    Everything that records: instruments, tracer, logger, sums and the guard around them.

    Without providers it follows OpenTelemetry's global ones, also when they are set later. Until
    there is a meter provider, records are dropped and counted, reason ``no_provider``.
    """

    def __init__(
        self,
        meter_provider: metrics.MeterProvider | None = None,
        tracer_provider: trace.TracerProvider | None = None,
        logger_provider: _logs.LoggerProvider | None = None,
        settings: Settings | None = None,
        *,
        now: Callable[[], float] = time.time,
        timer: Callable[[], float] = time.perf_counter,
        new_id: Callable[[], int] | None = None,
    ) -> None:
        self.settings: Settings = settings or Settings()
        self.sums: Sums = Sums(max_series=self.settings.max_series)
        self.guard: Guard = Guard(strict=self.settings.strict, count=self._count_fault)
        self.redactor: Redactor = Redactor(self.settings, self.guard)
        self.guard.scrub = self.redactor.scrub
        self.labels: Labels = Labels(
            self.settings, self.guard, self.redactor, self._lose_attributes
        )
        self.now = now
        self.timer = timer
        self.new_id: Callable[[], int] = new_id or _random_id
        self.enabled = True
        """Whether anything is recorded at all; false where OpenTelemetry is disabled."""
        self.closed = False
        """Whether ``shutdown()`` has ended delivery."""
        self._models: dict[tuple[str, str], ModelSeries] = {}
        self._first: Callable[[], object] | None = None
        self._references = References(self.sums, self.guard)
        self._thresholds = set(self.settings.thresholds)
        self.instruments: Instruments
        self.seen: Seen = Seen(self.settings.seen_outcomes)
        self._recorded = {
            signal: self.sums.of(c.RECORDS, {c.SIGNAL.name: signal}) for signal in c.SIGNAL.values
        }
        self.bind(meter_provider, tracer_provider, logger_provider)

    def bind(
        self,
        meter_provider: metrics.MeterProvider | None = None,
        tracer_provider: trace.TracerProvider | None = None,
        logger_provider: _logs.LoggerProvider | None = None,
    ) -> None:
        """
        Record through these providers from now on; None follows the global one.
        """
        self._follows = meter_provider is None
        self.tracer: trace.Tracer = trace.get_tracer(c.SCOPE, _version(), tracer_provider)
        self.logger: _logs.Logger = _logs.get_logger(c.SCOPE, _version(), logger_provider)
        self.measure_with(meter_provider or metrics.get_meter_provider())

    def adjust(self, settings: Settings) -> None:
        """
        Take other settings; the sizes of existing tables stay.
        """
        self.redactor = Redactor(settings, self.guard)
        self.guard.scrub = self.redactor.scrub
        self.labels.adjust(settings, self.redactor)
        self.settings = settings
        self.guard.strict = settings.strict
        for threshold in settings.thresholds:
            self._add_edge(threshold)

    def declare(
        self,
        model: str,
        version: str = "",
        decisions: Decisions = EVERYTHING,
        reference: Reference | None = None,
        source: str = "",
    ) -> ModelSeries:
        """
        Make a model known: its series start at zero, its thresholds become bucket edges.

        Calibration bins need the source of its confidences, where that is known already. A
        reference is published, and features of its predictions are counted against it.
        """
        for edge in decisions.edges:
            self._add_edge(edge)
        series = self.model(model, version)
        series.expect(decisions, source)
        if reference is not None:
            self._references.add(series, reference, self.settings.max_features)
        return series

    def when_declared(self, act: Callable[[], object]) -> None:
        """
        Do something, once, as soon as a model is known.
        """
        self._first = act
        if self._models:
            self._meet()

    def model(self, name: str, version: str) -> ModelSeries:
        """
        The series of a model, those of ``_OTHER`` beyond the limit.
        """
        return self._models.get((name, version)) or self._bounded(name, version)

    def emit(
        self, record: Record, *, span: Span = INVALID_SPAN, context: Context | None = None
    ) -> None:
        """
        Record, never raising: metrics, attributes of the span, events.
        """
        with self.guard("telemetry.emit"):
            if self._follows and metrics.get_meter_provider() is not self._provider:
                self.measure_with(metrics.get_meter_provider())
            emitter_of(record)(self, record, span, context)

    def count_features(self, series: ModelSeries, values: Any) -> None:
        """
        Count what a model saw, one row or many, into the bins of its reference; never raising.
        """
        with self.guard("telemetry.features"):
            self.recorded("feature")
            if not self.lost("feature"):
                reason = self._references.count(series, values)
                if reason:
                    self.dropped("feature", reason)

    def restart(self) -> None:
        """
        Begin again in a forked child: the inherited locks may be held by threads left behind.
        """
        self.seen.restart()
        self.labels.restart()
        self.instruments = Instruments(
            self._provider.get_meter(c.SCOPE, _version()), self._thresholds
        )

    def dropped(self, signal: str, reason: str, count: int = 1) -> None:
        """
        Account for records that were not recorded.
        """
        self.sums.add(c.DROPPED, {c.SIGNAL.name: signal, c.REASON.name: reason}, count)

    def recorded(self, signal: str, count: int = 1) -> None:
        """
        Account for records that the library was given.
        """
        with self.sums.lock:
            self._recorded[signal].value += count

    def lost(self, signal: str, count: int = 1) -> bool:
        """
        Whether records go nowhere; they are accounted for.
        """
        if self._measures and not self.closed:
            return False
        self.dropped(signal, "shutdown" if self.closed else "no_provider", count)
        return True

    def measure_with(self, provider: metrics.MeterProvider) -> None:
        """
        Measure with this provider from now on.
        """
        self._provider = provider
        meter = provider.get_meter(c.SCOPE, _version())
        self.instruments = Instruments(meter, self._thresholds)
        self._measures = _measures(provider)
        if self._measures:
            board(provider, meter).show(self.sums)

    def _bounded(self, name: str, version: str) -> ModelSeries:
        """
        The series of a model that was not met under this very name, however long that is.
        """
        name, version = label_text(name) or OTHER, label_text(version) or ""
        found = self._models.get((name, version))
        if found is None and len(self._models) >= self.settings.max_models:
            self.guard.say_once(
                "max_models",
                "otel_confidence: %s has taken more than %d values, versions told apart, the rest "
                "is recorded as %s", c.MODEL_NAME.name, self.settings.max_models, OTHER,
            )  # fmt: skip
            name, version = OTHER, ""
            found = self._models.get((name, version))
        if found is None:
            public = (self.redactor.name(name), self.redactor.name(version))
            found = self._models[name, version] = ModelSeries(self.sums, *public)
            self._meet()
        return found

    def _meet(self) -> None:
        act, self._first = self._first, None
        if act is not None:
            act()

    def _add_edge(self, threshold: float) -> None:
        if threshold in self._thresholds or threshold in c.CONFIDENCE_EDGES:
            return
        if len(self._thresholds) >= MAX_EDGES:
            self.guard.say_once(
                "edges", "otel_confidence: more than %d thresholds were declared, the rest are no "
                "bucket edges; let those that change take few values", MAX_EDGES,
            )  # fmt: skip
            return
        self._thresholds.add(threshold)
        if self.instruments.edges_settled:
            self.guard.say_once(
                f"edge {threshold}",
                "otel_confidence: threshold %s was declared after predictions were recorded and is "
                "no bucket edge; name it in configure(thresholds=...)", threshold,
            )  # fmt: skip

    def _lose_attributes(self, reason: str, count: int) -> None:
        self.recorded("attribute", count)
        self.dropped("attribute", reason, count)

    def _count_fault(self, place: str, error_type: str) -> None:
        self.sums.add(c.INTERNAL_ERRORS, {c.PLACE.name: place, c.ERROR_TYPE.name: error_type})


def _measures(provider: metrics.MeterProvider) -> bool:
    """
    Whether a meter provider is more than the API's proxy or no-op.
    """
    return not type(provider).__module__.startswith("opentelemetry.metrics")


def _random_id() -> int:
    return random.getrandbits(64)


@lru_cache(maxsize=1)
def _version() -> str:
    try:
        return metadata.version("otel-confidence")
    except metadata.PackageNotFoundError:
        return ""
