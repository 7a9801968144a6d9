"""
This module holds the functions that every template of Go's text/template has.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote_plus

from otel_confidence.alerting.templates.formats import formatted
from otel_confidence.alerting.templates.values import (
    Record,
    Texts,
    equal,
    is_true,
    less,
    shown,
    type_of,
)
from otel_confidence.errors import TemplateError


@dataclass(frozen=True, slots=True)
class Function:
    """
    What a template can call.
    """

    call: Callable[..., Any]
    kinds: tuple[str, ...] = ()
    """Of each argument: ``any``, ``string``, ``samples`` or ``sample``."""
    more: str = ""
    """The kind of any further arguments; empty when there are none."""

    def check(self, name: str, given: int) -> None:
        """
        Refuse a wrong number of arguments.

        Raises:
            TemplateError: There are too few or too many.
        """
        if given < len(self.kinds) or (given > len(self.kinds) and not self.more):
            least = "at least " if self.more else ""
            raise TemplateError(
                f"wrong number of args for {name}: want {least}{len(self.kinds)} got {given}"
            )

    def kind(self, position: int) -> str:
        """
        The kind of the argument at a position.
        """
        return self.kinds[position] if position < len(self.kinds) else self.more


_KINDS: Final[Mapping[str, Callable[[Any], bool]]] = {
    "any": lambda _: True,
    "string": lambda value: isinstance(value, str),
    "samples": lambda value: isinstance(value, list),
    "sample": lambda value: isinstance(value, Record) and value.type == "*template.sample",
}
_HTML: Final = str.maketrans(
    {"\0": "\ufffd", '"': "&#34;", "'": "&#39;", "&": "&amp;", "<": "&lt;", ">": "&gt;"}
)
_JS: Final = str.maketrans(
    {
        "\\": "\\\\", "'": "\\'", '"': '\\"', "<": "\\u003C", ">": "\\u003E", "&": "\\u0026",
        "=": "\\u003D", "\n": "\\u000A", "\r": "\\u000D", "\t": "\\u0009",
    }
)  # fmt: skip


def called(name: str, function: Function, arguments: list[Any]) -> Any:
    """
    What a function gives, its arguments checked.

    Raises:
        TemplateError: It cannot be called so, or says that it cannot answer.
    """
    function.check(name, len(arguments))
    for position, argument in enumerate(arguments):
        kind = function.kind(position)
        if not _KINDS[kind](argument):
            raise TemplateError(
                f"wrong type for value of {name}; expected {kind}; got {type_of(argument)}"
            )
    return function.call(*arguments)


def _equal(first: Any, second: Any, *others: Any) -> bool:
    return any(equal(first, other) for other in (second, *others))


def _length(value: Any) -> int:
    if not isinstance(value, (str, list, dict)):
        raise TemplateError(f"len of type {type_of(value)}")
    return len(value.encode()) if isinstance(value, str) else len(value)


def _index(value: Any, *keys: Any) -> Any:
    for key in keys:
        value = _item(value, key)
    return value


def _item(value: Any, key: Any) -> Any:
    if isinstance(value, dict):
        if not isinstance(key, str):
            raise TemplateError(f"value has type {type_of(key)}; should be string")
        return value.get(key, "" if isinstance(value, Texts) else None)
    if not isinstance(value, (list, str)):
        raise TemplateError(f"can't index item of type {type_of(value)}")
    if not isinstance(key, int) or isinstance(key, bool):
        raise TemplateError(f"cannot index slice/array with type {type_of(key)}")
    items = list(value.encode()) if isinstance(value, str) else value
    if not 0 <= key < len(items):
        raise TemplateError(f"index out of range: {key}")
    return items[key]


def _slice(value: Any, *bounds: Any) -> Any:
    if not isinstance(value, (list, str)):
        raise TemplateError(f"can't slice item of type {type_of(value)}")
    if len(bounds) > 2 or not all(isinstance(bound, int) for bound in bounds):  # noqa: PLR2004
        raise TemplateError("slice takes a start and an end")
    items: Any = value.encode() if isinstance(value, str) else value
    start, end = list(bounds) + [0, len(items)][len(bounds) :]
    if not 0 <= start <= end <= len(items):
        raise TemplateError(f"index out of range: {end if end > len(items) else start}")
    part = items[start:end]
    return part.decode(errors="replace") if isinstance(part, bytes) else part


def _print(*values: Any) -> str:
    parts: list[str] = []
    for position, value in enumerate(values):
        before = values[position - 1] if position else ""
        if position and not isinstance(value, str) and not isinstance(before, str):
            parts.append(" ")
        parts.append(shown(value))
    return "".join(parts)


def _println(*values: Any) -> str:
    return " ".join(map(shown, values)) + "\n"


def _escaped(table: Mapping[int, str]) -> Function:
    return Function(lambda *values: _print(*values).translate(table), more="any")


BUILTINS: Final[Mapping[str, Function]] = {
    "eq": Function(_equal, ("any", "any"), more="any"),
    "ge": Function(lambda a, b: not less(a, b), ("any", "any")),
    "gt": Function(lambda a, b: not less(a, b) and not equal(a, b), ("any", "any")),
    "html": _escaped(_HTML),
    "index": Function(_index, ("any",), more="any"),
    "js": _escaped(_JS),
    "le": Function(lambda a, b: less(a, b) or equal(a, b), ("any", "any")),
    "len": Function(_length, ("any",)),
    "lt": Function(less, ("any", "any")),
    "ne": Function(lambda a, b: not equal(a, b), ("any", "any")),
    "not": Function(lambda value: not is_true(value), ("any",)),
    "print": Function(_print, more="any"),
    "printf": Function(lambda form, *values: formatted(form, values), ("string",), more="any"),
    "println": Function(_println, more="any"),
    "slice": Function(_slice, ("any",), more="any"),
    "urlquery": Function(lambda *values: quote_plus(_print(*values)), more="any"),
}
"""Those that take their arguments as they are; ``and`` and ``or`` do not."""
LAZY: Final = frozenset({"and", "or"})
"""Those that look at an argument only when those before leave the question open."""
