"""
This module reads the calendar off epoch seconds (UTC), for ``month``, ``hour`` and their like.
"""

from collections.abc import Callable, Mapping

import numpy as np

from otel_confidence.query.promql.frames import Floats, Ints

DAY_S = 86_400
MONTHS = 12
WEEKDAY_OF_EPOCH = 4
END_OF_TIME = np.iinfo(np.int64).max
"""Where Prometheus's conversion of NaN and infinities ends up: in the year 292277026596."""
CalendarFunction = Callable[[Ints], Ints]


def whole_seconds(values: Floats) -> Ints:
    """
    Seconds truncated to integers; what is no 64-bit integer, NaN too, is the end of time.
    """
    fits = (values > -(2.0**63)) & (values < 2.0**63)
    return np.where(fits, np.where(fits, values, 0).astype(np.int64), END_OF_TIME)


def _in(seconds: Ints, unit: str) -> Ints:
    return seconds.astype("datetime64[s]").astype(f"datetime64[{unit}]").astype(np.int64)


def _start_of(counts: Ints, unit: str) -> Ints:
    return counts.astype(f"datetime64[{unit}]").astype("datetime64[D]").astype(np.int64)


def year(seconds: Ints) -> Ints:
    """
    The year.
    """
    return _in(seconds, "Y") + 1970


def month(seconds: Ints) -> Ints:
    """
    The month, 1 to 12.
    """
    return _in(seconds, "M") % MONTHS + 1


def day_of_month(seconds: Ints) -> Ints:
    """
    The day of the month, from 1.
    """
    return _in(seconds, "D") - _start_of(_in(seconds, "M"), "M") + 1


def days_in_month(seconds: Ints) -> Ints:
    """
    How many days the month has.
    """
    months = _in(seconds, "M")
    return _start_of(months + 1, "M") - _start_of(months, "M")


def day_of_year(seconds: Ints) -> Ints:
    """
    The day of the year, from 1.
    """
    return _in(seconds, "D") - _start_of(_in(seconds, "Y"), "Y") + 1


def day_of_week(seconds: Ints) -> Ints:
    """
    The day of the week, Sunday 0.
    """
    return (np.floor_divide(seconds, DAY_S) + WEEKDAY_OF_EPOCH) % 7


def hour(seconds: Ints) -> Ints:
    """
    The hour, 0 to 23.
    """
    return seconds % DAY_S // 3600


def minute(seconds: Ints) -> Ints:
    """
    The minute, 0 to 59.
    """
    return seconds % 3600 // 60


CALENDAR: Mapping[str, CalendarFunction] = {
    "day_of_month": day_of_month,
    "day_of_week": day_of_week,
    "day_of_year": day_of_year,
    "days_in_month": days_in_month,
    "hour": hour,
    "minute": minute,
    "month": month,
    "year": year,
}
