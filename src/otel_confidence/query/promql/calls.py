"""
This module evaluates calls of functions.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

import numpy as np

from otel_confidence.errors import QueryError
from otel_confidence.query.literals import is_text, legible, quoted
from otel_confidence.query.promql import dates, functions, histograms
from otel_confidence.query.promql.faults import execution
from otel_confidence.query.promql.frames import (
    Floats,
    Frame,
    Grid,
    Ints,
    distinct,
    stacked,
    unnamed,
)
from otel_confidence.query.promql.labels import (
    label_join,
    label_replace,
    labels_of_absence,
    name_of,
)
from otel_confidence.query.promql.nodes import Call, Node, Range, Selector, Text, unwrapped
from otel_confidence.query.promql.range_functions import KEEPS_NAME, RANGE_FUNCTIONS
from otel_confidence.query.promql.windows import Windows
from otel_confidence.store.patterns import compiled

_FORCED = (
    "PromQL info: input to histogram_quantile needed to be fixed for monotonicity (see "
    "https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)"
)
_COUNTERS = ("_total", "_sum", "_count", "_bucket")
"""What the name of a counter ends in."""
Value = Frame | Floats
"""An instant vector at every step, or a scalar at every step."""


class Evaluation(Protocol):
    """
    What a function asks of the evaluation it is called in.
    """

    def vector(self, node: Node, grid: Grid) -> Frame:
        """
        The value of an argument that is an instant vector.
        """
        ...

    def scalar(self, node: Node, grid: Grid) -> Floats:
        """
        The value of an argument that is a scalar.
        """
        ...

    def windows(self, node: Node, grid: Grid) -> Iterator[Windows]:
        """
        The windows of an argument that is a range, some series at a time.
        """
        ...

    def gridded(self, function: str, node: Node, grid: Grid) -> Frame | None:
        """
        What the store computes of a range; None where its samples have to be read.
        """
        ...

    def instant(self, node: Selector, grid: Grid) -> tuple[Frame, Ints]:
        """
        A selector's values and the times of their samples.
        """
        ...

    def hold_text(self, characters: int) -> None:
        """
        Count the text of a label that is about to be made, and stop when the time is over.
        """
        ...

    def warn(self, message: str, node: Node) -> None:
        """
        Say something about a part of the expression with the answer.
        """
        ...

    def warn_share(self, q: Floats, node: Node) -> None:
        """
        Say so where a quantile's share is none.
        """
        ...


Function = Callable[[Evaluation, list[Node], Grid], Value]


def call(evaluation: Evaluation, node: Call, grid: Grid) -> Value:
    """
    The value of a call at every step.

    Raises:
        QueryError: The function is not supported, or its arguments are wrong.
    """
    name, arguments = node.name, [unwrapped(each) for each in node.args]
    if name in RANGE_FUNCTIONS:
        return _over_range(evaluation, node, grid)
    if name in functions.MATHEMATICS:
        frame = evaluation.vector(arguments[0], grid)
        return functions.mapped(frame, functions.MATHEMATICS[name])
    if name in dates.CALENDAR:
        return _dated(evaluation, name, arguments, grid)
    if name in _HISTOGRAMS:
        return _HISTOGRAMS[name](evaluation, node, grid)
    if name not in FUNCTIONS:
        raise execution(f"function {name}() is not supported")
    return FUNCTIONS[name](evaluation, arguments, grid)


def _over_range(evaluation: Evaluation, node: Call, grid: Grid) -> Frame:
    name = node.name
    over = next(each for each in node.args if each.kind == "matrix")
    scalars = [evaluation.scalar(each, grid) for each in node.args if each.kind == "scalar"]
    frame = evaluation.gridded(name, unwrapped(over), grid)
    if frame is None:
        function = RANGE_FUNCTIONS[name]
        frame = stacked([function(each, *scalars) for each in evaluation.windows(over, grid)])
    if name == "quantile_over_time" and len(frame):
        evaluation.warn_share(scalars[0], node.args[0])
    if name in ("rate", "increase"):
        _tell_gauges(evaluation, frame, over)
    if name in KEEPS_NAME:
        return frame
    return distinct(Frame(unnamed(frame.labels), frame.values, frame.present))


def _tell_gauges(evaluation: Evaluation, frame: Frame, node: Node) -> None:
    for name in dict.fromkeys(map(name_of, frame.labels)):
        if name and not name.endswith(_COUNTERS):
            evaluation.warn(
                "PromQL info: metric might not be a counter, name does not end in "
                f"_total/_sum/_count/_bucket: {quoted(name)}",
                node,
            )


def _dated(evaluation: Evaluation, name: str, arguments: list[Node], grid: Grid) -> Frame:
    read = dates.CALENDAR[name]
    if not arguments:
        # Towards zero: the second that -0.001 lies in is the first of 1970, in Prometheus.
        seconds = np.sign(grid.times) * (np.abs(grid.times) // 1000)
        return _vector_of(read(seconds).astype(np.float64))
    frame = evaluation.vector(arguments[0], grid)
    return functions.mapped(
        frame, lambda values: read(dates.whole_seconds(values)).astype(np.float64)
    )


def _vector_of(numbers: Floats) -> Frame:
    values = numbers[None, :]
    return Frame([()], values, np.ones(values.shape, dtype=np.bool_))


def _absent(evaluation: Evaluation, arguments: list[Node], grid: Grid) -> Frame:
    argument = arguments[0]
    matchers = argument.matchers if isinstance(argument, Selector) else ()
    return functions.absent(evaluation.vector(argument, grid), labels_of_absence(matchers))


def _absent_over_time(evaluation: Evaluation, arguments: list[Node], grid: Grid) -> Frame:
    argument = arguments[0]
    present = RANGE_FUNCTIONS["present_over_time"]
    frame = stacked([present(each) for each in evaluation.windows(argument, grid)])
    matchers = argument.selector.matchers if isinstance(argument, Range) else ()
    return functions.absent(frame, labels_of_absence(matchers))


def _clamp(evaluation: Evaluation, arguments: list[Node], grid: Grid) -> Frame:
    lowest, highest = (evaluation.scalar(each, grid) for each in arguments[1:])
    return functions.clamp(evaluation.vector(arguments[0], grid), lowest, highest)


def _clamp_max(evaluation: Evaluation, arguments: list[Node], grid: Grid) -> Frame:
    highest = evaluation.scalar(arguments[1], grid)
    lowest = np.full(len(grid), -np.inf)
    return functions.clamp(evaluation.vector(arguments[0], grid), lowest, highest)


def _clamp_min(evaluation: Evaluation, arguments: list[Node], grid: Grid) -> Frame:
    lowest = evaluation.scalar(arguments[1], grid)
    highest = np.full(len(grid), np.inf)
    return functions.clamp(evaluation.vector(arguments[0], grid), lowest, highest)


def _round(evaluation: Evaluation, arguments: list[Node], grid: Grid) -> Frame:
    nearest = evaluation.scalar(arguments[1], grid) if arguments[1:] else np.ones(len(grid))
    return functions.round_to(evaluation.vector(arguments[0], grid), nearest)


def _label_replace(evaluation: Evaluation, arguments: list[Node], grid: Grid) -> Frame:
    target, replacement, source, pattern = _texts(arguments[1:])
    try:
        expression = compiled(pattern) if is_text(pattern) else None
    except QueryError:
        expression = None
    if expression is None:
        raise execution(f"invalid regular expression in label_replace(): {legible(pattern)}")
    return label_replace(
        evaluation.vector(arguments[0], grid),
        evaluation.hold_text,
        target=target,
        replacement=replacement,
        source=source,
        pattern=expression,
    )


def _label_join(evaluation: Evaluation, arguments: list[Node], grid: Grid) -> Frame:
    target, separator, *sources = _texts(arguments[1:])
    frame, hold = evaluation.vector(arguments[0], grid), evaluation.hold_text
    return label_join(frame, hold, target=target, separator=separator, sources=sources)


def _texts(arguments: list[Node]) -> list[str]:
    return [each.value for each in arguments if isinstance(each, Text)]


def _histogram_quantile(evaluation: Evaluation, node: Call, grid: Grid) -> Frame:
    q, frame = evaluation.scalar(node.args[0], grid), evaluation.vector(node.args[1], grid)
    evaluation.warn_share(q, node.args[0])
    _warn_buckets(evaluation, frame, node.args[1])

    def forced() -> None:
        evaluation.warn(_FORCED, node.args[1])

    return histograms.over_histograms(
        frame, lambda each: histograms.quantile(each, q, forced=forced)
    )


def _histogram_fraction(evaluation: Evaluation, node: Call, grid: Grid) -> Frame:
    lower, upper = (evaluation.scalar(each, grid) for each in node.args[:2])
    frame = evaluation.vector(node.args[2], grid)
    _warn_buckets(evaluation, frame, node.args[2])
    return histograms.over_histograms(frame, lambda each: histograms.fraction(each, lower, upper))


def _warn_buckets(evaluation: Evaluation, frame: Frame, node: Node) -> None:
    wrong = {
        dict(labels).get(histograms.BUCKET_LABEL, "")
        for labels in frame.labels
        if histograms.bound_of(labels) is None
    }
    for text in sorted(wrong):
        reason = 'bucket label "le" is missing or has a malformed value of'
        evaluation.warn(f"PromQL warning: {reason} {quoted(text)}", node)


def _timestamp(evaluation: Evaluation, arguments: list[Node], grid: Grid) -> Frame:
    if isinstance(arguments[0], Selector):
        frame, times = evaluation.instant(arguments[0], grid)
    else:
        frame = evaluation.vector(arguments[0], grid)
        times = np.broadcast_to(grid.times, frame.values.shape)
    return functions.mapped(frame, lambda _: times / 1000).occupied()


_HISTOGRAMS: Mapping[str, Callable[[Evaluation, Call, Grid], Frame]] = {
    "histogram_fraction": _histogram_fraction,
    "histogram_quantile": _histogram_quantile,
}
FUNCTIONS: Mapping[str, Function] = {
    "absent": _absent,
    "absent_over_time": _absent_over_time,
    "clamp": _clamp,
    "clamp_max": _clamp_max,
    "clamp_min": _clamp_min,
    "label_join": _label_join,
    "label_replace": _label_replace,
    "pi": lambda _, __, grid: np.full(len(grid), np.pi),
    "round": _round,
    "scalar": lambda it, arguments, grid: functions.scalar(it.vector(arguments[0], grid)),
    "sort": lambda it, arguments, grid: functions.ordered(
        it.vector(arguments[0], grid), descending=False
    ),
    "sort_desc": lambda it, arguments, grid: functions.ordered(
        it.vector(arguments[0], grid), descending=True
    ),
    "time": lambda _, __, grid: grid.times / 1000,
    "timestamp": _timestamp,
    "vector": lambda it, arguments, grid: _vector_of(it.scalar(arguments[0], grid)),
}
