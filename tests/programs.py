"""
This module finds the stack's own programs for tests, and runs them.
"""

import os
import subprocess
from pathlib import Path

import pytest
from tools import stack_tools
from tools.stack.compose import variables

ROOT = Path(__file__).parent.parent
VERSIONS = variables(ROOT / ".env")
"""Of the images in docker-compose.yml, by the variable that it asks for."""


def program(name: str) -> Path:
    """
    A program as ``make stack-tools`` leaves it; without it a test is skipped, or fails in CI.
    """
    path = stack_tools.binary(name)
    if not path.exists():
        reason = f"{path.name} is not in {path.parent}: run make stack-tools"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
    return path


def accepts(path: Path, *arguments: str) -> None:
    """
    Run a program that must find nothing to complain of.
    """
    run = _run(path, *arguments)

    assert 0 == run.returncode, run.stdout + run.stderr


def said(path: Path, *arguments: str) -> str:
    """
    What a program says, whatever it thinks of its arguments.
    """
    run = _run(path, *arguments)
    return run.stdout + run.stderr


def _run(path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [path, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
