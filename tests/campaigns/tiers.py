"""
This module runs collector/scale.yaml with its stores: ClickHouse, and SeaweedFS for S3.

Run it by hand: ``python -m tests.campaigns.tiers --collector PROGRAM --weed PROGRAM``, where the
first is a Collector with every component of that file, as the contrib image has it, and the second
is SeaweedFS, started by the commands of docker-compose.yml. ClickHouse is the embedded engine
behind its HTTP interface. A program of the SDK's user sends; both stores go away; it sends again;
the gateway is killed and started anew; the stores come back. Each span and event has to be in
either store once, and what OTLP's own decoder reads of the objects is what is counted.
"""

import argparse
import gzip
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import httpx
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tests import clickhouse
from tests.collecting import Collector, running
from tests.ports import free_port
from tests.running import until
from tests.test_collector_files import lay
from tests.test_collector_tiers import QUICK, ask, send
from tests.test_stack_files import SERVICES

ADDRESS: Final = "127.0.89.1"
"""Of the S3-compatible store."""
BUCKET: Final = "otel-cold"
PATIENCE_S: Final = 240
KEYS: Final = {"AWS_ACCESS_KEY_ID": "gateway", "AWS_SECRET_ACCESS_KEY": "0123456789abcdef" * 2}
COLD: Final[dict[str, Any]] = {
    "exporters": {
        f"awss3/{kind}": {"sending_queue": {"batch": {"flush_timeout": "1s"}}}
        for kind in ("metrics", "traces", "logs")
    }
}
PIPELINES: Final = {
    "metrics": {"exporters": ["forward/warm", "forward/cold"]},
    "traces/sampled": {"exporters": ["clickhouse/traces", "awss3/traces"]},
    "logs": {"exporters": ["forward/events"]},
}
"""Those of scale.yaml without Prometheus, Tempo and Loki, which are not here."""
REQUESTS: Final[Mapping[str, Any]] = {
    "logs": ExportLogsServiceRequest,
    "traces": ExportTraceServiceRequest,
    "metrics": ExportMetricsServiceRequest,
}
Found = dict[str, tuple[int, int]]
"""By kind, how many are stored and how many of them are different ones."""


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run, print what is where, and end with 1 where anything is lost, doubled or left open.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.campaigns.tiers")
    parser.add_argument("--collector", type=Path, default=Path("otelcol-contrib"))
    parser.add_argument("--weed", type=Path, default=Path("weed"))
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="tiers-") as folder:
        faults = _run(Path(folder), given.collector, given.weed)
    _say("\n".join(faults) or "each span and event is in either store once")
    return 1 if faults else 0


def _run(folder: Path, collector: Path, weed: Path) -> list[str]:
    port = free_port()
    faults: list[str] = []
    with clickhouse.started(folder / "clickhouse", port), _store(folder, weed):
        faults += [*_bucket(weed), *_bucket(weed)]  # also where it is there already
        faults += _open()
        with _gateway(folder, collector, port, CLICKHOUSE_CREATE_SCHEMA="true") as gateway:
            send(gateway)
            until(lambda: _warm(port)["logs"][0] and _cold()["logs"][0], patience_s=PATIENCE_S)
    with _gateway(folder, collector, port) as gateway:
        send(gateway)
        time.sleep(30)  # so long both are away
        _say(f"waiting while both stores are away: {_waiting(gateway):.0f} records")
        gateway.process.kill()
    with clickhouse.started(folder / "clickhouse", port), _store(folder, weed):
        began = time.monotonic()
        with _gateway(folder, collector, port) as gateway:
            until(lambda: not _waiting(gateway), patience_s=PATIENCE_S)
            _say(f"nothing waits {time.monotonic() - began:.0f} s after they are back")
            warm, cold = _warm(port), _cold()
    _say(f"ClickHouse: {warm}\nS3: {cold}")
    for place, found in (("ClickHouse", warm), ("S3", cold)):
        faults += [
            f"{place}: {count} {kind}, {distinct} of them different, instead of 40"
            for kind, (count, distinct) in found.items()
            if kind != "metrics" and (count, distinct) != (40, 40)
        ]
    return [*faults, *(f"no metrics in {p}" for p, f in (("ClickHouse", warm), ("S3", cold))
                       if not f["metrics"][0])]  # fmt: skip


@contextmanager
def _store(folder: Path, weed: Path) -> Iterator[None]:
    """
    SeaweedFS as the compose file starts it, at an address and in a folder of its own.
    """
    kept = folder / "s3"
    kept.mkdir(exist_ok=True)
    (script,) = SERVICES["s3"]["command"]
    script = here(script, weed).replace("/data", str(kept)).replace("0.0.0.0", ADDRESS)
    with (
        (folder / "s3.log").open("ab") as log,
        subprocess.Popen(
            ["/bin/sh", "-c", script], env=os.environ | KEYS, stdout=log, stderr=log,
            cwd=folder, start_new_session=True,
        ) as process,
    ):  # fmt: skip
        try:
            until(_healthy, patience_s=PATIENCE_S)
            yield
        finally:
            os.killpg(process.pid, signal.SIGTERM)


def here(script: str, weed: Path) -> str:
    """
    A script of the compose file with this host's program and address, and Docker's dollars single.
    """
    script = script.replace("$$", "$").replace("weed ", f"{weed} ")
    return script.replace("-ip=s3", f"-ip={ADDRESS}").replace("=s3:", f"={ADDRESS}:")


def _healthy() -> bool:
    with suppress(httpx.TransportError):
        return _get(9333, "/cluster/healthz").status_code == httpx.codes.OK
    return False


def _get(port: int, path: str) -> httpx.Response:
    told = {"Accept": "application/json"}
    return httpx.get(f"http://{ADDRESS}:{port}{path}", headers=told, timeout=60, trust_env=False)


def _bucket(weed: Path) -> Iterator[str]:
    """
    Let the compose file's job make the bucket, and say when it fails.
    """
    (script,) = SERVICES["s3-bucket"]["command"]
    status = subprocess.run(["/bin/sh", "-c", here(script, weed)], check=False).returncode
    if status:
        yield f"s3-bucket ended with {status}"


def _open() -> Iterator[str]:
    """
    Say when the store takes what comes without a key.
    """
    url = f"http://{ADDRESS}:8333/{BUCKET}/open"
    status = httpx.put(url, content=b"x", timeout=60, trust_env=False).status_code
    if status != httpx.codes.FORBIDDEN:
        yield f"S3 answers {status} to who shows no key"


@contextmanager
def _gateway(folder: Path, program: Path, port: int, **more: str) -> Iterator[Collector]:
    overlay: dict[str, Any] = {"service": {"pipelines": PIPELINES}}
    lay(QUICK, overlay)
    lay(COLD, overlay)
    with running(
        folder / "gateway", ("gateway", "scale"), overlay, program,
        CLICKHOUSE_ENDPOINT=f"http://127.0.0.1:{port}?compress=none", CLICKHOUSE_USER="default",
        CLICKHOUSE_PASSWORD="", S3_ENDPOINT=f"http://{ADDRESS}:8333", no_proxy="*", **KEYS, **more,
    ) as collector:  # fmt: skip
        yield collector


def _waiting(gateway: Collector) -> float:
    return gateway.counted("otelcol_exporter_queue_size")


def _warm(port: int) -> Found:
    """
    What ClickHouse has.
    """
    tables = {"logs": "otel_logs", "traces": "otel_traces"}
    found = {
        kind: ask(port, f"SELECT count(), uniqExact(SpanId) FROM otel.{table}")[0]
        for kind, table in tables.items()
    }
    found["metrics"] = ask(
        port, "SELECT count(), uniqExact(MetricName) FROM otel.otel_metrics_histogram"
    )[0]  # fmt: skip
    return {kind: (int(count), int(distinct)) for kind, (count, distinct) in found.items()}


def _cold() -> Found:
    """
    What the objects of the bucket hold, by OTLP's own decoder.
    """
    return {kind: _decoded(kind) for kind in REQUESTS}


def _decoded(kind: str) -> tuple[int, int]:
    ids: Counter[bytes] = Counter()
    for path in _objects(f"/buckets/{BUCKET}/{kind}"):
        body = _raw(path)
        for each in records(kind, REQUESTS[kind].FromString(gzip.decompress(body))):
            ids[each.name.encode() if kind == "metrics" else each.span_id] += 1
    return ids.total(), len(ids)


def _raw(path: str) -> bytes:
    """
    An object as it was written: with its encoding told, a client would undo it.
    """
    with httpx.stream("GET", f"http://{ADDRESS}:8888{path}", timeout=60, trust_env=False) as answer:
        return b"".join(answer.iter_raw())


def records(kind: str, request: Any) -> Iterator[Any]:
    if kind == "logs":
        scopes = [s for each in request.resource_logs for s in each.scope_logs]
        return (record for scope in scopes for record in scope.log_records)
    if kind == "traces":
        scopes = [s for each in request.resource_spans for s in each.scope_spans]
        return (span for scope in scopes for span in scope.spans)
    scopes = [s for each in request.resource_metrics for s in each.scope_metrics]
    return (metric for scope in scopes for metric in scope.metrics)


def _objects(path: str) -> Iterator[str]:
    """
    The path of each object below one, as SeaweedFS's own listing has them.
    """
    answer = _get(8888, f"{path}/?limit=10000")
    if answer.status_code == httpx.codes.NOT_FOUND:
        return
    for entry in answer.json()["Entries"] or []:
        if entry["FullPath"].endswith(".gz"):
            yield entry["FullPath"]
        else:
            yield from _objects(entry["FullPath"])


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
