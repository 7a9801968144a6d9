"""
This module evaluates an expression's tree, node by node, on all steps at once.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from otel_confidence.points import Matcher
from otel_confidence.query.literals import is_text, quoted
from otel_confidence.query.numbers import general
from otel_confidence.query.promql import aggregation, matching, operators
from otel_confidence.query.promql.aggregation import grouped
from otel_confidence.query.promql.calls import Value, call
from otel_confidence.query.promql.computing import Asked, Computing, computed, worth
from otel_confidence.query.promql.costs import Course, Share
from otel_confidence.query.promql.durations import Number, milliseconds
from otel_confidence.query.promql.faults import execution
from otel_confidence.query.promql.frames import Floats, Frame, Grid, Ints, empty, stacked
from otel_confidence.query.promql.matching import between_vectors
from otel_confidence.query.promql.nodes import (
    Aggregate,
    Binary,
    Call,
    Node,
    Paren,
    Range,
    Selector,
    Subquery,
    Text,
    Unary,
    place,
    spine,
    unwrapped,
)
from otel_confidence.query.promql.operators import between_scalars, with_scalar
from otel_confidence.query.promql.range_functions import PLAIN_FUNCTIONS
from otel_confidence.query.promql.selecting import (
    Source,
    Span,
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
_SHARES = 100
"""How many different shares are told of that are none; an answer shows ten."""


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

    text: str
    """The expression, in which warnings have their places."""
    source: Source
    computing: Computing | None
    """The same source, if it can compute."""
    limits: Limits
    span: Span
    course: Course
    share: Share
    warnings: dict[str, str] = field(default_factory=dict)
    """What to say with the answer, without and with its place."""
    _known: dict[Asked, Frame | None] = field(default_factory=dict)
    """What the store has computed for this query: expressions of ratios repeat themselves."""

    def check(self) -> None:
        """
        Stop when the time is over or nobody waits any more.
        """
        self.course.check()

    def evaluate(self, node: Node, grid: Grid) -> Value:
        """
        A node's value at every step of a grid.

        Raises:
            QueryError: It has none, or costs too much.
        """
        self.check()
        if len(grid) > 1 and node.fixed:
            return _repeated(self._evaluate(node, grid.first), len(grid))
        return self._evaluate(node, grid)

    def _evaluate(self, node: Node, grid: Grid) -> Value:  # noqa: PLR0911  one for each kind
        match node:
            case Number():
                return np.full(len(grid), node.value)
            case Selector():
                return self.selected(node, grid)
            case Call():
                return call(self, node, grid)
            case Aggregate():
                return self.aggregated(node, grid)
            case Binary():
                return self.binary(node, grid)
            case Paren():
                return self.evaluate(node.expr, grid)
            case Unary():
                return self.signed(node, grid)
        raise execution(f"cannot evaluate a {node.kind} here")

    def vector(self, node: Node, grid: Grid) -> Frame:
        """
        A node's value, which the parser made sure is an instant vector.
        """
        value = self.evaluate(node, grid)
        if not isinstance(value, Frame):
            raise execution("expected an instant vector, got a scalar")
        return value

    def scalar(self, node: Node, grid: Grid) -> Floats:
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

    def instant(self, node: Selector, grid: Grid) -> tuple[Frame, Ints]:
        """
        A vector selector's values, and the time of each one's sample.
        """
        times = references(node.moved, grid, self.span)
        lookback = self.limits.lookback_ms
        samples = self._read(node.matchers, int(times.min()) - lookback, int(times.max()))
        self.share.hold(len(samples.labels) * len(grid))
        return latest(samples, references=times, lookback_ms=lookback)

    def selected(self, node: Selector, grid: Grid) -> Frame:
        """
        A vector selector's values.
        """
        lookback = self.limits.lookback_ms
        frame = self._computed(NEWEST, node, grid, lookback)
        if frame is None:
            return self.instant(node, grid)[0].occupied()
        return Frame(frame.labels, frame.values, frame.present & ~is_stale(frame.values)).occupied()

    def gridded(self, function: str, node: Node, grid: Grid) -> Frame | None:
        """
        What the store computes of a range selector; None where its samples have to be read.
        """
        if not isinstance(node, Range):
            return None
        window_ms = milliseconds(node.range, self.span.step_ms)
        return self._computed(function, node.selector, grid, window_ms)

    def _computed(self, function: str, node: Selector, grid: Grid, window_ms: int) -> Frame | None:
        ends = references(node.moved, grid, self.span)
        if not self.computing or (len(grid) > 1 and ends[0] == ends[-1]):
            return None
        steps = Steps(int(ends[0]), grid.step_ms, len(grid), window_ms)
        asked = Asked(function, node.matchers, steps)
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

    def windows(self, node: Node, grid: Grid) -> Iterator[Windows]:
        """
        The windows of a range selector or subquery, some series at a time.
        """
        node = unwrapped(node)
        if isinstance(node, Subquery):
            return self._subquery(node, grid)
        if not isinstance(node, Range):
            raise execution(f"expected a range vector, got a {node.kind}")
        ends = references(node.moved, grid, self.span)
        range_ms = milliseconds(node.range, self.span.step_ms)
        first, last = int(ends.min()) - range_ms, int(ends.max())
        samples = self._read(node.selector.matchers, first, last)
        return self._cut(samples, ends, grid, range_ms)

    def _subquery(self, node: Subquery, grid: Grid) -> Iterator[Windows]:
        ends = references(node.moved, grid, self.span)
        range_ms = milliseconds(node.range, self.span.step_ms)
        step = milliseconds(node.step, self.span.step_ms) or self.limits.subquery_step_ms
        after = int(ends.min()) - range_ms
        start = after - (after % step if after >= 0 else -(-after % step))
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

    def signed(self, node: Unary, grid: Grid) -> Value:
        """
        A sign before an expression.
        """
        value = self.evaluate(node.expr, grid)
        if node.op == "+":
            return value
        return operators.negated(value) if isinstance(value, Frame) else -value

    def binary(self, node: Binary, grid: Grid) -> Value:
        """
        A binary operator, and all that stand to the left of it in a chain.
        """
        first, chain = spine(node)
        left = self.evaluate(first, grid)
        for each in chain:
            self.check()
            left = self._joined(each, left, self.evaluate(each.rhs, grid))
        return left

    def _joined(self, node: Binary, left: Value, right: Value) -> Value:
        sign, as_bool = node.op, node.as_bool
        if not isinstance(right, Frame):
            if not isinstance(left, Frame):
                return between_scalars(sign, left, right)
            return with_scalar(sign, left, right, swapped=False, as_bool=as_bool)
        if not isinstance(left, Frame):
            return with_scalar(sign, right, left, swapped=True, as_bool=as_bool)
        how = node.matching
        if sign in matching.SETS:
            return matching.SETS[sign](left, right, how)
        return between_vectors(sign, left, right, how, as_bool=as_bool)

    def aggregated(self, node: Aggregate, grid: Grid) -> Frame:
        """
        An aggregation over series.
        """
        name, grouping = node.op, node.grouping
        label, parameter = _label_of(node.param), None
        if node.param is not None and node.param.kind == "scalar":
            parameter = self.scalar(node.param, grid)
        frame = self.vector(node.expr, grid)
        if node.param is not None and parameter is not None:
            self._judge(name, parameter, node.param)
        if label is not None:
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

    def _judge(self, name: str, parameter: Floats, node: Node) -> None:
        # After what is aggregated: of the same words said twice, those said last stay.
        if name == "quantile":
            self.warn_share(parameter[np.isnan(parameter)], node)
            # Of the shares outside, Prometheus names the farthest on each side.
            self.warn_share(np.array([min(parameter.min(), 0), max(parameter.max(), 1)]), node)
        else:
            aggregation.check_count(parameter)

    def warn_share(self, q: Floats, node: Node) -> None:
        """
        Say so where a quantile's share is none.
        """
        wrong = np.unique(q[np.isnan(q) | (q < 0) | (q > 1)])
        for each in wrong[:_SHARES].tolist():
            got = f"got {general(each)}"
            self.warn(f"PromQL warning: quantile value should be between 0 and 1, {got}", node)

    def hold_text(self, characters: int) -> None:
        """
        Count the text of a label that is about to be made, and stop when the time is over.
        """
        self.check()
        self.share.hold(characters // _CHARACTERS)

    def warn(self, message: str, node: Node) -> None:
        """
        Say something about a part of the expression with the answer.

        It is said once, of the last part that it is true of, as Prometheus does.
        """
        self.warnings[message] = f"{message} ({place(self.text, unwrapped(node).start)})"


def _label_of(node: Node | None) -> str | None:
    label = None if node is None else unwrapped(node)
    if not isinstance(label, Text):
        return None
    if not label.value or not is_text(label.value):
        raise execution(f"invalid label name {quoted(label.value)}")
    return label.value


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
