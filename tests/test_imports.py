"""This module checks that every module can be imported, in any order and without a warning."""

import subprocess
import sys
from pathlib import Path

import pytest

SOURCES = Path(__file__).parent.parent / "src"
MODULES = [
    ".".join(path.relative_to(SOURCES).with_suffix("").parts).removesuffix(".__init__")
    for path in sorted(SOURCES.rglob("*.py"))
    if path.stem != "__main__"
]
PROGRAM = """
import importlib, sys
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as missing:
        if missing.name != "grafana_foundation_sdk" or sys.version_info >= (3, 11):
            raise
"""
# The library prefers a format of dashboards that file provisioning refuses.
WARNINGS = ["-W", "error", "-W", "ignore:Prefer using dashboardv2:DeprecationWarning"]


@pytest.mark.parametrize("names", [MODULES, MODULES[::-1]], ids=["in order", "backwards"])
def test_every_module_imports_without_a_warning(names: list[str]) -> None:
    """
    No module needs another one to be imported before it, and none uses what will be gone.
    """
    command = [sys.executable, *WARNINGS, "-c", PROGRAM, *names]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)

    assert (0, "") == (done.returncode, done.stderr)
