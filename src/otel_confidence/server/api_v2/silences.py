"""
This module answers the requests of Alertmanager's HTTP API that ask for silences or change them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from otel_confidence.alerting.notifying.messages import moment
from otel_confidence.alerting.notifying.silences import Silence
from otel_confidence.alerting.notifying.silencing import Silencing
from otel_confidence.errors import ConfigurationError
from otel_confidence.query.times import epoch_seconds
from otel_confidence.server.api_v2.matchers import fields_of, filters_of, matcher_of

_ORDER: Final = ("active", "pending", "expired")


@dataclass(frozen=True, slots=True)
class Silences:
    """
    Answers about silences.
    """

    silencing: Silencing

    def asked_for(self, filters: Sequence[str], at_ms: int) -> list[dict[str, Any]]:
        """
        The silences that have every matcher asked for: active ones, then those to come, then past.

        Raises:
            ConfigurationError: A filter is no matcher.
        """
        wanted = filters_of(filters)
        found = [each for each in self.silencing.all() if all(m in each.matchers for m in wanted)]
        return [_written(each, at_ms) for each in sorted(found, key=lambda s: _place(s, at_ms))]

    def find(self, silence_id: str, at_ms: int) -> dict[str, Any] | None:
        """
        One silence; None where there is none with this id.
        """
        found = (each for each in self.silencing.all() if each.id == silence_id)
        return next((_written(each, at_ms) for each in found), None)

    def keep(self, given: Any, at_ms: int) -> str:
        """
        Keep a silence, new or changed; its id.

        Raises:
            ConfigurationError: A field is missing or wrong.
            LookupError: It has an id that no silence has.
        """
        silence = _read(given, at_ms)
        if silence.id and self.find(silence.id, at_ms) is None:
            raise LookupError(f"silence {silence.id} not found")
        return self.silencing.keep(silence, at_ms)


def _read(given: Any, at_ms: int) -> Silence:
    if not isinstance(given, dict):
        raise ConfigurationError("a silence must be a JSON object")
    matchers = given.get("matchers")
    if not isinstance(matchers, list):
        raise ConfigurationError(f"matchers must be a list, got {matchers!r}")
    starts_ms, ends_ms = _time(given, "startsAt"), _time(given, "endsAt")
    if ends_ms <= at_ms:
        raise ConfigurationError("a silence must end in the future")
    silence_id = _text(given, "id")
    return Silence(
        tuple(map(matcher_of, matchers)),
        # One that changes keeps its start; a new one does not begin in the past.
        starts_ms if silence_id else max(starts_ms, at_ms),
        ends_ms,
        _text(given, "comment"),
        _text(given, "createdBy"),
        silence_id,
    )


def _text(given: dict[str, Any], field: str) -> str:
    value = given.get(field) or ""
    if not isinstance(value, str):
        raise ConfigurationError(f"{field} must be a text, got {value!r}")
    return value


def _time(given: dict[str, Any], field: str) -> int:
    value = given.get(field)
    try:
        if isinstance(value, str) and "T" in value.upper():
            return round(epoch_seconds(value) * 1000)
    except ValueError as error:
        raise ConfigurationError(f"{field}: {error}") from error
    raise ConfigurationError(f"{field} must be a time such as 2026-01-31T09:00:00Z, got {value!r}")


def _state(silence: Silence, at_ms: int) -> str:
    if silence.ends_ms <= at_ms:
        return "expired"
    return "active" if silence.active(at_ms) else "pending"


def _place(silence: Silence, at_ms: int) -> tuple[int, int]:
    state = _state(silence, at_ms)
    times = {"active": silence.ends_ms, "pending": silence.starts_ms, "expired": -silence.ends_ms}
    return _ORDER.index(state), times[state]


def _written(silence: Silence, at_ms: int) -> dict[str, Any]:
    return {
        "id": silence.id,
        "status": {"state": _state(silence, at_ms)},
        "updatedAt": moment(silence.updated_ms or silence.starts_ms),
        "matchers": [fields_of(each) for each in silence.matchers],
        "startsAt": moment(silence.starts_ms),
        "endsAt": moment(silence.ends_ms),
        "createdBy": silence.by,
        "comment": silence.comment,
    }
