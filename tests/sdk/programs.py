"""This module runs programs that use the library, in processes of their own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.sdk.collector import Collector

ROOT = Path(__file__).parents[2]
PATIENT = {"OTEL_CONFIDENCE_SHUTDOWN_TIMEOUT_S": "60"}
"""Variables by which the end of a program waits longer than a slow machine takes to deliver."""
HEAD = """
import atexit, json, os, sys, threading, time
import otel_confidence as oc

@oc.track_confidence(model="m", version="1", confidence="confidence", label="label")
def classify(label=4):
    return {"confidence": 0.9, "label": label}

def timed(call, *args):
    began = time.monotonic()
    answer = call(*args)
    return answer, time.monotonic() - began

def tell(**said):
    print(json.dumps(said), flush=True)
"""


def run(
    program: str,
    gateway: Collector | None = None,
    variables: dict[str, str] | None = None,
    *,
    folder: Path | None = None,
) -> dict[str, Any]:
    """
    What a program told on its last line; from a file in the folder, where one is given.
    """
    endpoint = {} if gateway is None else {"OTEL_EXPORTER_OTLP_ENDPOINT": gateway.url}
    environ = {k: v for k, v in os.environ.items() if not k.startswith("OTEL_")}
    command = ["-c", HEAD + program]
    if folder is not None:
        path = folder / "program.py"
        path.write_text(HEAD + program)
        command = [str(path)]
    done = subprocess.run(
        [sys.executable, *command],
        env=environ
        | PATIENT
        | endpoint
        | {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
        | (variables or {}),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert 0 == done.returncode, done.stderr
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told | {"stderr": done.stderr}
