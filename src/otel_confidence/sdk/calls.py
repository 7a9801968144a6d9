"""
This module follows one call that predicts, from before it begins to its record and receipt.
"""

from collections.abc import Callable
from contextvars import ContextVar
from functools import lru_cache
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, final

from opentelemetry import context as contexts
from opentelemetry.context import Context
from opentelemetry.trace import INVALID_SPAN, Span, get_current_span, set_span_in_context

from otel_confidence.conventions import UNCERTAINTY_METHOD
from otel_confidence.errors import ConfigurationError
from otel_confidence.records import Failure, Link, Prediction
from otel_confidence.reference import Reference
from otel_confidence.sdk import receipts
from otel_confidence.sdk.current import current
from otel_confidence.sdk.features import Read
from otel_confidence.sdk.numbers import finite
from otel_confidence.sdk.redaction.spans import scrubbed
from otel_confidence.sdk.series import ModelSeries
from otel_confidence.sdk.telemetry import Telemetry
from otel_confidence.sdk.text import label_text, type_name

if TYPE_CHECKING:
    from otel_confidence.sdk.extract import Extracted

Extract = Callable[[Any], "Extracted"]

last_call: ContextVar["Call | None"] = ContextVar("otel_confidence_last_call", default=None)
"""The call that ended last in this context."""
_EXTRACTOR_FAILED: Final = {"extractor_failed": 1}
_UNSET: Final[Any] = object()


class Tracker:
    """
    What was declared about a predicting function; opens a ``Call`` for each of its calls.
    """

    def __init__(
        self,
        *,
        model: str,
        version: str = "",
        threshold: float | None = None,
        extract: Extract | None = None,
        reference: Reference | None = None,
        telemetry: Telemetry | None = None,
    ) -> None:
        self.model = _name("model", model)
        self.version = _name("version", version, empty=True)
        if not receipts.names_fit(model, version):
            raise ConfigurationError(
                f"model and version must take at most {receipts.NAMES_LIMIT} bytes together, "
                f"got {model!r} and {version!r}"
            )
        self.threshold = _threshold(threshold)
        self.extract = extract
        self._reference = reference
        self._telemetry = telemetry
        self._bound: tuple[Telemetry, ModelSeries] | None = None

    def call(self, *, detached: bool = False) -> "Call":
        """
        One call, to be entered.
        """
        return Call(self, self._telemetry or current(), detached=detached)

    def series(self, telemetry: Telemetry) -> ModelSeries:
        """
        The model's series there, declared at first.
        """
        bound = self._bound
        if bound is None or bound[0] is not telemetry:
            series = telemetry.declare(self.model, self.version, self.threshold, self._reference)
            bound = self._bound = telemetry, series
        return bound[1]

    def count_features(self, read: Read, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """
        Count the features in the arguments of a call, before it begins.
        """
        telemetry = self._telemetry or current()
        if not telemetry.enabled:
            return
        values = _UNSET
        with telemetry.guard("tracking.features"):
            values = read(args, kwargs)
        if values is not _UNSET:
            telemetry.count_features(self.series(telemetry), values)
        else:
            telemetry.recorded("feature")
            telemetry.dropped("feature", "extractor_failed")

    def announce(self) -> None:
        """
        Declare at once, so that series begin at zero before the first prediction.
        """
        telemetry = self._telemetry or current()
        with telemetry.guard("tracking.declare"):
            self.series(telemetry)


@final
class Call:
    """
    One call under way: what ``with prediction(...) as p`` gives.
    """

    __slots__ = (
        "_context", "_detached", "_features", "_found", "_owns_span", "_result", "_series", "_span",
        "_started", "_stopped", "_telemetry", "_token", "_tracker", "_unsure", "id", "record",
    )  # fmt: skip

    def __init__(self, tracker: Tracker, telemetry: Telemetry, *, detached: bool) -> None:
        self._tracker = tracker
        self._telemetry = telemetry
        self._detached = detached
        self._series: ModelSeries | None = None
        self._span: Span = INVALID_SPAN
        self._owns_span = False
        self._context: Context | None = None
        self._token: Any = None
        self._result: Any = _UNSET
        self._found: Extracted | None = None
        self._unsure: tuple[float, str] | None = None
        self._features: Any = None
        self._started = 0.0
        self._stopped: float | None = None
        self.id = 0
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

    @property
    def receipt(self) -> str:
        """
        The receipt of what is known so far; empty where nothing is recorded.
        """
        with self._telemetry.guard("prediction.receipt"):
            if self.record is not None or self._series is not None:
                return self._write_receipt(self.record or self._prediction())
        return ""

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
        with self._telemetry.guard("tracking.exit"):
            if error is None or (self._detached and isinstance(error, GeneratorExit)):
                self._finish()
            else:
                self._fail(error)
        with self._telemetry.guard("tracking.close"):
            self._close()

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
        span = get_current_span()
        if _is_genai(span):
            self._span = span
            span.set_attributes(series.attributes)
            return
        self._span = telemetry.tracer.start_span(series.span_name, attributes=series.attributes)
        self._owns_span = True
        shown = scrubbed(self._span, telemetry.redactor, telemetry.guard)
        self._context = set_span_in_context(shown)
        if not self._detached:
            self._token = contexts.attach(self._context)

    def _finish(self) -> None:
        if self._result is not _UNSET and self._tracker.extract is not None:
            with self._telemetry.guard("tracking.extract"):
                self._found = self._tracker.extract(self._result)
        self.record = self._prediction()
        self._result = None
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
                tracker.model, tracker.version, threshold=tracker.threshold, duration_s=duration,
                time_s=self._telemetry.now(), id=self.id, rejected=self._why_nothing(),
            )  # fmt: skip
        uncertainty, method = self._unsure or (found.uncertainty, found.method)
        return Prediction(
            tracker.model, tracker.version, found.confidence, found.label, found.source, found.size,
            uncertainty, method, tracker.threshold, duration, self._telemetry.now(),
            self.id, found.rejected,
        )  # fmt: skip

    def _checked(self, uncertainty: Any, method: str) -> tuple[float, str] | None:
        """
        A stated uncertainty as a float; None where it can't be one, which is accounted for.
        """
        value = finite(uncertainty)
        if value is not None and value >= 0 and method in UNCERTAINTY_METHOD.values:
            return value, method
        self._telemetry.recorded("metric")
        self._telemetry.dropped("metric", "invalid_value")
        return None

    def _why_nothing(self) -> dict[str, int]:
        unsaid = self._result is _UNSET
        return {"confidence_missing": 1} if unsaid else _EXTRACTOR_FAILED

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

    def _close(self) -> None:
        series, self._series = self._series, None
        if series is not None:
            with self._telemetry.sums.lock:
                series.active.value -= 1
        if self._token is not None:
            contexts.detach(self._token)
        if self._owns_span:
            self._span.end()

    def _write_receipt(self, p: Prediction) -> str:
        place = self._span.get_span_context()
        label = label_text(p.label) if p.size == 1 and p.label is not None else None
        return receipts.write(
            model=p.model,
            version=p.version,
            confidence=p.confidence if isinstance(p.confidence, float) else None,
            source=p.source,
            label=label,
            hashed=label is not None and self._telemetry.redactor.hides("label", label),
            time_s=p.time_s,
            prediction_id=p.id,
            link=Link(place.trace_id, place.span_id, place.trace_flags.sampled),
            key=self._telemetry.settings.receipt_key,
        )


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


def _name(what: str, value: str, *, empty: bool = False) -> str:
    if not isinstance(value, str) or not (value or empty):
        raise ConfigurationError(f"{what} must be a text that is not empty, got {value!r}")
    if not value.isprintable():
        raise ConfigurationError(f"{what} must be printable, got {value!r}")
    return value


def _threshold(value: float | None) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise ConfigurationError(f"threshold must be within 0..1, got {value!r}")
    return float(value)
