"""This module makes certificates that nobody trusts, by ``openssl``."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

_AUTHORITY = """
[ca]
default_ca = own
[own]
database = index.txt
new_certs_dir = .
rand_serial = yes
default_md = sha256
copy_extensions = copy
policy = any
[any]
commonName = supplied
"""


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


def expired(folder: Path, host: str, names: str) -> Path:
    """
    The same, of a day in 2020.
    """
    made = self_signed(folder, host, names)
    (folder / "ca.cnf").write_text(_AUTHORITY)
    (folder / "index.txt").write_text("")
    key, request = str(folder / "key.pem"), str(folder / "request.pem")
    for words in (
        ["req", "-new", "-key", key, "-out", request,
         "-subj", f"/CN={host}", "-addext", f"subjectAltName={names}"],
        ["ca", "-config", "ca.cnf", "-batch", "-notext", "-selfsign", "-keyfile", key,
         "-in", request, "-out", str(made),
         "-startdate", "20200101000000Z", "-enddate", "20200102000000Z"],
    ):  # fmt: skip
        subprocess.run([_openssl(), *words], cwd=folder, check=True, capture_output=True)
    return made


def _openssl() -> str:
    """The program; without it a test is skipped, or fails in continuous integration."""
    path = shutil.which("openssl")
    if path is None:
        reason = "openssl is not on the PATH: install it by the system's package manager"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
    return path
