"""
This module emits what a verb reports, and accounts for what can't be recorded; nothing is raised.
"""

from collections.abc import Callable

from opentelemetry.trace import INVALID_SPAN, Span

from otel_confidence.errors import InvalidRecord
from otel_confidence.records import Record
from otel_confidence.sdk.telemetry import Telemetry


def report(
    telemetry: Telemetry,
    signal: str,
    place: str,
    make: Callable[[], Record],
    *,
    span: Span = INVALID_SPAN,
) -> None:
    """
    Make a record and emit it.

    Args:
        telemetry: where to record.
        signal: what the record is counted as where it can't be made.
        place: names the verb where a fault in it is contained.
        make: makes the record, or raises InvalidRecord.
        span: what runs now.
    """
    if not telemetry.enabled:
        return
    handled = False
    with telemetry.guard(f"{place}.{signal}"):
        try:
            made = make()
        except InvalidRecord as error:
            refuse(telemetry, signal, error)
        else:
            telemetry.emit(made, span=span)
        handled = True
    if not handled:
        lose(telemetry, signal, "internal_error")


def refuse(telemetry: Telemetry, signal: str, error: InvalidRecord) -> None:
    """
    Say once for its reason why something is not recorded, and count it.
    """
    key = f"{signal} {error.reason}"
    telemetry.guard.say_once(key, "otel_confidence: %s is not recorded: %s", signal, error)
    lose(telemetry, signal, error.reason)


def lose(telemetry: Telemetry, signal: str, reason: str) -> None:
    """
    Count something that is not recorded.
    """
    if telemetry.enabled:
        with telemetry.guard("reporting.lose"):
            telemetry.recorded(signal)
            telemetry.dropped(signal, reason)
