"""
This module evaluates an expression's tree, node by node, on all steps at once.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from otel_confidence.points import Matcher
from otel_confidence.query.promql import aggregation, matching, operators
from otel_confidence.query.promql.aggregation import grouped
from otel_confidence.query.promql.calls import Value, call
from otel_confidence.query.promql.computing import Asked, Computing, computed, worth
from otel_confidence.query.promql.costs import Course, Share
from otel_confidence.query.promql.faults import execution
from otel_confidence.query.promql.frames import Floats, Frame, Grid, Ints, empty, stacked
from otel_confidence.query.promql.matching import between_vectors
from otel_confidence.query.promql.numbers import decimal
from otel_confidence.query.promql.operators import between_scalars, with_scalar
from otel_confidence.query.promql.range_functions import PLAIN_FUNCTIONS
from otel_confidence.query.promql.reading import (
    grouping_of,
    is_invariant,
    kind_of,
    matchers_of,
    matching_of,
    unwrapped,
)
from otel_confidence.query.promql.selecting import (
    Source,
    Span,
    milliseconds,
    references,
    sorted_by_labels,
)
from otel_confidence.query.promql.windows import (
    Samples,
    Windows,
    is_stale,
    laid_out,
    latest,
    samples_of,
    windows_of,
)
from otel_confidence.store.grids import NEWEST, Steps

_CHARACTERS: Final = 8
"""So many take the room of a sample, with the copy of them that patterns are looked for in."""


@dataclass(frozen=True, slots=True)
class Limits:
    """
    What one query may cost.
    """

    max_samples: int = 10_000_000
    """Samples held in memory at once."""
    max_steps: int = 11_000
    timeout_s: float = 120.0
    lookback_ms: int = 300_000
    """How old a sample may be to stand for the present."""
    subquery_step_ms: int = 60_000
    """The step of a subquery that states none."""


@dataclass(slots=True)
class Evaluator:
    """
    Evaluates one query.
    """

    source: Source
    computing: Computing | None
    """The same source, if it can compute."""
    limits: Limits
    span: Span
    course: Course
    share: Share
    warnings: list[str] = field(default_factory=list)
    _known: dict[Asked, Frame | None] = field(default_factory=dict)
    """What the store has computed for this query: expressions of ratios repeat themselves."""

    def check(self) -> None:
        """
        Stop when the time is over or nobody waits any more.
        """
        self.course.check()

    def evaluate(self, node: Any, grid: Grid) -> Value:
        """
        A node's value at every step of a grid.

        Raises:
            QueryError: It has none, or costs too much.
        """
        self.check()
        if len(grid) > 1 and is_invariant(node):
            return _repeated(self._evaluate(node, grid.first), len(grid))
        return self._evaluate(node, grid)

    def _evaluate(self, node: Any, grid: Grid) -> Value:
        evaluate = _NODES.get(type(node).__name__)
        if evaluate is None:
            raise execution(f"cannot evaluate {type(node).__name__} here")
        return evaluate(self, node, grid)

    def vector(self, node: Any, grid: Grid) -> Frame:
        """
        A node's value, which the parser made sure is an instant vector.
        """
        value = self.evaluate(node, grid)
        if not isinstance(value, Frame):
            raise execution("expected an instant vector, got a scalar")
        return value

    def scalar(self, node: Any, grid: Grid) -> Floats:
        """
        A node's value, which the parser made sure is a scalar.
        """
        value = self.evaluate(node, grid)
        if isinstance(value, Frame):
            raise execution("expected a scalar, got an instant vector")
        return value

    def _read(self, matchers: Sequence[Matcher], start_ms: int, end_ms: int) -> Samples:
        room = self.limits.max_samples - self.share.held
        samples = None
        if self.computing:
            samples = _at_hand(self.computing, matchers, start_ms, end_ms, room)
        if samples is None:
            found = self.source.select(matchers, start_ms, end_ms, max_samples=room)
            samples = laid_out(sorted_by_labels(found))
        self.share.hold(len(samples.times))
        return samples

    def instant(self, node: Any, grid: Grid) -> tuple[Frame, Ints]:
        """
        A vector selector's values, and the time of each one's sample.
        """
        times = references(node, grid, self.span)
        lookback = self.limits.lookback_ms
        samples = self._read(matchers_of(node), int(times.min()) - lookback, int(times.max()))
        self.share.hold(len(samples.labels) * len(grid))
        return latest(samples, references=times, lookback_ms=lookback)

    def selected(self, node: Any, grid: Grid) -> Frame:
        """
        A vector selector's values.
        """
        lookback = self.limits.lookback_ms
        frame = self._computed(NEWEST, node, grid, lookback)
        if frame is None:
            return self.instant(node, grid)[0].occupied()
        return Frame(frame.labels, frame.values, frame.present & ~is_stale(frame.values)).occupied()

    def gridded(self, function: str, node: Any, grid: Grid) -> Frame | None:
        """
        What the store computes of a range selector; None where its samples have to be read.
        """
        if type(node).__name__ != "MatrixSelector":
            return None
        return self._computed(function, node.vector_selector, grid, milliseconds(node.range))

    def _computed(self, function: str, node: Any, grid: Grid, window_ms: int) -> Frame | None:
        ends = references(node, grid, self.span)
        if not self.computing or (len(grid) > 1 and ends[0] == ends[-1]):
            return None
        steps = Steps(int(ends[0]), grid.step_ms, len(grid), window_ms)
        asked = Asked(function, tuple(matchers_of(node)), steps)
        if asked not in self._known:
            frame = self._computed_at_hand(self.computing, asked, ends, grid)
            if frame is None:
                most = self.limits.max_samples
                frame = computed(self.computing, asked, most, self.share, self.check)
            self._known[asked] = frame
        return self._known[asked]

    def _computed_at_hand(
        self, source: Computing, asked: Asked, ends: Ints, grid: Grid
    ) -> Frame | None:
        """
        The same from samples in memory; None where asking the store costs less.
        """
        steps, function = asked.steps, PLAIN_FUNCTIONS.get(asked.function)
        if function is None and asked.function != NEWEST:
            return None
        most = min(worth(source, asked), self.share.free)
        samples = _at_hand(source, asked.matchers, steps.after_ms, steps.end_ms, most)
        if samples is None:
            return None
        self.share.hold(len(samples.times))
        if function is None:
            self.share.hold(len(samples.labels) * len(grid))
            frame = latest(samples, references=ends, lookback_ms=steps.window_ms)[0]
        else:
            portions = self._cut(samples, ends, grid, steps.window_ms)
            frame = stacked([function(each) for each in portions])
        self.share.release(len(samples.times))
        return frame.occupied()

    def windows(self, node: Any, grid: Grid) -> Iterator[Windows]:
        """
        The windows of a range selector or subquery, some series at a time.
        """
        node = unwrapped(node)
        if type(node).__name__ == "SubqueryExpr":
            return self._subquery(node, grid)
        ends = references(node.vector_selector, grid, self.span)
        range_ms = milliseconds(node.range)
        samples = self._read(
            matchers_of(node.vector_selector), int(ends.min()) - range_ms, int(ends.max())
        )
        return self._cut(samples, ends, grid, range_ms)

    def _subquery(self, node: Any, grid: Grid) -> Iterator[Windows]:
        ends = references(node, grid, self.span)
        range_ms = milliseconds(node.range)
        step = milliseconds(node.step) or self.limits.subquery_step_ms
        after = int(ends.min()) - range_ms
        start = step * int(after / step)
        inner = Grid(start if start > after else start + step, int(ends.max()), step)
        self.share.hold(len(inner))
        if not len(inner):
            return self._cut(laid_out([]), ends, grid, range_ms)
        frame = self.vector(node.expr, inner)
        self.share.hold(frame.samples)
        return self._cut(samples_of(frame, inner), ends, grid, range_ms)

    def _cut(self, samples: Samples, ends: Ints, grid: Grid, range_ms: int) -> Iterator[Windows]:
        self.share.hold(len(samples.labels) * len(grid))
        return windows_of(samples, ends=ends, steps=grid.times, range_ms=range_ms, check=self.check)

    def negated(self, node: Any, grid: Grid) -> Value:
        """
        A unary minus.
        """
        value = self.evaluate(node.expr, grid)
        return operators.negated(value) if isinstance(value, Frame) else -value

    def binary(self, node: Any, grid: Grid) -> Value:
        """
        A binary operator.
        """
        left, right = self.evaluate(node.lhs, grid), self.evaluate(node.rhs, grid)
        sign = str(node.op)
        as_bool = bool(node.modifier and node.modifier.return_bool)
        if not isinstance(right, Frame):
            if not isinstance(left, Frame):
                return between_scalars(sign, left, right)
            return with_scalar(sign, left, right, swapped=False, as_bool=as_bool)
        if not isinstance(left, Frame):
            return with_scalar(sign, right, left, swapped=True, as_bool=as_bool)
        how = matching_of(node.modifier)
        if sign in matching.SETS:
            return matching.SETS[sign](left, right, how)
        return between_vectors(sign, left, right, how, as_bool=as_bool)

    def aggregated(self, node: Any, grid: Grid) -> Frame:
        """
        An aggregation over series.
        """
        name, grouping = str(node.op), grouping_of(node.modifier)
        parameter = self._parameter(name, node.param, grid)
        frame = self.vector(node.expr, grid)
        if name == "count_values":
            label = unwrapped(node.param).val
            room = self.limits.max_samples
            return aggregation.count_values(frame, grouping, label, max_samples=room)
        if not len(frame):
            return empty(len(grid))
        groups = grouped(frame, grouping, self.check)
        if parameter is None:
            return groups.frame(aggregation.REDUCTIONS[name](groups.runs))
        if name == "quantile":
            return aggregation.quantiles(groups, parameter)
        return aggregation.extremes(frame, groups, parameter, largest=name == "topk")

    def _parameter(self, name: str, node: Any, grid: Grid) -> Floats | None:
        if node is None or kind_of(node) != "scalar":
            return None
        parameter = self.scalar(node, grid)
        if name == "quantile":
            self.warn_share(parameter)
        else:
            aggregation.check_count(parameter)
        return parameter

    def warn_share(self, q: Floats) -> None:
        """
        Say so when a quantile's share is none.
        """
        wrong = q[np.isnan(q) | (q < 0) | (q > 1)]
        if len(wrong):
            got = decimal(float(wrong[0]))
            self.warn(f"PromQL warning: quantile value should be between 0 and 1, got {got}")

    def hold_text(self, characters: int) -> None:
        """
        Count the text of a label that is about to be made, and stop when the time is over.
        """
        self.check()
        self.share.hold(characters // _CHARACTERS)

    def warn(self, message: str) -> None:
        """
        Say something with the answer, once.
        """
        if message not in self.warnings:
            self.warnings.append(message)


def _at_hand(
    source: Computing, matchers: Sequence[Matcher], start_ms: int, end_ms: int, most: int
) -> Samples | None:
    found = source.at_hand(matchers, start_ms, end_ms, most=most)
    if found is None:
        return None
    return Samples(found.labels, found.times_ms, found.values, found.offsets)


def _repeated(value: Value, steps: int) -> Value:
    if not isinstance(value, Frame):
        return np.repeat(value, steps)
    values = np.repeat(value.values, steps, axis=1)
    return Frame(value.labels, values, np.repeat(value.present, steps, axis=1))


_NODES: Mapping[str, Callable[[Evaluator, Any, Grid], Value]] = {
    "AggregateExpr": Evaluator.aggregated,
    "BinaryExpr": Evaluator.binary,
    "Call": call,
    "NumberLiteral": lambda _, node, grid: np.full(len(grid), node.val),
    "ParenExpr": lambda evaluator, node, grid: evaluator.evaluate(node.expr, grid),
    "UnaryExpr": Evaluator.negated,
    "VectorSelector": Evaluator.selected,
}
