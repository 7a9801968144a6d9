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
from otel_confidence.errors import ConfigurationError
from otel_confidence.records import Failure, Feedback, Outcome, Prediction, Record
from otel_confidence.sdk import details, events
from otel_confidence.sdk.details import Detail
from otel_confidence.sdk.guard import Guard
from otel_confidence.sdk.instruments import Instruments
from otel_confidence.sdk.seen import Seen
from otel_confidence.sdk.series import OTHER, ModelSeries, bin_of, decision_of, tier_of
from otel_confidence.sdk.sums import Sums, board
from otel_confidence.sdk.text import type_name
from otel_confidence.settings import Settings

_IDS: Final = 2**64


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
        self.settings = settings or Settings()
        self.sums = Sums(max_series=self.settings.max_series)
        self.guard = Guard(strict=self.settings.strict, count=self._count_fault)
        self.now = now
        self.timer = timer
        self.new_id = new_id or _random_id
        self.enabled = True
        """Whether anything is recorded at all; false where OpenTelemetry is disabled."""
        self.closed = False
        """Whether ``shutdown()`` has ended delivery."""
        self._models: dict[tuple[str, str], ModelSeries] = {}
        self._thresholds = set(self.settings.thresholds)
        self._seen = Seen(self.settings.seen_outcomes)
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
        self.tracer = trace.get_tracer(c.SCOPE, _version(), tracer_provider)
        self.logger = _logs.get_logger(c.SCOPE, _version(), logger_provider)
        self.measure_with(meter_provider or metrics.get_meter_provider())

    def adjust(self, settings: Settings) -> None:
        """
        Take other settings; the sizes of existing tables stay.
        """
        self.settings = settings
        self.guard.strict = settings.strict
        for threshold in settings.thresholds:
            self._add_edge(threshold)

    def declare(self, model: str, version: str = "", threshold: float | None = None) -> ModelSeries:
        """
        Make a model known: its series start at zero, its threshold becomes a bucket edge.
        """
        if threshold is not None:
            self._add_edge(threshold)
        series = self.model(model, version)
        series.expect(threshold)
        return series

    def model(self, name: str, version: str) -> ModelSeries:
        """
        The series of a model, those of ``_OTHER`` beyond the limit.
        """
        found = self._models.get((name, version))
        if found is None and len(self._models) >= self.settings.max_models:
            self.guard.say_once(
                "max_models", "otel_confidence: more than %d models, the rest is recorded as %s",
                self.settings.max_models, OTHER,
            )  # fmt: skip
            name, version = OTHER, ""
            found = self._models.get((name, version))
        if found is None:
            found = self._models[name, version] = ModelSeries(self.sums, name, version)
        return found

    def emit(
        self, record: Record, *, span: Span = INVALID_SPAN, context: Context | None = None
    ) -> None:
        """
        Record, never raising: metrics, attributes of the span, events.
        """
        with self.guard("telemetry.emit"):
            if self._follows and metrics.get_meter_provider() is not self._provider:
                self.measure_with(metrics.get_meter_provider())
            if isinstance(record, Prediction):
                self._emit_prediction(record, span, context)
            elif isinstance(record, Failure):
                self._emit_failure(record, span, context)
            elif isinstance(record, Outcome):
                self._emit_outcome(record)
            elif isinstance(record, Feedback):
                self._emit_feedback(record)
            else:
                raise ConfigurationError(f"not a record: {type_name(record)}")

    def restart(self) -> None:
        """
        Begin again in a forked child: the inherited locks may be held by threads left behind.
        """
        self._seen.restart()
        self._instruments = Instruments(
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

    def measure_with(self, provider: metrics.MeterProvider) -> None:
        """
        Measure with this provider from now on.
        """
        self._provider = provider
        meter = provider.get_meter(c.SCOPE, _version())
        self._instruments = Instruments(meter, self._thresholds)
        self._measures = _measures(provider)
        if self._measures:
            board(provider, meter).show(self.sums)

    def _add_edge(self, threshold: float) -> None:
        if threshold in self._thresholds or threshold in c.CONFIDENCE_EDGES:
            return
        self._thresholds.add(threshold)
        if self._instruments.edges_settled:
            self.guard.say_once(
                f"edge {threshold}",
                "otel_confidence: threshold %s was declared after predictions were recorded and is "
                "no bucket edge; name it in configure(thresholds=...)", threshold,
            )  # fmt: skip

    def _lost(self, signal: str, count: int = 1) -> bool:
        """
        Whether records go nowhere; they are accounted for.
        """
        if self._measures and not self.closed:
            return False
        self.dropped(signal, "shutdown" if self.closed else "no_provider", count)
        return True

    def _emit_prediction(self, p: Prediction, span: Span, context: Context | None) -> None:
        self.recorded("prediction", p.size)
        detail = details.of_prediction(p)
        if not self._lost("prediction", p.size):
            with self.guard("emit.metrics"):
                self._measure_prediction(p, self.model(p.model, p.version), context)
        with self.guard("emit.span"):
            if span.is_recording():
                span.set_attributes(detail)
        with self.guard("emit.event"):
            self._tell_prediction(p, detail, context)

    def _measure_prediction(
        self, p: Prediction, series: ModelSeries, context: Context | None
    ) -> None:
        known = _numbers(p.confidence)
        for value in known:
            self._measure_confidence(value, p, series, context)
        self._account_confidences(p, len(known), series)
        duration = self._instruments.histogram(c.PREDICTION_DURATION)
        duration.record(p.duration_s, series.attributes, context)
        for value in _numbers(p.uncertainty):
            uncertainty = self._instruments.histogram(c.PREDICTION_UNCERTAINTY)
            uncertainty.record(value, series.uncertainty(p.method), context)

    def _measure_confidence(
        self, value: float, p: Prediction, series: ModelSeries, context: Context | None
    ) -> None:
        decision = decision_of(value, p.threshold)
        made = series.predictions(decision, tier_of(value))
        series.bins(p.source)
        with self.sums.lock:
            made.value += 1
        confidences = self._instruments.histogram(c.PREDICTION_CONFIDENCE)
        confidences.record(value, series.confidence(p.source, decision), context)

    def _account_confidences(self, p: Prediction, known: int, series: ModelSeries) -> None:
        """
        Balance the ledger: a confidence that was changed, by clipping, is a dropped and a new one.
        """
        self.recorded("confidence", known + sum(p.rejected.values()))
        for reason, count in p.rejected.items():
            self.dropped("confidence", reason, count)
        if known < p.size:
            unknown = series.predictions("", "")
            with self.sums.lock:
                unknown.value += p.size - known

    def _tell_prediction(self, p: Prediction, detail: Detail, context: Context | None) -> None:
        low = (
            p.threshold is not None
            and isinstance(p.confidence, float)
            and p.confidence < p.threshold
        )
        sampled = p.id < self.settings.event_sample_ratio * _IDS
        if (low or sampled) and self.logger.enabled():
            told = self.model(p.model, p.version).attributes | detail
            if sampled:
                events.emit(self.logger, c.RESULT, told, time_s=p.time_s, context=context)
            if low:
                low_event = c.LOW_CONFIDENCE_RESULT
                events.emit(self.logger, low_event, told, time_s=p.time_s, context=context)

    def _emit_failure(self, f: Failure, span: Span, context: Context | None) -> None:
        signal = "prediction" if f.cancelled else "error"
        self.recorded(signal)
        if f.cancelled:
            self.dropped(signal, "cancelled")
            return
        series = self.model(f.model, f.version)
        kind = series.error_type(f.error_type)
        if span.is_recording():
            span.set_attribute(c.ERROR_TYPE.name, f.error_type)
            span.set_status(trace.StatusCode.ERROR, f.error_type)
        if self._lost(signal):
            return
        errors = series.errors(kind)
        with self.sums.lock:
            errors.value += 1
        duration = self._instruments.histogram(c.PREDICTION_DURATION)
        duration.record(f.duration_s, series.failed_duration(kind), context)

    def _emit_outcome(self, o: Outcome) -> None:
        self.recorded("outcome")
        if self._lost("outcome"):
            return
        if self._seen.before(o.prediction_id):
            self.dropped("outcome", "duplicate")
            return
        series = self.model(o.model, o.version)
        counted = series.outcomes(details.turned_out(o))
        with self.sums.lock:
            counted.value += 1
        if o.confidence is not None and o.correct is not None:
            self._calibrate(series, o.source, o.confidence, o.correct)
        context = events.context_of(o.link)
        delays = self._instruments.histogram(c.PREDICTION_LABEL_DELAY)
        delays.record(o.delay_s, series.attributes, context)
        told = series.attributes | details.of_outcome(o)
        events.emit(self.logger, c.OUTCOME_KNOWN, told, time_s=self.now(), context=context)

    def _calibrate(
        self, series: ModelSeries, source: str, confidence: float, correct: float
    ) -> None:
        found = series.bins(source)[bin_of(confidence)]
        with self.sums.lock:
            found.predictions.value += 1
            found.confidence.value += confidence
            found.correct.value += correct
            found.squared_error.value += (confidence - correct) ** 2

    def _emit_feedback(self, f: Feedback) -> None:
        self.recorded("feedback")
        if self._lost("feedback"):
            return
        series = self.model(f.model, f.version)
        attributes, responses = series.feedback(f.type, f.source)
        with self.sums.lock:
            responses.value += 1
        context = events.context_of(f.link)
        scores = self._instruments.histogram(c.FEEDBACK_SCORES)
        scores.record(f.score, attributes, context)
        told = series.attributes | details.of_feedback(f)
        events.emit(self.logger, c.FEEDBACK, told, time_s=self.now(), context=context)

    def _count_fault(self, place: str, error_type: str) -> None:
        self.sums.add(c.INTERNAL_ERRORS, {c.PLACE.name: place, c.ERROR_TYPE.name: error_type})


def _numbers(values: Any) -> list[float]:
    """
    The values that a histogram takes, as Python floats.
    """
    if values is None:
        return []
    if type(values) is float:
        return [values]
    return [value for value in values.tolist() if value >= 0]


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
