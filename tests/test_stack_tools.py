"""
This module checks which of the stack's programs are built again.
"""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.programs import VERSIONS
from tools import stack_tools

COLLECTOR, PROMETHEUS, ALERTMANAGER = (
    next(each for each in stack_tools.SERVICES if each.name == name)
    for name in ("collector", "prometheus", "alertmanager")
)


@pytest.fixture(name="folder")
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """
    A folder of programs, with a manifest of the Collector below it and nothing built.
    """
    (tmp_path / "builder.yaml").write_text("dist: {}\n")
    monkeypatch.setattr(stack_tools, "ROOT", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("prometheus", "PROMETHEUS_VERSION"),
        ("alertmanager", "ALERTMANAGER_VERSION"),
        ("collector", "OTELCOL_VERSION"),
    ],
)
def test_what_is_built_is_what_the_images_hold(name: str, variable: str) -> None:
    """
    A program is built in the version of the image that .env names.
    """
    (service,) = [each for each in stack_tools.SERVICES if each.name == name]

    assert VERSIONS[variable].removeprefix("v") == service.version


def test_programs_are_found_by_their_own_names() -> None:
    """
    Each program of a service is in the folder of the tools, under its name and version.
    """
    found = {name: stack_tools.binary(name) for name in ("promtool", "amtool")}

    assert found == {
        "promtool": stack_tools.place("promtool", PROMETHEUS.version),
        "amtool": stack_tools.place("amtool", ALERTMANAGER.version),
    }


def built(service: stack_tools.Service, folder: Path) -> Path:
    """
    A program as building leaves it, with what it was built by.
    """
    (binary, *_) = service.binaries(folder)
    binary.write_text("")
    if service.manifest:
        stack_tools.note(binary).write_text(f"{service.digest()}\n")
    return binary


def test_a_collector_is_built_again_for_another_manifest(folder: Path) -> None:
    """
    A Collector is current for the manifest it was built by, whatever its version.
    """
    service = replace(COLLECTOR, manifest=Path("builder.yaml"))
    absent = stack_tools.current(service, service.binaries(folder)[0])
    binary = built(service, folder)
    same = stack_tools.current(service, binary)
    (folder / "builder.yaml").write_text("dist: {name: another}\n")

    assert (False, True, False) == (absent, same, stack_tools.current(service, binary))


def test_a_collector_of_an_unknown_manifest_is_built_again(folder: Path) -> None:
    """
    A Collector without a note of its manifest is not taken for the right one.
    """
    service = replace(COLLECTOR, manifest=Path("builder.yaml"))
    binary = built(service, folder)
    stack_tools.note(binary).unlink()

    assert not stack_tools.current(service, binary)


def test_a_program_without_manifest_is_known_by_its_version(folder: Path) -> None:
    """
    Other programs are current once they are there.
    """
    binary = built(PROMETHEUS, folder)

    assert stack_tools.current(PROMETHEUS, binary)
    assert "" == PROMETHEUS.digest()
