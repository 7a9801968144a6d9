"""
This module writes series, numbers and times for people who read a terminal.
"""

import re
from datetime import datetime, timezone

from otel_confidence.objectives.objective import quoted
from otel_confidence.points import NAME_LABEL, Labels
from otel_confidence.query.literals import label_name
from otel_confidence.text import clean

_LONGEST = 5_000
_PLAIN_METRIC = re.compile(r"[A-Za-z_:][A-Za-z0-9_:]*")


def series(labels: Labels) -> str:
    """
    A series in PromQL's notation, on one line, without what a terminal would obey.

    >>> series((("__name__", "up"), ("job", "a")))
    'up{job="a"}'
    >>> series((("__name__", "my.metric"), ("a b", "c")))
    '{"my.metric","a b"="c"}'
    """
    named = dict(labels)
    name = named.pop(NAME_LABEL, "")
    pairs = [f"{label_name(label)}={quoted(value)}" for label, value in named.items()]
    if name and not _PLAIN_METRIC.fullmatch(name):
        name, pairs = "", [quoted(name), *pairs]
    return clean(f"{name}{{{','.join(pairs)}}}" if pairs or not name else name, _LONGEST)


def shown(text: str) -> str:
    """
    A text on one line, without what a terminal would obey.
    """
    return clean(text, _LONGEST)


def moment(time_ms: int) -> str:
    """
    A time as RFC 3339 in UTC, to the millisecond; outside of the calendar as epoch seconds.
    """
    try:
        text = datetime.fromtimestamp(time_ms / 1000, timezone.utc).isoformat(
            timespec="milliseconds"
        )
    except (OverflowError, ValueError, OSError):
        return str(time_ms / 1000)
    return text.replace("+00:00", "Z")
