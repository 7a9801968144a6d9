"""
This module computes binary operators between scalars, and between a vector and a scalar.
"""

from collections.abc import Callable, Mapping

import numpy as np

from otel_confidence.query.promql.frames import Bools, Floats, Frame, united, unnamed

ARITHMETIC: Mapping[str, Callable[[Floats, Floats], Floats]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "%": np.fmod,
    "^": np.power,
    "atan2": np.arctan2,
}
COMPARISONS: Mapping[str, Callable[[Floats, Floats], Bools]] = {
    "==": np.equal,
    "!=": np.not_equal,
    ">": np.greater,
    "<": np.less,
    ">=": np.greater_equal,
    "<=": np.less_equal,
}
SETS = frozenset({"and", "or", "unless"})


def between_scalars(sign: str, left: Floats, right: Floats) -> Floats:
    """
    One operator on two scalars; a comparison gives 1 or 0.
    """
    if sign in ARITHMETIC:
        return ARITHMETIC[sign](left, right)
    return COMPARISONS[sign](left, right).astype(np.float64)


def with_scalar(sign: str, frame: Frame, number: Floats, *, swapped: bool, as_bool: bool) -> Frame:
    """
    One operator on each value of a vector and a scalar.

    Args:
        sign: The operator.
        frame: The vector.
        number: The scalar at each step.
        swapped: Whether the scalar stands on the left.
        as_bool: Whether a comparison gives 1 or 0 instead of choosing series.
    """
    left, right = (number, frame.values) if swapped else (frame.values, number)
    if sign in ARITHMETIC:
        return _renamed(frame, ARITHMETIC[sign](left, right))
    holds = COMPARISONS[sign](left, right)
    if as_bool:
        return _renamed(frame, holds.astype(np.float64))
    return Frame(frame.labels, frame.values, frame.present & holds).occupied()


def _renamed(frame: Frame, values: Floats) -> Frame:
    return united(Frame(unnamed(frame.labels), values, frame.present))


def negated(frame: Frame) -> Frame:
    """
    The values with the other sign.
    """
    return _renamed(frame, -frame.values)
