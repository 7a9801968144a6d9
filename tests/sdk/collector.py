"""This module is a collector for tests: a real HTTP server that answers OTLP as it is told."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

_KINDS: dict[str, Callable[[bytes], Any]] = {
    "/v1/traces": ExportTraceServiceRequest.FromString,
    "/v1/metrics": ExportMetricsServiceRequest.FromString,
    "/v1/logs": ExportLogsServiceRequest.FromString,
}


class Collector:
    """
    What arrived, and how to answer.
    """

    def __init__(self) -> None:
        self.status = 200
        self.silent = threading.Event()
        """Set while it accepts and never answers."""
        self.resume = threading.Event()
        self.requests: list[tuple[str, Any]] = []
        self.url = ""

    def spans(self) -> list[Any]:
        """
        The spans that arrived.
        """
        return [
            span
            for path, request in self.requests
            if path == "/v1/traces"
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def totals(self, metric: str) -> dict[str, float]:
        """
        A counter's or histogram's latest total by service instance.
        """
        found: dict[str, float] = {}
        for path, request in self.requests:
            if path != "/v1/metrics":
                continue
            for resource in request.resource_metrics:
                instance = next(
                    a.value.string_value
                    for a in resource.resource.attributes
                    if a.key == "service.instance.id"
                )
                for scope in resource.scope_metrics:
                    for one in scope.metrics:
                        if one.name == metric:
                            found[instance] = _total(one)
        return found

    def points(self, metric: str, **attributes: str) -> list[Any]:
        """
        The points of the series that have these attributes, in the order of their arrival.
        """
        wanted = {name.replace("_", "."): value for name, value in attributes.items()}
        return [
            point
            for path, request in self.requests
            if path == "/v1/metrics"
            for resource in request.resource_metrics
            for scope in resource.scope_metrics
            for one in scope.metrics
            if one.name == metric
            for point in getattr(one, one.WhichOneof("data")).data_points
            if wanted.items() <= {a.key: a.value.string_value for a in point.attributes}.items()
        ]


@contextmanager
def collector(port: int = 0) -> Iterator[Collector]:
    """
    A collector on 127.0.0.1, on a free port by default.
    """
    state = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if state.silent.is_set():
                state.resume.wait(300)
            if state.status == 200:
                state.requests.append((self.path, _KINDS[self.path](body)))
            self.send_response(state.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield state
    finally:
        state.resume.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _total(metric: Any) -> float:
    if metric.HasField("histogram"):
        return float(sum(point.count for point in metric.histogram.data_points))
    return float(sum(point.as_int or point.as_double for point in metric.sum.data_points))
