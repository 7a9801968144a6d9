"""
This module answers PromQL from a store of samples, in process.

It follows Prometheus 3 for floats and classic histograms. What it does not compute is refused by
name, never approximated.
"""

import math
import time
from collections.abc import Callable

import numpy as np

from otel_confidence.points import Selection
from otel_confidence.query.answers import Answer
from otel_confidence.query.promql.evaluation import Evaluator, Limits
from otel_confidence.query.promql.faults import bad_data
from otel_confidence.query.promql.frames import Floats, Frame, Grid
from otel_confidence.query.promql.parsing import parse
from otel_confidence.query.promql.reading import kind_of, unwrapped
from otel_confidence.query.promql.selecting import Source, Span
from otel_confidence.query.promql.windows import Windows

_RANGE_KINDS = {"matrix": "range vector", "string": "string"}


class Engine:
    """
    Evaluates PromQL over whatever can select series.

    Args:
        source: Where the samples are.
        limits: What one query may cost.
        now: The present in epoch seconds, for queries that give no time.
        clock: A steady clock in seconds, for the time limit.
    """

    def __init__(
        self,
        source: Source,
        *,
        limits: Limits | None = None,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._limits = limits or Limits()
        self._now = now
        self._clock = clock

    def query(
        self, expr: str, *, at: float | None = None, timeout_s: float | None = None
    ) -> Answer:
        """
        The value of an expression at one time.

        Args:
            expr: The expression, in PromQL.
            at: Epoch seconds; now when not given.
            timeout_s: A time limit below the engine's own.

        Raises:
            QueryError: The expression is wrong, not supported, or costs too much.
        """
        tree = parse(expr)
        time_ms = _milliseconds(self._now() if at is None else at)
        grid = Grid(time_ms, time_ms, 1)
        evaluator = self._evaluator(grid, timeout_s)
        kind = kind_of(tree)
        if kind == "string":
            return Answer("string", (), text=unwrapped(tree).val)
        with np.errstate(all="ignore"):
            if kind == "matrix":
                series = _ranges(evaluator.windows(tree, grid))
                return Answer("matrix", series, _said(evaluator))
            value = evaluator.evaluate(tree, grid)
        series = tuple(_series(value, grid))
        return Answer("vector" if kind == "vector" else "scalar", series, _said(evaluator))

    def query_range(
        self,
        expr: str,
        *,
        start: float,
        end: float,
        step: float,
        timeout_s: float | None = None,
    ) -> Answer:
        """
        The values of an expression at ``start``, ``start + step`` … up to ``end``.

        Args:
            expr: The expression, in PromQL.
            start: Epoch seconds of the first evaluation.
            end: Epoch seconds after which none is made.
            step: Seconds between evaluations, at least a millisecond.
            timeout_s: A time limit below the engine's own.

        Raises:
            QueryError: The expression or the range is wrong, not supported, or costs too much.
        """
        tree = parse(expr)
        kind = kind_of(tree)
        if kind in _RANGE_KINDS:
            raise bad_data(
                f'invalid expression type "{_RANGE_KINDS[kind]}" for range query, '
                "must be Scalar or instant Vector"
            )
        grid = self._grid(start, end, step)
        evaluator = self._evaluator(grid, timeout_s)
        with np.errstate(all="ignore"):
            value = evaluator.evaluate(tree, grid)
        series = sorted(_series(value, grid), key=lambda each: each.labels)
        return Answer("matrix", tuple(series), _said(evaluator))

    def _grid(self, start: float, end: float, step: float) -> Grid:
        grid = Grid(_milliseconds(start), _milliseconds(end), max(0, int(round(step * 1e6) / 1e3)))
        if grid.step_ms < 1:
            raise bad_data(
                "zero or negative query resolution step widths are not accepted. "
                "Try a positive integer"
            )
        if grid.end_ms < grid.start_ms:
            raise bad_data("end timestamp must not be before start time")
        if (grid.end_ms - grid.start_ms) / grid.step_ms > self._limits.max_steps:
            raise bad_data(
                f"exceeded maximum resolution of {self._limits.max_steps:,} points per "
                "timeseries. Try decreasing the query resolution (?step=XX)"
            )
        return grid

    def _evaluator(self, grid: Grid, timeout_s: float | None) -> Evaluator:
        span = Span(grid.start_ms, grid.end_ms)
        own = self._limits.timeout_s
        seconds = own if timeout_s is None else min(own, timeout_s)
        return Evaluator(self._source, self._limits, span, self._clock, timeout_s=seconds)


def _milliseconds(seconds: float) -> int:
    if not math.isfinite(seconds) or abs(seconds) > 9e15:  # noqa: PLR2004  int64 of milliseconds
        raise bad_data(f"time must be finite epoch seconds, got {seconds!r}")
    return round(seconds * 1000)


def _said(evaluator: Evaluator) -> tuple[str, ...]:
    return tuple(evaluator.warnings)


def _series(value: Frame | Floats, grid: Grid) -> list[Selection]:
    times = grid.times
    if not isinstance(value, Frame):
        return [Selection((), times, value)]
    return [
        Selection(labels, times[present], values[present])
        for labels, values, present in zip(value.labels, value.values, value.present, strict=True)
        if present.any()
    ]


def _ranges(windows: Windows) -> tuple[Selection, ...]:
    samples = windows.samples
    found = [
        Selection(labels, samples.times[low:high], samples.values[low:high])
        for labels, (low,), (high,) in zip(
            samples.labels, windows.low.tolist(), windows.high.tolist(), strict=True
        )
        if high > low
    ]
    return tuple(sorted(found, key=lambda each: each.labels))
