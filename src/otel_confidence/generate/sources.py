"""
This module reads signatures, fields and docstrings out of the source, as a reference shows them.

The source is read and not the objects: only it has the docstrings of fields, and it says the same
under every version of Python.
"""

import ast
import inspect
import re
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

_WIDTH: Final = 90
_SECTION: Final = re.compile(r"^(Args|Raises):$", re.MULTILINE)
_ITEM: Final = re.compile(r"^    (\*{0,2}\w+): ", re.MULTILINE)

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Field:
    """
    One field of a dataclass.
    """

    name: str
    type: str
    default: str
    about: str
    """In Markdown, on one line."""


def signature(function: Any, name: str = "") -> str:
    """
    How a function is called, as its source declares it; a parameter a line where it is long.
    """
    return _signature(_function(function), name or function.__name__)


def prose(thing: Any) -> str:
    """
    A docstring as Markdown.
    """
    return markdown(inspect.getdoc(thing) or "")


def fields(kind: type) -> list[Field]:
    """
    A dataclass's fields, in order.
    """
    return [
        Field(
            str(ast.unparse(node.target)),
            _type(node.annotation),
            "" if node.value is None else _default(node.value),
            " ".join(markdown(about).split()),
        )
        for node, about in _with_docstrings(_class(kind).body)
        if isinstance(node, ast.AnnAssign) and not ast.unparse(node.target).startswith("_")
    ]


def construction(name: str, given: list[Field]) -> str:
    """
    How a dataclass is made.
    """
    return _called(name, [f"{f.name}: {f.type}{f.default and f' = {f.default}'}" for f in given])


def methods(kind: type) -> Iterator[tuple[str, str, str]]:
    """
    A class's own public methods and properties: name, signature and docstring in Markdown.
    """
    for node in _class(kind).body:
        if isinstance(node, Function) and not node.name.startswith("_"):
            marks = {ast.unparse(mark) for mark in node.decorator_list}
            owner = f"{kind.__name__}." if marks & {"classmethod", "staticmethod"} else ""
            text = node.name if "property" in marks else _signature(node, owner + node.name)
            yield node.name, text, markdown(ast.get_docstring(node) or "")


def markdown(docstring: str) -> str:
    """
    A docstring's text as Markdown: arguments and exceptions become lists.
    """
    first, *sections = _SECTION.split(inspect.cleandoc(docstring).replace("``", "`"))
    parts = [first.strip()]
    for title, body in zip(sections[::2], sections[1::2], strict=True):
        _, *items = _ITEM.split(body)
        listed = [
            f"- `{name}`: {' '.join(text.split())}"
            for name, text in zip(items[::2], items[1::2], strict=True)
        ]
        parts.append("\n".join(listed) if title == "Args" else "Raises:\n\n" + "\n".join(listed))
    return "\n\n".join(part for part in parts if part)


def _function(function: Any) -> Function:
    node = _parsed(function)
    if not isinstance(node, Function):
        raise TypeError(f"{function!r} is no function")
    return node


def _class(kind: type) -> ast.ClassDef:
    node = _parsed(kind)
    if not isinstance(node, ast.ClassDef):
        raise TypeError(f"{kind!r} is no class")
    return node


def _parsed(thing: Any) -> ast.stmt:
    return ast.parse(textwrap.dedent(inspect.getsource(thing))).body[0]


def _signature(node: Function, name: str) -> str:
    gives = "" if node.returns is None else f" -> {_type(node.returns)}"
    return _called(name, list(_arguments(node.args)), gives)


def _called(name: str, arguments: list[str], gives: str = "") -> str:
    line = f"{name}({', '.join(arguments)}){gives}"
    if len(line) <= _WIDTH:
        return line
    listed = "".join(f"    {part},\n" for part in arguments)
    return f"{name}(\n{listed}){gives}"


def _type(annotation: ast.expr) -> str:
    """
    An annotation, without the quotes around what is imported later.
    """
    quoted = annotation.value if isinstance(annotation, ast.Constant) else None
    return quoted if isinstance(quoted, str) else ast.unparse(annotation)


def _value(default: ast.expr) -> str:
    return ast.unparse(default).replace("'", '"')


def _arguments(arguments: ast.arguments) -> Iterator[str]:
    positional = [*arguments.posonlyargs, *arguments.args]
    missing = len(positional) - len(arguments.defaults)
    defaults = [*[None] * missing, *arguments.defaults]
    for number, (argument, default) in enumerate(zip(positional, defaults, strict=True), 1):
        if argument.arg not in {"self", "cls"}:
            yield _argument(argument, default)
            if number == len(arguments.posonlyargs):
                yield "/"
    if arguments.vararg is not None:
        yield f"*{_argument(arguments.vararg, None)}"
    elif arguments.kwonlyargs:
        yield "*"
    for argument, kw_default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        yield _argument(argument, kw_default)
    if arguments.kwarg is not None:
        yield f"**{_argument(arguments.kwarg, None)}"


def _argument(argument: ast.arg, default: ast.expr | None) -> str:
    kind = "" if argument.annotation is None else f": {_type(argument.annotation)}"
    if default is None:
        return f"{argument.arg}{kind}"
    return f"{argument.arg}{kind}{' = ' if kind else '='}{_value(default)}"


def _default(value: ast.expr) -> str:
    """
    A field's default; of one that is made or hidden, what it is made of.
    """
    if not isinstance(value, ast.Call) or ast.unparse(value.func) != "field":
        return _value(value)
    given = {word.arg: word.value for word in value.keywords}
    if "default" in given:
        return _value(given["default"])
    made = given.get("default_factory")
    text = "" if made is None else ast.unparse(made).removeprefix("lambda: ")
    return {"dict": "{}", "list": "[]"}.get(text, text)


def _with_docstrings(body: Iterable[ast.stmt]) -> Iterator[tuple[ast.stmt, str]]:
    """
    Each statement with the text that stands below it.
    """
    statements = list(body)
    for node, after in zip(statements, [*statements[1:], None], strict=True):
        told = after.value if isinstance(after, ast.Expr) else None
        text = told.value if isinstance(told, ast.Constant) else ""
        yield node, text if isinstance(text, str) else ""
