"""This module starts a real ``otel-confidence up`` in a process of its own."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

_PATIENCE_S = 180.0
"""What a machine that is ten times slower than usual still keeps to."""
_PROGRAM = """
import os, signal, threading, time
from otel_confidence.cli import main

parent = os.getppid()

def end_with_parent():
    while os.getppid() == parent:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)

threading.Thread(target=end_with_parent, daemon=True).start()
main()
"""
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Up:
    """A server that serves."""

    process: subprocess.Popen[str]
    http: str
    otlp_http: str
    otlp_grpc: str
    data: Path


def command(data: Path, *flags: str) -> list[str]:
    """The command that serves a folder on free ports, unless flags say otherwise."""
    free = ["--port", "0", "--otlp-grpc-port", "0", "--otlp-http-port", "0"]
    return [sys.executable, "-c", _PROGRAM, "up", *free, "--data", str(data), *flags]


def start(data: Path, *flags: str) -> Up:
    """Start a server and wait until it serves."""
    ready = data.with_name(f"{data.name}.ready.json")
    ready.unlink(missing_ok=True)
    process = subprocess.Popen(
        command(data, "--ready-file", str(ready), *flags),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    until(lambda: ready.exists() or process.poll() is not None)
    if not ready.exists():
        raise AssertionError(process.communicate()[0])
    said = json.loads(ready.read_text())
    return Up(process, said["http"], said["otlp_http"], said["otlp_grpc"], data)


@contextmanager
def running(data: Path, *flags: str) -> Iterator[Up]:
    """A server that ends with the block."""
    up = start(data, *flags)
    try:
        yield up
    finally:
        stop(up)


def stop(up: Up) -> int:
    """Ask a server to end and wait for it; its exit status."""
    if up.process.poll() is None:
        up.process.terminate()
    up.process.communicate(timeout=_PATIENCE_S)
    return up.process.returncode


def until(found: Callable[[], _T], *, patience_s: float = _PATIENCE_S) -> _T:
    """Poll until something true is found; what was found, or an error after the deadline."""
    deadline = time.monotonic() + patience_s
    while not (value := found()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {patience_s:g} s")
        time.sleep(0.02)
    return value
