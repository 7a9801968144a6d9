r"""
This module refuses regular expressions whose time could explode on a hostile text.

Python's engine backtracks and cannot be interrupted, so a pattern is judged by its form, before it
ever runs. What is let through takes time in proportion to the text's length. The rules err on the
side of refusing:

- a group that is repeated must begin or end with a character that nothing variable in it can match,
  as ``(?:[a-z]+[.])+`` does and ``(a+)+`` does not; its alternatives must differ at their start;
- between two open-ended repetitions of the same character something must stand that the first
  cannot match: ``[0-9]+-[0-9]+``, not ``[0-9]+[0-9]+``;
- an open-ended repetition that something must follow needs a beginning: a boundary (``\b[A-Z]+-``)
  or a character it cannot match (``:[A-Z]+-``), lest every character of a long run be a start;
- references go back to short groups only, and a match is never empty.
"""

import importlib
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from otel_confidence.errors import ConfigurationError

_WIDE: Final = 16
"""Repetitions beyond which one counts as open-ended."""
_NARROW: Final = 6
"""How many short repetitions of the same character may follow each other."""
_LIMIT: Final = 1000
"""Longest pattern, characters."""


def _word_character(ch: str) -> bool:
    return ch.isalnum() or ch == "_"


_SAMPLE: Final = frozenset((*map(chr, range(128)), *"\xa0\xb2\xdf\xe9\u0130\u0663\u2028\u4e2d"))
_FLAGS: Final = {
    "i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL, "x": re.VERBOSE, "a": re.ASCII,
}  # fmt: skip
_CATEGORIES: Final[Mapping[str, Callable[[str], bool]]] = {
    "CATEGORY_DIGIT": str.isdecimal,
    "CATEGORY_SPACE": str.isspace,
    "CATEGORY_WORD": _word_character,
}

Characters = frozenset[str]


@dataclass(frozen=True, slots=True)
class _Item:
    """
    One part of a sequence: what it can match, and how freely.
    """

    characters: Characters
    least: int = 1
    most: int = 1
    body: "tuple[_Item, ...]" = ()
    """What is repeated, where it is more than one character."""
    choices: "tuple[tuple[_Item, ...], ...]" = ()
    """Alternatives."""
    width: bool = True
    """False for what looks around without matching."""
    crossed: tuple[Characters, ...] = ()
    """Of which sets a run must have characters for this boundary to lie inside it."""

    @property
    def variable(self) -> bool:
        return self.least != self.most or any(_nullable(choice) for choice in self.choices)

    @property
    def nullable(self) -> bool:
        if not self.least or not self.width:
            return True
        if self.choices:
            return any(_nullable(choice) for choice in self.choices)
        return bool(self.body) and _nullable(self.body)


def checked(kind: str, pattern: Any) -> str:
    """
    A user's pattern, its flags written into it.

    Raises:
        ConfigurationError: it is no pattern, or its time could explode; the message says why.
    """
    where = f"redact_patterns[{kind!r}]"
    flags = 0
    if isinstance(pattern, re.Pattern):
        flags, pattern = int(pattern.flags & ~re.UNICODE), pattern.pattern
    if not isinstance(pattern, str) or not 0 < len(pattern) <= _LIMIT:
        raise ConfigurationError(
            f"{where} must be a regular expression of 1 to {_LIMIT} characters, got {pattern!r}"
        )
    try:
        re.compile(pattern, flags)
        _judge(_read(pattern, flags))
    except (re.error, RecursionError, OverflowError) as error:
        raise ConfigurationError(f"{where} is no regular expression: {error}") from error
    except _Refused as error:
        raise ConfigurationError(f"{where} {pattern!r} is refused: {error}") from None
    letters = "".join(letter for letter, flag in _FLAGS.items() if flags & flag)
    return f"(?{letters}){pattern}" if letters else pattern


class _Refused(Exception):  # noqa: N818  carries a reason out of the depth of a pattern
    """
    Why a pattern is refused.
    """


def _read(pattern: str, flags: int) -> tuple[_Item, ...]:
    # The parser has no public name; without it a pattern could only be judged by running it.
    name = "re._parser" if sys.version_info >= (3, 11) else "sre_parse"
    tree = importlib.import_module(name).parse(pattern, flags)
    alphabet = _SAMPLE | {ch for c in pattern for ch in (c, c.swapcase()) if len(ch) == 1}
    return tuple(_items(tree, alphabet))


def _items(tree: Any, alphabet: Characters) -> Iterator[_Item]:
    for code, value in tree:
        name = str(code)
        if name == "SUBPATTERN":
            yield from _items(value[-1], alphabet)
        elif name == "ATOMIC_GROUP":
            yield from _items(value, alphabet)
        elif name == "BRANCH":
            choices = tuple(tuple(_items(choice, alphabet)) for choice in value[1])
            yield _Item(_union(c for choice in choices for c in choice), choices=choices)
        elif name in {"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"}:
            least, most, inner = value
            body = tuple(_items(inner, alphabet))
            yield _Item(_union(body), int(least), int(most), body)
        elif name in {"ASSERT", "ASSERT_NOT"}:
            body = tuple(_items(value[1], alphabet))
            behind = value[0] < 0
            crossed = _behind(body, alphabet, negative=name == "ASSERT_NOT") if behind else ()
            yield _Item(frozenset(), body=body, width=False, crossed=crossed)
        elif name == "GROUPREF" and tree.state.groupwidths[value][1] <= _WIDE:
            yield _Item(alphabet, *tree.state.groupwidths[value])
        elif name == "AT":
            yield _Item(frozenset(), width=False, crossed=_boundary(value, tree))
        else:
            yield _Item(_folded(_matched(name, value, alphabet)))


def _boundary(value: Any, tree: Any) -> tuple[Characters, ...]:
    """
    What a run must hold for a boundary to lie inside it; nothing in particular where unknown.
    """
    if str(value) == "AT_BOUNDARY":
        words = frozenset(ch for ch in _SAMPLE if _word_character(ch))
        return words, _SAMPLE - words
    if str(value) in {"AT_BEGINNING", "AT_BEGINNING_STRING"}:
        return (frozenset("\n" if tree.state.flags & re.MULTILINE else ""),)
    return ()


def _behind(
    body: tuple[_Item, ...], alphabet: Characters, *, negative: bool
) -> tuple[Characters, ...]:
    if len(body) != 1 or not _single(body[0]):
        return ()
    return (alphabet - body[0].characters if negative else body[0].characters,)


def _matched(name: str, value: Any, alphabet: Characters) -> Characters:
    """
    The characters of an alphabet that one item matches.
    """
    if name == "IN":
        found = _union_sets(_matched(str(c), v, alphabet) for c, v in value if str(c) != "NEGATE")
        return alphabet - found if str(value[0][0]) == "NEGATE" else found
    if name == "LITERAL":
        return frozenset(chr(value))
    if name == "NOT_LITERAL":
        return alphabet - {chr(value)}
    if name == "RANGE":
        return frozenset(ch for ch in alphabet if value[0] <= ord(ch) <= value[1])
    if name == "CATEGORY":
        category = str(value)
        test = _CATEGORIES[category.replace("_NOT_", "_")]
        return frozenset(ch for ch in alphabet if test(ch) != ("_NOT_" in category))
    if name == "ANY":
        return alphabet
    if name.startswith("GROUPREF"):
        raise _Refused("it refers back to a group of any length, or depends on one")
    raise _Refused(f"it uses {name}, which cannot be judged")


def _folded(characters: Characters) -> Characters:
    """
    With upper and lower case, whether or not the pattern tells them apart.
    """
    return characters | {ch.swapcase() for ch in characters if len(ch.swapcase()) == 1}


def _union(items: Iterable[_Item]) -> Characters:
    return _union_sets(item.characters for item in items)


def _union_sets(sets: Iterable[Characters]) -> Characters:
    return frozenset().union(*sets)


def _nullable(items: Iterable[_Item]) -> bool:
    return all(item.nullable for item in items)


@dataclass(frozen=True, slots=True)
class _Pump:
    """
    A repetition that has ended, or not: whoever follows may compete with it for characters.
    """

    needed: tuple[Characters, ...]
    """What each of its repetitions must match."""
    characters: Characters
    """Everything it can match."""
    wide: bool

    def competes(self, other: "_Pump") -> bool:
        """
        Whether one text could be matched by both, again and again.
        """
        shared = self.characters & other.characters
        return bool(shared) and all(
            n & o for a, o in ((self, other.characters), (other, self.characters)) for n in a.needed
        )


def _judge(items: tuple[_Item, ...]) -> None:
    if _nullable(items):
        raise _Refused("it matches nothing at all")
    _sequence(items)
    _beginning(items)


def _sequence(items: Iterable[_Item]) -> list[_Pump]:
    """
    The repetitions that are not closed at a sequence's end; raises where two of it compete.
    """
    still: list[_Pump] = []
    for item in items:
        inner = _inside(item)
        pumps = [_pump(part) for part in _variable(item)]
        reached = [pump for pump in still if pump.characters & _first((item,))]
        for pump in pumps:
            rivals = [other for other in reached if other.competes(pump)]
            if pump.wide and any(other.wide for other in rivals):
                raise _Refused("two open-ended repetitions can match the same characters")
            if len(rivals) > _NARROW:
                raise _Refused("many short repetitions can match the same characters")
        if not item.nullable:
            still = [pump for pump in still if not _closes(item, pump)]
        still += inner
        if item.variable and item.width:
            still.append(_pump(item))
    return still


def _inside(item: _Item) -> list[_Pump]:
    """
    What is not closed at the end of an item's own parts.
    """
    inner = _sequence(item.body)
    for choice in item.choices:
        inner += _sequence(choice)
    if item.width and item.most > 1:
        _check_repeat(item)
    return inner if item.width else []


def _beginning(items: Iterable[_Item]) -> None:
    """
    Raise where every character of a long run could be the start of a match that then fails.
    """
    lead: list[Characters] = []
    run = False
    for item in items:
        if run and not (item.nullable and item.width):
            raise _Refused(
                "an open-ended repetition can begin anywhere in a long run; begin with \\b, or "
                "with a character that it cannot match"
            )
        lead += item.crossed
        wide = [_pump(part) for part in _variable(item) if part.most > _WIDE]
        run = run or any(all(n & pump.characters for n in lead) for pump in wide)
        if not item.nullable:
            lead += _needed(item)


def _pump(item: _Item) -> _Pump:
    return _Pump(tuple(_needed(item, least=1)), item.characters, item.most > _WIDE)


def _needed(item: _Item, *, least: int = 0) -> list[Characters]:
    """
    The sets of characters of which an item must match one each, where it is matched at all.
    """
    if not item.width or not max(item.least, least):
        return []
    if item.body:
        return [n for part in item.body for n in _needed(part)]
    return [] if any(_nullable(choice) for choice in item.choices) else [item.characters]


def _closes(item: _Item, pump: _Pump) -> bool:
    return any(not n & pump.characters for n in _needed(item))


def _check_repeat(item: _Item) -> None:
    """
    Raise where a repeated group can be divided among its repetitions in more than one way.
    """
    body = item.body
    if _nullable(body):
        raise _Refused("what it repeats can be empty")
    if any(not part.width and any(_variable(part)) for part in body):
        raise _Refused("it repeats something that looks around without a limit")
    if any(_choices_overlap(part) for part in body):
        raise _Refused("alternatives that it repeats can begin with the same character")
    varying = _union(inner for part in body for inner in _variable(part))
    ends = (body[0], body[-1])
    if varying and not any(_single(end) and not end.characters & varying for end in ends):
        raise _Refused("nothing tells where one of its repetitions ends and the next begins")


def _single(item: _Item) -> bool:
    return item.width and not (item.body or item.choices)


def _choices_overlap(item: _Item) -> bool:
    firsts = [_first(choice) for choice in item.choices]
    overlap = any(a & b for i, a in enumerate(firsts) for b in firsts[i + 1 :])
    empty = sum(_nullable(choice) for choice in item.choices)
    inner = (part for choice in item.choices for part in choice)
    return overlap or empty > 1 or any(_choices_overlap(part) for part in (*inner, *item.body))


def _first(items: Iterable[_Item]) -> Characters:
    """
    The characters a sequence can begin with.
    """
    found: set[str] = set()
    for item in items:
        if item.choices:
            found |= _union_sets(_first(choice) for choice in item.choices)
        elif item.width:
            found |= _first(item.body) if item.body else item.characters
        if not item.nullable:
            break
    return frozenset(found)


def _variable(item: _Item) -> Iterator[_Item]:
    """
    Everything in an item that repeats a variable number of times, itself included.
    """
    if item.variable:
        yield item
    for inner in (*item.body, *(part for choice in item.choices for part in choice)):
        yield from _variable(inner)
