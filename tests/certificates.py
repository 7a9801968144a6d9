"""This module makes certificates that nobody trusts, by ``openssl``."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest


def self_signed(folder: Path, host: str, names: str) -> Path:
    """
    A certificate ``cert.pem`` that signs itself, its key ``key.pem`` beside it, for two days.

    Args:
        folder: where both are written.
        host: its common name.
        names: its alternative names, as openssl writes them: ``DNS:localhost,IP:127.0.0.1``.
    """
    subprocess.run(
        [_openssl(), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-keyout", folder / "key.pem", "-out", folder / "cert.pem",
         "-subj", f"/CN={host}", "-addext", f"subjectAltName={names}", "-days", "2"],
        check=True, capture_output=True,
    )  # fmt: skip
    return folder / "cert.pem"


def _openssl() -> str:
    """The program; without it a test is skipped, or fails in continuous integration."""
    path = shutil.which("openssl")
    if path is None:
        reason = "openssl is not on the PATH: install it by the system's package manager"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
    return path
