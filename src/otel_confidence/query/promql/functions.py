"""
This module computes the functions that look at one value at a time: mathematics and dates.
"""

from collections.abc import Callable, Mapping

import numpy as np

from otel_confidence.query.promql.frames import Bools, Floats, Frame, united, unnamed

Elementwise = Callable[[Floats], Floats]


def mapped(frame: Frame, operation: Elementwise) -> Frame:
    """
    A function of each value; the result is another quantity, so the metric's name goes.
    """
    return united(Frame(unnamed(frame.labels), operation(frame.values), frame.present))


def clamp(frame: Frame, lowest: Floats, highest: Floats) -> Frame:
    """
    Values kept within bounds; nothing at steps where the bounds cross.

    NaN wins over every bound but one at infinity on its own side, as in IEEE's older minimum.
    """

    def bounded(values: Floats) -> Floats:
        return _larger(lowest, _smaller(highest, values))

    sound = np.logical_and(frame.present, ~(highest < lowest))
    return mapped(Frame(frame.labels, frame.values, sound).occupied(), bounded)


def _smaller(a: Floats, b: Floats) -> Floats:
    # Of two zeros the negative one is the smaller, as in Go.
    least = np.where((a == 0) & (b == 0), -(-a + -b), np.minimum(a, b))
    return np.where((a == -np.inf) | (b == -np.inf), -np.inf, least)


def _larger(a: Floats, b: Floats) -> Floats:
    most = np.where((a == 0) & (b == 0), a + b, np.maximum(a, b))
    return np.where((a == np.inf) | (b == np.inf), np.inf, most)


def round_to(frame: Frame, nearest: Floats) -> Frame:
    """
    Values rounded to a multiple, ties up.
    """
    inverse = 1.0 / nearest
    return mapped(frame, lambda values: np.floor(values * inverse + 0.5) / inverse)


def scalar(frame: Frame) -> Floats:
    """
    The one value of each step, NaN where there is none or more than one.
    """
    alone = np.count_nonzero(frame.present, axis=0) == 1
    value = np.where(frame.present, frame.values, 0.0).sum(axis=0, initial=-0.0)
    return np.where(alone, value, np.nan)


def absent(frame: Frame, labels: tuple[tuple[str, str], ...]) -> Frame:
    """
    One at every step that has no value at all.
    """
    missing: Bools = np.atleast_2d(~frame.present.any(axis=0))
    return Frame([labels], np.ones(missing.shape), missing).occupied()


def ordered(frame: Frame, *, descending: bool) -> Frame:
    """
    The series of a single step by value, NaN last; over a range the order means nothing.
    """
    if frame.values.shape[1] != 1:
        return frame
    values = frame.values[:, 0]
    key = -values if descending else values
    return frame.take(np.lexsort((key, np.isnan(values))))


def _signs(values: Floats) -> Floats:
    return np.where(values < 0, -1.0, np.where(values > 0, 1.0, values))


def _radians(values: Floats) -> Floats:
    return values * np.pi / 180


def _degrees(values: Floats) -> Floats:
    return values * 180 / np.pi


MATHEMATICS: Mapping[str, Elementwise] = {
    "abs": np.abs,
    "acos": np.arccos,
    "acosh": np.arccosh,
    "asin": np.arcsin,
    "asinh": np.arcsinh,
    "atan": np.arctan,
    "atanh": np.arctanh,
    "ceil": np.ceil,
    "cos": np.cos,
    "cosh": np.cosh,
    "deg": _degrees,
    "exp": np.exp,
    "floor": np.floor,
    "ln": np.log,
    "log10": np.log10,
    "log2": np.log2,
    "rad": _radians,
    "sgn": _signs,
    "sin": np.sin,
    "sinh": np.sinh,
    "sqrt": np.sqrt,
    "tan": np.tan,
    "tanh": np.tanh,
}
