"""This module checks the built wheel in an environment of its own, without any extra."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

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


@pytest.fixture(scope="module", name="python")
def _python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    _run([*pip, "wheel", "--no-deps", "--wheel-dir", str(folder), str(ROOT)])
    (wheel,) = folder.glob("*.whl")
    _run([sys.executable, "-m", "venv", "--without-pip", str(folder / "venv")])
    python = folder / "venv/bin/python"
    _run([*pip, "--python", str(python), "install", str(wheel)])
    return python


def _run(command: list[str], **variables: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=variables or None, cwd="/"
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
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert 2 == done.returncode
    assert "otel-confidence[server]" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.xdist_group("wheel")
def test_wheel_holds_the_runbooks(python: Path) -> None:
    """
    The runbooks that ``up`` serves are in the wheel, as they are in the documentation.
    """
    program = (
        "import importlib.resources as r; "
        "print(r.files('otel_confidence.generate').joinpath('runbooks.md').read_text(), end='')"
    )
    done = _run([str(python), "-c", program])

    assert (ROOT / "docs/runbooks.md").read_text() == done.stdout
