"""
This module checks ``otel-confidence generate`` where no more is installed than the pages say.
"""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.documents import DOCS, ROOT

from otel_confidence.cli.commands import cli
from otel_confidence.generate import files

_PROGRAM = """
import sys
for absent in ("grafana_foundation_sdk", "pytest", "_pytest"):
    sys.modules[absent] = None
from otel_confidence.cli import main
main()
"""
_SHOWN = re.compile(r"(?:^\$? ?|`)(otel-confidence generate(?: [^`\n#]+)?)", re.MULTILINE)


def shown() -> list[str]:
    """
    The commands of pages that say what to write.
    """
    pages = [ROOT / "README.md", *(page for page in DOCS if page.parent.name == "how-to")]
    found = {each.strip() for page in pages for each in _SHOWN.findall(page.read_text())}
    return sorted(found - {"otel-confidence generate"})


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """
    Run a command where the extra ``server`` alone is installed.
    """
    words = shlex.split(command)[1:]
    return subprocess.run(
        [sys.executable, "-c", _PROGRAM, *words],
        cwd=folder, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip


@pytest.fixture(name="clone")
def _clone(tmp_path: Path) -> Path:
    for name in ("collector", "grafana", "prometheus"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "otel-confidence.yaml", tmp_path)
    return tmp_path


def test_pages_show_the_commands_of_each_part() -> None:
    """
    What is run below are rules, their check, other runbooks, and manifests.
    """
    told = " ".join(shown())

    assert ["--check", "--objectives", "--runbooks", "kubernetes", "rules"] == [
        word
        for word in ("--check", "--objectives", "--runbooks", "kubernetes", "rules")
        if word in told
    ]


@pytest.mark.parametrize("command", shown())
def test_commands_of_pages_need_the_server_alone(command: str, clone: Path) -> None:
    """
    Each command that a page shows works in a clone where only the extra server is installed.
    """
    done = run(command, clone)

    assert 0 == done.returncode, done.stderr
    assert "" == done.stderr


def test_manifests_hold_the_dashboards_that_are_there(clone: Path) -> None:
    """
    Manifests repeat the dashboards of the folder to the byte, and none that lies beside them.
    """
    board = clone / "grafana/dashboards/otel-confidence-fleet.json"
    board.write_text('{"uid": "changed by hand"}\n')
    (board.parent / "My Own.json").write_text("{}")

    run("otel-confidence generate --only kubernetes", clone)

    made = clone / "kubernetes/generated"
    assert "changed by hand" in (made / "dashboard-fleet.yaml").read_text()
    assert 7 == len(list(made.glob("dashboard-*.yaml")))


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("otel-confidence generate --only dashboards", "'.[generate]' from a clone"),
        ("otel-confidence generate", "`--only rules`"),
    ],
    ids=["dashboards name their extra", "everything says what can be written without"],
)
@pytest.mark.skipif(sys.version_info < (3, 11), reason="3.11 is asked for first")
def test_dashboards_say_what_they_need(command: str, told: str, clone: Path) -> None:
    """
    Where the library of dashboards is missing, its extra is named and nothing is written.
    """
    done = run(command, clone)

    assert 1 == done.returncode
    assert told in done.stderr


def test_a_folder_without_a_dashboard_is_refused_by_its_name(clone: Path) -> None:
    """
    A dashboard that is missing is named, with what would write it.
    """
    (clone / "grafana/dashboards/otel-confidence-slo.json").unlink()

    done = run("otel-confidence generate --only kubernetes", clone)

    assert 1 == done.returncode
    assert "grafana/dashboards has no otel-confidence-slo.json: write it with" in done.stderr


@pytest.mark.parametrize(("part", "status"), [("kubernetes", 0), ("rules", 0), ("dashboards", 1)])
def test_an_older_python_writes_all_but_dashboards(
    part: str, status: int, clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Where Python is older than the library of dashboards needs, only these can't be written.
    """
    monkeypatch.setattr(files, "_OF_DASHBOARDS", (99, 0))
    monkeypatch.chdir(clone)
    done = CliRunner().invoke(cli, ["generate", "--only", part])

    assert status == done.exit_code, done.output
    assert ("needs Python 99.0 or later" in done.output) == bool(status)
