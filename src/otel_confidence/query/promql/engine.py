"""
This module answers PromQL from a store of samples, in process.

It follows Prometheus 3 for floats and classic histograms. What it does not compute is refused by
name, never approximated.
"""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, TypeVar

import numpy as np

from otel_confidence.points import Selection
from otel_confidence.query.answers import Answer
from otel_confidence.query.literals import legible
from otel_confidence.query.promql.checking import check_durations
from otel_confidence.query.promql.computing import Computing
from otel_confidence.query.promql.costs import Again, Course, Room, Share
from otel_confidence.query.promql.evaluation import Evaluator, Limits
from otel_confidence.query.promql.faults import bad_data
from otel_confidence.query.promql.frames import Floats, Frame, Grid
from otel_confidence.query.promql.nodes import Node, Text, unwrapped
from otel_confidence.query.promql.parsing import parse
from otel_confidence.query.promql.selecting import Dropping, Source, Span
from otel_confidence.query.promql.windows import Windows


@dataclass(frozen=True, slots=True)
class Options:
    """
    What a caller asks otherwise for one query.
    """

    timeout_s: float | None = None
    """A time limit; the engine's own stays in force."""
    lookback_s: float | None = None
    """How old a sample may be to stand for the present; the engine's own if not above zero."""
    course: Course | None = None
    """Its time and the end of its answer, where the caller watches over both."""


_T = TypeVar("_T")
NO_STEP: Final = (
    "zero or negative query resolution step widths are not accepted. Try a positive integer"
)
ENDS_EARLY: Final = "end timestamp must not be before start time"
_DEFAULT = Options()
_RANGE_KINDS = {"matrix": "range vector", "string": "string"}


class Engine:
    """
    Evaluates PromQL over whatever can select series.

    Args:
        source: Where the samples are.
        limits: What one query may cost; all together hold no more samples than one may.
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
        self._computing = source if isinstance(source, Computing) else None
        self._generation = source.generation if isinstance(source, Dropping) else _always
        self.limits = limits or Limits()
        self._room = Room(self.limits.max_samples)
        self._now = now
        self._clock = clock

    def query(self, expr: str, *, at: float | None = None, options: Options = _DEFAULT) -> Answer:
        """
        The value of an expression at one time.

        Args:
            expr: The expression, in PromQL.
            at: Epoch seconds; now when not given.
            options: What to do otherwise than the engine does by itself.

        Raises:
            QueryError: The expression is wrong, not supported, or costs too much.
        """
        tree = parse(expr)
        time_ms = _milliseconds(self._now() if at is None else at)
        grid, span = Grid(time_ms, time_ms, 1), Span(time_ms, time_ms, 0)
        check_durations(tree, expr, span.step_ms)
        return self._run(expr, partial(_at_once, tree, grid), span, options)

    def query_range(
        self,
        expr: str,
        *,
        start: float,
        end: float,
        step: float,
        options: Options = _DEFAULT,
    ) -> Answer:
        """
        The values of an expression at ``start``, ``start + step`` … up to ``end``.

        Args:
            expr: The expression, in PromQL.
            start: Epoch seconds of the first evaluation.
            end: Epoch seconds after which none is made.
            step: Seconds between evaluations, at least a millisecond.
            options: What to do otherwise than the engine does by itself.

        Raises:
            QueryError: The expression or the range is wrong, not supported, or costs too much.
        """
        tree = parse(expr)
        kind = tree.kind
        if kind in _RANGE_KINDS:
            raise bad_data(
                f'invalid expression type "{_RANGE_KINDS[kind]}" for range query, '
                "must be Scalar or instant Vector"
            )
        grid = self._grid(start, end, step)
        span = Span(grid.start_ms, grid.end_ms, grid.step_ms)
        check_durations(tree, expr, span.step_ms)
        return self._run(expr, partial(_step_by_step, tree, grid), span, options)

    def beside(self, work: Callable[[Share], _T], course: Course) -> _T:
        """
        Have something else hold samples in the memory that all queries have together.

        Args:
            work: Done again from the start where the queries leave it no room; counts in the share
                what it holds.
            course: How long it may wait for that.

        Raises:
            QueryError: The time is over, or it holds more than a query may.
        """
        made, share = self._holding(work, course)
        share.close()
        return made

    def _holding(self, work: Callable[[Share], _T], course: Course) -> tuple[_T, Share]:
        needed = 0
        while True:
            share = self._room.share(needed, self.limits.max_samples, course.check)
            with ExitStack() as failing:
                failing.callback(share.close)
                try:
                    made = work(share)
                except Again as again:
                    needed = again.needed
                    continue
                failing.pop_all()
                return made, share

    def _grid(self, start: float, end: float, step: float) -> Grid:
        grid = Grid(_milliseconds(start), _milliseconds(end), max(0, int(round(step * 1e6) / 1e3)))
        if grid.step_ms < 1:
            raise bad_data(NO_STEP)
        if grid.end_ms < grid.start_ms:
            raise bad_data(ENDS_EARLY)
        check_steps(grid.start_ms, grid.end_ms, grid.step_ms, self.limits.max_steps)
        return grid

    def _run(
        self,
        expr: str,
        evaluate: Callable[[Evaluator], Answer],
        span: Span,
        options: Options,
    ) -> Answer:
        limits = self.limits
        if options.lookback_s is not None and options.lookback_s > 0:
            limits = replace(limits, lookback_ms=max(1, _milliseconds(options.lookback_s)))
        with ExitStack() as ending:
            course = options.course or ending.enter_context(closing(self._course()))
            course.shorten(options.timeout_s)

            def work(share: Share) -> Answer:
                evaluator = Evaluator(
                    expr, self._source, self._computing, limits, span, course, share
                )
                return _of_one_state(evaluate, evaluator, self._generation)

            answer, share = self._holding(work, course)
            share.shrink()
            course.keep(share)
            return answer

    def _course(self) -> Course:
        return Course(self.limits.timeout_s, self._clock)


def _always(_: Callable[[], None]) -> int:
    return 0


def check_steps(start: float, end: float, step: float, most: int) -> None:
    """
    Make sure that a range has no more steps than it may.

    Raises:
        QueryError: It has more.
    """
    if (end - start) // step > most:
        raise bad_data(
            f"exceeded maximum resolution of {most:,} points per timeseries. "
            "Try decreasing the query resolution (?step=XX)"
        )


def _of_one_state(
    evaluate: Callable[[Evaluator], Answer],
    evaluator: Evaluator,
    generation: Callable[[Callable[[], None]], int],
) -> Answer:
    before = generation(evaluator.check)
    answer = evaluate(evaluator)
    if generation(evaluator.check) != before:
        # Its selectors may have read what was there before and after days went.
        raise Again(evaluator.share.held)
    return answer


def _at_once(tree: Node, grid: Grid, evaluator: Evaluator) -> Answer:
    kind, top = tree.kind, unwrapped(tree)
    if isinstance(top, Text):
        return Answer("string", (), text=legible(top.value), time_ms=grid.start_ms)
    with np.errstate(all="ignore"):
        if kind == "matrix":
            series = _ranges(evaluator.windows(tree, grid))
            return Answer("matrix", series, _said(evaluator))
        value = evaluator.evaluate(tree, grid)
    series = tuple(_series(value, grid))
    return Answer("vector" if kind == "vector" else "scalar", series, _said(evaluator))


def _step_by_step(tree: Node, grid: Grid, evaluator: Evaluator) -> Answer:
    with np.errstate(all="ignore"):
        value = evaluator.evaluate(tree, grid)
    series = sorted(_series(value, grid), key=lambda each: each.labels)
    return Answer("matrix", tuple(series), _said(evaluator))


def _milliseconds(seconds: float) -> int:
    if not math.isfinite(seconds) or abs(seconds) > 9e15:  # noqa: PLR2004  int64 of milliseconds
        raise bad_data(f"time must be finite epoch seconds, got {seconds!r}")
    return round(seconds * 1000)


def _said(evaluator: Evaluator) -> tuple[str, ...]:
    return tuple(evaluator.warnings.values())


def _series(value: Frame | Floats, grid: Grid) -> list[Selection]:
    times = grid.times
    if not isinstance(value, Frame):
        return [Selection((), times, value)]
    return [
        Selection(labels, times[present], values[present])
        for labels, values, present in zip(value.labels, value.values, value.present, strict=True)
        if present.any()
    ]


def _ranges(portions: Iterator[Windows]) -> tuple[Selection, ...]:
    found = [
        Selection(labels, windows.samples.times[low:high], windows.samples.values[low:high])
        for windows in portions
        for labels, (low,), (high,) in zip(
            windows.labels, windows.low.tolist(), windows.high.tolist(), strict=True
        )
        if high > low
    ]
    return tuple(sorted(found, key=lambda each: each.labels))
