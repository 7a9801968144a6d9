"""
This module holds what templates may ask of times and durations.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from otel_confidence.alerting.templates.builtins import Function
from otel_confidence.alerting.templates.values import Duration, Time

_LAYOUT: Final = re.compile(
    r"2006|January|Jan|Monday|Mon|MST|-07:00|-0700|Z07:00|PM|pm|[.,]0{1,9}|[.,]9{1,9}"
    r"|01|02|03|04|05|06|15|_2|1|2|3|4|5"
)
_PARTS: Final[Mapping[str, Callable[[datetime], str]]] = {
    "2006": lambda t: f"{t.year:04d}", "06": lambda t: f"{t.year % 100:02d}",
    "January": lambda t: f"{t:%B}", "Jan": lambda t: f"{t:%b}",
    "01": lambda t: f"{t.month:02d}", "1": lambda t: f"{t.month}",
    "Monday": lambda t: f"{t:%A}", "Mon": lambda t: f"{t:%a}",
    "02": lambda t: f"{t.day:02d}", "_2": lambda t: f"{t.day:2d}", "2": lambda t: f"{t.day}",
    "15": lambda t: f"{t.hour:02d}",
    "03": lambda t: f"{_half(t):02d}", "3": lambda t: f"{_half(t)}",
    "04": lambda t: f"{t.minute:02d}", "4": lambda t: f"{t.minute}",
    "05": lambda t: f"{t.second:02d}", "5": lambda t: f"{t.second}",
    "PM": lambda t: "PM" if t.hour >= 12 else "AM",  # noqa: PLR2004  noon
    "pm": lambda t: "pm" if t.hour >= 12 else "am",  # noqa: PLR2004
    "MST": lambda _: "UTC", "-0700": lambda _: "+0000", "-07:00": lambda _: "+00:00",
    "Z07:00": lambda _: "Z",
}  # fmt: skip


def _half(moment: datetime) -> int:
    return (moment.hour + 11) % 12 + 1


def _formatted(time: Time, layout: str) -> str:
    moment = time.moment

    def part(found: re.Match[str]) -> str:
        text = found[0]
        if text in _PARTS:
            return _PARTS[text](moment)
        digits = f"{moment.microsecond * 1000:09d}"[: len(text) - 1]
        kept = digits if text[1] == "0" else digits.rstrip("0")
        return f"{text[0]}{kept}" if kept else ""

    return _LAYOUT.sub(part, layout)


def _of(read: Callable[[Any], Any]) -> Function:
    return Function(read)


METHODS: Final[Mapping[type, Mapping[str, Function]]] = {
    Time: {
        "Day": _of(lambda time: time.moment.day),
        "Format": Function(_formatted, ("string",)),
        "Hour": _of(lambda time: time.moment.hour),
        "Minute": _of(lambda time: time.moment.minute),
        "Month": _of(lambda time: f"{time.moment:%B}"),
        "Second": _of(lambda time: time.moment.second),
        "String": _of(str),
        "UTC": _of(lambda time: time),
        "Unix": _of(lambda time: time.time_ms // 1000),
        "UnixMilli": _of(lambda time: time.time_ms),
        "Weekday": _of(lambda time: f"{time.moment:%A}"),
        "Year": _of(lambda time: time.moment.year),
        "YearDay": _of(lambda time: time.moment.timetuple().tm_yday),
    },
    Duration: {
        "Hours": _of(lambda duration: duration.seconds / 3600),
        "Milliseconds": _of(lambda duration: int(duration.nanoseconds / 1_000_000)),
        "Minutes": _of(lambda duration: duration.seconds / 60),
        "Seconds": _of(lambda duration: duration.seconds),
        "String": _of(str),
    },
}
"""The methods that templates may call on a value of each type."""
