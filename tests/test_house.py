"""This module checks the house itself: its rooms, its front door, its tests' sentences."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import otel_confidence

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "src").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("test_*.py"))


def test_import_contracts_hold() -> None:
    """
    Rooms import downward only, and the two halves never meet.
    """
    linter = Path(sys.executable).parent / "lint-imports"
    found = subprocess.run([linter], cwd=ROOT, capture_output=True, text=True, check=False)

    assert 0 == found.returncode, found.stdout


def test_nothing_inside_imports_the_front_door() -> None:
    """
    Modules of the package import rooms, never the package itself.
    """
    astray = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import)
        and any(name.name == "otel_confidence" for name in node.names)
    ]

    assert [] == astray


def test_front_door_lists_every_name_sorted() -> None:
    """
    ``__all__`` is sorted and each of its names exists.
    """
    names = list(otel_confidence.__all__)

    assert sorted(names) == names
    assert [] == [n for n in names if not hasattr(otel_confidence, n)]


def test_front_door_leaves_the_server_half_alone() -> None:
    """
    Importing the package imports neither the server's half nor any optional library.
    """
    code = "import sys, otel_confidence; print('\\n'.join(sys.modules))"
    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    foreign = ("starlette", "grpc", "chdb", "plotly", "click", "httpx", "re2", "pandas")
    halves = tuple(f"otel_confidence.{r}" for r in ("server", "store", "ingest", "query", "cli"))

    assert [] == [m for m in printed if m.split(".")[0] in foreign or m.startswith(halves)]


def test_the_architecture_page_lists_every_room() -> None:
    """
    Every module and folder right below the package has a place in the page's table of rooms.
    """
    page = (ROOT / "docs" / "architecture.md").read_text()
    table = "\n".join(line for line in page.splitlines() if line.startswith("| `"))
    listed = {name.partition("/")[0] for name in re.findall(r"`([a-z_/]+)`", table)}
    package = ROOT / "src" / "otel_confidence"
    rooms = {path.stem for path in package.iterdir() if path.suffix == ".py" or path.is_dir()}

    assert set() == {room for room in rooms if not room.startswith("_")} - listed


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_introduce_themselves_and_stay_short(path: Path) -> None:
    """
    Each module has a docstring and at most 400 lines.
    """
    text = path.read_text()

    assert ast.get_docstring(ast.parse(text)), "no docstring"
    assert len(text.splitlines()) <= 400


def caught(node: ast.ExceptHandler | ast.Call) -> set[str]:
    """
    Names of the exceptions that a handler catches or a call of ``suppress`` swallows.
    """
    if isinstance(node, ast.ExceptHandler):
        kinds = [node.type] if node.type else [ast.Name("BaseException")]
    else:
        kinds = list(node.args) if ast.unparse(node.func).endswith("suppress") else []
    return {each.id for kind in kinds for each in ast.walk(kind) if isinstance(each, ast.Name)}


def test_only_the_guard_catches_everything() -> None:
    """
    ``Exception`` and wider are caught or suppressed in ``sdk/guard.py`` only.
    """
    wide = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in SOURCES
        if path.parts[-2:] != ("sdk", "guard.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ExceptHandler | ast.Call)
        and not {"Exception", "BaseException"}.isdisjoint(caught(node))
    ]

    assert [] == wide


def test_every_test_says_what_it_shows() -> None:
    """
    Each test has a docstring that is a sentence.
    """
    silent = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in TESTS
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and not (ast.get_docstring(node) or "").rstrip().endswith(".")
    ]

    assert [] == silent


def test_no_test_sleeps() -> None:
    """
    Tests move a clock or poll with a deadline; ``sleep`` stands in the polling helper only.
    """
    sleepers = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in TESTS
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if "time.sleep(" in line and path.name != "test_house.py"
    ]

    assert [] == sleepers
