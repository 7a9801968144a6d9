"""
This module reads objectives from YAML: a list of our own, or documents of OpenSLO v1.
"""

from pathlib import Path
from typing import Final

from otel_confidence.errors import ObjectiveError
from otel_confidence.located import Located, Misplaced, documents
from otel_confidence.objectives import openslo
from otel_confidence.objectives.fields import Problems, number, objective
from otel_confidence.objectives.objective import Objective

DEFAULT_FILE: Final = "otel-confidence.yaml"
"""The file that is read when none is named."""


def read(path: Path | str) -> tuple[Objective, ...]:
    """
    The objectives of a file.

    Args:
        path: ``otel-confidence.yaml``, or OpenSLO v1.

    Raises:
        ObjectiveError: the file cannot be read, or something in it is wrong; the error says for
            everything that is in which line and field, and what would be right.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        why = f"cannot be read ({error.strerror}); name a file that holds objectives"
        raise ObjectiveError(f"{path}: {why}") from error
    except UnicodeDecodeError as error:
        raise ObjectiveError(f"{path}: is no UTF-8 at byte {error.start}") from error
    return read_text(text, str(path))


def read_text(text: str, name: str = "objectives") -> tuple[Objective, ...]:
    """
    The objectives of a YAML text; ``name`` is what errors call it.

    Raises:
        ObjectiveError: see ``read()``.
    """
    problems = Problems(name)
    with problems.caught():
        found = _objectives(list(documents(text)), problems)
        _check_ids(found, problems)
        if not found and not problems.messages:
            problems.messages.append(f"{name}: holds no objectives")
    if problems.messages:
        raise ObjectiveError("\n".join(problems.messages))
    return tuple(objective for _, objective in found)


def _objectives(found: list[Located], problems: Problems) -> list[tuple[Located, Objective]]:
    """
    The objectives of all documents, each with its place.
    """
    own = [each for each in found if openslo.VERSION not in each.entries()]
    foreign = [each for each in found if openslo.VERSION in each.entries()]
    return [
        *(pair for each in own for pair in _listed(each, problems)),
        *openslo.objectives(foreign, problems),
    ]


def _listed(document: Located, problems: Problems) -> list[tuple[Located, Objective]]:
    entries = document.entries()
    for key in entries.keys() - {"objectives", "thresholds"}:
        problems.add(Misplaced(entries[key], "is unknown; there are objectives and thresholds"))
    if "objectives" not in entries:
        raise Misplaced(document, "needs objectives, a list")
    thresholds: list[float] = []
    with problems.caught():
        given = entries["thresholds"].items() if "thresholds" in entries else []
        thresholds = [number(each) for each in given]
    found = []
    for place in entries["objectives"].items():
        made = objective(place, problems, thresholds)
        found += [(place, made)] if made else []
    return found


def _check_ids(found: list[tuple[Located, Objective]], problems: Problems) -> None:
    lines: dict[str, int] = {}
    for place, made in found:
        if made.id in lines:
            where = place.entries().get("name", place)
            problems.add(
                Misplaced(where, f"{made.id!r} is in line {lines[made.id]} already: rename one")
            )
        lines.setdefault(made.id, place.line)
