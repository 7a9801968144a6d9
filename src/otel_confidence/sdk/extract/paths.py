"""
This module follows a path such as ``choices[0].logprobs`` into whatever a function returned.

A path is names joined by dots, and steps in square brackets. A name is looked up as a key, then as
an attribute, so it serves dicts, dataclasses, pydantic models, named tuples and pandas rows alike.
A bracket holds an index (``[0]``, ``[-1]``; of pandas the position), a key (``[dog]``,
``["two words"]``) or a star: ``[*]`` takes every element, each of which is one prediction.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from otel_confidence.errors import ConfigurationError
from otel_confidence.sdk.extract import arrays

NOWHERE: Final = object()
"""What a walk gives when a step leads to nothing."""
EVERY: Final = object()
"""The step ``[*]``."""

_STEP = re.compile(
    r"""(?P<name>[^\W\d]\w*)|\[(?:(?P<every>\*)|(?P<index>-?\d+)|"(?P<double>[^"]*)"|"""
    r"""'(?P<single>[^']*)'|(?P<key>[^\]\["'*]+))\]"""
)

Walk = Callable[[Any], Any]


class Many(list[Any]):
    """
    What ``[*]`` found: one value for each prediction of a batch.
    """


@dataclass(frozen=True, slots=True)
class Step:
    """
    One step of a path: a name, an index, a key or ``EVERY``.
    """

    key: Any
    bracketed: bool = False


def parse(path: str) -> tuple[Step, ...]:
    """
    The steps of a path.

    Raises:
        ConfigurationError: the text is no path.
    """
    steps: list[Step] = []
    position = 0
    while position < len(path):
        dotted = bool(steps) and path[position] == "."
        match = _STEP.match(path, position + dotted)
        if match is None or bool(match["name"]) != (dotted or (not steps and path[0] != "[")):
            raise ConfigurationError(_explain(path))
        steps.append(_step(match))
        position = match.end()
    if not steps:
        raise ConfigurationError(_explain(path))
    return tuple(steps)


def _step(match: "re.Match[str]") -> Step:
    if match["name"]:
        return Step(match["name"])
    if match["every"]:
        return Step(EVERY, bracketed=True)
    if match["index"]:
        return Step(int(match["index"]), bracketed=True)
    key = next(k for k in (match["double"], match["single"], match["key"]) if k is not None)
    return Step(key, bracketed=True)


def _explain(path: str) -> str:
    return (
        f"{path!r} is no path; write names joined by dots with indices or keys in brackets, "
        'such as "result.confidence", "choices[0].score", "scores[\'two words\']" or "[*].score"'
    )


def walker(path: str) -> Walk:
    """
    A function that follows the path and answers NOWHERE where it ends early.

    Raises:
        ConfigurationError: the text is no path.
    """
    return _walk(parse(path))


def _walk(steps: tuple[Step, ...]) -> Walk:
    for position, step in enumerate(steps):
        if step.key is EVERY:
            return _every(_walk(steps[:position]), _walk(steps[position + 1 :]))
    keys = tuple(step.key for step in steps)
    if len(keys) == 1:
        only = keys[0]
        return lambda value: follow(value, only)
    return lambda value: _follow_all(value, keys)


def _follow_all(value: Any, keys: tuple[Any, ...]) -> Any:
    for key in keys:
        value = follow(value, key)
        if value is NOWHERE:
            return NOWHERE
    return value


def _every(before: Walk, after: Walk) -> Walk:
    def walk(value: Any) -> Any:
        rows = before(value)
        if hasattr(type(rows), "columns") and hasattr(type(rows), "to_dict"):
            rows = rows.to_dict("records")
        elif arrays.is_array(rows):
            array = arrays.as_array(rows)
            rows = None if array is None or not array.ndim else array
        if isinstance(rows, (str, bytes, Mapping)) or not isinstance(rows, Collection):
            return NOWHERE  # an iterator is the program's own to consume
        return Many(after(row) for row in islice(rows, len(rows)))

    return walk


def follow(value: Any, key: Any) -> Any:
    """
    One step: a key of whatever has keys, else an attribute, else an item.
    """
    if type(value) is dict or isinstance(value, Mapping):
        return value.get(key, NOWHERE)
    if not isinstance(key, str):
        return _position(value, key)
    if hasattr(type(value), "keys"):
        found = _item(value, key)
        if found is not NOWHERE:
            return found
    found = getattr(value, key, NOWHERE)
    return _item(value, key) if found is NOWHERE else found


def _position(value: Any, index: int) -> Any:
    return _item(value.iloc if hasattr(type(value), "iloc") else value, index)


def _item(value: Any, key: Any) -> Any:
    if isinstance(value, (str, bytes)) or not hasattr(type(value), "__getitem__"):
        return NOWHERE
    try:
        return value[key]
    except (LookupError, TypeError, ValueError):
        return NOWHERE
