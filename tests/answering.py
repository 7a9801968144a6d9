"""
This module is a receiver of OTLP for tests that answers as it is told, by HTTP, TLS and gRPC.

It keeps what it takes. Telling it to take a part, to refuse, to lead elsewhere or to ask for
patience changes only its answers; nothing about its doors.
"""

import gzip
import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import grpc
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from tools.stack.recorded import KINDS, Kind

OK: Final = 200
MESSAGE: Final = "the sample is too old"
"""Why it takes only a part."""
_TOLD: Final = {
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    401: grpc.StatusCode.UNAUTHENTICATED,
    301: grpc.StatusCode.UNKNOWN,
    302: grpc.StatusCode.UNKNOWN,
    307: grpc.StatusCode.UNKNOWN,
    308: grpc.StatusCode.UNKNOWN,
    503: grpc.StatusCode.UNAVAILABLE,
}
"""What a refusal by HTTP is by gRPC."""


@dataclass(slots=True)
class Answering:
    """What arrived, and how to answer."""

    http: str = ""
    grpc: str = ""
    status: int = OK
    headers: dict[str, str] = field(default_factory=dict)
    rejected: int = 0
    """How much of each request it says not to have taken."""
    retry_after_s: int | None = None
    refusals: dict[str, int] = field(default_factory=dict)
    """By signal, how many requests it still answers so before it takes them; all where not said."""
    asked: list[str] = field(default_factory=list)
    """The signals of all requests, also those that it refused."""
    before_answering: Callable[[], object] = lambda: None
    """Called with each request before it is answered."""
    taken: list[tuple[str, Any]] = field(default_factory=list)
    """Signals and requests that it answered with success."""

    def answer(
        self,
        status: int = OK,
        *,
        rejected: int = 0,
        retry_after_s: int | None = None,
        to: str = "",
        page: bool = False,
        refusals: int | None = None,
    ) -> None:
        """Answer so from now on."""
        self.status, self.rejected, self.retry_after_s = status, rejected, retry_after_s
        self.refusals = {} if refusals is None else dict.fromkeys(KINDS, refusals)
        self.headers = {"Location": to} if to else {}
        if page:
            self.headers["Content-Type"] = "text/html; charset=utf-8"
        if retry_after_s is not None:
            self.headers["Retry-After"] = str(retry_after_s)

    def times(self, signal: str) -> int:
        """How often a signal was sent."""
        return self.asked.count(signal)

    def took(self, signal: str) -> list[Any]:
        """The requests of a signal that it took."""
        return [request for kind, request in self.taken if kind == signal]

    def take(self, kind: Kind, body: bytes) -> tuple[int, bytes]:
        """Keep a request, or not; status and body of the answer."""
        self.asked.append(kind.signal)
        self.before_answering()
        left = self.refusals.get(kind.signal, 1)
        if self.status != OK and left:
            if self.refusals:
                self.refusals[kind.signal] = left - 1
            return self.status, b""
        self.taken.append((kind.signal, kind.request.FromString(body)))
        # The answers of the three signals differ in names only.
        answer = ExportTraceServiceResponse()
        if self.rejected:
            answer.partial_success.rejected_spans = self.rejected
            answer.partial_success.error_message = MESSAGE
        return OK, answer.SerializeToString()


@contextmanager
def answering(certificate: Path | None = None) -> Iterator[Answering]:
    """
    A receiver at free ports of 127.0.0.1; by HTTP with TLS, where there is a certificate.

    Args:
        certificate: ``cert.pem`` with its ``key.pem`` beside it.
    """
    state = Answering()
    pages = ThreadingHTTPServer(("127.0.0.1", 0), _handler(state))
    pages.daemon_threads = True
    if certificate:
        _encrypt(pages, certificate)
    thread = threading.Thread(target=pages.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    state.http = f"http{'s' if certificate else ''}://127.0.0.1:{pages.server_port}"
    calls = _calls(state)
    calls.start()
    try:
        yield state
    finally:
        calls.stop(None).wait()
        pages.shutdown()
        pages.server_close()
        thread.join()


def _handler(state: Answering) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            kind = next(k for k in KINDS.values() if self.path.endswith(k.path))
            told = dict(state.headers)
            status, answer = state.take(kind, body)
            self.send_response(status)
            for name, value in {"Content-Type": "application/x-protobuf", **told}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            return

    return Handler


def _encrypt(pages: ThreadingHTTPServer, certificate: Path) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, certificate.with_name("key.pem"))
    pages.handle_error = lambda *_: None  # type: ignore[method-assign]  # of those who hang up
    pages.socket = context.wrap_socket(
        pages.socket, server_side=True, do_handshake_on_connect=False
    )


def _calls(state: Answering) -> grpc.Server:
    server = grpc.server(ThreadPoolExecutor(4), options=[("grpc.so_reuseport", 0)])
    for kind in KINDS.values():
        handler = grpc.unary_unary_rpc_method_handler(_taking(state, kind))
        server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(kind.service, {"Export": handler}),)
        )
    state.grpc = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    return server


def _taking(state: Answering, kind: Kind) -> Callable[[bytes, Any], bytes]:
    def take(body: bytes, context: Any) -> bytes:
        patience = state.retry_after_s
        status, answer = state.take(kind, body)
        if status != OK:
            _refuse(context, _TOLD[status], patience)
        return answer

    return take


def _refuse(context: Any, code: grpc.StatusCode, retry_after_s: int | None) -> None:
    if retry_after_s is not None:
        status = Status(code=code.value[0], message="told to")
        status.details.add().Pack(RetryInfo(retry_delay=Duration(seconds=retry_after_s)))
        context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(code, "told to")
