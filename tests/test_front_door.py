"""This module checks the front door: what it offers and how light it is to open."""

import ast
import subprocess
import sys
from pathlib import Path

import otel_confidence as oc

SOURCES = Path(__file__).parent.parent / "src/otel_confidence"


def test_door_offers_what_users_type() -> None:
    """
    The names of the first page of the documentation are there.
    """
    assert {
        "ConfigurationError", "Telemetry", "configure", "flush", "last_receipt", "prediction",
        "record_feedback", "record_outcome", "shutdown", "track_confidence",
    } <= set(oc.__all__)  # fmt: skip


def test_opening_the_door_is_light() -> None:
    """
    Importing the package imports neither numpy nor the OpenTelemetry SDK, and starts no thread.
    """
    code = (
        "import sys, threading, otel_confidence\n"
        "print(threading.active_count(), *(m for m in ('numpy', 'opentelemetry.sdk.trace',"
        " 'opentelemetry.sdk.metrics', 'requests', 'asyncio') if m in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ["1"] == done.stdout.split()


def test_only_who_sends_uses_the_sdk() -> None:
    """
    The OpenTelemetry SDK is imported by what makes providers, the pytest plugin and the doctor.
    """
    users = {
        str(path.relative_to(SOURCES))
        for path in SOURCES.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if (
            isinstance(node, ast.ImportFrom) and (node.module or "").startswith("opentelemetry.sdk")
        )
        or (
            isinstance(node, ast.Import)
            and any(name.name.startswith("opentelemetry.sdk") for name in node.names)
        )
    }

    assert {
        "doctor/endpoints.py", "doctor/probes.py", "sdk/births.py", "sdk/delivery.py",
        "sdk/exporters.py", "sdk/pipelines.py", "testing.py",
    } == users  # fmt: skip
