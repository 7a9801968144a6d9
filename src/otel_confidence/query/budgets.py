"""
This module asks how much of each objective's error budget is left.

It reads what the recording rules of objectives have recorded, ours or Sloth's, from whoever answers
PromQL.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from otel_confidence.objectives import recorded as r
from otel_confidence.query.answers import Metrics
from otel_confidence.query.questions import quoted

_IDS: Final = (r.SLO_ID, r.SLO_SERVICE, r.SLO_NAME)
_DAY_S: Final = 86400
_RECENT: Final = "1h"

Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Budget:
    """
    Where one objective stands; NaN is what nothing was recorded of.
    """

    id: str
    service: str
    name: str
    target: float
    period_days: float
    remaining: float
    """Share of the budget that is left; below zero once the objective is missed."""
    burn_rate: float
    """How fast it burned within the past hour: 1 is as fast as makes it last for the period."""
    current_burn_rate: float
    """The same within the past five minutes."""
    error_ratio: float
    """Share of bad events within the past hour."""
    alerts: tuple[str, ...]
    """Severities of the alerts on it that fire: ``page``, ``ticket``."""

    @property
    def exhausted_in_s(self) -> float:
        """
        Seconds until nothing is left if it burns on as in the past hour.

        Zero when nothing is left now, infinite while nothing burns. Bad events that leave the
        period give their share back, which is not counted on here.
        """
        if self.remaining <= 0:
            return 0.0
        if self.burn_rate == 0:
            return math.inf
        return self.remaining * self.period_days * _DAY_S / self.burn_rate


def budgets(metrics: Metrics, *, at: float | None = None) -> list[Budget]:
    """
    Every objective that has recordings, the one with the least budget left first.

    Args:
        metrics: who answers.
        at: epoch seconds; now when not given.

    Raises:
        QueryError: the question is not answered.
    """
    same = f"on ({', '.join(_IDS)}) group_left ()"
    ratio = r.error_ratio(_RECENT)
    target = _column(metrics, r.OBJECTIVE, at)
    columns = {
        "period_days": _column(metrics, r.PERIOD_DAYS, at),
        "remaining": _column(metrics, r.BUDGET_REMAINING, at),
        "current_burn_rate": _column(metrics, r.CURRENT_BURN_RATE, at),
        "burn_rate": _column(metrics, f"{ratio} / {same} {r.ERROR_BUDGET}", at),
        "error_ratio": _column(metrics, ratio, at),
    }
    firing = _firing(metrics, at)
    found = [
        Budget(
            id=key[0],
            service=key[1],
            name=key[2],
            target=value,
            alerts=firing.get(key, ()),
            **{name: column.get(key, math.nan) for name, column in columns.items()},
        )
        for key, value in target.items()
    ]
    return sorted(found, key=lambda each: (_last(each.remaining), each.id))


@dataclass(frozen=True, slots=True)
class Burning:
    """
    How one objective's budget burned, on a grid of times; NaN is what nothing was recorded of.
    """

    times_s: NDArray[np.float64]
    """Epoch seconds."""
    remaining: NDArray[np.float64]
    burn_rate: NDArray[np.float64]
    """Over the hour before each time."""
    current_burn_rate: NDArray[np.float64]
    """Over the five minutes before."""


def burning(metrics: Metrics, budget: Budget, times_s: NDArray[np.float64]) -> Burning:
    """
    How a budget burned.

    Args:
        metrics: who answers.
        budget: whose.
        times_s: epoch seconds, evenly spaced, two or more.

    Raises:
        QueryError: the question is not answered.
    """
    pairs = zip(_IDS, (budget.id, budget.service, budget.name), strict=True)
    mine = ", ".join(f"{name}={quoted(value)}" for name, value in pairs)
    ratio = f"max({r.error_ratio(_RECENT)}{{{mine}}})"
    return Burning(
        times_s,
        _curve(metrics, f"min({r.BUDGET_REMAINING}{{{mine}}})", times_s),
        _curve(metrics, f"{ratio} / max({r.ERROR_BUDGET}{{{mine}}})", times_s),
        _curve(metrics, f"max({r.CURRENT_BURN_RATE}{{{mine}}})", times_s),
    )


def _curve(metrics: Metrics, expression: str, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
    values = np.full(len(times_s), np.nan)
    start, end = float(times_s[0]), float(times_s[-1])
    step = float(times_s[1] - times_s[0])
    for series in metrics.query_range(expression, start=start, end=end, step=step).series:
        at = np.rint((series.times_ms / 1000 - start) / step).astype(np.int64)
        values[at] = series.values
    return values


def _column(metrics: Metrics, expression: str, at: float | None) -> dict[Key, float]:
    """
    A figure of each objective; of one that is kept apart by more labels, the worst.
    """
    least = expression in (r.BUDGET_REMAINING, r.OBJECTIVE)
    worst = "min" if least else "max"
    query = f"{worst} by ({', '.join(_IDS)}) ({expression})"
    answer = metrics.query(query, at=at)
    return {_key(dict(series.labels)): float(series.values[-1]) for series in answer.series}


def _firing(metrics: Metrics, at: float | None) -> dict[Key, tuple[str, ...]]:
    labels = ", ".join((*_IDS, r.SLO_SEVERITY))
    alerts = f'ALERTS{{alertstate="firing", {r.SLO_ID}!=""}}'
    found: dict[Key, tuple[str, ...]] = {}
    for series in metrics.query(f"count by ({labels}) ({alerts})", at=at).series:
        given = dict(series.labels)
        severity = given.get(r.SLO_SEVERITY, "firing")
        found[_key(given)] = tuple(sorted((*found.get(_key(given), ()), severity)))
    return found


def _key(labels: dict[str, str]) -> Key:
    service, name = labels.get(r.SLO_SERVICE, ""), labels.get(r.SLO_NAME, "")
    return labels.get(r.SLO_ID, ""), service, name


def _last(remaining: float) -> float:
    return math.inf if math.isnan(remaining) else remaining
