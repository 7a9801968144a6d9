"""
This module evaluates calls of functions.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

import numpy as np

from otel_confidence.errors import QueryError
from otel_confidence.query.promql import dates, functions, histograms
from otel_confidence.query.promql.faults import execution
from otel_confidence.query.promql.frames import (
    Floats,
    Frame,
    Grid,
    Ints,
    distinct,
    stacked,
    without_name,
)
from otel_confidence.query.promql.labels import label_join, label_replace, labels_of_absence
from otel_confidence.query.promql.range_functions import KEEPS_NAME, RANGE_FUNCTIONS
from otel_confidence.query.promql.reading import kind_of, matchers_of, unwrapped
from otel_confidence.query.promql.windows import Windows
from otel_confidence.store.patterns import compiled

Value = Frame | Floats
"""An instant vector at every step, or a scalar at every step."""


class Evaluation(Protocol):
    """
    What a function asks of the evaluation it is called in.
    """

    def vector(self, node: Any, grid: Grid) -> Frame:
        """
        The value of an argument that is an instant vector.
        """
        ...

    def scalar(self, node: Any, grid: Grid) -> Floats:
        """
        The value of an argument that is a scalar.
        """
        ...

    def windows(self, node: Any, grid: Grid) -> Iterator[Windows]:
        """
        The windows of an argument that is a range, some series at a time.
        """
        ...

    def gridded(self, function: str, node: Any, grid: Grid) -> Frame | None:
        """
        What the store computes of a range; None where its samples have to be read.
        """
        ...

    def instant(self, node: Any, grid: Grid) -> tuple[Frame, Ints]:
        """
        A selector's values and the times of their samples.
        """
        ...

    def hold_text(self, characters: int) -> None:
        """
        Count the text of a label that is about to be made, and stop when the time is over.
        """
        ...

    def warn(self, message: str) -> None:
        """
        Say something with the answer.
        """
        ...

    def warn_share(self, q: Floats) -> None:
        """
        Say so when a quantile's share is none.
        """
        ...


Function = Callable[[Evaluation, list[Any], Grid], Value]


def call(evaluation: Evaluation, node: Any, grid: Grid) -> Value:
    """
    The value of a call at every step.

    Raises:
        QueryError: The function is not supported, or its arguments are wrong.
    """
    name, arguments = node.func.name, [unwrapped(each) for each in node.args]
    if name in RANGE_FUNCTIONS:
        return _over_range(evaluation, name, arguments, grid)
    if name in functions.MATHEMATICS:
        frame = evaluation.vector(arguments[0], grid)
        return functions.mapped(frame, functions.MATHEMATICS[name])
    if name in dates.CALENDAR:
        return _dated(evaluation, name, arguments, grid)
    if name not in FUNCTIONS:
        raise execution(f"function {name}() is not supported")
    return FUNCTIONS[name](evaluation, arguments, grid)


def _over_range(evaluation: Evaluation, name: str, arguments: list[Any], grid: Grid) -> Frame:
    ranges = [each for each in arguments if kind_of(each) == "matrix"]
    scalars = [evaluation.scalar(each, grid) for each in arguments if kind_of(each) == "scalar"]
    if name == "quantile_over_time":
        evaluation.warn_share(scalars[0])
    frame = evaluation.gridded(name, ranges[0], grid)
    if frame is None:
        function = RANGE_FUNCTIONS[name]
        frame = stacked([function(each, *scalars) for each in evaluation.windows(ranges[0], grid)])
    if name in KEEPS_NAME:
        return frame
    renamed = [without_name(labels) for labels in frame.labels]
    return distinct(Frame(renamed, frame.values, frame.present))


def _dated(evaluation: Evaluation, name: str, arguments: list[Any], grid: Grid) -> Frame:
    read = dates.CALENDAR[name]
    if not arguments:
        return _vector_of(read(grid.times // 1000).astype(np.float64))
    frame = evaluation.vector(arguments[0], grid)
    return functions.mapped(
        frame, lambda values: read(dates.whole_seconds(values)).astype(np.float64)
    )


def _vector_of(numbers: Floats) -> Frame:
    values = numbers[None, :]
    return Frame([()], values, np.ones(values.shape, dtype=np.bool_))


def _absent(evaluation: Evaluation, arguments: list[Any], grid: Grid) -> Frame:
    argument = arguments[0]
    chosen = type(argument).__name__ == "VectorSelector"
    matchers = matchers_of(argument) if chosen else []
    return functions.absent(evaluation.vector(argument, grid), labels_of_absence(matchers))


def _absent_over_time(evaluation: Evaluation, arguments: list[Any], grid: Grid) -> Frame:
    argument = arguments[0]
    present = RANGE_FUNCTIONS["present_over_time"]
    frame = stacked([present(each) for each in evaluation.windows(argument, grid)])
    chosen = type(argument).__name__ == "MatrixSelector"
    matchers = matchers_of(argument.vector_selector) if chosen else []
    return functions.absent(frame, labels_of_absence(matchers))


def _clamp(evaluation: Evaluation, arguments: list[Any], grid: Grid) -> Frame:
    lowest, highest = (evaluation.scalar(each, grid) for each in arguments[1:])
    return functions.clamp(evaluation.vector(arguments[0], grid), lowest, highest)


def _clamp_max(evaluation: Evaluation, arguments: list[Any], grid: Grid) -> Frame:
    highest = evaluation.scalar(arguments[1], grid)
    lowest = np.full(len(grid), -np.inf)
    return functions.clamp(evaluation.vector(arguments[0], grid), lowest, highest)


def _clamp_min(evaluation: Evaluation, arguments: list[Any], grid: Grid) -> Frame:
    lowest = evaluation.scalar(arguments[1], grid)
    highest = np.full(len(grid), np.inf)
    return functions.clamp(evaluation.vector(arguments[0], grid), lowest, highest)


def _round(evaluation: Evaluation, arguments: list[Any], grid: Grid) -> Frame:
    nearest = evaluation.scalar(arguments[1], grid) if arguments[1:] else np.ones(len(grid))
    return functions.round_to(evaluation.vector(arguments[0], grid), nearest)


def _label_replace(evaluation: Evaluation, arguments: list[Any], grid: Grid) -> Frame:
    target, replacement, source, pattern = (each.val for each in arguments[1:])
    try:
        expression = compiled(pattern)
    except QueryError as error:
        raise execution(f"invalid regular expression in label_replace(): {pattern}") from error
    return label_replace(
        evaluation.vector(arguments[0], grid),
        evaluation.hold_text,
        target=target,
        replacement=replacement,
        source=source,
        pattern=expression,
    )


def _label_join(evaluation: Evaluation, arguments: list[Any], grid: Grid) -> Frame:
    target, separator, *sources = (each.val for each in arguments[1:])
    frame, hold = evaluation.vector(arguments[0], grid), evaluation.hold_text
    return label_join(frame, hold, target=target, separator=separator, sources=sources)


def _histogram_quantile(evaluation: Evaluation, arguments: list[Any], grid: Grid) -> Frame:
    q, frame = evaluation.scalar(arguments[0], grid), evaluation.vector(arguments[1], grid)
    evaluation.warn_share(q)
    _warn_buckets(evaluation, frame)
    return histograms.over_histograms(frame, lambda each: histograms.quantile(each, q))


def _histogram_fraction(evaluation: Evaluation, arguments: list[Any], grid: Grid) -> Frame:
    lower, upper = (evaluation.scalar(each, grid) for each in arguments[:2])
    frame = evaluation.vector(arguments[2], grid)
    _warn_buckets(evaluation, frame)
    return histograms.over_histograms(frame, lambda each: histograms.fraction(each, lower, upper))


def _warn_buckets(evaluation: Evaluation, frame: Frame) -> None:
    for labels in frame.labels:
        if histograms.bound_of(labels) is None:
            text = dict(labels).get(histograms.BUCKET_LABEL, "")
            evaluation.warn(
                f'PromQL warning: bucket label "le" is missing or has a malformed value of "{text}"'
            )


def _timestamp(evaluation: Evaluation, arguments: list[Any], grid: Grid) -> Frame:
    if type(arguments[0]).__name__ == "VectorSelector":
        frame, times = evaluation.instant(arguments[0], grid)
    else:
        frame = evaluation.vector(arguments[0], grid)
        times = np.broadcast_to(grid.times, frame.values.shape)
    return functions.mapped(frame, lambda _: times / 1000).occupied()


FUNCTIONS: Mapping[str, Function] = {
    "absent": _absent,
    "absent_over_time": _absent_over_time,
    "clamp": _clamp,
    "clamp_max": _clamp_max,
    "clamp_min": _clamp_min,
    "histogram_fraction": _histogram_fraction,
    "histogram_quantile": _histogram_quantile,
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
