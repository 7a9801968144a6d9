"""
This module tests that sources are read as a reference should show them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from otel_confidence.generate import sources

if TYPE_CHECKING:
    import decimal


@dataclass
class Record:
    """
    Something recorded.
    """

    name: str
    """What it is called,
    in ``few`` words."""
    price: "decimal.Decimal | None" = None
    key: str = field(default="", repr=False)
    more: Mapping[str, str] = field(default_factory=dict)
    _inside: int = 0

    def shown(self, *parts: str, loud: bool = False) -> str:
        """
        How it reads.
        """
        return "".join((self.name, *parts)) * (1 + loud)

    @classmethod
    def nameless(cls) -> "Record":
        """
        One without a name.
        """
        return cls("")

    @property
    def size(self) -> int:
        """
        How long its name is.
        """
        return len(self.name)

    def _hidden(self) -> None:
        raise NotImplementedError


def called(first: "str | decimal.Decimal", /, *, second: int = 1, **rest: str) -> "Record":
    """
    Do ``it``.

    Args:
        first: what to do it to, which
            takes two lines.
        second: how often.
        **rest: what else.

    Raises:
        KeyError: there is none.
    """
    raise NotImplementedError(first, second, rest)


def test_a_short_signature_stands_on_one_line() -> None:
    """
    Quotes around annotations go, defaults stay.
    """
    found = sources.signature(called)

    assert (
        "called(first: str | decimal.Decimal, /, *, second: int = 1, **rest: str) -> Record"
        == found
    )


def test_a_docstring_becomes_markdown() -> None:
    """
    Arguments and exceptions are lists, each item on one line.
    """
    expected = (
        "Do `it`.\n\n"
        "- `first`: what to do it to, which takes two lines.\n"
        "- `second`: how often.\n"
        "- `**rest`: what else.\n\n"
        "Raises:\n\n"
        "- `KeyError`: there is none."
    )

    assert expected == sources.prose(called)


def test_fields_come_with_the_text_below_them() -> None:
    """
    Each public field has its type, default and docstring.
    """
    found = [(f.name, f.type, f.default, f.about) for f in sources.fields(Record)]

    assert [
        ("name", "str", "", "What it is called, in `few` words."),
        ("price", "decimal.Decimal | None", "None", ""),
        ("key", "str", '""', ""),
        ("more", "Mapping[str, str]", "{}", ""),
    ] == found


def test_methods_are_those_for_others() -> None:
    """
    Private ones are left out; class methods carry the class's name, properties no brackets.
    """
    found = {name: text for name, text, _ in sources.methods(Record)}

    assert {
        "shown": "shown(*parts: str, loud: bool = False) -> str",
        "nameless": "Record.nameless() -> Record",
        "size": "size",
    } == found


def test_a_long_construction_has_a_line_for_each_field() -> None:
    """
    How a dataclass is made is shown as it would be written.
    """
    fields = [sources.Field(f"field_{n}", "Mapping[str, str]", "{}", "") for n in range(4)]

    found = sources.construction("Record", fields)

    assert "Record(\n    field_0: Mapping[str, str] = {},\n" in found
    assert 6 == len(found.splitlines())
