"""
This module reads times and durations as the Prometheus HTTP API takes them.
"""

import math
import re
from datetime import datetime

from otel_confidence.query.literals import NANOSECONDS, duration_of, float_of

LATEST_S = 9_999_999_999.0
"""The last time there is, and the longest duration: 2286."""
_RFC_3339 = re.compile(
    r"(\d{4}-\d{2}-\d{2})T(\d{1,2})(:\d{2}:\d{2})(?:[.,](\d+))?(Z|[+-]\d{2}:\d{2})", re.ASCII
)
"""As Go reads it, where an hour may be one digit and a comma a point."""


def epoch_seconds(text: str) -> float:
    """
    A time given as epoch seconds or RFC 3339, to the millisecond.

    Raises:
        ValueError: It is neither.
    """
    try:
        number = float_of(text)
    except ValueError:
        return _rfc_3339(text)
    if not math.isfinite(number):
        raise _no_time(text)
    return round(number, 3)


def _rfc_3339(text: str) -> float:
    found = _RFC_3339.fullmatch(text)
    if found is None:
        raise _no_time(text)
    day, hour, clock, fraction, zone = found.groups()
    offset = "+00:00" if zone == "Z" else zone
    try:
        moment = datetime.fromisoformat(f"{day}T{hour:>02}{clock}{offset}")
    except ValueError as error:
        raise _no_time(text) from error
    return round(moment.timestamp() + float(f"0.{fraction or 0}"), 3)


def _no_time(text: str) -> ValueError:
    return ValueError(f'cannot parse "{text}" to a valid timestamp')


def seconds(text: str) -> float:
    """
    A duration given as seconds or with units, such as ``1h30m``.

    Raises:
        ValueError: It is neither.
    """
    try:
        number = float_of(text)
    except ValueError:
        return _with_units(text)
    if not math.isfinite(number) or abs(number) > LATEST_S:
        raise _too_long(text)
    return number


def _with_units(text: str) -> float:
    try:
        return duration_of(text) / NANOSECONDS
    except ValueError as error:
        raise ValueError(f'cannot parse "{text[:40]}" to a valid duration') from error


def _too_long(text: str) -> ValueError:
    return ValueError(f'cannot parse "{text[:40]}" to a valid duration. It overflows int64')
