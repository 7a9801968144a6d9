"""
This module builds the services that tests compare with, from their Go modules, once per version.

Run ``python tools/stack_tools.py`` for all of them or name some. Binaries land in
``$OTEL_CONFIDENCE_TOOLS`` (``~/.cache/otel-confidence/tools`` when unset) as ``<tool>-<version>``;
what is there already is not built again. A Collector has its manifest's digest beside it, in
``<tool>-<version>.manifest``, and is built again for another one. The last line printed is that
folder.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
FOLDER_VARIABLE = "OTEL_CONFIDENCE_TOOLS"
COMMON_VERSION = "github.com/prometheus/common/version.Version"


@dataclass(frozen=True, slots=True)
class Service:
    """
    One Go module and the commands to build from it.
    """

    name: str
    version: str
    """The version as its makers announce it, part of the binaries' names."""
    module: str
    module_version: str
    commands: tuple[str, ...]
    """Package paths below the module, each one a binary named by its last part."""
    tags: str = "netgo"
    manifest: Path | None = None
    """What the OpenTelemetry Collector's builder, then the module, puts together."""
    source: Path | None = None
    """A program of this repository over the module's packages, in place of the module's own."""

    def binaries(self, folder: Path) -> list[Path]:
        """
        Where this service's binaries are, or will be; one of our own is built anew when it changes.
        """
        version = f"{self.version}-{_digest(self.source)}" if self.source else self.version
        return [folder / f"{Path(command).name}-{version}" for command in self.commands]

    def digest(self) -> str:
        """
        What the binaries depend on besides the version: their manifest's content, if they have one.
        """
        return _digest(self.manifest) if self.manifest else ""


SERVICES = (
    Service(
        name="prometheus",
        version="3.9.1",
        module="github.com/prometheus/prometheus",
        module_version="v0.309.1",  # from v0.310.0 on it needs a module that is not public
        commands=("cmd/prometheus", "cmd/promtool"),
        tags="netgo,remove_all_sd",
    ),
    Service(
        name="ruler",
        version="3.9.1",
        module="github.com/prometheus/prometheus",
        module_version="v0.309.1",
        commands=("ruler",),
        tags="netgo,remove_all_sd",
        source=Path("tests", "campaigns", "ruler", "main.go"),
    ),
    Service(
        name="alertmanager",
        version="0.31.1",  # from 0.32 on its web page is not part of the module
        module="github.com/prometheus/alertmanager",
        module_version="v0.31.1",
        commands=("cmd/alertmanager", "cmd/amtool"),
    ),
    Service(
        name="collector",
        version="0.159.0",
        module="go.opentelemetry.io/collector/cmd/builder",
        module_version="v0.159.0",
        commands=("otelcol-confidence",),
        manifest=Path("collector", "builder.yaml"),
    ),
)


def tools_folder() -> Path:
    """
    The folder that holds the binaries.
    """
    given = os.environ.get(FOLDER_VARIABLE)
    return Path(given) if given else Path.home() / ".cache" / "otel-confidence" / "tools"


def place(name: str, version: str) -> Path:
    """
    Where a program of some version is, if it was built.
    """
    return tools_folder() / f"{name}-{version}"


def binary(name: str) -> Path:
    """
    Where a program is, if it was built, by its own name such as ``promtool``.
    """
    return next(
        path
        for service in SERVICES
        for command, path in zip(service.commands, service.binaries(tools_folder()), strict=True)
        if Path(command).name == name
    )


def build(service: Service, folder: Path) -> None:
    """
    Build a service's commands in a module of their own and move them into place when whole.
    """
    workshop = Path(tempfile.mkdtemp(prefix=f"{service.name}-", dir=folder))
    try:
        if service.manifest:
            _assemble(workshop, service, ROOT / service.manifest, *service.binaries(folder))
            return
        _go(workshop, "mod", "init", "stack-tools")
        _go(workshop, "mod", "edit", f"-require={service.module}@{service.module_version}")
        if service.source:
            shutil.copy(ROOT / service.source, workshop)
        for command, target in zip(service.commands, service.binaries(folder), strict=True):
            _go(
                workshop,
                "build",
                "-mod=mod",
                "-trimpath",
                f"-tags={service.tags}",
                f"-ldflags=-s -w -X {COMMON_VERSION}={service.version}",
                "-o",
                str(workshop / target.name),
                "." if service.source else f"{service.module}/{command}",
            )
            (workshop / target.name).replace(target)
    finally:
        shutil.rmtree(workshop)


def _digest(source: Path) -> str:
    return hashlib.sha256((ROOT / source).read_bytes()).hexdigest()[:8]


def _assemble(workshop: Path, service: Service, manifest: Path, target: Path) -> None:
    """
    Build a Collector of a manifest's components; the manifest puts it below the working folder.
    """
    _go(workshop, "install", f"{service.module}@{service.module_version}", GOBIN=str(workshop))
    (workshop / "build").mkdir()  # the builder makes the last folder of its path and no other
    # It leaves an empty folder among the temporary ones, which so goes with the workshop.
    _run([str(workshop / "builder"), "--config", str(manifest)], workshop, TMPDIR=str(workshop))
    (workshop / "build/collector" / target.name.removesuffix(f"-{service.version}")).replace(target)
    note(target).write_text(f"{service.digest()}\n")


def note(binary: Path) -> Path:
    """
    Where the digest of a binary's manifest stands.
    """
    return binary.with_name(f"{binary.name}.manifest")


def current(service: Service, binary: Path) -> bool:
    """
    Whether a binary is there, and built by the manifest as it is now.
    """
    if not binary.exists() or service.manifest is None:
        return binary.exists()
    told = note(binary)
    return told.exists() and told.read_text().strip() == service.digest()


def ensure(service: Service, folder: Path) -> None:
    """
    Build a service unless all its binaries are there, saying what is done and how long it took.
    """
    if all(current(service, path) for path in service.binaries(folder)):
        _say(f"{service.name} {service.version}: there already")
        return
    _say(f"{service.name} {service.version}: building, five to ten minutes on two cores ...")
    started = time.monotonic()
    build(service, folder)
    _say(f"{service.name} {service.version}: built in {time.monotonic() - started:.0f} s")


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Build the named services, or all, and print the folder.
    """
    parser = argparse.ArgumentParser(description="Build the services that tests compare with.")
    known = {service.name: service for service in SERVICES}
    parser.add_argument("names", nargs="*", choices=[*known, []], default=[], metavar="service")
    chosen = parser.parse_args(arguments).names or list(known)
    if shutil.which("go") is None:
        _say("go is not on the PATH: install Go 1.25 or later to build these tools")
        return 1
    folder = tools_folder()
    folder.mkdir(parents=True, exist_ok=True)
    for name in chosen:
        ensure(known[name], folder)
    _say(str(folder))
    return 0


def _go(folder: Path, *arguments: str, **variables: str) -> None:
    _run(["go", *arguments], folder, **variables)


def _run(command: list[str], folder: Path, **variables: str) -> None:
    environment = {**os.environ, "CGO_ENABLED": "0", **variables}
    subprocess.run(["nice", "-n", "15", *command], cwd=folder, env=environment, check=True)  # noqa: S603, S607  our own words


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
