"""
This module holds the settings of the user's half, from arguments, then the environment.

Each setting can be given as an environment variable, in capitals: ``event_sample_ratio`` is
``OTEL_CONFIDENCE_EVENT_SAMPLE_RATIO``. All but the sizes of tables, which may have been made by
then, can be given as an argument of ``configure()`` too. Where and how telemetry
is sent is not settled here but by OpenTelemetry's own ``OTEL_*`` variables.
"""

import dataclasses
import math
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from otel_confidence import conventions as c
from otel_confidence import spelling
from otel_confidence.errors import ConfigurationError

PREFIX: Final = "OTEL_CONFIDENCE_"
"""What every environment variable of the library begins with."""


@dataclass(frozen=True, slots=True)
class Settings:
    """
    How the library records.

    Raises:
        ConfigurationError: a value is out of its range; the message names it and the range.
    """

    event_sample_ratio: float = 1.0
    """Share of predictions that leave an ``ml.prediction.result`` event, chosen by prediction id.

    Every prediction does, by default: events are what single predictions are looked up in. Lower it
    where their volume costs too much; low-confidence events are never sampled away.
    """
    receipt_key: str = field(default="", repr=False)
    """Secret that receipts are signed with (HMAC-SHA-256); empty: a checksum against accidents."""
    former_receipt_keys: tuple[str, ...] = field(default=(), repr=False)
    """Secrets that receipts were signed with before, and with which they are still accepted."""
    thresholds: tuple[float, ...] = ()
    """More bucket edges of the confidence histogram, beside those of declared thresholds."""
    max_models: int = 200
    """Models, told apart by name and version, that get series of their own; others share one."""
    max_features: int = 50
    """Features of one reference that are counted, the first of it; each makes some 15 series."""
    max_series: int = 1900
    """Attribute combinations of one counter; the rest is summed as ``otel.metric.overflow``.

    Below the 2,000 at which OpenTelemetry itself folds.
    """
    max_label_values: int = 200
    """Values of one metric attribute of what is reported that get series of their own.

    Of the 201st on they are recorded as ``_OTHER``, so that counts stay exact.
    """
    metric_attributes: tuple[str, ...] = ()
    """Names of attributes, given to the ``record_...`` verbs, that may stand on metrics.

    At most 16, each with few values: a region or a plan, never a user or a request.
    """
    seen_outcomes: int = 262_144
    """How many outcomes and judgements are remembered, so that what is told twice counts once.

    Some 120 bytes each, taken as they come.
    """
    shutdown_timeout_s: float = 5.0
    """How long the end of the process may wait for telemetry to be delivered, seconds.

    A third of it where connections are refused: nobody is there to deliver to.
    """
    capture: Mapping[str, Any] | None = None
    """Which fields leave the process and how: True, False, ``"hash"`` or a number of characters.

    In the environment ``inputs=hash,comment=200,label=off``.
    """
    redact: Callable[[str, str], str | None] | None = field(default=None, repr=False)
    """Called with a field's name and its scrubbed text; gives the text that leaves, or None."""
    redact_patterns: Mapping[str, Any] | None = None
    """Regular expressions by the kind they find, searched for beside the built-in ones.

    In the environment a JSON object.
    """
    redact_also: tuple[str, ...] = ()
    """Optional kinds of personal data to search for, such as ``ip_address``."""
    redact_except: tuple[str, ...] = ()
    """Kinds of secrets or personal data to leave alone."""
    hash_key: str = field(default="", repr=False)
    """Secret that hashed fields are keyed with; empty: a random one for each process."""
    strict: bool = False
    """Whether contained faults are raised instead; for tests."""

    def __post_init__(self) -> None:
        _within("event_sample_ratio", self.event_sample_ratio, 0, 1)
        for threshold in self.thresholds:
            _within("thresholds", threshold, 0, 1)
        for name in (
            "max_models",
            "max_features",
            "max_series",
            "max_label_values",
            "seen_outcomes",
        ):
            _within(name, getattr(self, name), 1, 2**31)
        _within("shutdown_timeout_s", self.shutdown_timeout_s, 0, math.inf)
        for name in _SECRETS:
            if not isinstance(getattr(self, name), str):
                raise ConfigurationError(f"{name} must be text")
        for name in ("redact_also", "redact_except", "metric_attributes"):
            _texts(name, getattr(self, name))
        _metric_names(self.metric_attributes)
        former = self.former_receipt_keys
        if not isinstance(former, tuple) or not all(isinstance(k, str) and k for k in former):
            raise ConfigurationError("former_receipt_keys must be texts that are not empty")
        if former and not self.receipt_key:
            raise ConfigurationError("former_receipt_keys need a receipt_key that replaced them")

    @property
    def receipt_keys(self) -> tuple[str, ...]:
        """
        Every secret that a receipt may be signed with, the present one first.
        """
        return (self.receipt_key, *self.former_receipt_keys) if self.receipt_key else ()

    @classmethod
    def read(cls, environ: Mapping[str, str] | None = None, **arguments: Any) -> "Settings":
        """
        Settings from arguments that are not None, then the environment, then the defaults.

        Raises:
            ConfigurationError: an unknown setting, or a value that cannot be read.
        """
        environ = os.environ if environ is None else environ
        known = {f.name: f.default for f in dataclasses.fields(cls)}
        if unknown := sorted(arguments.keys() - known.keys()):
            raise ConfigurationError(f"unknown setting {unknown[0]!r}, known: {', '.join(known)}")
        given = {
            name: _read(name, default, environ[PREFIX + name.upper()])
            for name, default in known.items()
            if environ.get(PREFIX + name.upper())
        }
        given |= {name: value for name, value in arguments.items() if value is not None}
        for name, value in given.items():
            if isinstance(known[name], tuple) and isinstance(value, (list, tuple, set, frozenset)):
                given[name] = tuple(value)
        return cls(**given)


def _within(name: str, value: Any, low: float, high: float) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise ConfigurationError(f"{name} must be a number within {low}..{high}, got {value!r}")


def _flag(text: str) -> bool:
    if text.strip().lower() in {"true", "1", "yes", "on"}:
        return True
    if text.strip().lower() in {"false", "0", "no", "off"}:
        return False
    raise ValueError(text)


def _texts(name: str, value: Any) -> None:
    if not isinstance(value, tuple) or not all(isinstance(v, str) for v in value):
        raise ConfigurationError(f"{name} must be a list of texts, got {value!r}")


def _metric_names(names: tuple[str, ...]) -> None:
    """
    Refuse names that no attribute may have, and such that backends could not tell apart.
    """
    if len(names) > _MOST_METRIC_ATTRIBUTES:
        raise ConfigurationError(
            f"metric_attributes takes {_MOST_METRIC_ATTRIBUTES} names, got {len(names)}"
        )
    taken = {_label(a.name): a.name for a in c.ATTRIBUTES} | dict.fromkeys(_RESERVED, "Prometheus")
    for name in names:
        if not _NAME.fullmatch(name):
            raise ConfigurationError(
                "metric_attributes must name ASCII words joined by dots, such as app.region, in at "
                f"most 63 characters, got {name[:80]!r}"
            )
        label = _label(name)
        if label in taken:
            raise ConfigurationError(
                f"metric_attributes: {name!r} can't be told from the attribute of "
                f"{taken[label]!r}, both are spelled {label!r}, case aside; take another name"
            )
        taken[label] = name


def _label(name: str) -> str:
    return spelling.label_name(name).casefold()


def _words(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _pairs(text: str) -> dict[str, str]:
    return {name.strip(): way for name, way in (part.split("=", 1) for part in _words(text))}


def _mapping(text: str) -> dict[str, Any]:
    import json  # seldom needed

    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError(text)  # noqa: TRY004  one error for whatever is not understood
    return found


def _callable(text: str) -> None:
    raise ValueError(text)


def _floats(text: str) -> tuple[float, ...]:
    return tuple(float(part) for part in text.split(",") if part.strip())


_NAME: Final = re.compile(r"(?=.{1,63}$)[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z0-9_]+)*")
_MOST_METRIC_ATTRIBUTES: Final = 16
_RESERVED: Final = ("le", "quantile", "job", "instance", "exported_job", "exported_instance")
_READERS: Final[Mapping[type, Callable[[str], Any]]] = {
    bool: _flag, int: int, float: float, tuple: _floats, str: str,
}  # fmt: skip
_PARTICULAR: Final[Mapping[str, tuple[Callable[[str], Any], str]]] = {
    "capture": (_pairs, "inputs=hash,comment=200"),
    "redact": (_callable, "nothing: a callable is an argument of configure()"),
    "redact_patterns": (_mapping, '{"employee_id": "EMP-[0-9]{6}"}'),
    "metric_attributes": (_words, "region,plan"),
    "redact_also": (_words, "ip_address,mac_address"),
    "redact_except": (_words, "phone,email"),
    "former_receipt_keys": (_words, "secrets between commas"),
}
"""Settings whose text says more than their type: how it is read, and an example."""
_SECRETS: Final = ("receipt_key", "hash_key")


def _read(name: str, default: Any, text: str) -> Any:
    example = f"{default!r} ({type(default).__name__})"
    reader, example = _PARTICULAR.get(name) or (_READERS[type(default)], example)
    try:
        return reader(text)
    except ValueError as error:
        variable = PREFIX + name.upper()
        shown = "***" if name in _SECRETS else repr(text)
        raise ConfigurationError(f"{variable} must be like {example}, got {shown}") from error
