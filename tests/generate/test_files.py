"""
This module checks that the committed files are those that the code generates.
"""

import sys
from pathlib import Path

import pytest
import yaml

from otel_confidence.generate import write
from otel_confidence.generate.__main__ import main
from otel_confidence.generate.rules import Links

ROOT = Path(__file__).parent.parent.parent
RULES = Path("prometheus", "rules", "otel_confidence.yml")
RUNBOOKS = Path("prometheus", "pages", "runbooks.html")
SIGNALS = Path("docs", "reference", "signals.md")
API = Path("docs", "reference", "api.md")
BOARDS = [
    Path("grafana", "dashboards", f"otel-confidence-{name}.json")
    for name in ("fleet", "model", "calibration", "drift", "slo", "feedback", "health")
]

pytestmark = pytest.mark.skipif(
    sys.version_info < (3, 11), reason="grafana-foundation-sdk needs Python 3.11"
)


def test_committed_files_are_up_to_date() -> None:
    """
    Rules and dashboards in the repository equal what the code generates.
    """
    differing = write(ROOT, check=True)

    assert [] == differing, "mend it with: python -m otel_confidence.generate --write"


def test_writing_creates_every_file_and_then_nothing(tmp_path: Path) -> None:
    """
    The first writing creates rules and dashboards, the second finds nothing to do.
    """
    first = write(tmp_path, check=False)
    second = write(tmp_path, check=False)

    assert [tmp_path / name for name in (RULES, RUNBOOKS, *BOARDS, SIGNALS, API)] == first
    assert [] == second
    assert yaml.safe_load((tmp_path / RULES).read_text())["groups"]


def test_checking_writes_nothing(tmp_path: Path) -> None:
    """
    A check names what is missing and leaves the folder as it was.
    """
    differing = write(tmp_path, check=True)

    assert [tmp_path / name for name in (RULES, RUNBOOKS, *BOARDS, SIGNALS, API)] == differing
    assert [] == list(tmp_path.iterdir())


def test_command_checks_and_mends(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """
    The command fails while something differs, says what mends it, and passes once that was done.
    """
    write(tmp_path, check=False)
    (tmp_path / RULES).write_text("groups: []\n")

    assert 1 == main(["--check", "--out", str(tmp_path)])
    assert "mend it with: python -m otel_confidence.generate --write" in capsys.readouterr().out
    assert 0 == main(["--write", "--out", str(tmp_path)])
    assert 0 == main(["--check", "--out", str(tmp_path)])


def test_runbooks_are_written_where_links_lead_to_them(tmp_path: Path) -> None:
    """
    Their page comes with the rules, unless a deployment has its own.
    """
    write(tmp_path, check=False, parts=("rules",), links=Links("https://wiki.example/runbooks"))
    without = (tmp_path / RUNBOOKS).exists()
    write(tmp_path, check=False, parts=("rules",))

    assert (False, True) == (without, (tmp_path / RUNBOOKS).exists())


def test_header_names_the_command(tmp_path: Path) -> None:
    """
    A reader of a generated file learns what writes it.
    """
    write(tmp_path, check=False)

    for path in (RULES, RUNBOOKS, *BOARDS, SIGNALS, API):
        assert "python -m otel_confidence.generate --write" in (tmp_path / path).read_text()


def test_objectives_are_written_beside_the_other_rules(tmp_path: Path) -> None:
    """
    The file of objectives in the folder is read, and its rules differ as soon as it changes.
    """
    promises = tmp_path / "otel-confidence.yaml"
    promises.write_text("objectives:\n  - {name: n, kind: accuracy, target: 0.9}\n")
    slos = tmp_path / "prometheus" / "rules" / "otel_confidence_slos.yml"

    assert 0 == main(["--write", "--out", str(tmp_path)])
    assert "change otel-confidence.yaml instead" in slos.read_text().splitlines()[0]
    assert 0 == main(["--check", "--out", str(tmp_path)])
    promises.write_text("objectives:\n  - {name: n, kind: accuracy, target: 0.8}\n")
    assert 1 == main(["--check", "--out", str(tmp_path)])


def test_wrong_objectives_are_explained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """
    What is wrong with the file of objectives goes to standard error, and the status is 2.
    """
    promises = tmp_path / "o.yaml"
    promises.write_text("objectives:\n  - {name: n, kind: accuracy, target: 90}\n")

    assert 2 == main(["--write", "--out", str(tmp_path), "--objectives", str(promises)])
    assert "o.yaml:2:39: objectives[0].target: must be within 0..1" in capsys.readouterr().err
