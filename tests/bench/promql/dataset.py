"""This module makes the samples that both sides hold: 200 models, 10,000 series, any length."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from otel_confidence.conventions import CALIBRATION_EDGES, LATENCY_EDGES
from otel_confidence.points import Labels

START_MS = 1_788_220_800_000
"""Midnight of 2026-09-01, UTC."""
MODELS = 200
JUDGED = 100
"""How many of the models have calibration and a feature with a reference."""
GAUGES = 5
RESTART = 0.002
"""How often a process restarts between two samples, and its counters with it."""
BINS = 10


@dataclass(frozen=True, slots=True)
class Scale:
    """How many samples each of the 10,000 series has, and how long they last."""

    name: str
    samples: int
    days: int

    @property
    def interval_ms(self) -> int:
        """The time between two samples of a series."""
        return self.days * 86_400_000 // self.samples

    @property
    def end_ms(self) -> int:
        """When the last series ends."""
        return START_MS + self.days * 86_400_000


SCALES = (Scale("1 M", 100, 1), Scale("20 M", 2_000, 30))


@dataclass(frozen=True, slots=True)
class Block:
    """Series of one model, which are exported together: a row a series, a column a sample."""

    labels: list[Labels]
    times_ms: NDArray[np.int64]
    values: NDArray[np.float64]


def blocks(scale: Scale) -> Iterator[Block]:
    """The series of each model, with a phase, jitter and restarts of its own."""
    for number in range(MODELS):
        chance = np.random.default_rng([number, scale.samples])
        count, interval = scale.samples, scale.interval_ms
        jitter = chance.integers(0, interval // 10, count)
        times = START_MS + chance.integers(1, interval * 8 // 10) + jitter
        restarts = np.flatnonzero(chance.random(count) < RESTART)
        labels, values = zip(*_series(number, chance, count, restarts), strict=True)
        yield Block(list(labels), times + np.arange(count) * interval, np.array(values))


_Rows = Iterator[tuple[Labels, NDArray[np.float64]]]


def _series(
    number: int, chance: np.random.Generator, count: int, restarts: NDArray[np.int64]
) -> _Rows:
    model = {"ml_model_name": f"model-{number:03}", "ml_model_version": "1.0", "job": "bench"}

    def counted(rates: NDArray[np.float64]) -> NDArray[np.float64]:
        return _since(
            np.cumsum(chance.poisson(rates[:, None], (len(rates), count)), axis=1), restarts
        )

    yield from _durations(model, counted(chance.uniform(0, 40, len(LATENCY_EDGES) + 1)))
    for gauge in range(GAUGES):
        yield _labels("model_load_ratio", model, part=str(gauge)), chance.normal(0.5, 0.1, count)
    if number < JUDGED:
        yield from _calibration(model, counted(np.full(2 * BINS, 15.0)), chance)
        yield from _feature(model, counted(chance.uniform(5, 50, BINS)), chance)


def _durations(model: dict[str, str], counts: NDArray[np.float64]) -> _Rows:
    name = "ml_prediction_duration_seconds"
    cumulative = np.cumsum(counts, axis=0)
    for edge, row in zip((*map(str, LATENCY_EDGES), "+Inf"), cumulative, strict=True):
        yield _labels(f"{name}_bucket", model, le=edge), row
    yield _labels(f"{name}_count", model), cumulative[-1]
    yield _labels(f"{name}_sum", model), cumulative[-1] * 0.0173


def _calibration(
    model: dict[str, str], counts: NDArray[np.float64], chance: np.random.Generator
) -> _Rows:
    for position, edge in enumerate(CALIBRATION_EDGES):
        bin_ = {**model, "ml_calibration_bin": f"{edge:g}"}
        right, wrong = counts[position], counts[BINS + position]
        share = chance.uniform(edge - 0.1, edge)
        yield _labels("ml_calibration_predictions_total", bin_), right + wrong
        yield _labels("ml_calibration_confidence_total", bin_), (right + wrong) * share
        yield _labels("ml_calibration_correct_total", bin_), right


def _feature(
    model: dict[str, str], counts: NDArray[np.float64], chance: np.random.Generator
) -> _Rows:
    shares = chance.dirichlet(np.full(BINS, 5.0))
    for position, row in enumerate(counts):
        bin_ = {"ml_feature_name": "age", "ml_feature_bin": str(position), **model}
        bin_["ml_feature_value_state"] = "valid"
        yield _labels("ml_feature_values_total", bin_), row
        yield _labels("ml_reference_feature_ratio", bin_), np.full(len(row), shares[position])


def _since(totals: NDArray[np.float64], restarts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Totals counted from the last restart on."""
    floor = np.zeros(totals.shape)
    for at in restarts.tolist():
        floor[:, at:] = totals[:, at : at + 1]
    return totals.astype(np.float64) - floor


def _labels(name: str, *more: dict[str, str], **rest: str) -> Labels:
    pairs = {"__name__": name, **rest}
    for each in more:
        pairs.update(each)
    return tuple(sorted(pairs.items()))
