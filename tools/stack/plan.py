"""
This module decides how each service of the compose files runs natively, and lays out its files.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from tools.stack import addresses, compose, programs
from tools.stack.errors import StackError
from tools.stack.programs import Program
from tools.stack.rendering import Overrides, Translation, render
from tools.stack_tools import tools_folder

ROOT: Final = Path(__file__).parent.parent.parent
COMPOSE: Final = ROOT / "docker-compose.yml"
_OTLP_GRPC: Final = 4317
"""OpenTelemetry's registered port of gRPC."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """
    What a caller wants otherwise than the compose files say.
    """

    files: Sequence[Path] = (COMPOSE,)
    profiles: Sequence[str] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    """Of the compose files, over those of ``.env``."""
    environment: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """More variables for a service, over those of the compose files."""
    overrides: Mapping[str, Overrides] = field(default_factory=dict)
    """Settings of mounted files, by service."""
    flags: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Values of a command's flags, by service; see ``programs.flagged``."""
    secrets: Mapping[str, str] = field(default_factory=dict)
    """Contents, instead of those of the secrets' files."""
    stand_ins: bool = False
    """Recorders for Tempo and Loki and no Grafana, whatever is on PATH."""


@dataclass(frozen=True, slots=True)
class Start:
    """
    One process to start.
    """

    service: compose.Service
    program: Program
    command: tuple[str, ...]
    environment: Mapping[str, str]
    folder: Path
    """What was the container's ``/``."""
    working_folder: Path
    address: str
    health_url: str
    """What answers 2xx once it is ready; empty: that its ports can be connected to is enough."""
    check: tuple[str, ...]
    """The command that checks its configuration; empty where there is none."""

    @property
    def log(self) -> Path:
        """
        What it writes.
        """
        return self.folder.with_name(f"{self.folder.name}.log")

    @property
    def records(self) -> Path:
        """
        Where the recorder in its place keeps what arrives.
        """
        return self.folder / "recorded"


@dataclass(frozen=True, slots=True)
class Plan:
    """
    Everything that is to be started, in order, and what is left out.
    """

    starts: Mapping[str, Start]
    absent: Mapping[str, str]
    """What is left out, and why."""
    addresses: addresses.Addresses


def make(folder: Path, wishes: Wishes) -> Plan:
    """
    Choose programs and addresses, and write every file into the folder.

    Raises:
        StackError: something in the files is wrong, or a program that nothing stands in for is
            missing.
    """
    composition = compose.read(list(wishes.files), wishes.variables, wishes.profiles)
    services = composition.services.items()
    found = {name: programs.find(each, stand_ins=wishes.stand_ins) for name, each in services}
    absent = {name: each.why for name, each in found.items() if each.standing == "absent"}
    _require(composition, list(absent))
    running = [each for name, each in services if name not in absent]
    chosen = addresses.choose(running)
    try:
        return Plan(_starts(folder, wishes, composition, found, chosen), absent, chosen)
    except BaseException:
        chosen.release()
        raise


def _require(composition: compose.Composition, absent: Sequence[str]) -> None:
    required = [n for n in absent if composition.services[n].image in programs.BUILT]
    if required:
        raise StackError(
            f"no program for {', '.join(required)}: 'make stack-tools' builds them, in "
            f"{tools_folder()}"
        )


def _starts(
    folder: Path,
    wishes: Wishes,
    composition: compose.Composition,
    found: Mapping[str, Program],
    chosen: addresses.Addresses,
) -> dict[str, Start]:
    published = {
        port.published: f"{chosen[name]}:{port.number}"
        for name, service in composition.services.items()
        if name in chosen.by_service
        for port in service.ports
        if port.published is not None
    }
    absent = [name for name in composition.services if name not in chosen.by_service]
    starts = {}
    for name in _in_order(composition.services, chosen.by_service):
        service = composition.services[name]
        translation = Translation(service, folder / name, chosen.by_service, published)
        translation.folder.mkdir(parents=True, exist_ok=True)
        render(
            translation,
            secrets=_secrets(service, composition, wishes.secrets),
            absent=absent,
            overrides=wishes.overrides.get(name, {}),
            settings=programs.settings(service, found[name]),
        )
        starts[name] = _start(translation, found[name], wishes)
    return starts


def _in_order(services: Mapping[str, compose.Service], present: Mapping[str, str]) -> list[str]:
    """
    Names of services, each after those that it waits for.
    """
    ordered: list[str] = []

    def add(name: str) -> None:
        if name in present and name not in ordered:
            for before in services[name].after:
                add(before)
            ordered.append(name)

    for name in services:
        add(name)
    return ordered


def _secrets(
    service: compose.Service, composition: compose.Composition, given: Mapping[str, str]
) -> dict[str, str]:
    contents = {}
    for name in service.secrets:
        path = composition.secret_files[name]
        if name not in given and not path.is_file():
            raise StackError(
                f"service {service.name} needs the secret {name}: write it into {path}"
            )
        contents[name] = given[name] if name in given else path.read_text()
    return contents


def _start(translation: Translation, program: Program, wishes: Wishes) -> Start:
    service, address = translation.service, translation.addresses[translation.service.name]
    environment = _environment(translation, wishes.environment.get(service.name, {}))
    check: list[str] = []
    if program.standing == "recorder":
        command = _recording(translation, address)
    else:
        words = programs.command(service, program)
        words = programs.flagged(service.name, words, wishes.flags.get(service.name, {}))
        command = [translation(word) for word in words]
        check = [translation(word) for word in programs.check(service, program)]
    return Start(
        service=service,
        program=program,
        command=tuple(command),
        environment=environment,
        folder=translation.folder,
        working_folder=translation.folder if service.image else ROOT,
        address=address,
        health_url=translation(service.health_url),
        check=tuple(check),
    )


def _environment(translation: Translation, more: Mapping[str, str]) -> dict[str, str]:
    """
    What a service sees: as in a container, nothing of ours but where programs are.
    """
    kind = programs.KINDS.get(translation.service.image)
    described = {
        **((kind.environment if kind else None) or {}),
        **translation.service.environment,
    }
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(translation.folder),
        **{name: translation(value) for name, value in described.items()},
        **more,
    }


def _recording(translation: Translation, address: str) -> list[str]:
    service = translation.service
    command = [sys.executable, "-m", "tools.stack.recorder"]
    command += ["--folder", str(translation.folder / "recorded")]
    by_grpc = _grpc_ports(translation)
    for port in service.tcp_ports:
        command += ["--grpc" if port in by_grpc else "--http", f"{address}:{port}"]
    return command


def _grpc_ports(translation: Translation) -> set[int]:
    """
    The ports at which a service's own configuration has OTLP by gRPC.
    """
    files = [
        f for m in translation.service.mounts for f in translation.path(m.target).rglob("*.y*ml")
    ]
    found = {
        int(str(value).rpartition(":")[2])
        for file in files
        for keys, value in leaves(yaml.safe_load(file.read_text()))
        if keys[-2:] == ("grpc", "endpoint")
    }
    return found | {_OTLP_GRPC}


def leaves(value: Any, *keys: str) -> list[tuple[tuple[str, ...], Any]]:
    """
    Every value of nested mappings and lists, with the keys that lead to it.
    """
    if isinstance(value, dict):
        return [each for key, below in value.items() for each in leaves(below, *keys, str(key))]
    if isinstance(value, list):
        return [each for below in value for each in leaves(below, *keys)]
    return [(keys, value)]
