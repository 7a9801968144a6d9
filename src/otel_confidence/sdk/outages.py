"""
This module says once, in a sentence of ours, that telemetry can't be delivered, and why.

OpenTelemetry's exporters log a long line for every attempt and signal. Of the exporters that are
ours those lines are held back; those of the program's own exporters are not touched.
"""

import logging
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, final

Say = Callable[[str, str], None]
"""Called with where nothing arrives, and why."""

MESSAGE: Final = (
    "otel_confidence: nothing arrives at %s (%s): start `otel-confidence up` or a Collector there, "
    "or name another place in OTEL_EXPORTER_OTLP_ENDPOINT; counts are kept until it answers, spans "
    "and events are not"
)
_NOBODY: Final = re.compile(r"\[Errno -?\d+\] ([A-Za-z ]{3,60})|StatusCode\.(UNAVAILABLE)")
_REASONS: Final = (
    _NOBODY,
    re.compile(r"code: (\d{3}), reason"),
    re.compile(r"answered (\d{3}) instead"),
    re.compile(r"StatusCode\.(\w{1,60})"),
    re.compile(r"(timed out|certificate verify failed|wrong version number)"),
    re.compile(r"Transient error ([\w ]{1,60}) encountered"),
)
UNKNOWN: Final = "no answer"
"""What is said where no exporter says why."""


@final
class Attempt:
    """
    One export under way: what was logged about it, and whether it arrived.
    """

    __slots__ = ("_endpoint", "_outage", "arrived", "why")

    def __init__(self, outage: "Outage", endpoint: str) -> None:
        self._outage = outage
        self._endpoint = endpoint
        self.arrived = False
        self.why = ""

    def note(self, text: str) -> None:
        """
        Take what an exporter logs; the first reason counts. Nobody there is said at once.
        """
        self.why = self.why or _reason(text)
        if _NOBODY.search(text):
            self._outage.lasts = True
            self.fail()

    def fail(self) -> None:
        """
        Say that this does not arrive.
        """
        self._outage.say(_place(self._endpoint), self.why or UNKNOWN)


class Outage:
    """
    Whether somebody takes what the exporters of this process send.
    """

    def __init__(self, say: Say) -> None:
        self.say: Final = say
        self.lasts = False
        """Whether nobody answered the last attempt, as far as it has come."""

    @contextmanager
    def watched(self, endpoint: str) -> Iterator[Attempt]:
        """
        One export: what is logged meanwhile, in this thread, is held back.
        """
        attempt = _current.attempt = Attempt(self, endpoint)
        try:
            yield attempt
        finally:
            _current.attempt = None
            if attempt.arrived:
                self.lasts = False
            else:
                attempt.fail()


class _Current(threading.local):
    attempt: Attempt | None = None


class _HoldBack(logging.Filter):
    """
    Keeps to itself what is logged while one of our exporters sends.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        attempt = _current.attempt
        if attempt is not None:
            attempt.note(record.getMessage())
        return attempt is None


_current: Final = _Current()
_hold_back: Final = _HoldBack()


def listen(logger: str) -> None:
    """
    Hold back what an exporter's module logs about exports of ours; twice does no harm.
    """
    logging.getLogger(logger).addFilter(_hold_back)


def _reason(text: str) -> str:
    for pattern in _REASONS:
        if found := pattern.search(text):
            told = next(group for group in found.groups() if group)
            return f"answered {told}" if told.isdecimal() else told.strip().lower()
    return ""


def _place(endpoint: str) -> str:
    """
    Scheme, host and port: a path or password is nobody's business.
    """
    scheme, found, rest = endpoint.rpartition("://")
    return scheme + found + rest.partition("/")[0].rpartition("@")[2]
