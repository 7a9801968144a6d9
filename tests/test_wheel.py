"""
This module checks the built wheel in an environment of its own, without any extra.

Nothing is fetched: what the wheel says that it needs is linked from this environment.
"""

import json
import os
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Iterable
from importlib.metadata import Distribution, PathDistribution
from pathlib import Path
from zipfile import Path as ZipPath

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
PROGRAM = """
import json
import otel_confidence as oc

@oc.track_confidence(model="m", confidence="proba.max", label="label")
def classify():
    return {"proba": [0.25, 0.75], "label": 1}

oc.configure(service_name="wheel")
answer = classify()
oc.record_outcome(oc.last_receipt(), label=1)
with oc.prediction(model="m") as p:
    p.set(confidence=0.5, label=0)
print(json.dumps({"answer": answer, "file": oc.__file__}))
"""


PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]


@pytest.fixture(scope="module", name="wheel")
def _wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = ["wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder)]
    _run([*PIP, *build, str(ROOT)])
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module", name="python")
def _python(wheel: Path) -> Path:
    folder = wheel.parent / "venv"
    _run([sys.executable, "-m", "venv", "--without-pip", str(folder)])
    python = folder / "bin/python"
    _run([*PIP, "--python", str(python), "install", "--no-deps", "--no-index", str(wheel)])
    site = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    for needed in _needed(_inside(wheel), set()):
        _link(needed, site)
    return python


def _inside(wheel: Path) -> Distribution:
    (about,) = (each for each in ZipPath(wheel).iterdir() if each.name.endswith(".dist-info"))
    return PathDistribution(about)


def _needed(distribution: Distribution, known: set[str]) -> Iterable[Distribution]:
    """What a distribution needs without any extra, and what that needs."""
    for text in distribution.requires or ():
        requirement = Requirement(text)
        wanted = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        if wanted and requirement.name not in known:
            known.add(requirement.name)
            found = Distribution.from_name(requirement.name)
            yield found
            yield from _needed(found, known)


def _link(distribution: Distribution, site: Path) -> None:
    """Have the files of a distribution in an environment too; its commands are left out."""
    for file in distribution.files or ():
        if ".." not in file.parts and "__pycache__" not in file.parts:
            place = site / file
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(Path(str(distribution.locate_file(file))).absolute())


def _own() -> dict[str, str]:
    """This environment's variables, without those by which Python finds other packages."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


def _run(command: list[str], **variables: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=_own() | variables, cwd="/"
    )
    assert done.returncode == 0, done.stderr
    return done


@pytest.mark.xdist_group("wheel")
def test_wheel_records_without_extras(python: Path) -> None:
    """
    The wheel alone imports, configures, tracks and records, and is not the checkout.
    """
    done = _run([str(python), "-W", "error", "-c", PROGRAM], OTEL_SDK_DISABLED="false",
                OTEL_METRICS_EXPORTER="none", OTEL_TRACES_EXPORTER="none",
                OTEL_LOGS_EXPORTER="none")  # fmt: skip
    told = json.loads(done.stdout)

    assert {"proba": [0.25, 0.75], "label": 1} == told["answer"]
    assert str(ROOT) not in told["file"]


@pytest.mark.xdist_group("wheel")
def test_command_without_the_server_extra_names_it(python: Path) -> None:
    """
    ``otel-confidence up`` without its libraries says which extra to install.
    """
    command = [str(python.parent / "otel-confidence"), "up"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=_own())

    assert 2 == done.returncode
    assert "otel-confidence[server]" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.xdist_group("wheel")
def test_a_client_of_prometheus_without_the_extra_names_it(python: Path) -> None:
    """
    What the documentation imports from the other half says which extra it needs.
    """
    program = (
        "from otel_confidence import ConfigurationError\n"
        "try: from otel_confidence.query.prometheus import PrometheusClient\n"
        "except ConfigurationError as error: print(error)"
    )
    done = _run([str(python), "-c", program])

    assert "'httpx'" in done.stdout
    assert "pip install 'otel-confidence[server]'" in done.stdout


@pytest.mark.xdist_group("wheel")
def test_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    """
    Each file of the package is in the wheel, templates and styles too, and no test is.
    """
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    package = ROOT / "src"
    expected = {
        str(path.relative_to(package))
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }

    assert expected == names


@pytest.mark.xdist_group("wheel")
def test_wheel_holds_the_runbooks(python: Path) -> None:
    """
    The runbooks that ``up`` serves are in the wheel, as they are in the documentation.
    """
    # Its room cannot be imported without the extra.
    program = (
        "import importlib.resources as r; "
        "print(r.files('otel_confidence').joinpath('generate/runbooks.md').read_text(), end='')"
    )
    done = _run([str(python), "-c", program])

    assert (ROOT / "docs/runbooks.md").read_text() == done.stdout
