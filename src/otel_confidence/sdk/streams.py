"""
This module follows generators: active until closed, their span never current for the consumer.

Work happens inside a generator's steps and the consumer's between them, so the span is made current
for each step alone. What a stream predicted is its return value, or the last item it yielded.
"""

from collections.abc import AsyncGenerator, Callable, Generator
from types import TracebackType
from typing import Any, TypeVar, final

from opentelemetry import context as contexts
from opentelemetry.context import Context

from otel_confidence.sdk.calls import Call, detach
from otel_confidence.sdk.features import Read
from otel_confidence.sdk.trackers import Tracker

S = TypeVar("S")

_Seen = tuple[tuple[Any, ...], dict[str, Any]]
"""The arguments of a call."""


class Current:
    """
    Makes a call's span the current one within a ``with`` block.
    """

    __slots__ = ("_call", "_token")

    def __init__(self, call: Call) -> None:
        self._call = call
        self._token: Any = None

    def __enter__(self) -> None:
        self._token = self._call.attach()

    def __exit__(self, *_: object) -> None:
        if self._token is not None:
            detach(self._token)


class Follower(Current):
    """
    The same for an asynchronous stream, which may be dropped when no loop is left to close it.
    """

    __slots__ = ()

    def __del__(self) -> None:
        self._call.abandon()


class Steps(Generator[Any, Any, Any]):
    """
    A generator whose every step runs under the call's span.
    """

    def __init__(self, source: Generator[Any, Any, Any], call: Call) -> None:
        self._source = source
        self._current = Current(call)
        self._call = call

    def send(self, value: Any) -> Any:
        """
        One step.
        """
        with self._current:
            return self._yielded(self._source.send(value))

    def throw(self, *error: Any) -> Any:
        """
        One step that begins with an exception.
        """
        with self._current:
            return self._yielded(self._source.throw(*error))

    def close(self) -> None:
        """
        The last step.
        """
        with self._current:
            self._source.close()

    def _yielded(self, item: Any) -> Any:
        self._call.saw(item)
        return item


@final
class _Thrown:
    """
    Keeps what the consumer threw in, so that it can be thrown into the source.
    """

    error: BaseException | None = None

    def __enter__(self) -> "_Thrown":
        self.error = None
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        self.error = error
        return error is not None and not isinstance(error, GeneratorExit)


def generator(
    function: Callable[..., Any], tracker: Tracker, read: Read | None = None
) -> Callable[..., Any]:
    """
    What makes generators, each of them followed until it is closed.
    """

    def follow(
        source: Generator[Any, Any, Any], parent: Context, seen: _Seen
    ) -> Generator[Any, Any, Any]:
        _count(tracker, read, seen)
        with Call(tracker, detached=True, parent=parent) as call:
            result = yield from Steps(source, call)
            if result is not None:
                call.returned(result)
        return result

    def start(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        source = function(*args, **kwargs)
        return _named(follow(source, contexts.get_current(), (args, kwargs)), source)

    return start


def async_generator(
    function: Callable[..., Any], tracker: Tracker, read: Read | None = None
) -> Callable[..., Any]:
    """
    What makes asynchronous generators, each of them followed until it is closed.
    """

    async def follow(
        source: AsyncGenerator[Any, Any], parent: Context, seen: _Seen
    ) -> AsyncGenerator[Any, Any]:
        _count(tracker, read, seen)
        resume, given = source.asend, None
        with Call(tracker, detached=True, parent=parent) as call:
            current, thrown = Follower(call), _Thrown()
            try:
                while True:
                    try:
                        with current:
                            item = await resume(given)
                    except StopAsyncIteration:
                        return
                    call.saw(item)
                    with thrown:
                        given = yield item
                    resume = source.asend
                    if thrown.error is not None:
                        resume, given = source.athrow, thrown.error
            finally:
                with current:
                    await source.aclose()

    def start(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        source = function(*args, **kwargs)
        return _named(follow(source, contexts.get_current(), (args, kwargs)), source)

    return start


def _count(tracker: Tracker, read: Read | None, seen: _Seen) -> None:
    if read is not None:
        tracker.count_features(read, *seen)


def _named(stream: S, source: Any) -> S:
    """
    The stream under the name of the one it follows.
    """
    named: Any = stream
    named.__name__, named.__qualname__ = source.__name__, source.__qualname__
    return stream
