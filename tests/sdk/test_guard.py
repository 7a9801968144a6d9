"""This module checks that no fault crosses the border to the user's program."""

import asyncio
import logging
import signal
import threading

import pytest

from otel_confidence.sdk.guard import Guard


class Odd(BaseException):
    """An exception that is none of ``Exception``."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


@pytest.mark.parametrize(
    "error", [ValueError("x"), Odd(), asyncio.CancelledError(), GeneratorExit(), SystemExit(1)]
)
def test_guard_contains_and_counts(error: BaseException) -> None:
    """
    Whatever a guarded block raises is contained and counted by place and type.
    """
    counted: list[tuple[str, str]] = []
    guard = Guard(count=lambda place, kind: counted.append((place, kind)))

    with guard("extract"):
        raise error

    assert [("extract", type(error).__name__)] == counted


def test_guard_logs_each_place_once(caplog: pytest.LogCaptureFixture) -> None:
    """
    A place that fails again and again is logged the first time only.
    """
    guard = Guard()
    with caplog.at_level(logging.WARNING, logger="otel_confidence"):
        for place in ("here", "here", "there"):
            with guard(place):
                raise Odd

    assert [("here", "Odd"), ("there", "Odd")] == [r.args for r in caplog.records]


def test_guard_says_no_more_than_a_log_can_bear(caplog: pytest.LogCaptureFixture) -> None:
    """
    What is said of a huge value, or of one with line breaks and escapes, is one short line.
    """
    guard = Guard()
    with caplog.at_level(logging.WARNING, logger="otel_confidence"):
        guard.say_once("huge", "got %s", "x" * 10_000_000)
        guard.say_once("rough", "got %s", "a\nb\x1b[31m\ud800")

    huge, rough = (record.getMessage() for record in caplog.records)

    assert len("got ") + 1000 == len(huge)
    assert r"got a\nb\x1b[31m\ud800" == rough


def test_guard_lets_a_keyboard_interrupt_pass() -> None:
    """
    Ctrl-C during our own work ends the program as it would anywhere else.
    """
    guard = Guard()

    with pytest.raises(KeyboardInterrupt), guard("here"):
        raise KeyboardInterrupt


def test_guard_lets_a_signal_handlers_exit_pass() -> None:
    """
    A SIGTERM handler that exits while we work does end the program.
    """
    guard = Guard()

    def leave(_: int, __: object) -> None:
        raise SystemExit(3)

    before = signal.signal(signal.SIGUSR1, leave)
    try:
        with pytest.raises(SystemExit), guard("here"):
            signal.raise_signal(signal.SIGUSR1)
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_guard_contains_interrupts_of_other_threads() -> None:
    """
    Off the main thread no signal arrives: KeyboardInterrupt there is a plugged-in callable's own.
    """
    passed: list[str] = []

    def work() -> None:
        with Guard()("here"):
            raise KeyboardInterrupt
        passed.append("went on")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()

    assert ["went on"] == passed


def test_strict_guard_raises() -> None:
    """
    Under test nothing is contained.
    """
    guard = Guard(strict=True)

    with pytest.raises(ValueError, match="x"), guard("here"):
        raise ValueError("x")


def test_guard_survives_a_broken_logging_handler() -> None:
    """
    A logging handler that raises does not turn a contained fault into a crash.
    """

    class Broken(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise OSError(record.name)

    logger, handler = logging.getLogger("otel_confidence"), Broken()
    logger.addHandler(handler)
    try:
        with Guard()("here"):
            raise ValueError
    finally:
        logger.removeHandler(handler)


def test_wrapped_callable_gives_none_instead_of_raising() -> None:
    """
    A wrapped callable keeps its name and result, and gives None where it would raise.
    """
    wrapped = Guard().wrap("parse", int)

    assert 4 == wrapped("4")
    assert wrapped("four") is None
