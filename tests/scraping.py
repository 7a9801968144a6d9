"""This module runs a real Prometheus that scrapes, writes elsewhere and can be asked."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.ports import free_port
from tests.programs import program

from otel_confidence.query.prometheus import PrometheusClient


@contextmanager
def scraping(folder: Path, configuration: str) -> Iterator[PrometheusClient]:
    """A Prometheus with a configuration of its own; without one the test is skipped, but in CI."""
    prometheus = program("prometheus")
    (folder / "prometheus.yml").write_text(configuration)
    port = free_port()
    command = [
        str(prometheus),
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--enable-feature=exemplar-storage,metadata-wal-records",
        "--log.level=error",
    ]
    with subprocess.Popen(command) as process:
        client = PrometheusClient(f"http://127.0.0.1:{port}")
        try:
            yield client
        finally:
            client.close()
            process.terminate()
