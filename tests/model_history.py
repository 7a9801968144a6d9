"""
This module makes the telemetry of a model that predicted for a while, and keeps the true ledger.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from otel_confidence import conventions as c
from otel_confidence.points import (
    NAME_LABEL,
    Batch,
    Event,
    Matcher,
    Sample,
    Samples,
    Selection,
    Series,
    Span,
)

Values = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class History:
    """
    Predictions spread evenly from ``start`` to ``end``, reported as counters every few seconds.
    """

    model: str
    start: float
    end: float
    version: str = "1"
    per_second: float = 4.0
    sureness: Callable[[Values], Values] = lambda t: np.full(len(t), 0.9)
    """Mean confidence by seconds since the start."""
    rightness: Callable[[Values], Values] = lambda t: np.full(len(t), 0.9)
    """Accuracy by seconds since the start."""
    failing: float = 0.0
    """Share of further calls that raised."""
    labeled: bool = True
    threshold: float = 0.7
    edges: tuple[float, ...] = c.CONFIDENCE_EDGES
    seed: int = 7
    report_s: float = 5.0
    """From one report to the next."""
    times: Values = field(init=False)
    confidences: Values = field(init=False)
    correct: NDArray[np.bool_] = field(init=False)
    durations: Values = field(init=False)

    def __post_init__(self) -> None:
        random = np.random.default_rng(self.seed)
        n = round((self.end - self.start) * self.per_second)
        since = (np.arange(n) + 0.5) / self.per_second
        mean = self.sureness(since)
        object.__setattr__(self, "times", self.start + since)
        object.__setattr__(self, "confidences", random.beta(mean * 12, (1 - mean) * 12))
        object.__setattr__(self, "correct", random.random(n) < self.rightness(since))
        object.__setattr__(self, "durations", random.lognormal(np.log(0.004), 0.6, n))

    def samples(self) -> Iterator[Sample]:
        """
        Every sample of every series, a report at a time within each series.
        """
        yield from self._histogram(c.PREDICTION_CONFIDENCE, self.confidences, self.edges)
        yield from self._histogram(c.PREDICTION_DURATION, self.durations, c.LATENCY_EDGES)
        yield from self._counter(c.PREDICTIONS.prometheus, np.ones(len(self.times)))
        if self.failing:
            failed = np.full(len(self.times), self.failing)
            name = f"{c.PREDICTION_DURATION.prometheus}_count"
            yield from self._counter(name, failed, **{c.ERROR_TYPE.label: "ValueError"})
        if self.labeled:
            yield from self._calibration()

    def batch(self) -> Batch:
        """
        The same as a store takes it, with an event and a trace for each low confidence.
        """
        low = np.flatnonzero(self.confidences < self.threshold)[-40:]
        traces = [self._trace(int(i)) for i in low]
        return Batch(
            samples=Samples.of(self.samples()),
            events=[event for events, _ in traces for event in events],
            spans=[span for _, spans in traces for span in spans],
        )

    def foreign(self, name: str, **labels: str) -> Iterator[Sample]:
        """
        A counter that grows by one a prediction, whatever its labels.
        """
        return self._counter(name, np.ones(len(self.times)), **labels)

    def _calibration(self) -> Iterator[Sample]:
        miss = (self.confidences - self.correct) ** 2
        columns = (
            (c.CALIBRATION_PREDICTIONS, np.ones(len(self.times))),
            (c.CALIBRATION_CONFIDENCE, self.confidences),
            (c.CALIBRATION_CORRECT, self.correct.astype(np.float64)),
            (c.CALIBRATION_SQUARED_ERROR, miss),
        )
        places = np.searchsorted(c.CALIBRATION_EDGES, self.confidences)
        for place, edge in enumerate(c.CALIBRATION_EDGES):
            for metric, values in columns:
                label = {c.BIN.label: f"{edge:g}"}
                yield from self._counter(
                    metric.prometheus, np.where(places == place, values, 0.0), **label
                )

    def _histogram(
        self, metric: c.Metric, values: Values, edges: Sequence[float]
    ) -> Iterator[Sample]:
        for edge in (*edges, np.inf):
            text = "+Inf" if np.isinf(edge) else f"{edge:g}"
            held = (values <= edge).astype(np.float64)
            yield from self._counter(f"{metric.prometheus}_bucket", held, le=text)
        yield from self._counter(f"{metric.prometheus}_sum", values)
        yield from self._counter(f"{metric.prometheus}_count", np.ones(len(values)))

    def _counter(self, name: str, values: Values, **labels: str) -> Iterator[Sample]:
        every = {
            NAME_LABEL: name,
            "job": "test",
            c.MODEL_NAME.label: self.model,
            c.MODEL_VERSION.label: self.version,
            **labels,
        }
        series = Series(tuple(sorted(every.items())))
        sums = np.concatenate([np.zeros(1), np.cumsum(values)])
        ticks = np.arange(self.start, self.end + self.report_s / 2, self.report_s)
        reached = sums[np.searchsorted(self.times, ticks, side="right")]
        for tick, value in zip(ticks, reached, strict=True):
            yield Sample(series, round(tick * 1000), float(value))

    def _trace(self, i: int) -> tuple[list[Event], list[Span]]:
        at, took = round(self.times[i] * 1e9), round(self.durations[i] * 1e9)
        trace_id, span_id = f"{self.seed:016x}{i:016x}", f"{i:016x}"
        about = {
            c.MODEL_NAME.name: self.model,
            c.MODEL_VERSION.name: self.version,
            c.PREDICTION_ID.name: f"{self.seed}-{i}",
        }
        said = {
            c.CONFIDENCE.name: repr(float(self.confidences[i])),
            c.THRESHOLD.name: repr(self.threshold),
            c.LABEL.name: "4",
        }
        result = "correct" if self.correct[i] else "incorrect"
        learned = {c.OUTCOME.name: result, c.TRUTH.name: "4" if self.correct[i] else "9"}
        resource = {"service.name": "digits-service"}
        low = Event(at, c.LOW_CONFIDENCE_RESULT.name, 13, "WARN", "", trace_id, span_id,
                    about | said, resource)  # fmt: skip
        known = Event(at + 10**9, c.OUTCOME_KNOWN.name, 9, "INFO", "", trace_id, span_id,
                      about | learned, resource)  # fmt: skip
        outer = Span(trace_id, f"f{span_id[1:]}", "", "POST /classify", "SERVER", at - took // 2,
                     at + 2 * took, "UNSET", "", {"http.route": "/classify"}, resource)  # fmt: skip
        inner = Span(trace_id, span_id, outer.span_id, f"predict {self.model}", "INTERNAL", at,
                     at + took, "UNSET", "", about | said, resource)  # fmt: skip
        return [low, *([known] if self.labeled and i % 3 else [])], [outer, inner]


class Memory:
    """
    Samples in memory, which the PromQL engine can read.
    """

    def __init__(self, *histories: History) -> None:
        self._kept: list[Selection] = []
        for history in histories:
            self.add(history.samples())

    def add(self, samples: Iterable[Sample]) -> None:
        """
        Keep these samples too; a series comes whole.
        """
        by_series: dict[Series, list[Sample]] = {}
        for sample in samples:
            by_series.setdefault(sample.series, []).append(sample)
        for series, held in by_series.items():
            times = np.array([each.time_ms for each in held], dtype=np.int64)
            values = np.array([each.value for each in held], dtype=np.float64)
            self._kept.append(Selection(series.labels, times, values))

    def select(
        self,
        matchers: Sequence[Matcher],
        start_ms: int,
        end_ms: int,
        *,
        max_samples: int = 50_000_000,
    ) -> list[Selection]:
        """
        The series that meet every condition, with what lies in ``(start_ms, end_ms]``.
        """
        found = []
        for series in self._kept:
            if all(_meets(dict(series.labels), matcher) for matcher in matchers):
                low, high = np.searchsorted(series.times_ms, [start_ms, end_ms], side="right")
                held = slice(low, high)
                part = Selection(series.labels, series.times_ms[held], series.values[held])
                found += [part] if high > low else []
        assert sum(len(each.values) for each in found) <= max_samples
        return found


def _meets(labels: dict[str, str], matcher: Matcher) -> bool:
    value = labels.get(matcher.label, "")
    if matcher.op in {"=", "!="}:
        return (value == matcher.value) == (matcher.op == "=")
    return bool(re.fullmatch(matcher.value, value)) == (matcher.op == "=~")
