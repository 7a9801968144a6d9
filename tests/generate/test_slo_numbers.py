"""
This module compares what the rules of objectives record with a computation in numpy.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.generate.slo_cases import complaints, fired, series

from otel_confidence.objectives import Accuracy, Availability, Calibration, Latency, Objective

Floats = NDArray[np.float64]

HOURS = 30
STEP_S, EVERY_S = 60.0, 300.0
TIMES = np.arange(0, HOURS * 3600 + 1, STEP_S)
MOMENTS = np.arange(0, HOURS * 3600 + 1, EVERY_S)
WINDOWS = {
    "5m": 300, "30m": 1800, "1h": 3600, "2h": 7200, "6h": 21600, "1d": 86400, "3d": 259200,
}  # fmt: skip
LOOKED_AT = (61, 143, 360)
"""Evaluations that are compared, the last one after thirty hours."""


def counter(random: np.random.Generator, rate: float, *, restarts: bool = False) -> Floats:
    """
    A counter with holes, where it is not reported, and restarts, where it begins again.
    """
    steps = random.poisson(rate, TIMES.size).astype(np.float64)
    values = np.cumsum(steps)
    if restarts:
        for at in (500, 1300):
            values[at:] -= values[at] - steps[at]
    values[random.random(TIMES.size) < 0.05] = np.nan
    values[700:760] = np.nan
    return values


def text(values: Floats) -> str:
    """
    The values in promtool's notation.
    """
    return " ".join("_" if np.isnan(value) else f"{value:.17g}" for value in values)


def increase(values: Floats, at: float, window: float) -> float:
    """
    What a counter grew by, extrapolated to the window's ends; NaN with fewer than two samples.
    """
    seen = (TIMES > at - window) & (TIMES <= at) & ~np.isnan(values)
    times, found = TIMES[seen], values[seen]
    if times.size < 2:
        return np.nan
    changes = np.diff(found)
    grown = float(np.where(changes < 0, found[1:], changes).sum())
    span = times[-1] - times[0]
    between = span / (times.size - 1)
    before, after = times[0] - (at - window), at - times[-1]
    before = between / 2 if before >= 1.1 * between else before
    after = between / 2 if after >= 1.1 * between else after
    if grown > 0:
        before = min(before, span * found[0] / grown)
    return float(grown * (span + before + after) / span)


def summed(counters: list[Floats], window: float) -> Floats:
    """
    The sum of all increases at every evaluation; NaN where there is none.
    """
    table = np.array([[increase(values, at, window) for at in MOMENTS] for values in counters])
    known = ~np.isnan(table)
    sums: Floats = np.where(known.any(axis=0), np.where(known, table, 0).sum(axis=0), np.nan)
    return sums


def within(recorded: Floats, place: int, window: float) -> Floats:
    """
    What was recorded in a window up to an evaluation, without what was not.
    """
    seen = (MOMENTS > MOMENTS[place] - window) & (MOMENTS <= MOMENTS[place])
    found: Floats = recorded[seen & ~np.isnan(recorded)]
    return found


def near(expression: str, minute: int, value: float) -> dict[str, Any]:
    """
    What an expression must be to a billionth; NaN for nothing.
    """
    if np.isnan(value):
        return fired(expression, minute, None)
    if not value:
        return fired(expression, minute, 0)
    return fired(f"abs({expression} / {value!r} - 1) < bool 1e-9", minute, 1)


def ratio(window: str, name: str) -> str:
    """
    The recorded error ratio without its labels.
    """
    return f'sum(slo:sli_error:ratio_rate{window}{{sloth_slo="{name}"}})'


def by_events(
    name: str, whole: list[Floats], bad: list[Floats], good: list[Floats], target: float
) -> list[dict[str, Any]]:
    """
    What must be recorded of events, of which the bad or the good ones are counted.
    """

    def both(window: float) -> tuple[Floats, Floats]:
        all_of_them = summed(whole, window)
        if bad:
            return all_of_them, np.nan_to_num(summed(bad, window))
        return all_of_them, np.clip(all_of_them - np.nan_to_num(summed(good, window)), 0, None)

    expected = []
    for window, length in WINDOWS.items():
        all_of_them, wrong = both(length)
        expected += [
            near(ratio(window, name), place * 5, float(wrong[place] / all_of_them[place]))
            for place in LOOKED_AT
        ]
    base, wrong = both(300)
    for place in LOOKED_AT:
        share = within(wrong, place, 604800).sum() / within(base, place, 604800).sum()
        expected += period(name, place, float(share), target)
    return expected


def period(name: str, place: int, share: float, target: float) -> list[dict[str, Any]]:
    """
    What must be recorded of a period of a week.
    """
    own = f'{{sloth_slo="{name}"}}'
    burned = share / (1 - target)
    recorded = {
        f"sum(slo:sli_error:ratio_rate1w{own})": share,
        f"sum(slo:period_burn_rate:ratio{own})": burned,
        f"sum(slo:period_error_budget_remaining:ratio{own})": 1 - burned,
    }
    return [near(name, place * 5, value) for name, value in recorded.items()]


def test_availability_equals_numpy(tmp_path: Path) -> None:
    """
    Over replicas with restarts and holes every window's ratio is that of the counters.
    """
    random = np.random.default_rng(7)
    calls = [counter(random, 40, restarts=True), counter(random, 25)]
    failed = [counter(random, 0.8, restarts=True), counter(random, 0.3)]
    name = "ml_prediction_duration_seconds_count"
    values = {
        f'{name}{{ml_model_name="m", instance="{place}", error_type="{error}"}}': text(found)
        for error, both in (("", calls), ("E", failed))
        for place, found in enumerate(both)
    }
    objective = Objective("n", Availability(), 0.99, "m", window_days=7)
    expected = by_events("n", calls + failed, failed, [], 0.99)

    told = complaints(
        tmp_path,
        objective,
        [{"input_series": series(values), "promql_expr_test": expected}],
        every="5m",
    )

    assert not told


@pytest.mark.parametrize("kind", ["latency", "accuracy"])
def test_what_is_counted_by_its_good_events_equals_numpy(kind: str, tmp_path: Path) -> None:
    """
    Where good events are counted the bad ones are the rest.
    """
    random = np.random.default_rng(11)
    good, rest = counter(random, 30), counter(random, 2)
    whole = good + rest
    good[np.isnan(whole)] = np.nan
    labels = 'ml_model_name="m"'
    names = {
        "latency": ("duration_seconds_count{", 'duration_seconds_bucket{le="0.25", '),
        "accuracy": ("predictions_total{", "correct_total{"),
    }[kind]
    prefix = "ml_prediction_" if kind == "latency" else "ml_calibration_"
    values = {
        f"{prefix}{names[0]}{labels}}}": text(whole),
        f"{prefix}{names[1]}{labels}}}": text(good),
    }
    indicator = Latency(within_s=0.25) if kind == "latency" else Accuracy()
    objective = Objective("n", indicator, 0.9, "m", window_days=7)
    expected = by_events("n", [whole], [], [good], 0.9)

    told = complaints(
        tmp_path,
        objective,
        [{"input_series": series(values), "promql_expr_test": expected}],
        every="5m",
    )

    assert not told


def test_calibration_equals_numpy(tmp_path: Path) -> None:
    """
    Each verdict is that of the hour's expected calibration error, each ratio their mean.
    """
    random = np.random.default_rng(13)
    bins = ("0.6", "0.8", "1")
    known = [counter(random, 4) for _ in bins]
    claimed = [np.cumsum(random.uniform(1.2, 4.4, TIMES.size)) for _ in bins]
    right = [np.cumsum(random.uniform(1.5, 3.9, TIMES.size)) for _ in bins]
    values = {
        f'ml_calibration_{what}_total{{ml_model_name="m", ml_calibration_bin="{edge}"}}': text(
            found
        )
        for what, each in (("predictions", known), ("confidence", claimed), ("correct", right))
        for edge, found in zip(bins, each, strict=True)
    }
    gaps = [
        np.abs(summed([a], 3600) - summed([b], 3600)) for a, b in zip(claimed, right, strict=True)
    ]
    outcomes = summed(known, 3600)
    error = np.sum(gaps, axis=0) / outcomes
    bound = float(np.round(np.nanmedian(error), 4))
    verdicts = np.where(outcomes >= 650, (error > bound).astype(np.float64), np.nan)
    expected = []
    for window, length in {**WINDOWS, "1w": 604800}.items():
        for place in LOOKED_AT:
            found = within(verdicts, place, length)
            share = float(found.mean()) if found.size else np.nan
            expected.append(near(ratio(window, "n"), place * 5, share))
    objective = Objective("n", Calibration(at_most=bound), 0.9, "m", window_days=7, min_events=650)

    told = complaints(
        tmp_path,
        objective,
        [{"input_series": series(values), "promql_expr_test": expected}],
        every="5m",
    )

    assert 0 < np.nanmean(verdicts) < 1
    assert not told
