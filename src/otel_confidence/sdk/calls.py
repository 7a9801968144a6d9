"""
This module follows one call that predicts, from before it begins to its record and receipts.
"""

from contextlib import suppress
from contextvars import ContextVar, Token
from functools import lru_cache
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, final

from opentelemetry import context as contexts
from opentelemetry.context import Context
from opentelemetry.trace import INVALID_SPAN, Span, get_current_span, set_span_in_context

from otel_confidence.conventions import STREAM_ITEMS, UNCERTAINTY_METHOD
from otel_confidence.decisions import FALLBACK
from otel_confidence.records import Failure, Link, Prediction
from otel_confidence.sdk import rows
from otel_confidence.sdk.guard import Errors
from otel_confidence.sdk.numbers import finite
from otel_confidence.sdk.redaction.spans import scrubbed
from otel_confidence.sdk.series import ModelSeries
from otel_confidence.sdk.telemetry import Telemetry
from otel_confidence.sdk.trackers import Extract, Tracker
from otel_confidence.text import type_name

if TYPE_CHECKING:
    from otel_confidence.sdk.extract import Extracted
    from otel_confidence.sdk.extract.extracted import Values

last_call: ContextVar["Call | None"] = ContextVar("otel_confidence_last_call", default=None)
"""The call that ended last in this context."""
_MISSING: Final = {"confidence_missing": 1}
_EXTRACTOR_FAILED: Final = {"extractor_failed": 1}
_UNSET: Final[Any] = object()


@final
class Call:
    """
    One call under way: what ``with prediction(...) as p`` gives.
    """

    __slots__ = (
        "_context", "_detached", "_features", "_found", "_items", "_owns_span", "_parent",
        "_result", "_series", "_settled", "_span", "_started", "_stopped", "_telemetry", "_token",
        "_tracker", "_unsure", "id", "record",
    )  # fmt: skip

    def __init__(
        self, tracker: Tracker, *, detached: bool = False, parent: Context | None = None
    ) -> None:
        """
        A call, to be entered.

        Args:
            tracker: what was declared.
            detached: leave it to ``attach()`` to make the span the current one.
            parent: what it is part of; the current context by default.
        """
        self._tracker = tracker
        self._telemetry = tracker.telemetry
        self._detached = detached
        self._parent = parent
        self._settled = False
        self._items = 0
        self._series: ModelSeries | None = None
        self._span: Span = INVALID_SPAN
        self._owns_span = False
        self._context: Context | None = None
        self._token: Any = None
        self._result: Any = _UNSET
        self._found: Extracted | None = None
        self._unsure: tuple[Values, str] | None = None
        self._features: Any = None
        self._started = 0.0
        self._stopped: float | None = None
        self.id: int = 0
        """The prediction's id."""
        self.record: Prediction | None = None
        """What was recorded, once the call has ended."""

    def set(
        self,
        *,
        confidence: Any = None,
        label: Any = None,
        uncertainty: Any = None,
        method: str = "std",
        features: Any = None,
    ) -> None:
        """
        Say what was predicted; the last word counts.

        Args:
            confidence: how sure the model was, 0 to 1.
            label: the predicted label or value.
            uncertainty: how unsure it was, 0 or more, in the method's own unit.
            method: how the uncertainty was computed: entropy, margin, std, mutual_information,
                set_size or interval_width.
            features: what the model saw, counted in the bins of its reference.
        """
        self._features = features
        with self._telemetry.guard("prediction.set"):
            self._found = _reported()((confidence, label))
            self._unsure = None if uncertainty is None else self._checked(uncertainty, method)

    def take(self, result: Any) -> None:
        """
        Take what the function returned, and stop the clock.
        """
        self._stopped = self._telemetry.timer()
        self._result = result

    def saw(self, item: Any) -> None:
        """
        Take an item of a stream; the last one counts, and the clock goes on.
        """
        self._result = item
        self._items += 1

    def returned(self, result: Any) -> None:
        """
        Take what a stream returned in the end: it counts more than its items.
        """
        self._result = result

    @property
    def receipt(self) -> str:
        """
        The receipt of what is known so far; empty where nothing is recorded.

        That of a batch is for feedback on the whole; the truth is told with ``receipts``.
        """
        with self._telemetry.guard("prediction.receipt"):
            if self.record is not None or self._series is not None:
                return self._write_receipt(self.record or self._prediction())
        return ""

    @property
    def receipts(self) -> rows.Receipts:
        """
        The receipt of each prediction of the call, in the order of its rows.
        """
        with self._telemetry.guard("prediction.receipts"):
            if self.record is not None or self._series is not None:
                record = self.record or self._prediction()
                return rows.Receipts(record.size, lambda row: self._row_receipt(record, row))
        return rows.Receipts(0, lambda _: "")

    def falls_back(self) -> bool:
        """
        Whether the fallback is to be asked instead; the prediction is on record then.

        It is asked where nothing is recorded too: what the program does must not depend on that.
        """
        self._extract()
        confidence = None if self._found is None else self._found.confidence
        if type(confidence) is not float or self._tracker.decisions.of(confidence) != FALLBACK:
            return False
        if self._series is not None:
            with self._telemetry.guard("tracking.exit"):
                self._finish()
        return True

    def errors(self) -> Errors:
        """
        Contains the errors of a fallback: the unsure answer stands then.
        """
        return self._telemetry.guard.errors("tracking.fallback", "the unsure answer was returned")

    def __enter__(self) -> "Call":
        telemetry = self._telemetry
        if telemetry.enabled:
            with telemetry.guard("tracking.enter"):
                self._begin(telemetry)
            self._started = telemetry.timer()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._series is None:
            return
        if self._stopped is None or error is not None:
            self._stopped = self._telemetry.timer()
        try:
            with self._telemetry.guard("tracking.exit"):
                if self._settled:
                    pass
                elif error is None or (self._detached and isinstance(error, GeneratorExit)):
                    self._finish()
                else:
                    self._fail(error)
        finally:  # also when the program is interrupted in the midst of this
            with self._telemetry.guard("tracking.close"):
                self._close(orphaned=isinstance(error, GeneratorExit))

    def abandon(self) -> None:
        """
        End a call that nobody can end any more, such as that of a stream left by a closed loop.
        """
        if self._series is not None:
            self.__exit__(GeneratorExit, GeneratorExit(), None)

    def attach(self) -> Any:
        """
        Make the call's span the current one; gives the token to detach with.
        """
        return None if self._context is None else contexts.attach(self._context)

    def _begin(self, telemetry: Telemetry) -> None:
        self.id = telemetry.new_id()
        series = self._tracker.series(telemetry)
        with telemetry.sums.lock:
            series.active.value += 1
        self._series = series
        span = get_current_span(self._parent)
        if _is_genai(span):
            self._span = span
            span.set_attributes(series.attributes)
            return
        self._span = telemetry.tracer.start_span(
            series.span_name, self._parent, attributes=series.attributes
        )
        self._owns_span = True
        shown = scrubbed(self._span, telemetry.redactor, telemetry.guard)
        self._context = set_span_in_context(shown, self._parent)
        if not self._detached:
            self._token = contexts.attach(self._context)

    def _extract(self) -> None:
        extraction = self._tracker.extraction
        if self._result is _UNSET or extraction is None:
            return
        result, self._result = self._result, _UNSET
        self._found = None
        with self._telemetry.guard("tracking.extract"):
            self._found = extraction.whole(result)
        if self._found is None and extraction.confidence is not None:
            with self._telemetry.guard("tracking.extract"):
                self._found = extraction.confidence(result)
        if self._found is None:
            self._found = _nothing()

    def _finish(self) -> None:
        self._extract()
        self._settled = True
        self.record = self._prediction()
        last_call.set(self)
        self._telemetry.emit(self.record, span=self._span, context=self._context)
        if self._features is not None and self._series is not None:
            self._telemetry.count_features(self._series, self._features)
            self._features = None

    def _prediction(self) -> Prediction:
        tracker, found = self._tracker, self._found
        duration = 0.0 if self._stopped is None else max(self._stopped - self._started, 0.0)
        if found is None:
            return Prediction(
                tracker.model, tracker.version, decisions=tracker.decisions, duration_s=duration,
                time_s=self._telemetry.now(), id=self.id, rejected=_MISSING,
            )  # fmt: skip
        uncertainty, method = self._unsure or (found.uncertainty, found.method)
        decisions = tracker.batch_decisions if found.batch else tracker.decisions
        return Prediction(
            tracker.model, tracker.version, found.confidence, found.label, found.source, found.size,
            uncertainty, method, decisions, duration, self._telemetry.now(), self.id,
            found.rejected, found.tolerance, found.interval, found.prediction_set,
        )  # fmt: skip

    def _checked(self, uncertainty: Any, method: str) -> "tuple[Values, str] | None":
        """
        A stated uncertainty as a float, or n of them; None, and accounted for, where it is none.
        """
        number = finite(uncertainty)
        if number is not None and number >= 0 and method in UNCERTAINTY_METHOD.values:
            return number, method
        if self._found is not None and self._found.batch and method in UNCERTAINTY_METHOD.values:
            found = _measured(method)(uncertainty)
            if found.uncertainty is not None and found.size == self._found.size:
                return found.uncertainty, method
        self._telemetry.recorded("metric")
        self._telemetry.dropped("metric", "invalid_value")
        return None

    def _fail(self, error: BaseException) -> None:
        failure = Failure(
            self._tracker.model,
            self._tracker.version,
            type_name(error),
            cancelled=not isinstance(error, Exception),
            duration_s=max((self._stopped or 0.0) - self._started, 0.0),
        )
        last_call.set(self)
        span = self._span if self._owns_span else INVALID_SPAN
        self._telemetry.emit(failure, span=span, context=self._context)

    def _close(self, *, orphaned: bool) -> None:
        series, self._series = self._series, None
        if series is not None:
            with self._telemetry.sums.lock:
                series.active.value -= 1
        if self._token is not None:
            (detach if orphaned else contexts.detach)(self._token)
        if self._owns_span:
            if self._detached:
                self._span.set_attribute(STREAM_ITEMS.name, self._items)
            self._span.end()

    def _row_receipt(self, p: Prediction, row: int) -> str:
        with self._telemetry.guard("prediction.receipt"):
            return self._write_receipt(p, row)
        return ""

    def _write_receipt(self, p: Prediction, row: int | None = None) -> str:
        place = self._span.get_span_context()
        link = Link(place.trace_id, place.span_id, place.trace_flags.sampled)
        telemetry = self._telemetry
        return rows.receipt(p, row, link, telemetry.settings.receipt_key, telemetry.redactor)


def detach(token: Any) -> None:
    """
    Make the context before current again, quietly where it is another one that ends this.

    A generator or coroutine is closed by whoever drops it last, and OpenTelemetry would log an
    error: the context it began in is gone, with nothing left to restore.
    """
    if isinstance(token, Token):
        with suppress(ValueError):
            token.var.reset(token)
    else:
        contexts.detach(token)


def _is_genai(span: Span) -> bool:
    """
    Whether a span is of OpenTelemetry's generative AI conventions: it is annotated, not nested.
    """
    if not span.is_recording():
        return False
    return any(key.startswith("gen_ai.") for key in getattr(span, "attributes", None) or ())


@lru_cache(maxsize=1)
def _reported() -> Extract:
    from otel_confidence.sdk.extract import extractor  # numpy, which the front door leaves alone

    return extractor(lambda said: said[0], label=lambda said: said[1])


@lru_cache(maxsize=16)
def _measured(method: str) -> Extract:
    from otel_confidence.sdk.extract import Measured  # numpy, which the front door leaves alone

    return Measured(".", method).reader()


def _nothing() -> "Extracted":
    from otel_confidence.sdk.extract import Extracted  # numpy, which the front door leaves alone

    return Extracted(rejected=_EXTRACTOR_FAILED)
