"""
This module opens tracking to users: ``prediction()``, and ``track_confidence`` over it.
"""

import functools
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, overload

from opentelemetry import context as contexts

from otel_confidence.decisions import decisions
from otel_confidence.errors import ConfigurationError
from otel_confidence.reference import Reference
from otel_confidence.sdk import wrapping
from otel_confidence.sdk.calls import Call, last_call
from otel_confidence.sdk.current import current
from otel_confidence.sdk.features import Features
from otel_confidence.sdk.rows import Receipts
from otel_confidence.sdk.series import OTHER
from otel_confidence.sdk.signatures import F, FallingBack
from otel_confidence.sdk.telemetry import Telemetry
from otel_confidence.sdk.trackers import Extraction, Tracker
from otel_confidence.text import type_name

P = ParamSpec("P")
R = TypeVar("R")

if TYPE_CHECKING:
    from otel_confidence.sdk.extract.scales import Ends, Policy
    from otel_confidence.sdk.extract.tolerances import Tolerance


def prediction(
    *,
    model: str,
    version: str = "",
    threshold: float | None = None,
    thresholds: Mapping[str, float] | None = None,
    telemetry: Telemetry | None = None,
) -> Call:
    """
    A prediction made inside a ``with`` block; say what it was with ``p.set()``.

    It never raises: under a wrong name or threshold the prediction is recorded as of model
    ``_OTHER``, and what is wrong is said once.

    Args:
        model: the model's name.
        version: its version.
        threshold: the confidence from which a prediction is accepted.
        thresholds: instead, the least confidence of each decision, such as
            ``{"accept": 0.9, "escalate": 0.6}``.
        telemetry: where to record; the configured one by default.
    """
    guard = (telemetry or current()).guard
    with guard("prediction"):
        several = None if thresholds is None else tuple(thresholds.items())
        return Call(_tracker(model, version, threshold, several, telemetry))
    return Call(_tracker(OTHER, "", None, None, telemetry))


@functools.lru_cache(maxsize=256)
def _tracker(
    model: str,
    version: str,
    threshold: float | None,
    thresholds: tuple[tuple[str, float], ...] | None,
    telemetry: Telemetry | None,
) -> Tracker:
    decided = decisions(threshold, None if thresholds is None else dict(thresholds))
    return Tracker(model=model, version=version, decisions=decided, telemetry=telemetry)


@overload
def track_confidence(
    *,
    model: str,
    version: str = "",
    confidence: Any = None,
    label: Any = None,
    uncertainty: Any = None,
    tolerance: "float | Tolerance | None" = None,
    scale: "str | Ends" = "unit",
    out_of_range: "Policy" = "reject",
    threshold: float | None = None,
    thresholds: Mapping[str, float] | None = None,
    fallback: None = None,
    reference: "Reference | str | os.PathLike[str] | None" = None,
    features: Features | None = None,
    telemetry: Telemetry | None = None,
) -> Callable[[F], F]: ...


@overload
def track_confidence(
    *,
    model: str,
    version: str = "",
    confidence: Any = None,
    label: Any = None,
    uncertainty: Any = None,
    tolerance: "float | Tolerance | None" = None,
    scale: "str | Ends" = "unit",
    out_of_range: "Policy" = "reject",
    threshold: float | None = None,
    thresholds: Mapping[str, float] | None = None,
    fallback: Callable[..., R],
    reference: "Reference | str | os.PathLike[str] | None" = None,
    features: Features | None = None,
    telemetry: Telemetry | None = None,
) -> FallingBack[R]: ...


def track_confidence(
    *,
    model: str,
    version: str = "",
    confidence: Any = None,
    label: Any = None,
    uncertainty: Any = None,
    tolerance: "float | Tolerance | None" = None,
    scale: "str | Ends" = "unit",
    out_of_range: "Policy" = "reject",
    threshold: float | None = None,
    thresholds: Mapping[str, float] | None = None,
    fallback: Callable[..., Any] | None = None,
    reference: "Reference | str | os.PathLike[str] | None" = None,
    features: Features | None = None,
    telemetry: Telemetry | None = None,
) -> Callable[[F], F] | FallingBack[Any]:
    """
    Record every call of a function: what it returns and raises is untouched.

    Takes functions, coroutine functions, generators, methods of every kind, callable objects and
    classes of them; one that is tracked already for the same model and version is given back.

    Args:
        model: the model's name.
        version: its version.
        confidence: where the result says how sure the model was, such as ``"proba.max"``.
        label: where the result names the predicted label.
        uncertainty: where the result says how unsure it was, such as ``"proba.entropy"``.
        tolerance: how far the truth may be from a predicted value that counts as correct.
        scale: the scale of a plain number: ``"unit"``, ``"percent"`` or its two ends.
        out_of_range: what becomes of a plain number outside: ``"reject"`` or ``"clip"``.
        threshold: the confidence from which a prediction is accepted.
        thresholds: instead, the least confidence of each decision, such as
            ``{"accept": 0.9, "escalate": 0.6}``; what is below them all is ``abstain``.
        fallback: called with the same arguments where one prediction is below the threshold; its
            answer is what the caller gets. When it raises an error, that is recorded and the
            caller gets the unsure answer. Where it is not tracked, it becomes so under its name.
        reference: what was normal, or its file: published, and compared with.
        features: the argument that holds the features, or a callable given all of them.
        telemetry: where to record; the configured one by default.

    Raises:
        ConfigurationError: a declaration is wrong; the message says what would be right.
    """
    extraction = _extraction(
        confidence, label=label, uncertainty=uncertainty, tolerance=tolerance, scale=scale,
        out_of_range=out_of_range,
    )  # fmt: skip
    tracker = Tracker(
        model=model, version=version, telemetry=telemetry,
        decisions=decisions(threshold, thresholds, fallback=fallback is not None),
        extraction=extraction, reference=_reference(reference, features),
    )  # fmt: skip
    other = None if fallback is None else _fallback(fallback, extraction, telemetry)
    tracker.announce()
    plan = wrapping.Plan(tracker, features, other)
    return functools.partial(wrapping.tracked, plan=plan)


def last_receipt() -> str:
    """
    The receipt of the call that ended last in this thread or task; empty where there is none.
    """
    call = last_call.get()
    return "" if call is None else call.receipt


def last_receipts() -> Receipts:
    """
    The receipt of each prediction of that call: one, or n in the order of a batch's rows.
    """
    call = last_call.get()
    return Receipts(0, lambda _: "") if call is None else call.receipts


def with_current_context(function: Callable[P, R]) -> Callable[P, R]:
    """
    The function, run where tracing stands now: predictions it makes in another thread are children.

        pool.submit(oc.with_current_context(classify), image)

    ``asyncio.to_thread()`` and new tasks do so by themselves.
    """
    here = contexts.get_current()

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        token = contexts.attach(here)
        try:
            return function(*args, **kwargs)
        finally:
            contexts.detach(token)

    return run


def _extraction(confidence: Any, *, scale: Any, out_of_range: Any, **more: Any) -> Extraction:
    """
    What reads a result, and its source where that is known already.
    """
    from otel_confidence.sdk.extract import extractor, source_of  # numpy, which imports slowly

    whole = extractor(confidence, scale=scale, out_of_range=out_of_range, **more)
    if all(declared is None for declared in more.values()):
        return Extraction(whole, None, source_of(confidence))
    alone = extractor(confidence, scale=scale, out_of_range=out_of_range)
    return Extraction(whole, alone, source_of(confidence))


def _fallback(
    function: Callable[..., Any], extraction: Extraction, telemetry: Telemetry | None
) -> Callable[..., Any]:
    """
    The fallback, tracked: by its own declaration, or under its name and read alike.
    """
    if not callable(function):
        raise ConfigurationError(f"fallback must be a function, got {function!r}")
    if wrapping.is_tracked(function):
        return function
    name = getattr(function, "__name__", "") or type_name(function)
    tracker = Tracker(model=name, extraction=extraction, telemetry=telemetry)
    tracker.announce()
    tracked: Callable[..., Any] = wrapping.tracked(function, wrapping.Plan(tracker))
    return tracked


def _reference(
    given: "Reference | str | os.PathLike[str] | None", features: Features | None
) -> Reference | None:
    if given is None or isinstance(given, Reference):
        if features is not None and not (given and given.features):
            raise ConfigurationError("features= needs reference=, a Reference that has features")
        return given
    if not isinstance(given, (str, os.PathLike)):
        raise ConfigurationError(f"reference must be a Reference or its file, got {given!r}")
    return _reference(Reference.load(given), features)
