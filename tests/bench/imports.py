"""This module compares how long imports take, each in a fresh interpreter."""

import os
import statistics
import subprocess
import sys
import tempfile

ROUNDS = 9
CODE = "import time; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"
SDK = "opentelemetry.sdk.metrics, opentelemetry.sdk.trace, opentelemetry.sdk._logs"


def compare() -> tuple[float, float, float]:
    """
    Milliseconds to import us and the SDK's three signals, and the median ratio of pairs.
    """
    with tempfile.TemporaryDirectory() as folder:
        # Bytecode of its own: a checkout may have none, and compiling is no part of importing.
        pairs = [
            (_milliseconds("otel_confidence", folder), _milliseconds(SDK, folder))
            for _ in range(ROUNDS + 1)
        ][1:]
    medians = [statistics.median(column) for column in zip(*pairs, strict=True)]
    return medians[0], medians[1], statistics.median(a / b for a, b in pairs)


def _milliseconds(modules: str, folder: str) -> float:
    environ = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    environ["PYTHONPYCACHEPREFIX"] = folder
    command = [sys.executable, "-c", CODE.format(modules)]
    printed = subprocess.run(
        command, capture_output=True, text=True, check=True, env=environ
    ).stdout
    return float(printed) * 1e3
