"""
This module plays a program that is not here: Tempo, Loki or Grafana.

It writes down how it was started and listens where its configuration tells it to. Asked to check
that, it complains of one that names no port.
"""

import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import yaml

FILE = "started.json"
CHECKS = {"-config.verify=true", "-verify-config"}


class Ready(BaseHTTPRequestHandler):
    """Answers every question."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return


def doors() -> list[tuple[str, int]]:
    """Where to listen."""
    given = dict(word.lstrip("-").partition("=")[::2] for word in sys.argv[1:])
    if "config.file" not in given:
        return [(os.environ["GF_SERVER_HTTP_ADDR"], 3000)]
    settings = yaml.safe_load(Path(given["config.file"]).read_text())
    found = [(settings["server"]["http_listen_address"], settings["server"]["http_listen_port"])]
    if "distributor" in settings:
        protocols = settings["distributor"]["receivers"]["otlp"]["protocols"]
        host, _, port = protocols["grpc"]["endpoint"].rpartition(":")
        found.append((host, int(port)))
    return found


def main() -> None:
    """Check, or write down and listen."""
    if CHECKS & set(sys.argv):
        where = doors()
        assert all(isinstance(port, int) for _, port in where), where
        return
    started = {"words": sys.argv[1:], "variables": dict(os.environ)}
    Path(FILE).write_text(json.dumps(started))
    servers = [ThreadingHTTPServer(door, Ready) for door in doors()]
    for server in servers[1:]:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    servers[0].serve_forever()


if __name__ == "__main__":
    main()
