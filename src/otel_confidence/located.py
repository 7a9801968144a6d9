"""
This module reads YAML so that every value still knows its line.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from otel_confidence.errors import FileError, MissingExtraError


@dataclass(frozen=True, slots=True)
class Located:
    """
    A value of a file and where it stands.
    """

    value: Any
    """A scalar, a list of located values, or a dictionary of them by their keys."""
    text: str
    """A scalar as it was written."""
    line: int
    column: int
    path: str
    """Its way from the document's root, such as ``objectives[0].target``."""
    file: str = ""
    """The file it was read from, where several are read together."""

    def entries(self) -> "dict[str, Located]":
        """
        The values of a mapping by key.

        Raises:
            Misplaced: it is none.
        """
        if not isinstance(self.value, dict):
            raise Misplaced(self, "must be a mapping of names to values")
        return self.value

    def items(self) -> "list[Located]":
        """
        The values of a list.

        Raises:
            Misplaced: it is none.
        """
        if not isinstance(self.value, list):
            raise Misplaced(self, "must be a list")
        return self.value


class Misplaced(FileError):  # noqa: N818  it says where something wrong stands
    """
    Something wrong at a place of a file.
    """

    def __init__(self, place: Located, message: str) -> None:
        super().__init__(message, field=place.path)
        self.place = place


def documents(text: str, *, file: str = "") -> Iterator[Located]:
    """
    Every document of a YAML text that holds anything.

    Raises:
        FileError: the text is no YAML; the error names line and column.
        MissingExtraError: PyYAML is not installed.
    """
    try:
        import yaml
    except ImportError as missing:
        raise MissingExtraError("reading YAML needs PyYAML", "server") from missing
    try:
        loader = yaml.SafeLoader(text)
        while loader.check_node():
            node = loader.get_node()
            if node is not None and node.tag != "tag:yaml.org,2002:null":
                yield _Reader(loader, yaml, file).located(node, "")
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise FileError(f"{where}no YAML: {error.problem or error}") from error
    except yaml.YAMLError as error:
        raise FileError(f"no YAML: {error}") from error


class _Reader:
    """
    Turns PyYAML's nodes into located values, so many that no file of references explodes.
    """

    def __init__(self, loader: Any, yaml: Any, file: str) -> None:
        self._loader, self._yaml, self._file = loader, yaml, file
        self._open: set[int] = set()
        self._left = _MOST

    def located(self, node: Any, path: str) -> Located:
        """
        A node with everything below it.
        """
        mark = node.start_mark
        place = Located(None, "", mark.line + 1, mark.column + 1, path, self._file)
        if id(node) in self._open:
            raise Misplaced(place, "refers to itself")
        self._left -= 1
        if self._left < 0 or len(self._open) > _DEEPEST:
            raise Misplaced(place, "is too much: too deep, or too many values")
        self._open.add(id(node))
        value: Any
        if isinstance(node, self._yaml.MappingNode):
            value = self._mapping(node, place)
        elif isinstance(node, self._yaml.SequenceNode):
            value = [self.located(n, f"{path}[{i}]") for i, n in enumerate(node.value)]
        else:
            value = self._loader.construct_object(node)
        self._open.discard(id(node))
        text = node.value if isinstance(node.value, str) else ""
        return replace(place, value=value, text=text)

    def _mapping(self, node: Any, place: Located) -> dict[str, Located]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key.value, str):
                raise Misplaced(place, "has a key that is no text")
            if key.value in seen and key.tag != _MERGE:
                raise Misplaced(self._at(key, place), "is given twice")
            seen.add(key.value)
        # What <<: merges in comes first, so that a mapping's own values win.
        self._loader.flatten_mapping(node)
        prefix = f"{place.path}." if place.path else ""
        return {key.value: self.located(value, f"{prefix}{key.value}") for key, value in node.value}

    def _at(self, key: Any, place: Located) -> Located:
        mark = key.start_mark
        path = f"{place.path}.{key.value}" if place.path else key.value
        return Located(None, key.value, mark.line + 1, mark.column + 1, path, self._file)


_MERGE = "tag:yaml.org,2002:merge"
_DEEPEST = 24
_MOST = 20_000
