"""
This module reads the parameters of requests to the Prometheus HTTP API.
"""

import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl

from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from otel_confidence.errors import QueryError
from otel_confidence.points import Matcher
from otel_confidence.query.promql.costs import Course
from otel_confidence.query.promql.engine import ENDS_EARLY, NO_STEP, Options, check_steps
from otel_confidence.query.promql.faults import bad_data
from otel_confidence.query.promql.parsing import selector
from otel_confidence.query.times import LATEST_S, epoch_seconds, seconds
from otel_confidence.server.bodies import PATIENCE_S, read_body

MAX_BODY_BYTES = 1 << 20
MAX_FIELDS = 1000
TIMEOUT_S = 120.0
"""How long a request may take, with the time it waits for its turn."""
MAX_STEPS = 11_000
"""How many steps a range query may have, whatever its engine allows."""
EARLIEST_S = 0.0
"""What stands for no limit in time: 1970, and to 2286."""
_NO_MATCHER = "must contain at least one non-empty matcher"
_WHOLE = re.compile(r"[+-]?\d+", re.ASCII)
_LARGEST = (1 << 63) - 1
_FARTHEST_S = 9e15
"""Milliseconds of later times do not fit into 64 bits."""


class Parameters:
    """
    The parameters of one request, from its address and, if it posts one, its form.
    """

    def __init__(self, pairs: Sequence[tuple[str, str]], path: dict[str, Any]) -> None:
        self._pairs = pairs
        self.path = path
        self.course = Course(TIMEOUT_S)
        with suppress(QueryError):  # what is no duration is refused when its turn comes
            self.course.shorten(self.duration("timeout"))

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
            optional = "" if default is None else f"invalid time value for '{name}': "
            raise invalid(name, f"{optional}{error}") from error

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

    def limit(self) -> int:
        """
        A number of results, zero for no limit.

        Raises:
            QueryError: It is no whole number, or negative.
        """
        given = self.text("limit")
        if not given:
            return 0
        try:
            number = whole(given)
        except ValueError as error:
            raise invalid("limit", str(error)) from error
        if number < 0:
            raise invalid("limit", "limit must be non-negative")
        return number

    def most(self, name: str) -> int:
        """
        A number of results, negative for no limit, as questions about metadata have it.

        Raises:
            QueryError: It is no whole number.
        """
        try:
            return whole(self.text(name) or "-1")
        except ValueError as error:
            raise bad_data(f"{name} must be a number") from error

    def matcher_sets(self) -> list[list[Matcher]]:
        """
        What ``match[]`` selects, one list for each.

        Raises:
            QueryError: One of them is no selector.
        """
        return [_selected(text) for text in self.texts("match[]")]

    def moment(self, name: str, default: float | None = None) -> float:
        """
        A time in epoch seconds at which something can be evaluated.

        Raises:
            QueryError: It is none, or too far away.
        """
        at = self.time(name, default)
        if abs(at) > _FARTHEST_S:
            raise invalid(name, f'cannot parse "{self.text(name)}" to a valid timestamp')
        return at

    def span_ms(self) -> tuple[int, int]:
        """
        The times ``start`` and ``end`` in milliseconds, all time when not given.

        Nothing is between them where they end before they start.

        Raises:
            QueryError: They are no times.
        """
        start, end = self.time("start", EARLIEST_S), self.time("end", LATEST_S)
        within = [min(max(moment, EARLIEST_S), LATEST_S) for moment in (start, end)]
        return round(within[0] * 1000), round(within[1] * 1000)

    def options(self) -> Options:
        """
        What ``timeout`` and ``lookback_delta`` ask for.

        Raises:
            QueryError: They are no durations.
        """
        self.duration("timeout")
        try:
            lookback = seconds(self.text("lookback_delta") or "0")
        except ValueError as error:
            raise bad_data(f"error parsing lookback delta duration: {error}") from error
        return Options(lookback_s=lookback or None, course=self.course)

    def steps(self) -> tuple[float, float, float]:
        """
        Start, end and step of a range query, in seconds.

        Raises:
            QueryError: One is missing or wrong, or there are too many steps.
        """
        start, end = self.moment("start"), self.moment("end")
        if end < start:
            raise invalid("end", ENDS_EARLY)
        step = self.duration("step")
        if step is None:
            raise invalid("step", 'cannot parse "" to a valid duration')
        if step <= 0:
            raise invalid("step", NO_STEP)
        check_steps(start, end, step, MAX_STEPS)
        return start, end, step


async def parameters_of(request: Request, *, patience_s: float = PATIENCE_S) -> Parameters:
    """
    A request's parameters; those of a posted form come first.

    Args:
        request: The request.
        patience_s: How long its form may take to arrive.

    Raises:
        BodyError: The form is too large or too slow.
        QueryError: The form cannot be read or has too many fields.
    """
    pairs: list[tuple[str, str]] = []
    if request.method == "POST":
        body = await read_body(request, max_bytes=MAX_BODY_BYTES, raw=True, patience_s=patience_s)
        try:
            pairs = await _form(request, body)
        except (ValueError, MultiPartException) as error:
            raise bad_data(f"error parsing form values: {error}") from error
    return Parameters([*pairs, *request.query_params.multi_items()], request.path_params)


async def _form(request: Request, body: bytes) -> list[tuple[str, str]]:
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        return parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS)

    async def stream() -> AsyncGenerator[bytes, None]:
        yield body

    parser = MultiPartParser(request.headers, stream(), max_files=0, max_fields=MAX_FIELDS)
    form = await parser.parse()
    return [(name, value) for name, value in form.multi_items() if isinstance(value, str)]


def whole(text: str) -> int:
    """
    A whole number of 64 bits.

    Raises:
        ValueError: It is none.
    """
    if not _WHOLE.fullmatch(text) or abs(number := int(text[:32])) > _LARGEST:
        raise ValueError(f'cannot parse "{text[:40]}" to a whole number')
    return number


def _selected(text: str) -> list[Matcher]:
    try:
        return selector(text)
    except QueryError as error:
        if str(error).endswith(_NO_MATCHER):
            raise bad_data(f"match[] {_NO_MATCHER}") from error
        raise


def invalid(name: str, reason: str) -> QueryError:
    """
    A parameter is wrong, in Prometheus's words.
    """
    return bad_data(f'invalid parameter "{name}": {reason}')
