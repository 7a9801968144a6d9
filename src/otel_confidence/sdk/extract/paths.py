"""
This module follows a path such as ``choices[0].logprobs`` into whatever a function returned.

A path is names joined by dots, and steps in square brackets. A name is looked up as a key, then as
an attribute, so it serves dicts, dataclasses, pydantic models, named tuples and pandas rows alike.
A bracket holds an index (``[0]``, ``[-1]``), a key (``[dog]``, ``["two words"]``) or a star:
``[*]`` takes every element, each of which is one prediction of a batch.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from otel_confidence.errors import ConfigurationError

MISSING: Final = object()
"""What ``follow`` gives when a step leads nowhere."""
EVERY: Final = object()
"""The step ``[*]``."""

_STEP = re.compile(
    r"""(?P<name>[^\W\d]\w*)|\[(?:(?P<every>\*)|(?P<index>-?\d+)|"(?P<double>[^"]*)"|"""
    r"""'(?P<single>[^']*)'|(?P<key>[^\]\["']+))\]"""
)


@dataclass(frozen=True, slots=True)
class Step:
    """
    One step of a path.
    """

    key: Any
    """A name, an index, or ``EVERY``."""
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
        if path[position] == "." and steps:
            position += 1
        match = _STEP.match(path, position)
        if match is None or (match["name"] and steps and path[position - 1] != "."):
            raise ConfigurationError(_explain(path))
        steps.append(_step(match))
        position = match.end()
    if not steps or path.endswith("."):
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


def follower(path: str) -> Callable[[Any], Any]:
    """
    A function that follows the path and answers MISSING where it leads nowhere.
    """
    return walker(parse(path))


def walker(steps: tuple[Step, ...]) -> Callable[[Any], Any]:
    """
    The same for steps already parsed.
    """
    for position, step in enumerate(steps):
        if step.key is EVERY:
            return _every(walker(steps[:position]), walker(steps[position + 1 :]))
    keys = tuple(step.key for step in steps)
    if len(keys) == 1:
        only = keys[0]
        return lambda value: follow(value, only)
    return lambda value: _walk(value, keys)


def _walk(value: Any, keys: tuple[Any, ...]) -> Any:
    for key in keys:
        value = follow(value, key)
        if value is MISSING:
            return MISSING
    return value


class Many(list[Any]):
    """
    What ``[*]`` found: one value for each prediction of a batch.
    """


def _every(before: Callable[[Any], Any], after: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def walk(value: Any) -> Any:
        rows = before(value)
        if isinstance(rows, (str, bytes, Mapping)) or not isinstance(rows, Iterable):
            return MISSING
        return Many(after(row) for row in rows)

    return walk


def follow(value: Any, key: Any) -> Any:
    """
    One step: a key of whatever has keys, else an attribute, else an item.
    """
    if type(value) is dict:
        return value.get(key, MISSING)
    if hasattr(type(value), "keys"):
        found = _item(value, key)
        if found is not MISSING:
            return found
    if isinstance(key, str):
        return getattr(value, key, MISSING)
    return _item(value, key)


def _item(value: Any, key: Any) -> Any:
    getter = getattr(type(value), "__getitem__", None)
    if getter is None or isinstance(value, (str, bytes)):
        return MISSING
    try:
        return getter(value, key)
    except (LookupError, TypeError):
        return MISSING
