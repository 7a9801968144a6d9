"""
This module writes the PromQL of indicators: how many events a window holds, and how many are bad.

Both come from the same counters, so that their quotient is right over all replicas. What is judged
by the minute has a verdict instead, 1 for a bad minute and 0 for a good one, which is recorded
every minute; its sum and its count over a window are then the bad events and the events.

A series of failed calls begins with the first of them, so none of it means none of them. A bucket
is there from a histogram's begin, empty or not: without it the programs have other edges, and there
is no number rather than a wrong one.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from otel_confidence import conventions as c
from otel_confidence import expressions
from otel_confidence.expressions import LE
from otel_confidence.objectives import Objective
from otel_confidence.objectives.indicators import (
    Accuracy,
    Availability,
    Calibration,
    Confidence,
    ErrorRate,
    Freshness,
    Latency,
    Satisfaction,
    Throughput,
)
from otel_confidence.objectives.objective import quoted
from otel_confidence.objectives.recorded import SLO_ID, SLO_NAME, SLO_SERVICE, VERDICT

NONE: Final = "vector(0)"
_WHOLE: Final = ()
"""Sums keep no label: an objective is one series."""
_ARRIVES: Final[Mapping[str, c.Metric]] = MappingProxyType(
    {"predictions": c.PREDICTIONS, "truth": c.OUTCOMES, "feedback": c.FEEDBACK_RESPONSES}
)


def events(objective: Objective, window: str) -> str:
    """
    How many events there were.
    """
    return _events(objective)[0](window)


def bad_events(objective: Objective, window: str) -> str:
    """
    How many of them were bad.
    """
    return _events(objective)[1](window)


def verdict(objective: Objective) -> str:
    """
    Whether the present minute is bad, of what is judged by the minute.
    """
    return _VERDICTS[type(objective.indicator)](objective)


def ids(objective: Objective) -> dict[str, str]:
    """
    The labels by which an objective's recorded series are known.
    """
    return {
        SLO_ID: objective.id,
        SLO_NAME: objective.name,
        SLO_SERVICE: objective.belongs_to,
    }


def own(objective: Objective) -> str:
    """
    The selector of an objective's recorded series.
    """
    pairs = (f"{name}={quoted(value)}" for name, value in ids(objective).items())
    return f"{{{', '.join(pairs)}}}"


_Counting = Callable[[str], str]


def _events(objective: Objective) -> tuple[_Counting, _Counting]:
    return _COUNTED[type(objective.indicator)](objective)


def _counted(metric: c.Metric, part: str, objective: Objective, *also: str) -> _Counting:
    series = expressions.selector(metric, part, *objective.conditions, *also)
    return lambda window: expressions.total(series, window, _WHOLE)


def _or_none(counted: _Counting) -> _Counting:
    return lambda window: f"{counted(window)} or {NONE}"


def _without(all_of_them: _Counting, good: _Counting) -> _Counting:
    """
    What is not good; never below zero, for each sum is extrapolated by itself.
    """
    return lambda window: f"clamp_min(\n  {all_of_them(window)}\n  - {good(window)},\n  0\n)"


def _availability(objective: Objective) -> tuple[_Counting, _Counting]:
    failed = f'{c.ERROR_TYPE.label}!=""'
    calls = _counted(c.PREDICTION_DURATION, "count", objective)
    return calls, _or_none(_counted(c.PREDICTION_DURATION, "count", objective, failed))


def _error_rate(objective: Objective) -> tuple[_Counting, _Counting]:
    indicator: Any = objective.indicator
    which = "|".join(indicator.severities)
    also = (f'{c.ERROR_SEVERITY.label}=~"{which}"',) if which else ()
    calls = _counted(c.PREDICTION_DURATION, "count", objective)
    return calls, _or_none(_counted(c.ERRORS, "", objective, *also))


def _latency(objective: Objective) -> tuple[_Counting, _Counting]:
    indicator: Any = objective.indicator
    done = f'{c.ERROR_TYPE.label}=""'
    calls = _counted(c.PREDICTION_DURATION, "count", objective, done)
    edge = _edge(indicator.within_s)
    return calls, _without(calls, _counted(c.PREDICTION_DURATION, "bucket", objective, done, edge))


def _confidence(objective: Objective) -> tuple[_Counting, _Counting]:
    indicator: Any = objective.indicator
    if not indicator.exact:
        edge = _edge(indicator.at_least)
        made = _counted(c.PREDICTION_CONFIDENCE, "count", objective)
        return made, _counted(c.PREDICTION_CONFIDENCE, "bucket", objective, edge)
    tiers = c.TIER.values
    below = tiers[: 1 if indicator.at_least == c.LOW_CONFIDENCE else 2]
    made = _counted(c.PREDICTIONS, "", objective, f'{c.TIER.label}!=""')
    low = _counted(c.PREDICTIONS, "", objective, f'{c.TIER.label}=~"{"|".join(below)}"')
    return made, _or_none(low)


def _accuracy(objective: Objective) -> tuple[_Counting, _Counting]:
    known = _counted(c.CALIBRATION_PREDICTIONS, "", objective)
    return known, _without(known, _counted(c.CALIBRATION_CORRECT, "", objective))


def _satisfaction(objective: Objective) -> tuple[_Counting, _Counting]:
    indicator: Any = objective.indicator
    asked = ((c.FEEDBACK_TYPE, indicator.type), (c.FEEDBACK_SOURCE, indicator.source))
    also = tuple(f'{key.label}="{value}"' for key, value in asked if value)
    judged = _counted(c.FEEDBACK_SCORES, "count", objective, *also)
    edge = _edge(indicator.above)
    return judged, _counted(c.FEEDBACK_SCORES, "bucket", objective, *also, edge)


def _calibration(objective: Objective) -> str:
    indicator: Any = objective.indicator
    over = _duration(indicator.over_s)
    error = expressions.ece(over, _WHOLE, *objective.conditions)
    known = expressions.labeled(over, _WHOLE, *objective.conditions)
    bound = Decimal(str(indicator.at_most))
    return f"({error})\n  > bool {bound:f}\nand\n{known} >= {objective.least_events}"


def _throughput(objective: Objective) -> str:
    indicator: Any = objective.indicator
    series = expressions.selector(c.PREDICTIONS, "", *objective.conditions)
    rate = expressions.total(series, _duration(indicator.over_s), _WHOLE, function="rate")
    bound = Decimal(str(indicator.per_minute))
    return f"{rate} * 60 < bool {bound:f}\n{_or_missed(objective)}"


def _freshness(objective: Objective) -> str:
    """
    Good once something has arrived, bad where there was a whole time to arrive in.
    """
    indicator: Any = objective.indicator
    series = expressions.selector(_ARRIVES[indicator.of], "", *objective.conditions)
    within = _duration(indicator.within_s)
    arrived = expressions.total(series, within, _WHOLE)
    waited = f"count by () ({series} offset {within}) * 0 + 1"
    return f"({arrived} > 0) * 0\nor {waited}\n{_or_missed(objective)}"


def _or_missed(objective: Objective) -> str:
    """
    A bad minute where nothing is left to judge by, although there was once.

    The verdicts themselves remember that, each the one before, when the series are long gone.
    """
    return f"or sum by () (last_over_time({VERDICT}{own(objective)}[1d])) * 0 + 1"


_COUNTED: Final[Mapping[type, Callable[[Objective], tuple[_Counting, _Counting]]]] = {
    Availability: _availability,
    ErrorRate: _error_rate,
    Latency: _latency,
    Confidence: _confidence,
    Accuracy: _accuracy,
    Satisfaction: _satisfaction,
}
_VERDICTS: Final[Mapping[type, Callable[[Objective], str]]] = {
    Calibration: _calibration,
    Throughput: _throughput,
    Freshness: _freshness,
}


def _edge(bound: float) -> str:
    """
    A matcher of a bucket; whole edges are spelled with and without a decimal place.
    """
    text = f"{Decimal(str(bound)).normalize():f}"
    return f'{LE}="{text}"' if "." in text else f'{LE}=~"{text}|{text}[.]0"'


def _duration(seconds: float) -> str:
    return f"{int(seconds)}s"
