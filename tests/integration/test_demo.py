"""This module runs the demo as a newcomer does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.timeout(240)
def test_demo_ends_by_itself_and_agrees_with_its_ledger() -> None:
    """
    A short demo prints what was sent beside what the API says, agrees in each phase, and exits 0.
    """
    done = subprocess.run(
        [sys.executable, "-m", "examples.digits"],
        cwd=ROOT,
        env={**os.environ, "DEMO_SECONDS": "24", "COLUMNS": "120"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert 0 == done.returncode, done.stdout + done.stderr
    assert 3 == done.stdout.count(" yes ")
    assert "Traceback" not in done.stdout + done.stderr
