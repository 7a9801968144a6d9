"""
This module finds the program of a service on this host, or what stands in for it.
"""

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from tools import stack_tools
from tools.stack.compose import Service
from tools.stack.errors import StackError

Standing = Literal["program", "recorder", "absent"]


@dataclass(frozen=True, slots=True)
class Kind:
    """
    What one image holds, as far as starting it natively goes.
    """

    names: tuple[str, ...]
    """Its program, under every name that it has."""
    instead: Standing = "absent"
    """What stands in for it where there is none."""
    arguments: tuple[str, ...] = ()
    """What the image's entry point puts before the command."""
    environment: Mapping[str, str] | None = None
    """What the image sets."""
    settings: Mapping[str, Mapping[str, Any]] | None = None
    """By container path of a file, what it has to say natively, as it stands; see ``render``."""
    check: tuple[str, ...] = ()
    """A command that reads its configuration and says what is wrong, with ``{config}`` for it."""


KINDS: Final[Mapping[str, Kind]] = {
    "otel/opentelemetry-collector-contrib": Kind(
        ("otelcol-confidence", "otelcol-contrib"), check=("{program}", "validate", "{flags}")
    ),
    "prom/prometheus": Kind(("prometheus",), check=("promtool", "check", "config", "{config}")),
    "prom/alertmanager": Kind(("alertmanager",), check=("amtool", "check-config", "{config}")),
    "grafana/tempo": Kind(
        ("tempo",),
        instead="recorder",
        # In one process it looks for its own parts at 127.0.0.1, whatever its file says.
        settings={"/etc/tempo/tempo.yaml": {"server.grpc_listen_address": "127.0.0.1"}},
        check=("{program}", "-config.verify=true", "{flags}"),
    ),
    "grafana/loki": Kind(
        ("loki",), instead="recorder", check=("{program}", "-verify-config", "{flags}")
    ),
    "grafana/grafana": Kind(
        ("grafana",),
        arguments=("server", "--homepath={home}"),
        environment={
            "GF_PATHS_DATA": "/var/lib/grafana",
            "GF_PATHS_LOGS": "/var/lib/grafana/log",
            "GF_PATHS_PLUGINS": "/var/lib/grafana/plugins",
            "GF_PATHS_PROVISIONING": "/etc/grafana/provisioning",
        },
    ),
}
"""By image. Any other is absent; a service that is built here runs in this very environment."""
BUILT: Final = {
    "otel/opentelemetry-collector-contrib", "prom/prometheus", "prom/alertmanager",
}  # fmt: skip
"""What ``make stack-tools`` builds; without it there is no stack."""


@dataclass(frozen=True, slots=True)
class Program:
    """
    How a service is represented.
    """

    standing: Standing
    path: str = ""
    """The program; empty unless ``standing`` says that it is one."""
    why: str = ""
    """Why the service has no program of its own; empty where it has."""


def find(service: Service, *, stand_ins: bool = False) -> Program:
    """
    The service's program: what ``make stack-tools`` built, else what is on PATH, else a stand-in.

    With ``stand_ins`` what is not built has none, whatever is on PATH.
    """
    if service.entrypoint or (service.image and service.image not in KINDS):
        return Program("absent", why="it runs in its container only")
    if not service.image:
        return Program("program", sys.executable)
    kind = KINDS[service.image]
    if stand_ins and service.image not in BUILT:
        return Program(kind.instead, why=f"{' and '.join(kind.names)} is not looked for")
    for name in kind.names:
        if path := tool(name, service.version):
            return Program("program", path)
    return Program(kind.instead, why=f"{' and '.join(kind.names)} not on PATH")


def tool(name: str, version: str) -> str:
    """
    A program by name: the built one of that version, else any on PATH, else an empty text.
    """
    built = stack_tools.place(name, version)
    return str(built) if os.access(built, os.X_OK) else shutil.which(name) or ""


def command(service: Service, program: Program) -> list[str]:
    """
    The whole command, container paths still in it.
    """
    if not service.image:
        return [program.path, *service.command[1:]]
    first = [word.format(home=_home(program.path)) for word in KINDS[service.image].arguments]
    return [program.path, *first, *service.command]


def flagged(service: str, words: Sequence[str], flags: Mapping[str, str]) -> list[str]:
    """
    A service's command with other values of flags, by their names.

    A flag must be there, so that one that was renamed or left out is noticed; a ``+`` before its
    name allows it to be new.

    Raises:
        StackError: the command has no such flag.
    """
    changed = list(words)
    for name, value in flags.items():
        flag = f"{name.removeprefix('+')}="
        places = [n for n, word in enumerate(changed) if word.startswith(flag)]
        if not places and not name.startswith("+"):
            raise StackError(f"the command of {service} has no flag {name} to override")
        for place in places or [len(changed)]:
            changed[place : place + 1] = [f"{flag}{value}"]
    return changed


def settings(service: Service, program: Program) -> Mapping[str, Mapping[str, Any]]:
    """
    What a service's files have to say natively, where its own program runs.
    """
    kind = KINDS.get(service.image)
    return (kind.settings if kind and program.standing == "program" else None) or {}


def _home(path: str) -> Path:
    """
    The folder that a program was installed into: as an archive, or by a Debian package.
    """
    unpacked = Path(path).resolve().parent.parent
    return unpacked if (unpacked / "public").is_dir() else Path("/usr/share/grafana")


def check(service: Service, program: Program) -> list[str]:
    """
    The command that checks its configuration, container paths still in it; empty where none does.
    """
    words = KINDS[service.image].check if service.image in KINDS else ()
    if not words or program.standing != "program":
        return []
    flags = [each for each in service.command if each.startswith(("--config", "-config."))]
    first = program.path if words[0] == "{program}" else tool(words[0], service.version)
    rest = [w for w in words[1:] if w != "{flags}"]
    config = flags[0].partition("=")[2] if flags else ""
    tail = flags if "{flags}" in words else []
    return [first, *(w.format(config=config) for w in rest), *tail] if first else []
