"""This module receives notifications as a webhook does."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Hook:
    """A webhook that keeps what it gets."""

    address: str = ""
    status: int = 200
    location: str = ""
    bodies: list[Any] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)

    def statuses(self) -> list[str]:
        """What each notification said."""
        return [body["status"] for body in self.bodies]


@contextmanager
def hook() -> Iterator[Hook]:
    """A webhook on a free port of the loopback."""
    kept = Hook()

    class Handler(BaseHTTPRequestHandler):
        """Answers posts."""

        def do_POST(self) -> None:
            """Keep the body, unless the hook refuses."""
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if kept.status < 300:
                kept.keys.append(self.headers.get("Idempotency-Key", ""))
                kept.bodies.append(body)
            self.send_response(kept.status)
            if kept.location:
                self.send_header("Location", kept.location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield kept
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
