"""
This module puts tracking around a callable of any kind and leaves all else about it as it was.
"""

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import FunctionType, MethodType
from typing import Any, Final

from otel_confidence.errors import ConfigurationError
from otel_confidence.sdk import streams
from otel_confidence.sdk.calls import Call, last_call
from otel_confidence.sdk.features import Features, Read, reader
from otel_confidence.sdk.trackers import Tracker

_CALL: Final = "__call__"
_MARK: Final = "__otel_confidence__"
"""On a tracked callable, for which model and version it is."""


@dataclass(frozen=True, slots=True)
class Plan:
    """
    What is to be done around each call.
    """

    tracker: Tracker
    features: Features | None = None
    fallback: Callable[..., Any] | None = None
    """Asked in place of an unsure answer, with the same arguments; tracked by itself."""


def tracked(function: Any, plan: Plan) -> Any:
    """
    The callable again, each of its calls recorded.

    Raises:
        ConfigurationError: it can't be called, or not in the way that was declared.
    """
    for kind, around in _DESCRIPTORS.items():
        if isinstance(function, kind):
            return around(function, plan)
    if inspect.isclass(function):
        return _class(function, plan)
    if not callable(function):
        raise ConfigurationError(f"only something callable can be tracked, got {function!r}")
    mark = (plan.tracker.model, plan.tracker.version)
    if getattr(function, _MARK, None) == mark:
        return function
    call, plain = _call(function, plan)
    if plain and type(function) is FunctionType:
        made = functools.wraps(function)(call)
        setattr(made, _MARK, mark)
        return made
    from otel_confidence.sdk.proxies import stand_in  # wrapt, which plain functions do without

    again = functools.partial(tracked, plan=plan)
    return stand_in(function)(function, call, again, mark)


def is_tracked(function: Any) -> bool:
    """
    Whether each call of it is recorded already.
    """
    return isinstance(getattr(function, _MARK, None), tuple)


def is_coroutine_function(function: Any) -> bool:
    """
    Whether calling it gives something to await.
    """
    return inspect.iscoroutinefunction(_code_of(function))


def _call(function: Any, plan: Plan) -> tuple[Callable[..., Any], bool]:
    """
    What is called instead, and whether that is all there is to it: it makes no coroutine or stream.
    """
    read = None if plan.features is None else reader(plan.features, function)
    code = _code_of(function)
    if inspect.iscoroutinefunction(code):
        return _coroutine(function, plan, read), False
    streaming = inspect.isgeneratorfunction(code) or inspect.isasyncgenfunction(code)
    if not streaming:
        return _function(function, plan, read), True
    if plan.fallback is not None:
        raise ConfigurationError(
            "a stream can't fall back: its items are given away by then; give no fallback="
        )
    follow = streams.generator if inspect.isgeneratorfunction(code) else streams.async_generator
    return follow(function, plan.tracker, read), False


def _code_of(function: Any) -> Any:
    """
    The function that runs in the end: of a partial its own, of a callable object its ``__call__``.
    """
    while isinstance(function, (functools.partial, MethodType)):
        function = function.func if isinstance(function, functools.partial) else function.__func__
    if inspect.isroutine(function) or inspect.isclass(function):
        return function
    return getattr(type(function), _CALL, function)


def _function(function: Callable[..., Any], plan: Plan, read: Read | None) -> Callable[..., Any]:
    tracker, fallback = plan.tracker, plan.fallback
    if is_awaited(fallback):
        raise ConfigurationError(
            f"a function that is not async can't await its fallback {fallback!r}"
        )

    def tracked(*args: Any, **kwargs: Any) -> Any:
        if read is not None:
            tracker.count_features(read, args, kwargs)
        with Call(tracker) as call:
            result = function(*args, **kwargs)
            call.take(result)
            if fallback is not None and call.falls_back():
                with call.errors():
                    return fallback(*args, **kwargs)
                last_call.set(call)
        return result

    return tracked


def _coroutine(function: Callable[..., Any], plan: Plan, read: Read | None) -> Callable[..., Any]:
    tracker, fallback, awaits = plan.tracker, plan.fallback, is_awaited(plan.fallback)
    code = getattr(_code_of(function), "__code__", None)
    # One that is only marked as a coroutine function would run as soon as it is called.
    native = code is not None and bool(code.co_flags & inspect.CO_COROUTINE)

    @functools.wraps(_code_of(function), updated=())
    async def follow(*args: Any, **kwargs: Any) -> Any:
        if read is not None:
            tracker.count_features(read, args, kwargs)
        with Call(tracker) as call:
            result = await function(*args, **kwargs)
            call.take(result)
            if fallback is not None and call.falls_back():
                with call.errors():
                    answer = fallback(*args, **kwargs)
                    return (await answer) if awaits else answer
                last_call.set(call)
        return result

    def start(*args: Any, **kwargs: Any) -> Any:
        if native:
            # Wrong arguments are refused here, as ever; nothing runs, and closing what never ran
            # spares the warning about it.
            function(*args, **kwargs).close()
        return follow(*args, **kwargs)

    return start


def is_awaited(function: Any) -> bool:
    """
    Whether a function, if there is one, gives something to await.
    """
    return function is not None and is_coroutine_function(function)


def _class(kind: type, plan: Plan) -> type:
    """
    The class itself, its instances' calls tracked.
    """
    own = next((vars(base)[_CALL] for base in kind.__mro__ if _CALL in vars(base)), None)
    if own is None:
        raise ConfigurationError(
            f"{kind.__name__} is a class whose instances can't be called; decorate the method that "
            "predicts"
        )
    try:
        kind.__call__ = tracked(own, plan)  # type: ignore[method-assign]  # what is asked for
    except TypeError as error:
        raise ConfigurationError(f"{kind.__name__} can't be changed; track an instance") from error
    return kind


def _method(function: Any, plan: Plan) -> Any:
    return type(function)(tracked(function.__func__, plan))


def _property(function: property, plan: Plan) -> property:
    if function.fget is None:
        raise ConfigurationError("a property that can't be read predicts nothing")
    return function.getter(tracked(function.fget, plan))


def _cached_property(function: Any, plan: Plan) -> Any:
    return type(function)(tracked(function.func, plan))


def _partial_method(function: Any, plan: Plan) -> Any:
    return type(function)(tracked(function.func, plan), *function.args, **function.keywords)


_DESCRIPTORS: Final[Mapping[type, Callable[[Any, Plan], Any]]] = {
    classmethod: _method,
    staticmethod: _method,
    property: _property,
    functools.cached_property: _cached_property,
    functools.partialmethod: _partial_method,
}
"""What binds a function in a class: it is made anew around the tracked one."""
