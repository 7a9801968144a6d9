"""
This module puts questions about models to whoever answers PromQL, and lays the answers on a grid.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from otel_confidence import conventions as c
from otel_confidence import expressions
from otel_confidence.points import Selection
from otel_confidence.query.answers import Metrics

Values = NDArray[np.float64]

_ASSUMED_REPORTS_PER_MINUTE: Final = 1
"""OpenTelemetry's own default export interval is 60 s."""
_REPORTS_PER_RANGE: Final = 4
"""A rate over four reports survives a lost one; Grafana's ``$__rate_interval`` is the same."""
_POINTS: Final = 180
_SHORTEST_S: Final = 120
"""A curve that has just begun is shown over two minutes, not over one point."""


@dataclass(frozen=True, slots=True)
class Scope:
    """
    What is asked about: all models, one model, or one of its versions.
    """

    model: str | None = None
    """None for all models that have a name."""
    version: str = ""
    """Empty for all versions."""

    @property
    def conditions(self) -> tuple[str, ...]:
        """
        The matchers of a PromQL selector.
        """
        if self.model is None:
            return (f'{c.MODEL_NAME.label}!=""',)
        model = f"{c.MODEL_NAME.label}={quoted(self.model)}"
        version = f"{c.MODEL_VERSION.label}={quoted(self.version)}"
        return (model, version) if self.version else (model,)


_EVERYTHING: Final = Scope()


@dataclass(frozen=True, slots=True)
class Window:
    """
    The time looked at, and how finely; all in seconds, ``end`` since the Unix epoch.
    """

    end: float
    length_s: float
    step_s: float
    """From one point of a curve to the next."""
    look_back_s: float
    """Over how long there are reports enough for a rate."""

    @property
    def range_s(self) -> float:
        """
        How far each point of a curve looks back: at least to the one before.
        """
        return max(self.step_s, self.look_back_s)

    @property
    def start(self) -> float:
        """
        Epoch seconds of its begin.
        """
        return self.end - self.length_s

    @property
    def times_s(self) -> Values:
        """
        The times of a curve's points: multiples of the step, so that they stay where they are.
        """
        first, last = math.ceil(self.start / self.step_s), math.floor(self.end / self.step_s)
        return np.arange(first, last + 1, dtype=np.float64) * self.step_s

    def since(self, begin: float) -> "Window":
        """
        The same window without the time before ``begin``, its points accordingly closer.
        """
        length = min(self.length_s, max(_SHORTEST_S, self.end - begin))
        return replace(self, length_s=length, step_s=_step(length))

    @property
    def last(self) -> "Window":
        """
        What its last points look back on, with points as close as there are reports.
        """
        return self.since(self.end - 3 * self.range_s)


def window(metrics: Metrics, length_s: float, *, end: float, scope: Scope = _EVERYTHING) -> Window:
    """
    The window of that length, its points' look-back fitted to how often programs report.

    Of the models in scope the one that reports most rarely decides: over a shorter time it would
    have no rate at all.
    """
    # Averaged over the minutes that have reports, so that a program that ended still counts.
    series = expressions.selector(c.PREDICTIONS, "", *scope.conditions)
    minutes = f"avg_over_time(count_over_time({series}[1m])[15m:1m])"
    reports = f"min(max by ({c.MODEL_NAME.label}) ({minutes}))"
    counted = [float(series.values[-1]) for series in metrics.query(reports, at=end).series]
    look_back = math.ceil(_REPORTS_PER_RANGE * 60 / max(_ASSUMED_REPORTS_PER_MINUTE, *counted, 0))
    return Window(end, length_s, _step(length_s), look_back)


@dataclass(frozen=True, slots=True)
class Question:
    """
    Who is asked, about what, and when.
    """

    metrics: Metrics
    scope: Scope
    within: Window

    @property
    def whole(self) -> str:
        """
        The window's length as PromQL writes it.
        """
        return _milliseconds(self.within.length_s)

    @property
    def recent(self) -> str:
        """
        How far one point of a curve looks back, as PromQL writes it.
        """
        return _milliseconds(self.within.range_s)

    def selector(self, metric: c.Metric, part: str = "", *conditions: str) -> str:
        """
        A selector of the scope's series; ``part`` is ``bucket``, ``sum`` or ``count``.
        """
        return expressions.selector(metric, part, *self.scope.conditions, *conditions)

    def table(self, expr: str, labels: Sequence[str]) -> dict[tuple[str, ...], float]:
        """
        The values of an expression at the window's end, by these labels.
        """
        answer = self.metrics.query(expr, at=self.within.end)
        return {
            tuple(dict(series.labels).get(label, "") for label in labels): float(series.values[-1])
            for series in answer.series
        }

    def column(self, expr: str, label: str) -> dict[str, float]:
        """
        The same by one label.
        """
        return {key: value for (key,), value in self.table(expr, (label,)).items()}

    def curves(self, expr: str) -> list[tuple[dict[str, str], Values]]:
        """
        The values of an expression at the window's times with their labels, NaN where it has none.
        """
        times = self.within.times_s
        answer = self.metrics.query_range(
            expr, start=float(times[0]), end=float(times[-1]), step=self.within.step_s
        )
        return [(dict(series.labels), self._on_grid(series)) for series in answer.series]

    def curve(self, expr: str) -> Values:
        """
        The same of an expression that has one series at most.
        """
        found = self.curves(expr)
        return found[0][1] if found else np.full(len(self.within.times_s), math.nan)

    def _on_grid(self, series: Selection) -> Values:
        times = self.within.times_s
        values = np.full(len(times), math.nan)
        place = np.rint((series.times_ms / 1000 - times[0]) / self.within.step_s)
        values[place.astype(np.int64)] = series.values
        return values


def quoted(text: str) -> str:
    """
    A PromQL string literal that stands for exactly this text.
    """
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _step(length_s: float) -> int:
    return max(1, math.ceil(length_s / _POINTS))


def number(text: str) -> float:
    """
    What a label says as a number, such as a bucket's edge; NaN where it is none.
    """
    try:
        return float(text)
    except ValueError:
        return math.nan


def _milliseconds(seconds: float) -> str:
    return f"{round(seconds * 1000)}ms"
