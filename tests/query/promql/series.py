"""
This module lets the tests of PromQL write out series and read answers in the short.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import re2

from otel_confidence.points import Labels, Matcher, Selection
from otel_confidence.query.promql import Engine, Limits
from otel_confidence.query.promql.parsing import selector

STALE = np.array([0x7FF0000000000002], dtype=np.uint64).view(np.float64)[0]
Points = Sequence[tuple[float, float]]


class Memory:
    """
    Series in memory, selected as the store selects them.
    """

    def __init__(self, series: Mapping[str, Points]) -> None:
        self.series = [
            Selection(
                labels_of(text),
                np.array([round(at * 1000) for at, _ in points], dtype=np.int64),
                np.array([value for _, value in points], dtype=np.float64),
            )
            for text, points in series.items()
        ]

    @classmethod
    def of(cls, series: Sequence[Selection]) -> "Memory":
        """
        Series made elsewhere.
        """
        made = cls({})
        made.series = list(series)
        return made

    def select(
        self, matchers: Sequence[Matcher], start_ms: int, end_ms: int, *, max_samples: int = 0
    ) -> list[Selection]:
        """
        The matching series' samples, open at the start.
        """
        del max_samples
        found = []
        for each in self.series:
            inside = (each.times_ms > start_ms) & (each.times_ms <= end_ms)
            if inside.any() and all(_meets(dict(each.labels), matcher) for matcher in matchers):
                found.append(Selection(each.labels, each.times_ms[inside], each.values[inside]))
        return found


def _meets(labels: Mapping[str, str], matcher: Matcher) -> bool:
    value = labels.get(matcher.label, "")
    if matcher.op in ("=", "!="):
        return (value == matcher.value) == (matcher.op == "=")
    found = re2.fullmatch(f"(?s:{matcher.value})", value) is not None
    return found == (matcher.op == "=~")


def labels_of(text: str) -> Labels:
    """
    The labels that a selector such as ``up{job="a"}`` spells.
    """
    matchers = selector(text) if text != "{}" else []
    return tuple(sorted((each.label, each.value) for each in matchers))


class Prom:
    """
    An engine over the series given, with answers in the short.
    """

    def __init__(self, series: Mapping[str, Points], limits: Limits | None = None) -> None:
        self.engine = Engine(Memory(series), limits=limits, now=lambda: 0.0)

    def at(self, time: float, expr: str) -> dict[str, float]:
        """
        The value of each series at one time, in the answer's order.
        """
        answer = self.engine.query(expr, at=time)
        return {written(each.labels): float(each.values[0]) for each in answer.series}

    def value(self, time: float, expr: str) -> float:
        """
        The one value that there is at one time.
        """
        (value,) = self.at(time, expr).values()
        return value

    def over(self, expr: str, start: float, end: float, step: float) -> dict[str, Points]:
        """
        The points of each series over a range.
        """
        answer = self.engine.query_range(expr, start=start, end=end, step=step)
        return {
            written(each.labels): list(
                zip((each.times_ms / 1000).tolist(), each.values.tolist(), strict=True)
            )
            for each in answer.series
        }


def written(labels: Labels) -> str:
    """
    Labels as a selector.
    """
    name = dict(labels).get("__name__", "")
    rest = ",".join(f'{key}="{value}"' for key, value in labels if key != "__name__")
    return f"{name}{{{rest}}}" if rest or not name else name


def every(step: float, *values: float | None, start: float = 0.0) -> Points:
    """
    Points at a regular interval; none where the value is ``None``.
    """
    return [
        (start + number * step, value) for number, value in enumerate(values) if value is not None
    ]
