"""This module pretends to be the whole stack: one HTTP server with a path for each service."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from email.message import Message
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from otel_confidence.doctor.services import Addresses

NAME = "otel_confidence_doctor_probe_time_seconds"
_DOORS: dict[str, tuple[str, str, Callable[[bytes], Any]]] = {
    "/gateway/v1/metrics": ("metric_points", "metrics", ExportMetricsServiceRequest.FromString),
    "/gateway/v1/traces": ("spans", "traces", ExportTraceServiceRequest.FromString),
    "/gateway/v1/logs": ("log_records", "logs", ExportLogsServiceRequest.FromString),
}
_EXPORTERS = {"metric_points": "prometheus", "spans": "tempo", "log_records": "loki"}
_WATCHDOG = {"labels": {"alertname": "Watchdog"}, "state": "firing"}


class Stack:
    """What arrived, and how each place behaves."""

    def __init__(self) -> None:
        self.url = ""
        self.skew_s = 0.0
        self.received: dict[str, Any] = {}
        """The last request by its unit."""
        self.fate: dict[str, str] = {}
        """By its unit: sent if nothing else, or lost, waiting, kept, left_out."""
        self.counts: Counter[str] = Counter()
        self.answers: dict[str, tuple[int, Any]] = {}
        """What a path answers instead, its status and body."""
        self.json = False
        """Whether the gateway answers with JSON."""
        self.spelled = NAME
        self.told_ago_s = 30.0
        """How long ago Prometheus last told Alertmanager of its alert."""
        self.lacking: set[str] = set()
        """Backends that lack what the gateway sent, for it sent it elsewhere."""
        self.keeping: tuple[str, ...] | None = None
        """Labels that Loki keeps of an event; all of them if None."""
        self.asked: list[str] = []
        self.told: Callable[[str, Message], object] = lambda *_: None
        """Told of each request's path and headers."""

    def addresses(self, **others: str) -> Addresses:
        """Where everything is."""
        names = ("prometheus", "tempo", "loki", "alertmanager", "grafana", "gateway")
        places: dict[str, Any] = {name: f"{self.url}/{name}" for name in names}
        places |= {"gateway_health": f"{self.url}/health", "gateway_metrics": f"{self.url}/own"}
        return Addresses(**{**places, **others})

    def answer(self, path: str, body: bytes) -> tuple[int, Any]:
        """The status and body for a request."""
        parts = urlsplit(path)
        self.asked.append(parts.path)
        if parts.path in self.answers:
            return self.answers[parts.path]
        if parts.path in _DOORS:
            return self._taken(parts.path, body)
        given = {k: v[0] for k, v in parse_qs(parts.query or body.decode()).items()}
        place, _, rest = parts.path.strip("/").partition("/")
        return getattr(self, f"_{place}")(f"/{rest}", given)  # type: ignore[no-any-return]

    def arrived(self, unit: str) -> Any:
        """The last request of a unit, where it was sent on and to the backend that is asked."""
        sent = self.fate.get(unit, "sent") == "sent" and _EXPORTERS[unit] not in self.lacking
        return self.received.get(unit) if sent else None

    def _taken(self, path: str, body: bytes) -> tuple[int, Any]:
        unit, _, read = _DOORS[path]
        self.received[unit] = read(body)
        self.counts[f"accepted {unit}"] += 1
        self.counts[f"{self.fate.get(unit, 'sent')} {unit}"] += 1
        return 200, "{}" if self.json else b""

    def _health(self, *_: Any) -> tuple[int, Any]:
        return 200, {"status": "Server available"}

    def _own(self, *_: Any) -> tuple[int, Any]:
        lines = ['otelcol_process_uptime{service="gateway"} 12.5']
        for unit, kind, _read in _DOORS.values():
            name = f'exporter="otlp/{_EXPORTERS[unit]}"'
            place = f'{name},server_address="{_EXPORTERS[unit]}",server_port="9"'
            queue = f'data_type="{kind}",{name}'
            lines += [
                f'otelcol_receiver_accepted_{unit}{{receiver="otlp"}} {self.of("accepted", unit)}',
                f"otelcol_exporter_sent_{unit}{{{place}}} {self.of('sent', unit)}",
                f"otelcol_exporter_send_failed_{unit}_total{{{name}}} {self.of('lost', unit)}",
                f"otelcol_exporter_queue_size{{{queue}}} {self.of('waiting', unit)}",
            ]
        sampled = 'otelcol_processor_tail_sampling_global_count_traces_sampled{sampled="false"}'
        return 200, "\n".join([*lines, f"{sampled} {self.of('left_out', 'spans')}\n"])

    def of(self, what: str, unit: str) -> int:
        """How many of a unit it counts."""
        return self.counts[f"{what} {unit}"]

    def _prometheus(self, path: str, given: dict[str, str]) -> tuple[int, Any]:
        alertmanager = {"url": f"{self.url}/alertmanager/api/v2/alerts"}
        told: dict[str, Any] = {
            "/api/v1/status/flags": {"web.enable-otlp-receiver": "true"},
            "/api/v1/status/runtimeinfo": {},
            "/api/v1/targets": {"activeTargets": [{"health": "up"}, {"health": "unknown"}]},
            "/api/v1/rules": {"groups": [{"rules": [{"name": "Watchdog", "health": "ok"}]}]},
            "/api/v1/alerts": {"alerts": [_WATCHDOG]},
            "/api/v1/alertmanagers": {"activeAlertmanagers": [alertmanager]},
        }
        if path == "/api/v1/query":
            return 200, {"status": "success", "data": self._matrix(given["query"])}
        return 200, {"status": "success", "data": told.get(path, {})}

    def _matrix(self, query: str) -> dict[str, Any]:
        request = self.arrived("metric_points")
        named = query.startswith(("{__name__=~", f"{self.spelled}["))
        if request is None or not named:
            return {"resultType": "matrix", "result": []}
        [resource] = request.resource_metrics
        [point] = resource.scope_metrics[0].metrics[0].gauge.data_points
        values = [[point.time_unix_nano / 1e9, repr(point.as_double)]]
        series = {"metric": {"__name__": self.spelled}, "values": values}
        return {"resultType": "matrix", "result": [series]}

    def _tempo(self, path: str, _: Any) -> tuple[int, Any]:
        if path == "/ready":
            return 200, "ready"
        request = self.arrived("spans")
        if request is None:
            return 404, "trace not found"
        [span] = request.resource_spans[0].scope_spans[0].spans
        found = path == f"/api/traces/{span.trace_id.hex()}"
        return (200, {"batches": [{"name": span.name}]}) if found else (404, "trace not found")

    def _loki(self, path: str, given: dict[str, str]) -> tuple[int, Any]:
        if path != "/loki/api/v1/query_range":
            return 200, "ready"
        wanted = given["query"].partition('trace_id="')[2].partition('"')[0]
        lines = [line for line in self._events() if line.get("trace_id", "") == wanted]
        return 200, {"data": {"result": [{"stream": line, "values": []} for line in lines]}}

    def _events(self) -> list[dict[str, str]]:
        request = self.arrived("log_records")
        if request is None:
            return []
        [record] = request.resource_logs[0].scope_logs[0].log_records
        attributes = {a.key.replace(".", "_"): a.value.string_value for a in record.attributes}
        labels = {**attributes, "trace_id": record.trace_id.hex()}
        kept = labels if self.keeping is None else self.keeping
        return [{name: labels[name] for name in kept}]

    def _alertmanager(self, path: str, _: Any) -> tuple[int, Any]:
        told = datetime.fromtimestamp(time.time() - self.told_ago_s, timezone.utc).isoformat()
        return 200, [{**_WATCHDOG, "updatedAt": told}] if path == "/api/v2/alerts" else "OK"

    def _grafana(self, *_: Any) -> tuple[int, Any]:
        return 200, {}


@contextmanager
def pretending() -> Iterator[Stack]:
    """A stack on 127.0.0.1, on a free port."""
    stack = Stack()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._reply(b"")

        def do_POST(self) -> None:
            self._reply(self.rfile.read(int(self.headers["content-length"])))

        def _reply(self, request: bytes) -> None:
            stack.told(self.path, self.headers)
            status, body = stack.answer(self.path, request)
            text = body if isinstance(body, bytes | str) else json.dumps(body)
            content = text if isinstance(text, bytes) else text.encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            kind = "x-protobuf" if isinstance(body, bytes) else "json"
            self.send_header("Content-Type", f"application/{kind}")
            self.end_headers()
            self.wfile.write(content)

        def date_time_string(self, timestamp: float | None = None) -> str:
            moment = time.time() if timestamp is None else timestamp
            return formatdate(moment + stack.skew_s, usegmt=True)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    stack.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield stack
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
