"""This module runs the two servers that are compared."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from tests.ports import free_port
from tests.running import running, until
from tools import stack_tools


@contextmanager
def up(folder: Path) -> Iterator[str]:
    """The address of ``otel-confidence up`` over a folder."""
    with running(folder, "--retention", "20y") as server:
        yield server.http


@contextmanager
def prometheus(folder: Path, *flags: str) -> Iterator[str]:
    """The address of a Prometheus over a folder."""
    with prometheus_process(folder, *flags) as (url, _):
        yield url


@contextmanager
def prometheus_process(folder: Path, *flags: str) -> Iterator[tuple[str, int]]:
    """The address of a Prometheus over a folder, and its process."""
    path = stack_tools.binary("prometheus")
    assert path.exists(), "run make stack-tools"
    configuration = folder / "prometheus.yml"
    configuration.write_text("global: {evaluation_interval: 1m}\n")
    port = free_port()
    command = [
        str(path),
        f"--config.file={configuration}",
        f"--storage.tsdb.path={folder}",
        "--storage.tsdb.retention.time=100y",
        f"--web.listen-address=127.0.0.1:{port}",
        "--web.enable-remote-write-receiver",
        "--log.level=error",
        *flags,
    ]
    with subprocess.Popen(command) as process:
        url = f"http://127.0.0.1:{port}"
        try:
            until(lambda: process.poll() is not None or _ready(url))
            assert process.poll() is None, "Prometheus ended"
            yield url, process.pid
        finally:
            process.terminate()


def _ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/-/ready").is_success
    except httpx.TransportError:
        return False
