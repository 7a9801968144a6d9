"""
This module reads YAML strictly: every scalar as its text, every value with its line and column.
"""

from dataclasses import dataclass
from typing import Any, Final

import yaml

from otel_confidence.errors import ConfigurationError

_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NULL: Final = "tag:yaml.org,2002:null"
_MERGE: Final = "tag:yaml.org,2002:merge"


@dataclass(frozen=True, slots=True)
class Place:
    """
    A value within a document.
    """

    node: Any
    line: int = 1
    column: int = 1

    @property
    def empty(self) -> bool:
        """
        Whether nothing stands there.
        """
        return self.node is None or self.node.tag == _NULL

    def text(self) -> str:
        """
        A scalar's text; that of nothing is empty.

        Raises:
            ConfigurationError: It is no scalar.
        """
        if self.empty:
            return ""
        if not isinstance(self.node, yaml.ScalarNode):
            raise ConfigurationError("expected a text")
        return str(self.node.value)

    def items(self) -> "list[Place]":
        """
        The values of a sequence.

        Raises:
            ConfigurationError: It is no sequence.
        """
        if self.empty:
            return []
        if not isinstance(self.node, yaml.SequenceNode):
            raise ConfigurationError("expected a sequence")
        return [_place(node) for node in self.node.value]

    def fields(self) -> "dict[str, Place]":
        """
        The values of a mapping by their keys.

        Raises:
            ConfigurationError: It is no mapping, or a key stands twice.
        """
        if self.empty:
            return {}
        if not isinstance(self.node, yaml.MappingNode):
            raise ConfigurationError("expected a mapping")
        merged: dict[str, Place] = {}
        found: dict[str, Place] = {}
        for key, value in self.node.value:
            if key.tag == _MERGE:
                merged.update(_merged(value))
                continue
            name = _place(key).text()
            if name in found:
                raise ConfigurationError(f'mapping key "{name}" already defined')
            found[name] = _place(value)
        return {**merged, **found}


def compose(text: str) -> Place:
    """
    A document as a whole.

    Raises:
        ConfigurationError: It is no YAML, or more than one document.
    """
    try:
        node = yaml.compose(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = f"{mark.line + 1}:{mark.column + 1}: " if mark else ""
        raise ConfigurationError(f"{at}{error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise ConfigurationError(f"1:1: {error}") from error
    return Place(None) if node is None else _place(node)


def _place(node: Any) -> Place:
    return Place(node, node.start_mark.line + 1, node.start_mark.column + 1)


def _merged(node: Any) -> dict[str, Place]:
    nodes = node.value if isinstance(node, yaml.SequenceNode) else [node]
    found: dict[str, Place] = {}
    for each in reversed(nodes):
        found.update(_place(each).fields())
    return found
