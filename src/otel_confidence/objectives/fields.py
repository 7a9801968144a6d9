"""
This module reads the fields of one objective, and says for each wrong one where it stands.
"""

import dataclasses
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from otel_confidence.errors import FileError, ObjectiveError
from otel_confidence.located import Located, Misplaced
from otel_confidence.objectives.indicators import KINDS, Availability, Indicator
from otel_confidence.objectives.objective import Objective
from otel_confidence.objectives.windows import UNITS_S

_LENGTH: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhdw])")
_INDICATOR: Final = "indicator"
_WINDOW: Final = "window"
_DAY_S: Final = UNITS_S["d"]
_SCALARS: Final = (str, int, float)


class Problems:
    """
    What is wrong with a file, all of it.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.messages: list[str] = []

    def add(self, problem: FileError, within: Located | None = None) -> None:
        """
        Take in all that is wrong, at its own place or at that of a field ``within`` something.
        """
        others = problem.others if isinstance(problem, ObjectiveError) else ()
        for each in (problem, *others):
            self._add(each, within)

    def _add(self, problem: FileError, within: Located | None) -> None:
        place, told = within, str(problem)
        if isinstance(problem, Misplaced):
            place = problem.place
        elif within is not None:
            entries = within.value if isinstance(within.value, dict) else {}
            place = entries.get(problem.field, within)
            told = f"{within.path}.{told}" if within.path else told
        where = f":{place.line}:{place.column}" if place else ""
        self.messages.append(f"{self.name}{where}: {told}")

    @contextmanager
    def caught(self, within: Located | None = None) -> Iterator[None]:
        """
        Take in what is wrong within the block instead of raising it.
        """
        try:
            yield
        except FileError as problem:
            self.add(problem, within)


def objective(
    place: Located,
    problems: Problems,
    thresholds: Iterable[float] = (),
    known: Mapping[str, Any] | None = None,
) -> Objective | None:
    """
    The objective of a mapping of fields; None where something is wrong with it.

    Args:
        place: the mapping.
        problems: takes what is wrong.
        thresholds: edges of the confidence histogram besides the conventional ones.
        known: fields that are settled elsewhere and may not stand here.
    """
    before = len(problems.messages)
    with problems.caught(place):
        entries = place.entries()
        kind = _kind(place, entries, problems)
        given = {**_read(place, kind, problems, known or {}), **(known or {})}
        _complete(place, kind, given, problems)
        made = _made(place, kind, given | {"thresholds": tuple(thresholds)}, problems)
        return made if len(problems.messages) == before else None
    return None


def text(place: Located) -> str:
    """
    A scalar as it was written: a version ``1.10`` is no number.
    """
    if isinstance(place.value, bool) or not isinstance(place.value, _SCALARS):
        raise Misplaced(place, f"must be text, got {_shown(place)}")
    return place.text


def number(place: Located) -> float:
    """
    A number, or a percentage such as ``99.9%``.
    """
    if isinstance(place.value, bool) or not isinstance(place.value, _SCALARS):
        raise Misplaced(place, f"must be a number, got {_shown(place)}")
    percent = place.text.endswith("%")
    try:
        value = Decimal(place.text.removesuffix("%").strip().replace("_", ""))
    except InvalidOperation as error:
        raise Misplaced(place, f"must be a number, got {_shown(place)}") from error
    if percent and not 0 < value < 100:  # noqa: PLR2004  percent
        raise Misplaced(place, f"must be above 0% and below 100%, got {place.text}")
    return float(value / 100 if percent else value)


def whole(place: Located) -> int:
    """
    A whole number.
    """
    if isinstance(place.value, bool) or not isinstance(place.value, int):
        raise Misplaced(place, f"must be a whole number, got {_shown(place)}")
    return place.value


def seconds(place: Located) -> float:
    """
    A length of time such as ``250ms`` or ``1h``, in seconds; a bare number is seconds.
    """
    found = _LENGTH.fullmatch(place.text) if isinstance(place.value, str) else None
    if found:
        value, unit = Decimal(found[1]), found[2]
        return float(value / 1000 if unit == "ms" else value * UNITS_S[unit])
    if isinstance(place.value, (int, float)) and not isinstance(place.value, bool):
        return number(place)
    raise Misplaced(place, f"must be a time such as 250ms, 5s or 1h, got {_shown(place)}")


def days(place: Located) -> int:
    """
    A period such as ``30d`` or ``4w``, in days.
    """
    found = _LENGTH.fullmatch(place.text) if isinstance(place.value, str) else None
    length = Decimal(found[1]) * UNITS_S.get(found[2], 0) if found else Decimal(0)
    if not length or length % _DAY_S:
        raise Misplaced(place, f"must be 7d, 28d or 30d, got {_shown(place)}")
    return int(length // _DAY_S)


def pairs(place: Located) -> dict[str, str]:
    """
    Names with texts.
    """
    return {name: text(value) for name, value in place.entries().items()}


def texts(place: Located) -> tuple[str, ...]:
    """
    A list of texts, or a single one.
    """
    if isinstance(place.value, list):
        return tuple(text(each) for each in place.value)
    return (text(place),)


_Reader = Callable[[Located], Any]
_Readers = Mapping[str, tuple[str, _Reader]]
_SHARED: Final[_Readers] = {
    "name": ("name", text),
    "kind": ("kind", text),
    "target": ("target", number),
    "model": ("model", text),
    "version": ("version", text),
    "service": ("service", text),
    "where": ("where", pairs),
    _WINDOW: ("window_days", days),
    "min_events": ("min_events", whole),
    "group": ("group", text),
    "description": ("description", text),
    "labels": ("labels", pairs),
}
"""How each field of an objective is called in Python, and read."""
_BY_TYPE: Final[Mapping[Any, _Reader]] = {
    float: number, str: text, tuple[str, ...]: texts,
}  # fmt: skip


_STAND_IN: Final = Availability()
"""Carries the fields that all kinds have, where the kind is not known."""


def _kind(place: Located, entries: Mapping[str, Located], problems: Problems) -> str:
    """
    The kind; empty where it is missing or none, which costs no word about the other fields.
    """
    known = ", ".join(KINDS)
    if "kind" not in entries:
        problems.add(Misplaced(place, f"needs kind: one of {known}"))
        return ""
    with problems.caught(place):
        kind = text(entries["kind"])
        if kind in KINDS:
            return kind
        problems.add(Misplaced(entries["kind"], f"must be one of {known}, got {kind!r}"))
    return ""


def _readers(kind: str) -> _Readers:
    """
    What reads the fields of a kind; those of every kind where it is not known.
    """
    own = {
        field.name.removesuffix("_s"): (
            field.name,
            seconds if field.name.endswith("_s") else _BY_TYPE.get(field.type, text),
        )
        for owner in ([KINDS[kind]] if kind else KINDS.values())
        for field in dataclasses.fields(owner)
    }
    return {**_SHARED, **own}


def _read(
    place: Located, kind: str, problems: Problems, known: Mapping[str, Any]
) -> dict[str, Any]:
    """
    The fields that can be read, by their names in Python.
    """
    found = {}
    readers = _readers(kind)
    whose = f"of kind {kind}" if kind else "of any kind"
    for key, value in place.entries().items():
        name, reader = readers.get(key, ("", text))
        if not name:
            fields = ", ".join(each for each in readers if readers[each][0] not in known)
            problems.add(Misplaced(value, f"is no field {whose}; there are {fields}"))
        elif name in known:
            problems.add(Misplaced(value, "is said elsewhere in the document: remove it here"))
        elif name != "kind":
            with problems.caught(place):
                found[name] = reader(value)
    return found


def _complete(place: Located, kind: str, given: Mapping[str, Any], problems: Problems) -> None:
    needed = {"name", "target", *(_needed(kind) if kind else ())}
    entries = place.entries()
    missing = [
        key for key, (name, _) in _readers(kind).items()
        if name in needed and name not in given and key not in entries
    ]  # fmt: skip
    if missing:
        problems.add(Misplaced(place, f"needs {' and '.join(missing)}"))


def _needed(kind: str) -> set[str]:
    fields = dataclasses.fields(KINDS[kind])
    return {field.name for field in fields if field.default is dataclasses.MISSING}


def _made(
    place: Located, kind: str, given: Mapping[str, Any], problems: Problems
) -> Objective | None:
    """
    The objective, or what else is wrong with it: its indicator and its fields by themselves.
    """
    indicator = _indicator(place, kind, given, problems)
    shared = {name for name, _ in _SHARED.values()} | {"thresholds"}
    if indicator is None:
        shared -= {"where", "min_events"}  # whether these are right depends on the kind
    unread = {key: "unread" for key in ("name", "model") if key in place.entries()}
    fields: dict[str, Any] = {"name": "missing", "target": 0.5} | unread | dict(given)
    with problems.caught(place):
        return Objective(
            indicator=indicator or _STAND_IN,
            **{name: value for name, value in fields.items() if name in shared},
        )
    return None


def _indicator(
    place: Located, kind: str, given: Mapping[str, Any], problems: Problems
) -> Indicator | None:
    if not kind or _needed(kind) - given.keys():
        return None
    fields = {field.name for field in dataclasses.fields(KINDS[kind])}
    with problems.caught(place):
        return KINDS[kind](**{name: value for name, value in given.items() if name in fields})
    return None


def _shown(place: Located) -> str:
    if isinstance(place.value, (dict, list)):
        return "a mapping" if isinstance(place.value, dict) else "a list"
    return repr(place.text[:80]) if isinstance(place.value, str) else place.text[:80] or "nothing"
