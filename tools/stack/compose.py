"""
This module reads compose files: services with their commands, mounts, ports and environment.

It knows what this project's files use of the compose specification and refuses the rest, so that
nothing in them is silently left out.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from tools.stack.errors import StackError

_VARIABLE: Final = re.compile(r"\$(?:(\$)|(\w+)|\{(\w+)(?:(:?[-?])([^}]*))?\})")
_VOLUME: Final = re.compile(r"[A-Za-z0-9][\w.-]*")
_HEALTH_URL: Final = re.compile(r"https?://localhost:\d+[^\s'\")]*")
_FOLLOWED: Final = frozenset(
    {"image", "build", "entrypoint", "command", "environment", "volumes", "secrets", "ports",
     "expose", "healthcheck", "depends_on", "profiles"}
)  # fmt: skip
_CONTAINERS_ONLY: Final = frozenset(
    {"restart", "security_opt", "cap_drop", "logging", "mem_limit", "user", "read_only", "tmpfs",
     "ulimits", "init", "stop_grace_period", "working_dir"}
)  # fmt: skip
"""What bounds a container and has no meaning for a program started natively."""
_REPLACED: Final = frozenset({"command", "entrypoint", "test"})
"""Lists that a later file replaces; all others it extends."""


@dataclass(frozen=True, slots=True)
class Mount:
    """
    A path that a service sees.
    """

    target: str
    source: Path | None
    """The file or folder behind it; None: a volume, empty at first."""


@dataclass(frozen=True, slots=True)
class Port:
    """
    A port that a service offers.
    """

    number: int
    protocol: str
    published: int | None = None
    """The port of the host that leads to it."""


@dataclass(frozen=True, slots=True)
class Service:
    """
    One service as the compose files describe it.
    """

    name: str
    image: str
    """Without its tag; empty where it is built."""
    version: str
    entrypoint: tuple[str, ...]
    """What the container starts instead of its image's own; empty where that is kept."""
    command: tuple[str, ...]
    environment: Mapping[str, str]
    mounts: tuple[Mount, ...]
    secrets: tuple[str, ...]
    ports: tuple[Port, ...]
    health_url: str
    """What its health check asks, with ``localhost`` for itself; empty where it asks nothing."""
    after: Mapping[str, str]
    """The services it waits for, each with the condition."""
    profiles: tuple[str, ...]

    @property
    def tcp_ports(self) -> tuple[int, ...]:
        """
        The ports that can be connected to.
        """
        return tuple(port.number for port in self.ports if port.protocol == "tcp")


@dataclass(frozen=True, slots=True)
class Composition:
    """
    All services that are to run, by name, and where secrets are kept.
    """

    services: Mapping[str, Service]
    secret_files: Mapping[str, Path]


def read(
    files: Sequence[Path], environment: Mapping[str, str], profiles: Sequence[str] = ()
) -> Composition:
    """
    Read compose files, later ones over earlier ones, with the variables of ``.env`` beside them.

    Variables of ``environment`` come first, as in Docker Compose; a variable without any value is
    an error here instead of an empty text.

    Raises:
        StackError: a file says something that this reader does not know, or lacks a variable.
    """
    root = files[0].parent
    given = {**variables(root / ".env"), **environment}
    merged: dict[str, Any] = {}
    for path in files:
        merged = _merged(merged, _interpolated(yaml.safe_load(path.read_text()), given, path))
    services = {
        name: _service(name, described, root)
        for name, described in merged["services"].items()
        if _wanted(described, profiles)
    }
    secrets = {name: root / each["file"] for name, each in merged.get("secrets", {}).items()}
    return Composition(services, secrets)


def variables(path: Path) -> dict[str, str]:
    """
    What a file like ``.env`` sets; nothing where there is none.
    """
    if not path.exists():
        return {}
    lines = [line.strip() for line in path.read_text().splitlines()]
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def _wanted(described: Mapping[str, Any], profiles: Sequence[str]) -> bool:
    own = described.get("profiles", [])
    return not own or not set(own).isdisjoint(profiles)


def _interpolated(value: Any, variables: Mapping[str, str], path: Path) -> Any:
    """
    A copy with every variable replaced by its value.
    """
    if isinstance(value, dict):
        return {key: _interpolated(below, variables, path) for key, below in value.items()}
    if isinstance(value, list):
        return [_interpolated(below, variables, path) for below in value]
    if not isinstance(value, str):
        return value

    def put(found: re.Match[str]) -> str:
        escaped, plain, braced, operator, rest = found.groups()
        name = plain or braced
        if escaped:
            return "$"
        if name in variables and (variables[name] or not (operator or "").startswith(":")):
            return variables[name]
        if operator in {"-", ":-"}:
            return str(rest)
        hint = rest or f"give it a value in {path.parent / '.env'} or in the environment"
        raise StackError(f"{path.name} uses the variable {name}, which has no value: {hint}")

    return _VARIABLE.sub(put, value)


def _merged(base: Any, over: Any, key: str = "") -> Any:
    """
    Two files as one: mappings are merged, lists extended, everything else replaced.
    """
    if isinstance(base, dict) and isinstance(over, dict):
        return {
            name: _merged(base[name], over[name], name)
            if name in base and name in over
            else over.get(name, base.get(name))
            for name in [*base, *(n for n in over if n not in base)]
        }
    if isinstance(base, list) and isinstance(over, list) and key not in _REPLACED:
        return [*base, *(each for each in over if each not in base)]
    return over


def _service(name: str, described: Mapping[str, Any], root: Path) -> Service:
    unknown = {k for k in described if not k.startswith("x-")} - _FOLLOWED - _CONTAINERS_ONLY
    if unknown:
        raise StackError(
            f"service {name} uses {', '.join(sorted(unknown))}, which tools/stack does not know: "
            "teach tools/stack/compose.py what it means outside of a container"
        )
    image, _, version = described.get("image", "").partition(":")
    return Service(
        name=name,
        image=image,
        version=version.removeprefix("v"),
        entrypoint=tuple(described.get("entrypoint", [])),
        command=tuple(str(each) for each in described.get("command", [])),
        environment={k: str(v) for k, v in described.get("environment", {}).items()},
        mounts=tuple(_mount(each, root) for each in described.get("volumes", [])),
        secrets=tuple(described.get("secrets", [])),
        ports=_ports(described),
        health_url=_health_url(described),
        after=_after(described.get("depends_on", {})),
        profiles=tuple(described.get("profiles", [])),
    )


def _mount(described: Any, root: Path) -> Mount:
    source, *rest = described.split(":") if isinstance(described, str) else [""]
    if not rest and source.startswith("/"):
        return Mount(source, None)  # a volume without a name
    if rest and source.startswith((".", "/", "~")):
        return Mount(rest[0], root / Path(source).expanduser())
    if rest and _VOLUME.fullmatch(source):
        return Mount(rest[0], None)
    raise StackError(
        f"{described!r} is no mount that tools/stack knows: write SOURCE:TARGET, with a volume's "
        "name or a path that begins with ./, / or ~ as its source"
    )


def _ports(described: Mapping[str, Any]) -> tuple[Port, ...]:
    found = []
    for text in described.get("ports", []):
        numbers, _, protocol = text.partition("/")
        *_, published, inside = numbers.split(":")
        found.append(Port(int(inside), protocol or "tcp", int(published)))
    return (*found, *(Port(int(each), "tcp") for each in described.get("expose", [])))


def _health_url(described: Mapping[str, Any]) -> str:
    test = " ".join(described.get("healthcheck", {}).get("test", []))
    found = _HEALTH_URL.search(test)
    return found[0] if found else ""


def _after(described: Any) -> dict[str, str]:
    if isinstance(described, list):
        return dict.fromkeys(described, "service_started")
    return {name: each["condition"] for name, each in described.items()}
