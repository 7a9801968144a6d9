"""
This module reads times and durations as the Prometheus HTTP API takes them.
"""

import math
import re
from datetime import datetime

LATEST_S = 9_999_999_999.0
"""The last time there is, and the longest duration: 2286."""
_DURATION = re.compile(
    r"(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?"
)
_UNIT_MS = (365 * 86_400_000, 7 * 86_400_000, 86_400_000, 3_600_000, 60_000, 1000, 1)
_FLOAT = re.compile(
    r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|[+-]?inf(?:inity)?|nan", re.IGNORECASE | re.ASCII
)
_RFC_3339 = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt](\d{2}:\d{2}:\d{2})(?:\.(\d+))?([Zz]|[+-]\d{2}:\d{2})"
)


def epoch_seconds(text: str) -> float:
    """
    A time given as epoch seconds or RFC 3339, to the millisecond.

    Raises:
        ValueError: It is neither.
    """
    if not _FLOAT.fullmatch(text):
        return _rfc_3339(text)
    number = float(text)
    if not math.isfinite(number):
        raise _no_time(text)
    return round(number, 3)


def _rfc_3339(text: str) -> float:
    found = _RFC_3339.fullmatch(text)
    if found is None:
        raise _no_time(text)
    day, clock, fraction, zone = found.groups()
    offset = "+00:00" if zone in "Zz" else zone
    try:
        moment = datetime.fromisoformat(f"{day}T{clock}{offset}")
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
    if not _FLOAT.fullmatch(text):
        return _with_units(text)
    number = float(text)
    if not math.isfinite(number) or abs(number) > LATEST_S:
        raise _too_long(text)
    return number


def _with_units(text: str) -> float:
    found = _DURATION.fullmatch(text)
    if not text or found is None:
        raise ValueError(f'cannot parse "{text}" to a valid duration')
    parts = zip(found.groups(), _UNIT_MS, strict=True)
    length_ms = sum(int(count) * unit for count, unit in parts if count)
    if length_ms > LATEST_S * 1000:
        raise _too_long(text)
    return length_ms / 1000


def _too_long(text: str) -> ValueError:
    return ValueError(f'cannot parse "{text[:40]}" to a valid duration. It overflows int64')
