"""This module measures what a point, a span and an event take of a processor, in each program.

Run it by ``python -m tests.bench.programs``, once ``make stack-tools`` built the others: agent,
gateway, Prometheus, and the same Collector with OTLP in and OTLP out and nothing in between. One
more takes what leaves. Processor time is that of the program alone, until it has nothing left to
do, so that neighbors on the machine do not change it by much.
"""

import json
import os
import re
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import yaml
from opentelemetry._logs import NoOpLoggerProvider
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import AGGREGATION_TEMPORALITY_CUMULATIVE
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader
from opentelemetry.trace import NoOpTracerProvider
from tests.load import request
from tests.ports import free_port
from tests.programs import ROOT
from tests.programs import program as binary
from tests.running import running, until

import otel_confidence as oc
from otel_confidence import conventions as c

ADDRESS: Final = "127.0.88.1"
AGENT_ADDRESS: Final = "127.0.88.2"
GATEWAY_PORT: Final = 4317
"""Where agents look for gateways."""
WIDTH: Final = 2_000
"""Points, spans or events in one request."""
OTLP: Final = {"Content-Type": "application/x-protobuf"}
IDLE_S: Final = 0.1
"""Processor time within a second below which a program has nothing left to do."""
TRACE_S: Final = 12
"""Longer than the gateway waits for a trace to be whole."""


@dataclass(frozen=True)
class Kind:
    """Something to send: by what path, how many requests of it, and how one is made."""

    name: str
    path: str
    requests: int
    body: Callable[[], bytes]


@dataclass(frozen=True)
class Program:
    """A program that runs, where it takes OTLP, and for how long it may seem idle at work."""

    process: int
    http: str
    grpc: str
    quiet_s: int

    def processor_s(self) -> float:
        """How long it kept a processor busy until now."""
        fields = Path(f"/proc/{self.process}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mib(self) -> float:
        """The most memory it ever had."""
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{self.process}/status").read_text())
        return int(found[1]) / 1024 if found else float("nan")


def main() -> None:
    """Print what a model sends, and what a million of each kind costs each program."""
    points, series = _report()
    _say(f"a model sends {points} points at once, which are {series} series in Prometheus")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with running(folder / "up") as up:
            _measure("up", Program(up.process.pid, up.otlp_http, up.otlp_grpc, 2))
        with started(sink_files(), folder, grpc=GATEWAY_PORT) as sink:
            for title, configuration in (
                ("agent.yaml", [f"--config={ROOT / 'collector' / 'agent.yaml'}"]),
                ("gateway.yaml", gateway_files(sink)),
                ("OTLP in and out alone", bare_files(sink)),
            ):
                with started(configuration, folder) as collector:
                    _measure(title, collector)
        with _prometheus(folder) as prometheus:
            _measure("Prometheus", prometheus)


def _measure(title: str, program: Program) -> None:
    for kind in KINDS:
        if title == "Prometheus" and kind.path != "/v1/metrics":
            continue
        cost_s = spent_s(program, kind) / (kind.requests * WIDTH) * 1e6
        _say(f"{title}: {cost_s:.1f} processor seconds for a million {kind.name}")
    _say(f"{title}: {program.memory_mib():.0f} MiB at most")


def spent_s(program: Program, kind: Kind) -> float:
    before_s = program.processor_s()
    with httpx.Client(base_url=program.http, headers=OTLP, timeout=60) as client:
        for _ in range(kind.requests):
            client.post(kind.path, content=kind.body()).raise_for_status()
    until(lambda: _idle(program), patience_s=120)
    return program.processor_s() - before_s


def _idle(program: Program) -> bool:
    for _ in range(program.quiet_s):
        before_s = program.processor_s()
        time.sleep(1)
        if program.processor_s() - before_s > IDLE_S:
            return False
    return True


@contextmanager
def started(configuration: list[str], folder: Path, *, grpc: int = 0) -> Iterator[Program]:
    ports = {"http": free_port(ADDRESS), "grpc": grpc or free_port(ADDRESS)}
    doors = {name: f"{ADDRESS}:{port}" for name, port in ports.items()}
    protocols = {name: {"endpoint": door} for name, door in doors.items()}
    listening = {
        "receivers": {"otlp": {"protocols": protocols}},
        "service": {"telemetry": {"metrics": {"level": "none", "readers": []}}},
    }
    command = [binary("otelcol-confidence"), *configuration, _overlay(listening)]
    with _running(command, folder, doors["http"]) as process:
        yield Program(process, f"http://{doors['http']}", doors["grpc"], TRACE_S)


@contextmanager
def _running(command: list[Any], folder: Path, door: str) -> Iterator[int]:
    """The id of a process that listens, as long as the block lasts."""
    variables = {
        "QUEUE_DIRECTORY": tempfile.mkdtemp(dir=folder), "LOG_FILES": f"{folder}/*.jsonl",
        "GATEWAY": ADDRESS, "AGENT_ADDRESS": AGENT_ADDRESS,
    }  # fmt: skip
    log = folder / "log"
    with log.open("wb") as written:
        process = subprocess.Popen(
            command, env=os.environ | variables, stdout=subprocess.DEVNULL, stderr=written
        )
    try:
        until(lambda: process.poll() is not None or _listens(door))
        if process.poll() is not None:
            raise SystemExit(log.read_text())
        yield process.pid
    finally:
        process.terminate()
        process.wait(timeout=60)


@contextmanager
def _prometheus(folder: Path) -> Iterator[Program]:
    (folder / "prometheus.yml").write_text("storage: {tsdb: {out_of_order_time_window: 24h}}")
    door = f"{ADDRESS}:{free_port(ADDRESS)}"
    command = [
        binary("prometheus"),
        f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address={door}", "--web.enable-otlp-receiver",
    ]  # fmt: skip
    with _running(command, folder, door) as process:
        yield Program(process, f"http://{door}/api/v1/otlp", "", 2)


def gateway_files(sink: Program) -> list[str]:
    """The gateway's arguments: its exporters lead to the sink, its other doors are free ports."""
    file = ROOT / "collector" / "gateway.yaml"
    exporters = {
        exporter: {"endpoint": sink.grpc if "grpc" in exporter else sink.http}
        for exporter in yaml.safe_load(file.read_text())["exporters"]
    }
    others = {
        "exporters": exporters,
        "receivers": {"statsd": {"endpoint": f"{ADDRESS}:{free_port(ADDRESS)}"}},
        "extensions": {"health_check": {"endpoint": f"{ADDRESS}:{free_port(ADDRESS)}"}},
    }
    return [f"--config={file}", _overlay(others)]


def bare_files(sink: Program) -> list[str]:
    return [_pipelines("otlp_http", {"endpoint": sink.http})]


def sink_files() -> list[str]:
    return [_pipelines("debug", {"verbosity": "basic"})]


def _pipelines(exporter: str, settings: dict[str, Any]) -> str:
    each = {"receivers": ["otlp"], "exporters": [exporter]}
    signals = dict.fromkeys(("metrics", "traces", "logs"), each)
    return _overlay({"exporters": {exporter: settings}, "service": {"pipelines": signals}})


def _overlay(settings: dict[str, Any]) -> str:
    return f"--config=yaml:{json.dumps(settings)}"


def _listens(door: str) -> bool:
    host, _, port = door.partition(":")
    with socket.socket() as client:
        return client.connect_ex((host, int(port))) == 0


def _gauges() -> bytes:
    return request(0, time.time_ns() // 1_000_000, width=WIDTH)


def _histograms() -> bytes:
    message = ExportMetricsServiceRequest()
    sender = message.resource_metrics.add(resource=_SENDER)
    metric = sender.scope_metrics.add().metrics.add(name="load", unit="1")
    metric.histogram.aggregation_temporality = AGGREGATION_TEMPORALITY_CUMULATIVE
    for position in range(WIDTH):
        metric.histogram.data_points.add(
            attributes=[_attribute("position", str(position))],
            time_unix_nano=time.time_ns(), count=17, sum=8.5,
            explicit_bounds=c.CONFIDENCE_EDGES,
            bucket_counts=[1] * (len(c.CONFIDENCE_EDGES) + 1),
        )  # fmt: skip
    return message.SerializeToString()


def _spans() -> bytes:
    message, now = ExportTraceServiceRequest(), time.time_ns()
    scope = message.resource_spans.add(resource=_SENDER).scope_spans.add()
    for position in range(WIDTH):
        scope.spans.add(
            trace_id=secrets.token_bytes(16), span_id=secrets.token_bytes(8),
            name="predict digits", attributes=_detail(position), kind=1,
            start_time_unix_nano=now - 5_000_000, end_time_unix_nano=now,
        )  # fmt: skip
    return message.SerializeToString()


def _events() -> bytes:
    message = ExportLogsServiceRequest()
    scope = message.resource_logs.add(resource=_SENDER).scope_logs.add()
    for position in range(WIDTH):
        scope.log_records.add(
            event_name=c.RESULT.name, time_unix_nano=time.time_ns(),
            attributes=_detail(position), trace_id=secrets.token_bytes(16), severity_number=9,
        )  # fmt: skip
    return message.SerializeToString()


def _detail(position: int) -> list[KeyValue]:
    """What the SDK writes on the span and the event of a prediction that is sure."""
    confidence = KeyValue(key=c.CONFIDENCE.name, value=AnyValue(double_value=0.95))
    texts = {
        c.MODEL_NAME.name: "digits",
        c.MODEL_VERSION.name: "1",
        c.PREDICTION_ID.name: f"{position:032x}",
        c.TIER.name: "high",
        c.DECISION.name: "accept",
        c.SOURCE.name: "probability",
    }
    return [confidence, *(_attribute(name, text) for name, text in texts.items())]


def _attribute(name: str, text: str) -> KeyValue:
    return KeyValue(key=name, value=AnyValue(string_value=text))


def _report() -> tuple[int, int]:
    """Points that a program with one model sends at once, and Prometheus's series of them."""
    reader = InMemoryMetricReader()
    oc.configure(
        service_name="shop", meter_provider=MeterProvider([reader]),
        tracer_provider=NoOpTracerProvider(), logger_provider=NoOpLoggerProvider(),
    )  # fmt: skip

    @oc.track_confidence(model="digits", version="1")
    def classify(confidence: float) -> dict[str, Any]:
        return {"label": "7", "confidence": confidence}

    for number in range(100):
        classify(number / 100)
    reports = reader.get_metrics_data()
    points = [
        point
        for resource in (reports.resource_metrics if reports else ())
        for scope in resource.scope_metrics
        for metric in scope.metrics
        for point in metric.data.data_points
    ]
    return len(points), sum(map(_series, points))


def _series(point: object) -> int:
    """One, or a histogram's buckets with sum and count."""
    return len(point.bucket_counts) + 2 if isinstance(point, HistogramDataPoint) else 1


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


_SENDER: Final = Resource(
    attributes=[_attribute("service.name", "load"), _attribute("service.instance.id", "1")]
)
"""Without a service's name there are no metrics about spans."""
KINDS: Final = (
    Kind("points of gauges", "/v1/metrics", 500, _gauges),
    Kind("points of histograms with 15 edges", "/v1/metrics", 250, _histograms),
    Kind("spans of a prediction", "/v1/traces", 100, _spans),
    Kind("events of a prediction", "/v1/logs", 100, _events),
)


if __name__ == "__main__":
    main()
