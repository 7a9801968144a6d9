"""
This module lets a Collector's own program read its configuration.
"""

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from otel_confidence.collector.findings import Finding, error
from otel_confidence.collector.merging import NOTHING

_PATTERN: Final = "otelcol*"
_PATIENCE_S: Final = 60.0
_LONGEST: Final = 4_000


def on_path(environment: Mapping[str, str]) -> Path | None:
    """
    The first Collector on the ``PATH``, whatever its distribution.
    """
    for folder in environment.get("PATH", "").split(os.pathsep):
        for found in sorted(Path(folder or ".").glob(_PATTERN)):
            if found.is_file() and os.access(found, os.X_OK):
                return found
    return None


def check(
    program: Path, paths: Sequence[Path], environment: Mapping[str, str]
) -> tuple[Finding, ...]:
    """
    What the program says against its configuration; nothing is started.
    """
    command = [str(program), "validate", *(f"--config={path}" for path in paths)]
    nowhere = replace(NOTHING, file=str(program))
    try:
        run = subprocess.run(  # noqa: S603  the program that the user names
            command, env=dict(environment), capture_output=True, text=True,
            errors="replace", timeout=_PATIENCE_S, check=False,
        )  # fmt: skip
    except OSError as failed:
        return (error(nowhere, f"cannot be run: {failed.strerror}", "name a Collector's program"),)
    except subprocess.TimeoutExpired:
        return (error(nowhere, f"did not answer within {_PATIENCE_S:g} s", "run it by hand"),)
    if run.returncode == 0:
        return ()
    said = (run.stderr.strip() or run.stdout.strip())[-_LONGEST:]
    return (error(nowhere, said.removeprefix("Error: "), "mend what it names"),)
