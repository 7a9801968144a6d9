"""This module starts the real Collector with the project's files, and reads what leaves it."""

import json
import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml
from tests.ports import free_port
from tests.programs import program
from tests.running import until

FOLDER = Path(__file__).parent.parent / "collector"
_LONGEST_LOG = 4_000
_QUICK: Mapping[str, Any] = {
    "receivers": {"prometheus": {"config": {"scrape_configs": [{"job_name": "none"}]}}},
    "processors": {"tail_sampling": {"decision_wait": "1s"}},
    "connectors": {"span_metrics": {"metrics_flush_interval": "1s"}},
}


@dataclass(frozen=True, slots=True)
class Collector:
    """A Collector that runs."""

    process: subprocess.Popen[bytes]
    folder: Path
    grpc: str
    http: str
    statsd: tuple[str, int]
    own: str
    """Where it offers metrics about itself."""

    def left(self, signal: str) -> list[dict[str, Any]]:
        """What left it so far: resources with what belongs to them."""
        path = self.folder / f"{signal}.jsonl"
        lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
        whole = [json.loads(line) for line in lines if line.endswith(b"\n")]
        return [resource for request in whole for resource in next(iter(request.values()), [])]

    def logs(self) -> list[dict[str, Any]]:
        """The log records that left it."""
        return _below(self.left("logs"), "scopeLogs", "logRecords")

    def spans(self, file: str = "traces") -> list[dict[str, Any]]:
        """The spans that left it."""
        return _below(self.left(file), "scopeSpans", "spans")

    def metrics(self) -> dict[str, dict[str, Any]]:
        """The metrics that left it, the last of each name."""
        found = _below(self.left("metrics"), "scopeMetrics", "metrics")
        return {metric["name"]: metric for metric in found}

    def counted(self, name: str) -> float:
        """The sum of one of its own counters."""
        lines = httpx.get(f"http://{self.own}/metrics", trust_env=False).text.splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name))


def _below(resources: list[dict[str, Any]], scope: str, what: str) -> list[dict[str, Any]]:
    return [
        each for resource in resources for s in resource.get(scope, []) for each in s.get(what, [])
    ]


def attributes(of: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of a record, values without their types."""
    return {a["key"]: next(iter(a["value"].values()), None) for a in of.get("attributes", [])}


def to_files(folder: Path) -> dict[str, Any]:
    """An overlay by which the gateway's pipelines end in files, spans before sampling too."""
    names = ("metrics", "traces", "sampled", "logs")
    pipelines = {
        "metrics": ["file/metrics"],
        "traces": ["span_metrics", "forward/traces", "file/traces"],
        "traces/sampled": ["file/sampled"],
        "logs": ["file/logs"],
    }
    return {
        "exporters": {
            f"file/{name}": {
                "path": str(folder / f"{name}.jsonl"),
                "flush_interval": "50ms",
                "append": True,
            }
            for name in names
        },
        "service": {"pipelines": {name: {"exporters": to} for name, to in pipelines.items()}},
    }


def quick(folder: Path) -> dict[str, Any]:
    """An overlay by which the gateway ends in files, and does not wait for long."""
    return {**_QUICK, **to_files(folder)}


@contextmanager
def gateway(folder: Path) -> Iterator[Collector]:
    """A gateway that ends in files, and none of whose statements failed when it ends."""
    with running(folder, ("gateway",), quick(folder)) as collector:
        yield collector
    # A statement that fails is left out, and said in the log for each record.
    said = (folder / "log").read_text().splitlines()
    assert [] == [line for line in said if '"level":"warn"' in line or '"level":"error"' in line]


@contextmanager
def running(
    folder: Path,
    names: Sequence[str],
    overlay: Mapping[str, Any],
    binary: Path | None = None,
    /,
    **environment: str,
) -> Iterator[Collector]:
    """A Collector of some of the project's files and an overlay, at free ports of the loopback."""
    binary = binary or program("otelcol-confidence")
    folder.mkdir(exist_ok=True)
    files = [FOLDER / f"{name}.yaml" for name in names]
    files += [folder / "doors.yaml", folder / "overlay.yaml"]
    files[-1].write_text(yaml.safe_dump(dict(overlay)))
    command = [str(binary), *(f"--config={file}" for file in files)]
    variables = {**os.environ, "QUEUE_DIRECTORY": str(folder / "queue"), **environment}
    collector = until(lambda: _started(folder, command, variables))
    assert collector is not None
    try:
        yield collector
    finally:
        collector.process.terminate()
        collector.process.wait(timeout=180)


def _started(
    folder: Path, command: Sequence[str], environment: Mapping[str, str]
) -> Collector | None:
    """One that is ready; None where somebody else took one of its ports meanwhile."""
    ports = [free_port() for _ in range(5)]
    (folder / "doors.yaml").write_text(yaml.safe_dump(_doors(*ports)))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
    grpc, http, statsd, health, own = ports
    try:
        until(lambda: process.poll() is not None or _healthy(health))
    except BaseException:
        process.kill()
        process.wait()
        raise
    if process.poll() is not None:
        said = (folder / "log").read_text()
        if "address already in use" in said:
            return None
        raise AssertionError(said[-_LONGEST_LOG:])
    return Collector(
        process, folder, f"127.0.0.1:{grpc}", f"127.0.0.1:{http}",
        ("127.0.0.1", statsd), f"127.0.0.1:{own}",
    )  # fmt: skip


def _doors(grpc: int, http: int, statsd: int, health: int, own: int) -> dict[str, Any]:
    """An overlay by which a Collector listens at these ports."""
    reader = {"pull": {"exporter": {"prometheus": {"host": "127.0.0.1", "port": own}}}}
    return {
        "extensions": {"health_check": {"endpoint": f"127.0.0.1:{health}"}},
        "receivers": {
            "otlp": {"protocols": {
                "grpc": {"endpoint": f"127.0.0.1:{grpc}"},
                "http": {"endpoint": f"127.0.0.1:{http}"},
            }},
            "statsd": {"endpoint": f"127.0.0.1:{statsd}", "aggregation_interval": "1s"},
        },
        "service": {"telemetry": {"metrics": {"readers": [reader]}}},
    }  # fmt: skip


def _healthy(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def now_ns() -> int:
    """The time, as OTLP has it."""
    return time.time_ns()
