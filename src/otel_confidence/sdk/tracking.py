"""
This module opens tracking to users: ``prediction()``, and ``track_confidence`` over it.
"""

import functools
import inspect
import os
from collections.abc import Callable
from typing import Any, Final, TypeVar

from otel_confidence.errors import ConfigurationError
from otel_confidence.reference import Reference
from otel_confidence.sdk import streams
from otel_confidence.sdk.calls import Call, Extract, Tracker, last_call
from otel_confidence.sdk.current import current
from otel_confidence.sdk.features import Features, Read, reader
from otel_confidence.sdk.series import OTHER
from otel_confidence.sdk.telemetry import Telemetry

F = TypeVar("F")

_MARK: Final = "__otel_confidence__"


def prediction(
    *,
    model: str,
    version: str = "",
    threshold: float | None = None,
    telemetry: Telemetry | None = None,
) -> Call:
    """
    A prediction made inside a ``with`` block; say what it was with ``p.set()``.

    It never raises: under a wrong name or threshold the prediction is recorded as of model
    ``_OTHER``, and what is wrong is said once.

    Args:
        model: the model's name.
        version: its version.
        threshold: the confidence below which a prediction is not accepted.
        telemetry: where to record; the configured one by default.
    """
    guard = (telemetry or current()).guard
    with guard("prediction"):
        return _tracker(model, version, threshold, telemetry).call()
    return _tracker(OTHER, "", None, telemetry).call()


@functools.lru_cache(maxsize=256)
def _tracker(
    model: str, version: str, threshold: float | None, telemetry: Telemetry | None
) -> Tracker:
    return Tracker(model=model, version=version, threshold=threshold, telemetry=telemetry)


def track_confidence(
    *,
    model: str,
    version: str = "",
    confidence: Any = None,
    label: Any = None,
    uncertainty: Any = None,
    threshold: float | None = None,
    reference: "Reference | str | os.PathLike[str] | None" = None,
    features: Features | None = None,
    telemetry: Telemetry | None = None,
) -> Callable[[F], F]:
    """
    Record every call of a function: what it returns and raises is untouched.

    Takes functions, coroutine functions, generators, methods of every kind and any other callable;
    one that is tracked already for the same model and version is given back as it is.

    Args:
        model: the model's name.
        version: its version.
        confidence: where the result says how sure the model was, such as ``"proba.max"``.
        label: where the result names the predicted label.
        uncertainty: where the result says how unsure it was, such as ``"proba.entropy"``.
        threshold: the confidence below which a prediction is not accepted.
        reference: what was normal, or its file: published, and compared with.
        features: the argument that holds the features, or a callable given all of them.
        telemetry: where to record; the configured one by default.

    Raises:
        ConfigurationError: a declaration is wrong; the message says what would be right.
    """
    tracker = Tracker(
        model=model, version=version, threshold=threshold, telemetry=telemetry,
        extract=_extract(confidence, label, uncertainty), reference=_reference(reference, features),
    )  # fmt: skip
    tracker.announce()
    return functools.partial(_tracked, tracker=tracker, features=features)


def last_receipt() -> str:
    """
    The receipt of the call that ended last in this thread or task; empty where there is none.
    """
    call = last_call.get()
    return "" if call is None else call.receipt


def _extract(confidence: Any, label: Any, uncertainty: Any) -> Extract:
    from otel_confidence.sdk.extract import extractor  # numpy, which the front door leaves alone

    return extractor(confidence, label=label, uncertainty=uncertainty)


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


def _tracked(function: Any, tracker: Tracker, features: Features | None) -> Any:
    if isinstance(function, (classmethod, staticmethod)):
        return type(function)(_tracked(function.__func__, tracker, features))
    if isinstance(function, property):
        getter = None if function.fget is None else _tracked(function.fget, tracker, features)
        return property(getter, function.fset, function.fdel, function.__doc__)
    if not callable(function):
        raise ConfigurationError(f"only something callable can be tracked, got {function!r}")
    mark = (tracker.model, tracker.version)
    if getattr(function, _MARK, None) == mark:
        return function
    read = None if features is None else reader(features, function)
    tracked = functools.wraps(function)(_wrapper(function)(function, tracker, read))
    setattr(tracked, _MARK, mark)
    return tracked


def _wrapper(function: Any) -> Callable[[Any, Tracker, Read | None], Any]:
    """
    Which of the four wrappers fits; a callable object is what its ``__call__`` is.
    """
    plain = function
    while isinstance(plain, functools.partial):
        plain = plain.func
    if not inspect.isroutine(plain) and not inspect.isclass(plain):
        plain = type(plain).__call__
    if inspect.iscoroutinefunction(plain):
        return _coroutine
    if inspect.isasyncgenfunction(plain):
        return streams.async_generator
    return streams.generator if inspect.isgeneratorfunction(plain) else _function


def _function(
    function: Callable[..., Any], tracker: Tracker, read: Read | None
) -> Callable[..., Any]:
    def tracked(*args: Any, **kwargs: Any) -> Any:
        if read is not None:
            tracker.count_features(read, args, kwargs)
        with tracker.call() as call:
            result = function(*args, **kwargs)
            call.take(result)
        return result

    return tracked


def _coroutine(
    function: Callable[..., Any], tracker: Tracker, read: Read | None
) -> Callable[..., Any]:
    async def tracked(*args: Any, **kwargs: Any) -> Any:
        if read is not None:
            tracker.count_features(read, args, kwargs)
        with tracker.call() as call:
            result = await function(*args, **kwargs)
            call.take(result)
        return result

    return tracked
