"""
This module stands in for Tempo and Loki: it takes OTLP where they would and keeps what arrives.

It answers once a request is in its file, so that whatever was acknowledged is there after a kill.
Beside OTLP it answers what a health check, a scrape and the doctor ask. Run as
``python -m tools.stack.recorder --folder F --http 127.0.1.5:3100 --grpc 127.0.1.5:4317``.

While a file ``answer`` in its folder holds a status such as 503, requests are answered with that
and not kept. Logs that Loki would refuse are refused too.
"""

import argparse
import gzip
import json
import signal
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import grpc
from google.protobuf.message import DecodeError

from tools.stack import lookups
from tools.stack.recorded import ANSWER, KINDS, Kind, Recorded, append, mend
from tools.stack.refusals import refusal

_OK: Final = 200
_STEP_S: Final = 0.2


class Recorder:
    """
    What arrived, on disk, and how to answer.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.counts = dict.fromkeys(KINDS, 0)
        self._lock = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)
        mend(folder)

    def status(self) -> int:
        """
        The HTTP status to answer with.
        """
        told = self.folder / ANSWER
        return int(told.read_text() or _OK) if told.exists() else _OK

    def keep(self, kind: Kind, body: bytes) -> None:
        """
        Write a request down.
        """
        with self._lock:
            append(self.folder, kind, body)
            self.counts[kind.signal] += 1

    def exposition(self) -> str:
        """
        How many requests were kept, as Prometheus reads it.
        """
        name = "otlp_recorder_requests_total"
        lines = [f'{name}{{signal="{signal}"}} {n}' for signal, n in self.counts.items()]
        return "\n".join([f"# TYPE {name} counter", *lines, ""])


def http_server(recorder: Recorder, address: tuple[str, int]) -> ThreadingHTTPServer:
    """
    OTLP by HTTP below any path, ``/metrics``, look-ups, and 200 for all other questions.
    """
    paths = {kind.path: kind for kind in KINDS.values()}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            looked_up = lookups.answer(Recorded(recorder.folder), self.path)
            if looked_up is not None:
                status, told = looked_up
                self._answer(status, "application/json", json.dumps(told).encode())
                return
            page = recorder.exposition() if self.path == "/metrics" else "ready\n"
            self._answer(_OK, "text/plain; version=0.0.4", page.encode())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            kind = next((k for path, k in paths.items() if self.path.endswith(path)), None)
            status = recorder.status() if kind else 404
            if kind is None or status != _OK:
                self._answer(status, "text/plain", b"")
                return
            try:
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                request = kind.request.FromString(body)
            except (DecodeError, OSError) as error:
                self._answer(400, "text/plain", str(error).encode())
                return
            refused = refusal(request) if kind.signal == "logs" else ""
            if refused:
                self._answer(400, "text/plain", refused.encode())
                return
            recorder.keep(kind, body)
            self._answer(_OK, "application/x-protobuf", b"")

        def _answer(self, status: int, content_type: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

    return Server(address, Handler)


def grpc_server(recorder: Recorder, address: str) -> grpc.Server:
    """
    OTLP by gRPC.
    """
    # gRPC's own limit of 4 MiB stays: Tempo keeps it too.
    server = grpc.server(ThreadPoolExecutor(8), options=[("grpc.so_reuseport", 0)])
    for kind in KINDS.values():
        handler = grpc.unary_unary_rpc_method_handler(_taking(recorder, kind))
        server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(kind.service, {"Export": handler}),)
        )
    if not server.add_insecure_port(address):
        sys.exit(f"cannot listen on {address}")
    return server


def _taking(recorder: Recorder, kind: Kind) -> Callable[[bytes, Any], bytes]:
    def take(body: bytes, context: Any) -> bytes:
        status = recorder.status()
        if status != _OK:
            context.abort(grpc.StatusCode.UNAVAILABLE, f"told to answer {status}")
        recorder.keep(kind, body)
        return b""

    return take


def main() -> None:
    """
    Serve until SIGTERM.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--http", action="append", default=[])
    parser.add_argument("--grpc", action="append", default=[])
    chosen = parser.parse_args()
    recorder = Recorder(chosen.folder)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    for address in chosen.http:
        host, _, port = address.rpartition(":")
        pages = http_server(recorder, (host, int(port)))
        threading.Thread(target=pages.serve_forever, daemon=True).start()
    # gRPC's servers end once nobody holds them.
    held = [grpc_server(recorder, address) for address in chosen.grpc]
    for server in held:
        server.start()
    while True:
        # In steps: a signal that comes just before a wait without an end would not end it.
        time.sleep(_STEP_S)


if __name__ == "__main__":
    main()
