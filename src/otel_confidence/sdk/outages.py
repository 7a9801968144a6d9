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
IN_PART: Final = (
    "otel_confidence: %s takes only a part of what it is sent (%s): what it rejects is lost and "
    "counted as rejected_by_collector; its own log may say more"
)
_NOBODY: Final = re.compile(r"\[Errno -?\d+\] ([A-Za-z ]{3,60})|StatusCode\.(UNAVAILABLE)")
_HOPELESS: Final = (
    # Most telling first: by gRPC all of them are UNAVAILABLE, and an expired certificate is also
    # one that failed to be verified.
    re.compile(r"(?i)(certificate has expired|(?:hostname|ip address) mismatch)"),
    re.compile(r"(?i)(certificate.verify.failed|wrong.version.number)"),
    re.compile(r"(?i)(DNS resolution failed|errors resolving)"),
    _NOBODY,
)
"""Nobody is there, or nobody with whom a word can be exchanged: trying on is of little use."""
_REASONS: Final = (
    *_HOPELESS,
    re.compile(r"code: (\d{3}), reason"),
    re.compile(r"StatusCode\.(\w{1,60})"),
    re.compile(r"(timed out)"),
    re.compile(r"Transient error ([\w ]{1,60}) encountered"),
)
_BY_GRPC: Final = {
    "certificate_verify_failed": "certificate verify failed",
    "wrong_version_number": "wrong version number",
    "dns resolution failed": "name or service not known",
    "errors resolving": "name or service not known",
}
"""One word for one thing: what by HTTP is called otherwise."""
COPIES: Final = 2
"""How often what is cut off goes out: it is kept twice at most, and survives one receiver's end."""
UNKNOWN: Final = "no answer"
"""What is said where no exporter says why."""
UNEXPLAINED: Final = "it does not say why"
"""What is said where a receiver gives no reason."""


@final
class Attempt:
    """
    One export under way: what was logged about it, and whether it arrived.
    """

    __slots__ = ("_endpoint", "_outage", "_told", "_unanswered", "arrived", "rejected", "why")

    def __init__(self, outage: "Outage", endpoint: str) -> None:
        self._outage = outage
        self._endpoint = endpoint
        self._told = ""
        self._unanswered = 0
        self.arrived = False
        self.rejected = 0
        """How many records were not taken although it arrived."""
        self.why = ""

    def note(self, text: str) -> None:
        """
        Take what an exporter logs; the first reason counts. Nobody there is said at once.
        """
        self.why = self.why or _reason(text)
        if any(pattern.search(text) for pattern in _HOPELESS):
            self._outage.lasts = True
            self.fail()

    def refused(self, why: str) -> None:
        """
        Take what a receiver answered; the first reason counts.
        """
        self.why = self.why or why

    def rejects(self, number: int, message: str) -> None:
        """
        Take that a receiver did not take so many records of a request.
        """
        self.rejected += number
        self._told = self._told or message

    def may_go_out_again(self) -> bool:
        """
        Take that it went out and was cut off without an answer; whether it may once more.

        OTLP has no word by which a receiver knows a batch again, and may have taken this one.
        """
        self._unanswered += 1
        return self._unanswered < COPIES

    def fail(self) -> None:
        """
        Say that this does not arrive.
        """
        self._outage.say(_place(self._endpoint), self.why or UNKNOWN)

    def arrive(self) -> None:
        """
        Say that this arrives in part, where it does.
        """
        if self.rejected:
            why = self._told or UNEXPLAINED
            self._outage.say_in_part(_place(self._endpoint), why)


class Outage:
    """
    Whether somebody takes what the exporters of this process send.
    """

    def __init__(self, say: Say, say_in_part: Say = lambda *_: None) -> None:
        self.say: Final = say
        self.say_in_part: Final = say_in_part
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
                attempt.arrive()
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


def current() -> Attempt | None:
    """
    The export of ours that is under way in this thread.
    """
    return _current.attempt


def listen(logger: str) -> None:
    """
    Hold back what an exporter's module logs about exports of ours; twice does no harm.
    """
    filters = logging.getLogger(logger).filters
    if _hold_back not in filters:
        # Before the exporters' own, which lets nothing pass twice within 20 s, whatever the reason.
        filters.insert(0, _hold_back)


def _reason(text: str) -> str:
    for pattern in _REASONS:
        if found := pattern.search(text):
            told = next(group for group in found.groups() if group)
            words = told.strip().lower()
            return f"answered {told}" if told.isdecimal() else _BY_GRPC.get(words, words)
    return ""


def _place(endpoint: str) -> str:
    """
    Scheme, host and port: a path or password is nobody's business.
    """
    scheme, found, rest = endpoint.rpartition("://")
    return scheme + found + rest.partition("/")[0].rpartition("@")[2]
