"""
This module lets type checkers prove that tracked functions keep their types.

The other files here say by ``assert_type`` what is kept, and by ignored errors what stays wrong:
an ignore that nothing needs is an error itself. They are checked as Python 3.10 reads them.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import otel_confidence as oc

pytestmark = pytest.mark.xdist_group("typing")  # a checker has one cache for all
HERE = Path(__file__).parent
ROOT = HERE.parent.parent
MYPY = ["-m", "mypy", "--strict", str(HERE)]
PYRIGHT = ["-m", "pyright", "--project", str(HERE), "--pythonpath", sys.executable]


@pytest.mark.parametrize("checker", [MYPY, PYRIGHT], ids=["mypy", "pyright"])
def test_decorated_functions_keep_their_types(checker: list[str]) -> None:
    """
    The checker agrees with every statement of this folder, and with every expected error.
    """
    command = [sys.executable, *checker]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert 0 == found.returncode, found.stdout + found.stderr


@pytest.mark.parametrize("checker", [MYPY, PYRIGHT], ids=["mypy", "pyright"])
def test_a_lost_type_would_be_noticed(checker: list[str], tmp_path: Path) -> None:
    """
    The checker refuses a statement that is not so: it does see the package's types.
    """
    wrong = tmp_path / "wrong.py"
    wrong.write_text(
        "from typing_extensions import assert_type\n"
        "import otel_confidence as oc\n"
        "assert_type(oc.track_confidence(model='m')(abs)(1), str)\n"
    )
    without_folder = [part for part in checker if part not in {"--project", str(HERE)}]
    command = [sys.executable, *without_folder, str(wrong)]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert 1 == found.returncode, found.stdout + found.stderr
    assert "int" in found.stdout


def test_every_public_name_is_stated() -> None:
    """
    Each name of the front door stands in a statement of this folder.
    """
    stated = {
        name
        for path in HERE.glob("*.py")
        if path != Path(__file__)
        for name in re.findall(r"\boc\.(\w+)", path.read_text())
    }

    assert set() == set(oc.__all__) - stated
