"""
This module spells OpenTelemetry names the way Prometheus's OTLP receiver does.

The rules are those of the ``UnderscoreEscapingWithSuffixes`` translation strategy, Prometheus's
default (prometheus/otlptranslator ``metric_namer.go`` and ``label_namer.go``).
"""

import re
from typing import Final, Literal

Kind = Literal["counter", "updown_counter", "gauge", "histogram"]

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


def metric_name(name: str, unit: str, kind: Kind) -> str:
    """
    The Prometheus name of a metric, without ``_bucket``, ``_sum`` or ``_count``.

    >>> metric_name("ml.prediction.duration", "s", "histogram")
    'ml_prediction_duration_seconds'
    >>> metric_name("ml.predictions", "{prediction}", "counter")
    'ml_predictions_total'
    >>> metric_name("queue.share", "1", "gauge")
    'queue_share_ratio'
    """
    tokens = [t for t in re.split(r"[^a-zA-Z0-9:]+", name) if t]
    for suffix in _unit_tokens(unit):
        if suffix not in tokens:
            tokens.append(suffix)
    if kind == "counter":
        tokens = [*(t for t in tokens if t != "total"), "total"]
    if kind == "gauge" and unit == "1":
        tokens = [*(t for t in tokens if t != "ratio"), "ratio"]
    spelled = "_".join(tokens)
    return f"_{spelled}" if spelled[:1].isdigit() else spelled


def label_name(name: str) -> str:
    """
    The Prometheus label of an attribute.

    >>> label_name("ml.model.name")
    'ml_model_name'
    """
    spelled = re.sub(r"_+", "_", re.sub(r"[^a-zA-Z0-9_]", "_", name))
    if spelled[:1].isdigit():
        return f"key_{spelled}"
    if spelled.startswith("_") and not spelled.startswith("__"):
        return f"key{spelled}"
    return spelled


def _unit_tokens(unit: str) -> list[str]:
    main, _, per = unit.partition("/")
    tokens = [] if _is_annotation(main) else [_UNITS.get(main, main)]
    if per and not _is_annotation(per):
        tokens += ["per", _PER.get(per, per)]
    return [t for token in tokens for t in re.split(r"[^a-zA-Z0-9:]+", token) if t]


def _is_annotation(unit: str) -> bool:
    return "{" in unit or "}" in unit
