"""
This module holds what a template is made of.
"""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Literal:
    """
    A number, a text, a truth value or nothing.
    """

    value: Any


@dataclass(frozen=True, slots=True)
class Dot:
    """
    What the template is about at this place.
    """


@dataclass(frozen=True, slots=True)
class Fields:
    """
    A chain of fields of something: ``.a.b``, ``$x.a`` or ``(pipeline).a``.
    """

    base: Any
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Variable:
    """
    A variable, with its dollar.
    """

    name: str


@dataclass(frozen=True, slots=True)
class Name:
    """
    A function's name.
    """

    name: str


@dataclass(frozen=True, slots=True)
class Command:
    """
    An operand, or a function or method with its arguments.
    """

    words: tuple[Any, ...]
    line: int = 0


@dataclass(frozen=True, slots=True)
class Pipeline:
    """
    Commands that hand on what they give, and the variables that get the last of it.
    """

    commands: tuple[Command, ...]
    variables: tuple[str, ...] = ()
    declares: bool = False
    line: int = 0


@dataclass(frozen=True, slots=True)
class Text:
    """
    Text that stands for itself.
    """

    text: str


@dataclass(frozen=True, slots=True)
class Action:
    """
    A pipeline whose value is written.
    """

    pipeline: Pipeline


@dataclass(frozen=True, slots=True)
class Branch:
    """
    An ``if``, ``with`` or ``range``.
    """

    kind: str
    pipeline: Pipeline
    body: "Body"
    otherwise: "Body"


@dataclass(frozen=True, slots=True)
class Leap:
    """
    A ``break`` or ``continue``.
    """

    kind: str


@dataclass(frozen=True, slots=True)
class Inclusion:
    """
    Another template, carried out here.
    """

    name: str
    pipeline: Pipeline | None
    line: int = 0


Body = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Template:
    """
    A template as it was read, with those defined within it.
    """

    body: Body
    defined: dict[str, Body] = field(default_factory=dict)
