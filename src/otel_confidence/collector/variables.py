"""
This module finds what a configuration takes from the environment, and what is missing there.
"""

import difflib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from otel_confidence.collector.findings import Finding, error, warning
from otel_confidence.collector.merging import leaves
from otel_confidence.located import Located

_REFERENCE: Final = re.compile(r"(?<!\$)(?:\$\$)*\$\{([^${}]*)\}")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BARE: Final = re.compile(r"\$[A-Z_][A-Z0-9_]+")
_SAME: Final = 0.9
"""How alike two names are that differ by a slip."""
_SCHEMES: Final = frozenset(("yaml", "http", "https"))


def expanded(text: str, environment: Mapping[str, str]) -> str:
    """
    A text with variables in their places, and nothing in the place of those that are unset.
    """

    def value(found: re.Match[str]) -> str:
        scheme, name, default = _parts(found[1])
        return environment.get(name, default or "") if scheme == "env" else found[0]

    return _REFERENCE.sub(value, text)


def check(whole: Located, environment: Mapping[str, str]) -> Iterator[Finding]:
    """
    Variables that are unset or misspelled, and files that are named and absent.
    """
    yield from _misspelled(whole, environment)
    for leaf in leaves(whole):
        if _BARE.fullmatch(leaf.text):
            yield warning(
                leaf, f"{leaf.text} is taken as it stands", f"write ${{env:{leaf.text[1:]}}}"
            )
        for found in _REFERENCE.finditer(leaf.text):
            yield from _wrong(leaf, found[1], environment)


def _wrong(leaf: Located, inside: str, environment: Mapping[str, str]) -> Iterator[Finding]:
    scheme, name, default = _parts(inside)
    if scheme == "file":
        if not Path(name).is_file():
            yield error(leaf, f"there is no file {name!r}", "write it, or name another")
    elif scheme == "env":
        if not _NAME.fullmatch(name):
            yield error(leaf, f"{name!r} is no name of a variable", "use letters, digits and _")
        elif name not in environment and default is None:
            yield error(
                leaf,
                f"the variable {name} is unset, nothing would stand in its place",
                f"set it{_meant(name, environment)}, or give a default: ${{env:{name}:-…}}",
            )
    elif scheme not in _SCHEMES:
        yield error(leaf, f"nothing reads ${{{inside}}}", f"write ${{env:{inside}}} for a variable")


def _misspelled(whole: Located, environment: Mapping[str, str]) -> Iterator[Finding]:
    """
    A variable with a default may have been set under a name that is nearly its own.
    """
    used: dict[str, Located] = {}
    for leaf in leaves(whole):
        for found in _REFERENCE.finditer(leaf.text):
            scheme, name, default = _parts(found[1])
            if scheme == "env" and default is not None:
                used.setdefault(name, leaf)
    foreign = [name for name in environment if name not in used]
    for name, leaf in used.items():
        near = difflib.get_close_matches(name, foreign, n=1, cutoff=_SAME)
        if name not in environment and near:
            yield warning(
                leaf, f"{name} is unset, while {near[0]} is set and nothing reads it",
                f"set {name} if that was meant",
            )  # fmt: skip


def _parts(inside: str) -> tuple[str, str, str | None]:
    """
    Where a value is from, its name there, and what stands in for it.
    """
    scheme, colon, rest = inside.partition(":")
    if not colon:
        return "env", inside, None
    name, dash, default = rest.partition(":-")
    return scheme, name, default if dash else None


def _meant(name: str, environment: Mapping[str, str]) -> str:
    near = difflib.get_close_matches(name, environment, n=1, cutoff=0.8)
    return f" (did you mean {near[0]}?)" if near else ""
