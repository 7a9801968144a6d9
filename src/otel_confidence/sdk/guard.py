"""
This module is the border to the user's program: no fault of ours, or plugged into us, crosses it.
"""

import functools
import logging
import signal
import threading
from collections.abc import Callable
from types import CodeType, TracebackType
from typing import Any, Final, ParamSpec, TypeVar, final

from otel_confidence.errors import OtelConfidenceError
from otel_confidence.text import clean, type_name

P = ParamSpec("P")
R = TypeVar("R")

_LOG: Final = logging.getLogger("otel_confidence")
_SAID: Final = 1000
"""Characters of one thing in a message."""
_READ: Final = 4 * _SAID
_MOST_SAID: Final = 1000
"""Warnings of one process: some keys hold names that a program makes up as it goes."""


class Guard:
    """
    Contains faults by place: each is counted, and logged the first time its place fails.

    A guarded block ends quietly when something inside it raises. Only an interrupt of the program
    passes: KeyboardInterrupt in the main thread, and SystemExit raised by a signal handler that
    happened to run inside the block. Other subclasses of BaseException, CancelledError included,
    can only come from a plugged-in callable, because a guarded block never awaits.
    """

    def __init__(
        self, *, strict: bool = False, count: Callable[[str, str], None] | None = None
    ) -> None:
        self.strict = strict
        """Whether faults are raised instead of contained; for tests."""
        self.scrub: Callable[[str], str] = str
        """Takes secrets out of what is logged."""
        self._count = count
        self._places: dict[str, Place] = {}
        self._said: set[str] = set()

    def __call__(self, place: str) -> "Place":
        """
        The guard at one place, for a ``with`` statement; reentrant and shared by threads.
        """
        found = self._places.get(place)
        return found or self._places.setdefault(place, Place(self, place))

    def errors(self, place: str, consequence: str) -> "Errors":
        """
        The same for the program's own code: only its errors are contained, and what comes of it.
        """
        return Errors(self, place, consequence)

    def wrap(self, place: str, function: Callable[P, R]) -> Callable[P, R | None]:
        """
        A function that returns None where the given one would raise.
        """
        here = self(place)

        @functools.wraps(function)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R | None:
            with here:
                return function(*args, **kwargs)
            return None

        return guarded

    def say_once(self, key: str, message: str, *arguments: object) -> None:
        """
        Log a warning, only the first time for its key, and no more than a log can bear.
        """
        if key not in self._said and len(self._said) < _MOST_SAID:
            self._said.add(key)
            known = [a if isinstance(a, (int, float)) else self._sayable(a) for a in arguments]
            _LOG.warning(message, *known)

    def _sayable(self, argument: object) -> str:
        # Cut twice: what is left out first holds no half of a secret that the scrubbing would miss.
        return clean(self.scrub(str(argument)[:_READ]), _SAID)

    def caught(
        self, place: str, error: BaseException, consequence: str = "only telemetry is lost"
    ) -> bool:
        """
        Whether an exception was contained; it is counted and, once for its place, logged.
        """
        if _interrupts(error):
            return False
        name = type_name(error)
        try:
            if self._count is not None:
                self._count(place, name)
            if not self.strict:
                self.say_once(
                    place,
                    f"otel_confidence: a fault in %s was contained, {consequence}: %s",
                    place,
                    f"{name}: {error}" if isinstance(error, OtelConfidenceError) else name,
                )
                _LOG.debug("otel_confidence: %s", place, exc_info=_printable(error))
        except Exception:  # noqa: BLE001, S110  a logging handler's fault has nowhere left to go
            pass
        return not self.strict


class Place:
    """
    One guarded place.
    """

    __slots__ = ("_guard", "name")

    def __init__(self, guard: Guard, name: str) -> None:
        self._guard = guard
        self.name: str = name

    def __enter__(self) -> None:
        return

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        return error is not None and self._guard.caught(self.name, error)


@final
class Errors:
    """
    One guarded place where the program's own code runs, which may await and be told to stop.
    """

    __slots__ = ("_consequence", "_guard", "_name")

    def __init__(self, guard: Guard, name: str, consequence: str) -> None:
        self._guard = guard
        self._name = name
        self._consequence = consequence

    def __enter__(self) -> None:
        return

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if not isinstance(error, Exception):
            return False
        return self._guard.caught(self._name, error, self._consequence)


def _printable(error: BaseException) -> Any:
    """
    What logging can show of an exception whose own text may raise, hang or be endless.
    """
    return (RuntimeError, RuntimeError(type(error).__name__), error.__traceback__)


def _interrupts(error: BaseException) -> bool:
    if isinstance(error, Exception) or threading.current_thread() is not threading.main_thread():
        return False
    if isinstance(error, KeyboardInterrupt):
        return True
    return isinstance(error, SystemExit) and not _handlers().isdisjoint(_codes(error))


def _handlers() -> set[CodeType]:
    """
    The code of every signal handler written in Python.
    """
    handlers = (signal.getsignal(number) for number in signal.valid_signals())
    functions = (getattr(handler, "__func__", handler) for handler in handlers)
    codes = (getattr(function, "__code__", None) for function in functions)
    return {code for code in codes if code is not None}


def _codes(error: BaseException) -> set[CodeType]:
    codes = set()
    trace = error.__traceback__
    while trace is not None:
        codes.add(trace.tb_frame.f_code)
        trace = trace.tb_next
    return codes
