"""
This module holds what a check of a Collector's configuration finds.
"""

from dataclasses import dataclass
from typing import Literal

from otel_confidence.located import Located

Level = Literal["error", "warning"]


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """
    Something wrong: where, what, and what would be right.
    """

    file: str
    line: int
    path: str
    """The way of keys to it, such as ``receivers.otlp.protocols``; empty for a whole file."""
    level: Level
    message: str
    remedy: str

    def __str__(self) -> str:
        where = f"{self.path}: " if self.path else ""
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.level}: {where}{self.message}\n    {self.remedy}"


def error(place: Located, message: str, remedy: str) -> Finding:
    """
    Something that loses or falsifies telemetry, or keeps the Collector from starting.
    """
    return Finding(place.file, place.line, place.path, "error", message, remedy)


def warning(place: Located, message: str, remedy: str) -> Finding:
    """
    Something that costs telemetry once another thing goes wrong.
    """
    return Finding(place.file, place.line, place.path, "warning", message, remedy)
