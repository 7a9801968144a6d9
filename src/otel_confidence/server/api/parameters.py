"""
This module reads the parameters of requests to the Prometheus HTTP API.
"""

import math
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request

from otel_confidence.errors import QueryError
from otel_confidence.points import Matcher
from otel_confidence.query.promql.engine import Options
from otel_confidence.query.promql.faults import bad_data
from otel_confidence.query.promql.parsing import selector

MAX_BODY_BYTES = 1 << 20
MAX_FIELDS = 1000
EARLIEST_S, LATEST_S = 0.0, 9_999_999_999.0
"""What stands for no limit in time: 1970 and 2286."""
_DURATION = re.compile(
    r"(?:(\d+)y)?(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?"
)
_UNIT_MS = (365 * 86_400_000, 7 * 86_400_000, 86_400_000, 3_600_000, 60_000, 1000, 1)
_RFC_3339 = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt](\d{2}:\d{2}:\d{2})(?:\.(\d+))?([Zz]|[+-]\d{2}:\d{2})"
)


class Parameters:
    """
    The parameters of one request, from its address and, if it posts one, its form.
    """

    def __init__(self, pairs: Sequence[tuple[str, str]], path: dict[str, Any]) -> None:
        self._pairs = pairs
        self.path = path

    def text(self, name: str, default: str = "") -> str:
        """
        The first value given for a name.
        """
        return next((value for key, value in self._pairs if key == name), default)

    def texts(self, name: str) -> list[str]:
        """
        All values given for a name.
        """
        return [value for key, value in self._pairs if key == name]

    def time(self, name: str, default: float | None = None) -> float:
        """
        A time in epoch seconds, given so or as RFC 3339.

        Raises:
            QueryError: It is neither, or missing without a default.
        """
        given = self.text(name)
        if not given and default is not None:
            return default
        try:
            return epoch_seconds(given)
        except ValueError as error:
            raise invalid(name, str(error)) from error

    def duration(self, name: str) -> float | None:
        """
        A duration in seconds, given so or like ``5m``; none when missing.

        Raises:
            QueryError: It is neither.
        """
        given = self.text(name)
        if not given:
            return None
        try:
            return seconds(given)
        except ValueError as error:
            raise invalid(name, str(error)) from error

    def limit(self, name: str = "limit", *, floor: int = 0) -> int:
        """
        A number of results, zero for no limit.

        Raises:
            QueryError: It is no whole number, or too small.
        """
        given = self.text(name)
        if not given:
            return floor
        try:
            number = int(given)
        except ValueError as error:
            raise invalid(name, f"{name} must be a whole number, got {given!r}") from error
        if number < floor:
            raise invalid(name, f"{name} must be non-negative")
        return number

    def matcher_sets(self) -> list[list[Matcher]]:
        """
        What ``match[]`` selects, one list for each.

        Raises:
            QueryError: One of them is no selector.
        """
        try:
            return [selector(text) for text in self.texts("match[]")]
        except QueryError as error:
            raise invalid("match[]", str(error)) from error

    def span_ms(self) -> tuple[int, int]:
        """
        The times ``start`` and ``end`` in milliseconds, all time when not given.

        Raises:
            QueryError: They are no times, or end before they start.
        """
        start, end = self.time("start", EARLIEST_S), self.time("end", LATEST_S)
        if end < start:
            raise bad_data("end timestamp must not be before start timestamp")
        within = [min(max(moment, EARLIEST_S), LATEST_S) for moment in (start, end)]
        return round(within[0] * 1000), round(within[1] * 1000)

    def options(self) -> Options:
        """
        What ``timeout`` and ``lookback_delta`` ask for.
        """
        return Options(self.duration("timeout"), self.duration("lookback_delta"))


async def parameters_of(request: Request) -> Parameters:
    """
    A request's parameters; those of a posted form come first.

    Raises:
        QueryError: The form is too large or has too many fields.
    """
    pairs: list[tuple[str, str]] = []
    if request.method == "POST":
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > MAX_BODY_BYTES:
                raise bad_data(f"the form is larger than {MAX_BODY_BYTES} bytes")
        try:
            text = body.decode()
            pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS)
        except ValueError as error:
            raise bad_data(f"error parsing form values: {error}") from error
    return Parameters([*pairs, *request.query_params.multi_items()], request.path_params)


def invalid(name: str, reason: str) -> QueryError:
    """
    A parameter is wrong, in Prometheus's words.
    """
    return bad_data(f'invalid parameter "{name}": {reason}')


def epoch_seconds(text: str) -> float:
    """
    A time given as epoch seconds or RFC 3339, to the millisecond.

    Raises:
        ValueError: It is neither.
    """
    try:
        number = float(text)
    except ValueError:
        return _rfc_3339(text)
    if not math.isfinite(number):
        raise ValueError(f'cannot parse "{text}" to a valid timestamp')
    return round(number, 3)


def _rfc_3339(text: str) -> float:
    found = _RFC_3339.fullmatch(text)
    if found is None:
        raise ValueError(f'cannot parse "{text}" to a valid timestamp')
    day, clock, fraction, zone = found.groups()
    offset = "+00:00" if zone in "Zz" else zone
    moment = datetime.fromisoformat(f"{day}T{clock}{offset}")
    return round(moment.timestamp() + float(f"0.{fraction or 0}"), 3)


def seconds(text: str) -> float:
    """
    A duration given as seconds or with units, such as ``1h30m``.

    Raises:
        ValueError: It is neither.
    """
    try:
        number = float(text)
    except ValueError:
        return _with_units(text)
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
