"""
This module reads a Collector's files and lays them over each other, as the Collector does.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from otel_confidence.collector.findings import Finding, error
from otel_confidence.errors import FileError
from otel_confidence.located import Located, Misplaced, documents

NOTHING: Final = Located({}, "", 0, 0, "")
"""A mapping that no file holds."""


def read(paths: Iterable[Path], findings: list[Finding]) -> Located:
    """
    The files as one; what cannot be read is told of and left out.
    """
    whole = NOTHING
    for path in paths:
        found = _document(path, findings)
        if found is not None:
            whole = laid(found, over=whole)
    return whole


def laid(upper: Located, *, over: Located) -> Located:
    """
    One value over another: mappings are merged, everything else is replaced.
    """
    if not isinstance(upper.value, dict) or not isinstance(over.value, dict):
        return upper
    merged = dict(over.value)
    for key, value in upper.value.items():
        merged[key] = laid(value, over=merged[key]) if key in merged else value
    return replace(over if over.line else upper, value=merged)


def leaves(place: Located) -> Iterator[Located]:
    """
    Every scalar below a place.
    """
    if isinstance(place.value, dict):
        for value in place.value.values():
            yield from leaves(value)
    elif isinstance(place.value, list):
        for value in place.value:
            yield from leaves(value)
    else:
        yield place


def at(place: Located, *keys: str) -> Located | None:
    """
    What stands under some keys, None where any of them is missing or no mapping.
    """
    for key in keys:
        if not isinstance(place.value, dict) or key not in place.value:
            return None
        place = place.value[key]
    return place


def text(place: Located, *keys: str) -> str:
    """
    A scalar under some keys as it is written; empty where there is none.
    """
    found = at(place, *keys)
    return found.text if found is not None and not isinstance(found.value, dict | list) else ""


def entries(place: Located | None) -> dict[str, Located]:
    """
    A mapping's values by key, none where it is no mapping.
    """
    return place.value if place is not None and isinstance(place.value, dict) else {}


def items(place: Located | None) -> list[Located]:
    """
    A list's values, none where it is no list.
    """
    return place.value if place is not None and isinstance(place.value, list) else []


def _document(path: Path, findings: list[Finding]) -> Located | None:
    nowhere = replace(NOTHING, file=str(path))
    try:
        found = next(documents(path.read_text("utf-8"), file=str(path)), None)
    except (OSError, UnicodeDecodeError, FileError) as wrong:
        findings.append(_unreadable(nowhere, wrong))
        return None
    if found is None or isinstance(found.value, dict):  # an empty file changes nothing
        return found
    findings.append(error(found, "is no mapping", "begin with receivers:, exporters: …"))
    return None


def _unreadable(file: Located, wrong: OSError | UnicodeDecodeError | FileError) -> Finding:
    if isinstance(wrong, OSError):
        reason = wrong.strerror or str(wrong)
        return error(file, f"cannot be read: {reason}", "name a file that exists")
    if isinstance(wrong, UnicodeDecodeError):
        return error(file, f"is no UTF-8 at byte {wrong.start}", "save it as UTF-8")
    if isinstance(wrong, Misplaced):
        return error(wrong.place, wrong.reason, "give each key once, as text")
    return error(file, wrong.reason, "mend the YAML there, often an indentation")
