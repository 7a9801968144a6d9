"""
This module reads the form that silences alerts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import Request

from otel_confidence.alerting.durations import milliseconds
from otel_confidence.alerting.notifying.silences import Silence, matchers_of
from otel_confidence.errors import ConfigurationError
from otel_confidence.server.bodies import BodyError, read_body

LINE: Final = "\n"
"""What divides matchers."""
_LONGEST_BYTES: Final = 1 << 16
_FIELDS: Final = 20


@dataclass(frozen=True, slots=True)
class Draft:
    """
    A silence as the form holds it.
    """

    matchers: str = ""
    """One a line."""
    duration: str = "2h"
    comment: str = ""
    by: str = ""

    @classmethod
    def of(cls, given: Mapping[str, str]) -> "Draft":
        """
        The draft that a form or an address gives.
        """
        return cls(
            given.get("matchers", ""),
            given.get("duration", cls().duration),
            given.get("comment", ""),
            given.get("by", ""),
        )

    def silence(self, at_ms: int) -> Silence:
        """
        The silence from a time on.

        Raises:
            ConfigurationError: Something is wrong or missing.
        """
        try:
            length_ms = milliseconds(self.duration.strip())
        except ValueError as error:
            reason = f"expected a duration such as 2h, 90m or 1d: {error}"
            raise ConfigurationError(reason) from error
        matchers = [line.strip() for line in self.matchers.splitlines() if line.strip()]
        ends_ms = at_ms + length_ms
        comment, by = self.comment.strip(), self.by.strip()
        return Silence(matchers_of(matchers), at_ms, ends_ms, comment, by)


async def form_of(request: Request) -> dict[str, str]:
    """
    The fields of a posted form.

    Raises:
        BodyError: It is too large, too slow, or no form.
    """
    body = await read_body(request, max_bytes=_LONGEST_BYTES, raw=True)
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_FIELDS))
    except ValueError as error:
        raise BodyError(400, f"the form cannot be read: {error}") from error
