"""This module checks that no answer, however odd, ends the doctor or a query by a traceback."""

import json
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from click.testing import CliRunner

from otel_confidence.cli.commands import cli
from otel_confidence.doctor import scrapes
from otel_confidence.doctor.alerts import AlertPath
from otel_confidence.doctor.backends import Backend, Loki, Prometheus, Tempo
from otel_confidence.doctor.doors import Door
from otel_confidence.doctor.gateways import Counts
from otel_confidence.doctor.probes import make
from otel_confidence.errors import QueryError
from otel_confidence.query.prometheus import PrometheusClient

ODD: tuple[Any, ...] = (None, [], "x", 1, [None], {"a": None}, 10**400)
"""What stands where something else belongs."""
RULES: dict[str, Any] = {"groups": [{"rules": [{"name": "Watchdog"}]}]}
FIRING: dict[str, Any] = {"labels": {"alertname": "Watchdog"}, "state": "firing"}
TELLING: dict[str, Any] = {**RULES, "alerts": [FIRING], "activeAlertmanagers": [{"url": "x"}]}
NO_JSON = (b"", b"\xff", b"<html>", b"{", b"[" * 100_000)


def in_places(odd: Any) -> Iterator[Any]:
    """
    Answers as of Prometheus, Alertmanager and Loki, with something odd in one place of each.
    """
    yield odd
    yield [odd]
    yield {"status": "success", "data": odd}
    yield {"status": odd, "data": TELLING, "warnings": odd}
    for data in (
        {"groups": odd},
        {"groups": [{"rules": odd}]},
        {"groups": [{"rules": [{"name": "Watchdog", "health": odd}]}], "alerts": odd},
        {**TELLING, "alerts": [{"labels": odd, "state": odd}]},
        {**TELLING, "activeAlertmanagers": odd, "activeTargets": odd},
        {**TELLING, "activeAlertmanagers": [{"url": odd}], "activeTargets": [{"health": odd}]},
        {**TELLING, "startTime": odd, "serverTime": odd, "web.enable-otlp-receiver": odd},
        {"resultType": odd, "result": odd},
        {"resultType": "matrix", "result": odd},
        {"resultType": "vector", "result": [{"metric": odd, "value": odd}]},
        {"resultType": "matrix", "result": [{"metric": {"a": odd}, "values": [[odd, odd]]}]},
        {"resultType": "scalar", "result": [odd, odd]},
        {"result": [{"stream": odd}]},
    ):
        yield {"status": "success", "data": data}


BODIES = [json.dumps(body).encode() for odd in ODD for body in in_places(odd)] + [*NO_JSON]


class Server:
    """A server that answers everything with the same."""

    def __init__(self) -> None:
        self.url = ""
        self.body = b""


@contextmanager
def serving() -> Iterator[Server]:
    """A server on a free port of 127.0.0.1."""
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            self.send_response(200)
            self.send_header("Content-Length", str(len(state.body)))
            self.end_headers()
            self.wfile.write(state.body)

        do_POST = do_GET  # noqa: N815  as the library names it

        def date_time_string(self, _: float | None = None) -> str:
            return "Mon, 01 Jan 0001 00:00:00 -0000"  # of which no clock knows the seconds

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(name="server", scope="module")
def _server() -> Iterator[Server]:
    with serving() as server:
        yield server


def test_the_doctor_survives_whatever_is_answered(server: Server) -> None:
    """
    Whatever a server of JSON answers to the doctor, each place of an alert and probe has its check.
    """
    door, probe = Door(server.url, {}), make(1_800_000_000)
    path = AlertPath(door, door, lambda found, _: found())
    with closing(PrometheusClient(server.url)) as client:
        backends: list[Backend] = [Prometheus(door, client), Tempo(door), Loki(door)]
        for body in BODIES:
            server.body = body
            checks = [*path.follow(), scrapes.look(door)]
            found = [backend.find(probe) or backend.why(probe) for backend in backends]

            assert 2 <= len(checks)
            assert 3 == len(found)


def test_another_program_is_told_from_prometheus(server: Server) -> None:
    """
    What answers success and is no Prometheus is named as that, in the first place that it fails.
    """
    path = AlertPath(Door(server.url, {}), Door("", {}), lambda found, _: found())
    for body in (b"[]", b"<html>", b'{"data": []}', b'{"data": {"groups": 1}}', b"[" * 100_000):
        server.body = body
        (check,) = path.follow()

        assert f"{server.url} does not answer as Prometheus does, to /api/v1/rules" == check.found


def test_a_query_survives_whatever_is_answered(server: Server) -> None:
    """
    A query of a server that is no Prometheus has an answer or an error of ours, and no other.
    """
    asked = 0
    with closing(PrometheusClient(server.url)) as client:
        for server.body in BODIES:
            with suppress(QueryError):
                client.query("up")
            asked += 1

    assert len(BODIES) == asked


SELECTOR = {"seconds": 1, "series": 1, "rows": 1, "sql": "", "parameters": {}}


@pytest.mark.parametrize("key", SELECTOR)
def test_an_explanation_survives_whatever_is_answered(server: Server, key: str) -> None:
    """
    What explains nothing is not taken for an explanation.
    """
    told = {"status": "success", "data": {"selectors": [{**SELECTOR, key: None}]}}
    server.body = json.dumps(told).encode()
    ended = CliRunner().invoke(cli, ["query", "--url", server.url, "up", "--explain"])

    assert (ended.exit_code == 0) == (key in {"series", "rows", "sql"})
    assert ended.output.startswith(("-- ", "Error: no explanation"))


@pytest.mark.parametrize(
    "body",
    [
        b"<html>", b"[]", b'{"status": "success"}', b'{"status": "success", "data": null}',
        b'{"status": "success", "data": {"resultType": "matrix", "result": [{"metric": null}]}}',
        b'{"status": "success", "data": {"resultType": "vector", "result": [[1, 2]]}}',
        b'{"status": "success", "data": {"resultType": "scalar", "result": [1e400, "1"]}}',
        b'{"status": "success", "warnings": 1, "data": {"resultType": "vector", "result": []}}',
    ],
)  # fmt: skip
def test_a_query_says_that_a_server_is_no_prometheus(server: Server, body: bytes) -> None:
    """
    It says so in words, whatever the server sent instead.
    """
    server.body = body
    ended = CliRunner().invoke(cli, ["query", "--url", server.url, "up"])

    assert 1 == ended.exit_code
    assert ended.output.startswith("Error: the server does not answer as the Prometheus HTTP API")


def test_warnings_that_are_null_are_none(server: Server) -> None:
    """
    Programs in Go write null for an empty list.
    """
    server.body = b"""{"status": "success", "warnings": null, "infos": null,
        "data": {"resultType": "scalar", "result": [1, "2"]}}"""
    with closing(PrometheusClient(server.url)) as client:
        answer = client.query("2")

    assert () == answer.warnings
    assert [2.0] == list(answer.series[0].values)


@pytest.mark.parametrize("number", ["1.2.3", "1e+-3", "--1", "e", "+", "1e"])
def test_a_metric_that_is_no_number_is_left_out(number: str) -> None:
    """
    A line whose value is no number is none of a Collector's.
    """
    assert not Counts(f'otelcol_receiver_accepted_spans{{receiver="otlp"}} {number}\n')


@pytest.mark.parametrize("address", ["http://[::1]x", "http://\x00a", "http://a:b", "ftp://a", "a"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    """
    What is no address of HTTP is wrong use of the option, and said as that.
    """
    ended = CliRunner().invoke(cli, ["query", "--url", address, "up"])

    assert 2 == ended.exit_code
    assert "is no address" in ended.output
