"""
This module writes samples in Prometheus's text format, with their times.

Names that are no classic ones (letters, digits, underscores, colons) are quoted for readers that
know quoted names. For others they are spelled in classic letters, reversibly: ``U__`` and then each
odd character in hexadecimal, so that no two names become one.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from otel_confidence.points import NAME_LABEL, Labels, Metadata
from otel_confidence.query.numbers import json_number

Escaping = Literal["allow-utf-8", "values"]
VERSIONS: Final[Mapping[Escaping, str]] = {"allow-utf-8": "1.0.0", "values": "0.0.4"}
"""The version of the format that each escaping belongs to."""
_METRIC: Final = re.compile(r"[A-Za-z_:][A-Za-z0-9_:]*")
_LABEL: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SUFFIXES: Final = {
    "_bucket": ("histogram",), "_sum": ("histogram", "summary"), "_count": ("histogram", "summary"),
}  # fmt: skip
_TYPES: Final = {"unknown": "untyped", "info": "gauge"}
"""What the format calls a type, where it has another word or none."""


@dataclass(frozen=True, slots=True)
class Point:
    """
    One sample of one series.
    """

    labels: Labels
    time_ms: int
    value: float


def exposition(
    points: Iterable[Point], about: Mapping[str, Metadata], escaping: Escaping = "values"
) -> str:
    """
    The text: points by family, each family behind its help and type.

    Args:
        points: One for each series.
        about: What is known of metrics, by name.
        escaping: How names are written that are no classic ones.
    """
    families: dict[str, list[Point]] = {}
    for point in points:
        families.setdefault(_family(dict(point.labels)[NAME_LABEL], about), []).append(point)
    lines: list[str] = []
    for name in sorted(families):
        lines += _head(name, about.get(name), escaping)
        lines += [_line(point, escaping) for point in sorted(families[name], key=_order)]
    return "".join(f"{line}\n" for line in lines)


def _family(name: str, about: Mapping[str, Metadata]) -> str:
    for suffix, types in _SUFFIXES.items():
        family = name.removesuffix(suffix)
        if family != name and family in about and about[family].type in types:
            return family
    return name


def _order(point: Point) -> tuple[Labels, str, float]:
    labels = dict(point.labels)
    name, edge = labels.pop(NAME_LABEL), labels.pop("le", "")
    return tuple(labels.items()), name, _number(edge)


def _number(edge: str) -> float:
    try:
        return float(edge)
    except ValueError:
        return 0.0


def _head(name: str, about: Metadata | None, escaping: Escaping) -> list[str]:
    spelled = _spelled(name, _METRIC, escaping)
    kind = about.type if about else "unknown"
    said = about.help.replace("\\", r"\\").replace("\n", r"\n") if about else ""
    return [
        *([f"# HELP {spelled} {said}"] if said else []),
        f"# TYPE {spelled} {_TYPES.get(kind, kind)}",
    ]


def _line(point: Point, escaping: Escaping) -> str:
    labels = dict(point.labels)
    name = _spelled(labels.pop(NAME_LABEL), _METRIC, escaping)
    pairs = [f"{_spelled(key, _LABEL, escaping)}={quoted(text)}" for key, text in labels.items()]
    if name.startswith('"'):
        head = f"{{{','.join([name, *pairs])}}}"
    else:
        head = f"{name}{{{','.join(pairs)}}}" if pairs else name
    return f"{head} {json_number(point.value)} {point.time_ms}"


def quoted(text: str) -> str:
    """
    A text in quotes, as label values are.
    """
    escaped = text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
    return f'"{escaped}"'


def _spelled(name: str, classic: re.Pattern[str], escaping: Escaping) -> str:
    if classic.fullmatch(name):
        return name
    return quoted(name) if escaping == "allow-utf-8" else f"U__{_in_letters(name, classic)}"


def _in_letters(name: str, classic: re.Pattern[str]) -> str:
    fits: Callable[[str], object] = classic.fullmatch
    return "".join(
        "__" if each == "_" else each if fits(f"a{each}") else f"_{ord(each):x}_" for each in name
    )
