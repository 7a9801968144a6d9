"""
This module is whoever Alertmanager tells: it keeps what is posted, with the answer that it gave.

By default it answers 200 at once. ``answer`` has it refuse, or take its time.
"""

import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

FILE = "told.jsonl"
ANSWER = "answer.json"
PORT = 18080
"""Where it listens."""


def told(folder: Path, path: str, *, status: int | None = 200) -> list[Any]:
    """Posts to a path in order, each with ``time`` and ``body``; by default those taken."""
    file = folder / FILE
    lines = file.read_text().splitlines(keepends=True) if file.exists() else []
    posts = [json.loads(line) for line in lines if line.endswith("\n")]
    return [p for p in posts if p["path"] == path and status in {None, p["status"]}]


def answer(folder: Path, status: int = 200, *, after_s: float = 0.0) -> None:
    """Let it answer otherwise from now on."""
    fresh = folder / f"{ANSWER}.new"
    fresh.write_text(json.dumps([status, after_s]))
    fresh.replace(folder / ANSWER)


def main() -> None:
    """Keep posts in a file of the home folder."""
    lock, home = threading.Lock(), Path.home()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            chosen = home / ANSWER
            status, after_s = json.loads(chosen.read_text()) if chosen.exists() else (200, 0)
            post = {"path": self.path, "time": time.time(), "status": status, "body": body}
            with lock, (home / FILE).open("a") as file:
                file.write(f"{json.dumps(post)}\n")
            time.sleep(after_s)
            self.send_response(status)
            self.send_header("Content-Type", "text/plain")
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")  # Slack's answer; without it Alertmanager tries again

        def log_message(self, *_: object) -> None:
            return

    ThreadingHTTPServer((sys.argv[1], PORT), Handler).serve_forever()


if __name__ == "__main__":
    main()
