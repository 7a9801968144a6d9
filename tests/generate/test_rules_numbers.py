"""
This module compares what the rules compute with the same numbers computed by numpy.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import yaml
from numpy.typing import NDArray
from tests.alerting.storing import MemoryStore
from tests.query.promql.series import labels_of

from otel_confidence.alerting.groups import Group, Surroundings
from otel_confidence.alerting.rulefiles import read_text
from otel_confidence.conventions import CALIBRATION_EDGES
from otel_confidence.generate.rules import rule_file
from otel_confidence.points import Sample, Series
from otel_confidence.query.promql import Engine
from otel_confidence.stats import calibration, drift

DAY_MS = 86_400_000
WEEK_MS = 7 * DAY_MS
Floats = NDArray[np.float64]


class World:
    """
    Counters that grew by something within the last hour, or as long ago as one says.
    """

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.at_ms = 2 * WEEK_MS

    def grew(self, series: str, by: float, *, ago_ms: int = 0) -> None:
        """
        Let a counter grow evenly through the hour that ended then, with a sample every minute.
        """
        labelled = Series(labels_of(series))
        for minute in range(61):
            time_ms = self.at_ms - ago_ms - (60 - minute) * 60_000
            self.store.put([Sample(labelled, time_ms, by * max(minute - 1, 0) / 59)])

    def recorded(self, group: str) -> Engine:
        """
        What there is after one evaluation of a group of the rules.
        """
        (found,) = (each for each in rule_file()["groups"] if each["name"] == group)
        (spec,) = read_text(yaml.safe_dump({"groups": [found]}), "rules")
        Group(spec, Surroundings(self.store), restored=True).evaluate(self.at_ms)
        return Engine(self.store)

    def values(self, engine: Engine, expression: str, label: str) -> dict[str, float]:
        """
        An expression's values by a label.
        """
        answer = engine.query(expression, at=self.at_ms / 1000)
        return {dict(each.labels)[label]: float(each.values[0]) for each in answer.series}


def bins_of(world: World, model: str, bins: calibration.Bins) -> None:
    """
    Let the calibration counters of a model grow by these bins.
    """
    columns: Mapping[str, Floats] = {
        "predictions": bins.predictions,
        "confidence": bins.confidence,
        "correct": bins.correct,
        "squared_error": bins.squared_error,
    }
    for name, column in columns.items():
        for edge, amount in zip(bins.edges, column, strict=True):
            labels = f'ml_model_name="{model}", ml_model_version="1", ml_calibration_bin="{edge}"'
            world.grew(f"ml_calibration_{name}_total{{{labels}}}", float(amount))


def sampled(seed: int, size: int, *, excess: float) -> calibration.Bins:
    """
    Bins of predictions that are right less often than they claim, by so much.
    """
    random = np.random.default_rng(seed)
    sure = random.beta(4.0, 2.0, size)
    right = random.random(size) < np.clip(sure - excess, 0, 1)
    return calibration.bins(sure, right.astype(np.float64), CALIBRATION_EDGES)


CASES = {
    f"m{number}": sampled(number, size, excess=excess)
    for number, (size, excess) in enumerate(
        (size, excess)
        for size in (40, 100, 130, 400, 3000)
        for excess in (0.0, 0.06, 0.1, 0.15, 0.25)
    )
}
"""Twenty-five models of few and many truths, calibrated and not."""


@pytest.fixture(name="calibrated", scope="module")
def _calibrated() -> tuple[World, Engine]:
    world = World()
    for model, bins in CASES.items():
        bins_of(world, model, bins)
    return world, world.recorded("otel-confidence-calibration")


@pytest.mark.parametrize(
    ("name", "measure"),
    [
        ("ml_calibration_confidence:ece1h", calibration.expected_calibration_error),
        ("ml_calibration_confidence:mce1h", calibration.maximum_calibration_error),
        ("ml_calibration_squared_error:mean1h", calibration.brier_score),
        ("ml_calibration_correct:ratio1h", calibration.accuracy),
        ("ml_calibration_confidence:mean1h", calibration.expected_accuracy),
    ],
    ids=lambda value: str(value).split(":", maxsplit=1)[-1] if isinstance(value, str) else "",
)
def test_recorded_measures_are_numpys(
    name: str, measure: Any, calibrated: tuple[World, Engine]
) -> None:
    """
    Each recorded measure of calibration is that of the same bins.
    """
    world, engine = calibrated
    expected = {model: measure(bins) for model, bins in CASES.items()}

    found = world.values(engine, f"model_version:{name}", "ml_model_name")

    assert found == pytest.approx(expected, rel=1e-9)


def test_overconfident_is_one_thing(calibrated: tuple[World, Engine]) -> None:
    """
    The alert and the pages call the same models overconfident, and some of them not.
    """
    world, engine = calibrated
    (rule,) = (
        rule
        for group in rule_file()["groups"]
        for rule in group["rules"]
        if rule.get("alert") == "ModelOverconfident"
    )
    expected = {model for model, bins in CASES.items() if calibration.is_overconfident(bins)}

    found = set(world.values(engine, rule["expr"], "ml_model_name"))

    assert expected == found
    assert 5 < len(expected) < 20


def test_the_excess_of_a_calibrated_model_is_chance(calibrated: tuple[World, Engine]) -> None:
    """
    What is left of the calibration error beyond chance is small where nothing is wrong.
    """
    world, engine = calibrated
    good = [model for number, model in enumerate(CASES) if number % 5 == 0]
    bad = [model for number, model in enumerate(CASES) if number % 5 == 4]

    name = "model_version:ml_calibration_confidence:ece_excess1d"
    found = world.values(engine, name, "ml_model_name")

    assert all(found[model] < 0.05 for model in good if model in found)
    assert all(found[model] > 0.05 for model in bad if model in found)
    assert {model for model, bins in CASES.items() if bins.total >= 100} == set(found)


def test_drift_of_predictions_is_numpys() -> None:
    """
    Classes and tiers of a day are compared with those of the week before, new and gone ones too.
    """
    now = {("a", "high"): 2500.0, ("a", "low"): 900.0, ("new", "high"): 600.0}
    then = {("a", "high"): 3000.0, ("a", "low"): 500.0, ("gone", "low"): 500.0}
    world = World()
    for counted, ago_ms in ((then, WEEK_MS), (now, 0)):
        for (name, tier), amount in counted.items():
            labels = f'ml_prediction_class="{name}", ml_prediction_confidence_tier="{tier}"'
            series = f'ml_predictions_total{{ml_model_name="m", instance="{ago_ms}", {labels}}}'
            world.grew(series, amount, ago_ms=ago_ms)
    keys = sorted({*now, *then})
    before, after = ([counted.get(key, 0.0) for key in keys] for counted in (then, now))

    engine = world.recorded("otel-confidence-drift-week")
    found = world.values(engine, "model:ml_predictions:psi1d", "ml_model_name")

    assert found == pytest.approx({"m": drift.binned_psi(before, after)}, rel=1e-9)
