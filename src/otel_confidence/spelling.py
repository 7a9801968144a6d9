"""
This module spells OpenTelemetry names the way Prometheus's OTLP receiver does.

The rules are those of the ``UnderscoreEscapingWithSuffixes`` translation strategy with Prometheus
3's defaults (prometheus/otlptranslator 1.0, ``metric_namer.go``, ``unit_namer.go`` and
``label_namer.go``): a metric's name is cut at everything that is no ASCII letter, digit or colon,
gets its unit and then its type as suffixes unless it has them as words already, and is joined with
single underscores; a label keeps each character's place, so that underscores next to each other
stay.
"""

import re
from functools import lru_cache
from typing import Final, Literal

Kind = Literal["counter", "updown_counter", "gauge", "histogram", "summary"]

_UNITS: Final = {
    "d": "days", "h": "hours", "min": "minutes", "s": "seconds", "ms": "milliseconds",
    "us": "microseconds", "ns": "nanoseconds", "By": "bytes", "KiBy": "kibibytes",
    "MiBy": "mebibytes", "GiBy": "gibibytes", "TiBy": "tibibytes", "KBy": "kilobytes",
    "MBy": "megabytes", "GBy": "gigabytes", "TBy": "terabytes", "m": "meters", "V": "volts",
    "A": "amperes", "J": "joules", "W": "watts", "g": "grams", "Cel": "celsius", "Hz": "hertz",
    "1": "", "%": "percent",
}  # fmt: skip
_PER: Final = {
    "s": "second", "m": "minute", "h": "hour", "d": "day", "w": "week", "mo": "month", "y": "year",
}  # fmt: skip
_SEPARATORS: Final = re.compile(r"[^a-zA-Z0-9:]+")
_ILLEGAL: Final = re.compile(r"[^a-zA-Z0-9]")


@lru_cache(maxsize=10_000)
def metric_name(name: str, unit: str, kind: Kind) -> str:
    """
    The Prometheus name of a metric, without ``_bucket``, ``_sum`` or ``_count``.

    >>> metric_name("ml.prediction.duration", "s", "histogram")
    'ml_prediction_duration_seconds'
    >>> metric_name("ml.predictions", "{prediction}", "counter")
    'ml_predictions_total'
    >>> metric_name("queue.share", "1", "gauge")
    'queue_share_ratio'

    Raises:
        ValueError: Nothing of the name is legal.
    """
    tokens = [token for token in _SEPARATORS.split(name) if token]
    tokens += _suffixes(unit, tokens)
    if kind == "counter":
        tokens = [*(word for word in tokens if word != "total"), "total"]
    if kind == "gauge" and unit == "1":
        tokens = [*(word for word in tokens if word != "ratio"), "ratio"]
    spelled = "_".join(tokens)
    if not spelled.strip("_"):
        raise ValueError(f"no character of the metric name {name!r} is legal in Prometheus")
    return f"_{spelled}" if spelled[0].isdigit() else spelled


@lru_cache(maxsize=10_000)
def label_name(name: str) -> str:
    """
    The Prometheus label of an attribute.

    >>> label_name("ml.model.name")
    'ml_model_name'
    >>> label_name("1st"), label_name("_private"), label_name("__reserved__")
    ('key_1st', 'key_private', '__reserved__')

    Raises:
        ValueError: Nothing of the name is legal.
    """
    spelled = _ILLEGAL.sub("_", name)
    if spelled[:1].isdigit():
        return f"key_{spelled}"
    if spelled.startswith("_") and not spelled.startswith("__"):
        return f"key{spelled}"
    if not spelled.strip("_"):
        raise ValueError(f"no character of the attribute {name!r} is legal in a Prometheus label")
    return spelled


def unit_name(unit: str) -> str:
    """
    The unit as Prometheus's metadata spells it.

    >>> unit_name("By/s"), unit_name("{score}")
    ('bytes_per_second', '')
    """
    main, per = _parts(unit)
    return "_".join(part for part in (main, per) if part).removeprefix("_").removesuffix("_")


def _suffixes(unit: str, tokens: list[str]) -> list[str]:
    main, per = _parts(unit)
    main = "" if main in tokens else main
    per = per.removesuffix("_") if per != "per_" else ""
    per = "" if per in tokens else per
    return [part for part in (main.removesuffix("_") if per else main, per) if part]


def _parts(unit: str) -> tuple[str, str]:
    main, _, per = (part.strip() for part in unit.partition("/"))
    main = "" if _is_annotation(main) else _legal(_UNITS.get(main, main))
    per = "" if _is_annotation(per) else _PER.get(per, per)
    return main, _legal(f"per_{per}") if per else ""


def _legal(unit: str) -> str:
    return re.sub(r"_+", "_", _SEPARATORS.sub("_", unit)).removeprefix("_")


def _is_annotation(unit: str) -> bool:
    return "{" in unit or "}" in unit
