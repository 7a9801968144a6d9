"""
This module reads the fields of one objective, and says for each wrong one where it stands.
"""

import dataclasses
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from otel_confidence.errors import FileError
from otel_confidence.located import Located, Misplaced
from otel_confidence.objectives.indicators import KINDS
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
        Take in what is wrong, at its own place or at that of a field ``within`` something.
        """
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
        readers = _readers(_kind(place, entries))
        given = {**_read(place, entries, readers, problems, known or {}), **(known or {})}
        _complete(place, given, readers)
        if len(problems.messages) > before:
            return None
        return _made(entries["kind"].text, given | {"thresholds": tuple(thresholds)})
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


def _kind(place: Located, entries: Mapping[str, Located]) -> str:
    known = ", ".join(KINDS)
    if "kind" not in entries:
        raise Misplaced(place, f"needs kind: one of {known}")
    kind = text(entries["kind"])
    if kind not in KINDS:
        raise Misplaced(entries["kind"], f"must be one of {known}, got {kind!r}")
    return kind


def _readers(kind: str) -> _Readers:
    own = {
        field.name.removesuffix("_s"): (
            field.name,
            seconds if field.name.endswith("_s") else _BY_TYPE.get(field.type, text),
        )
        for field in dataclasses.fields(KINDS[kind])
    }
    return {**_SHARED, **own}


def _read(
    place: Located,
    entries: Mapping[str, Located],
    readers: _Readers,
    problems: Problems,
    known: Mapping[str, Any],
) -> dict[str, Any]:
    """
    The fields that can be read, by their names in Python.
    """
    found = {}
    for key, value in entries.items():
        name, reader = readers.get(key, ("", text))
        if not name:
            fields = ", ".join(each for each in readers if readers[each][0] not in known)
            kind = entries["kind"].text
            problems.add(Misplaced(value, f"is no field of kind {kind}; there are {fields}"))
        elif name in known:
            problems.add(Misplaced(value, "is said elsewhere in the document: remove it here"))
        else:
            with problems.caught(place):
                found[name] = reader(value)
    return found


def _complete(place: Located, given: Mapping[str, Any], readers: _Readers) -> None:
    owner = KINDS[given["kind"]] if "kind" in given else None
    needed = {"name", "target"}
    if owner is not None:
        needed |= {f.name for f in dataclasses.fields(owner) if f.default is dataclasses.MISSING}
    entries = place.entries()
    missing = [
        key for key, (name, _) in readers.items()
        if name in needed and name not in given and key not in entries
    ]  # fmt: skip
    if missing:
        raise Misplaced(place, f"needs {' and '.join(missing)}")


def _made(kind: str, given: dict[str, Any]) -> Objective:
    fields = {field.name for field in dataclasses.fields(KINDS[kind])}
    own = {name: value for name, value in given.items() if name in fields}
    shared = {name: value for name, value in given.items() if name not in fields | {"kind"}}
    return Objective(indicator=KINDS[kind](**own), **shared)


def _shown(place: Located) -> str:
    if isinstance(place.value, (dict, list)):
        return "a mapping" if isinstance(place.value, dict) else "a list"
    return repr(place.text[:80]) if isinstance(place.value, str) else place.text[:80] or "nothing"
