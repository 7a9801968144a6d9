"""
This module holds the one piece of global state: the telemetry of functions that name none.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from otel_confidence.errors import ConfigurationError
from otel_confidence.sdk.telemetry import Telemetry
from otel_confidence.settings import Settings

_lock = threading.Lock()
_telemetry: Telemetry | None = None


def current() -> Telemetry:
    """
    The telemetry in use: the configured one, or one that follows OpenTelemetry's providers.
    """
    return _telemetry or _first()


def _first() -> Telemetry:
    global _telemetry  # noqa: PLW0603  the state this module exists for
    with _lock:
        if _telemetry is None:
            _telemetry = _unconfigured()
        return _telemetry


def _unconfigured() -> Telemetry:
    try:
        return Telemetry(settings=Settings.read())
    except ConfigurationError as error:
        telemetry = Telemetry()
        telemetry.guard.say_once("settings", "otel_confidence: %s; defaults are used", error)
        return telemetry


@contextmanager
def used(telemetry: Telemetry) -> Iterator[Telemetry]:
    """
    Make this telemetry the current one for a while, for the whole process; for tests.
    """
    global _telemetry  # noqa: PLW0603  the state this module exists for
    before = current()
    _telemetry = telemetry
    try:
        yield telemetry
    finally:
        _telemetry = before
