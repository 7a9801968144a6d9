"""This module checks a real server from outside: what it takes, refuses, keeps and says."""

import gzip
import json
import os
import re
import signal
import socket
import subprocess
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from tests.load import WIDTH, Load, request, rounds
from tests.running import Up, command, running, start, stop, until

PROTOBUF = {"Content-Type": "application/x-protobuf"}
LIMIT = 20 << 20


def peak_bytes(process: int) -> int:
    status = Path(f"/proc/{process}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found
    return int(found[1]) * 1024


def forget_peak(process: int) -> None:
    Path(f"/proc/{process}/clear_refs").write_text("5")


def ended(data: Path, *flags: str) -> tuple[int, str]:
    """The status and the words of a server that does not come to serve."""
    done = subprocess.run(
        command(data, *flags), capture_output=True, text=True, timeout=300, check=False
    )
    return done.returncode, done.stdout + done.stderr


def bomb(factor: int) -> bytes:
    """As many MiB of nothing, compressed."""
    deflating = zlib.compressobj(9, wbits=31)
    zeros = bytes(1 << 20)
    return b"".join([*(deflating.compress(zeros) for _ in range(factor)), deflating.flush()])


def test_what_is_acknowledged_can_be_read_at_once(up: Up) -> None:
    """
    A point sent over HTTP is in the Prometheus API's next answer.
    """
    now_ms = time.time_ns() // 1_000_000
    sent = httpx.post(f"{up.otlp_http}/v1/metrics", content=request(900, now_ms), headers=PROTOBUF)

    query = {"query": 'sum(load{job="load-900"})', "time": str(now_ms / 1000)}
    answer = httpx.get(f"{up.http}/api/v1/query", params=query).json()

    assert 200 == sent.status_code
    assert str(sum(range(WIDTH))) == answer["data"]["result"][0]["value"][1]


def test_the_server_tells_about_itself(up: Up) -> None:
    """
    What came in and what was refused are ordinary series of the server's own job.
    """
    httpx.post(f"{up.otlp_http}/v1/traces", content=b"\xff\xff", headers=PROTOBUF)
    labels = 'job="otel-confidence",otel_confidence_reason="http_400"'
    query = f"otel_confidence_ingest_refused_total{{{labels}}}"

    def counted() -> list[object]:
        found = httpx.get(f"{up.http}/api/v1/query", params={"query": query}).json()
        return list(found["data"]["result"])

    assert until(counted)


def test_a_bomb_is_refused_with_flat_memory(up: Up) -> None:
    """
    A mebibyte that would become a gibibyte gets 413 and costs the server little.
    """
    body = bomb(1024)
    headers = {**PROTOBUF, "Content-Encoding": "gzip"}
    httpx.post(f"{up.otlp_http}/v1/metrics", content=gzip.compress(b""), headers=headers)
    statuses, grown = set(), []

    for _ in range(3):  # the server may do something else meanwhile, but not each time
        forget_peak(up.process.pid)
        before = peak_bytes(up.process.pid)
        for path in ("metrics", "traces", "logs"):
            url = f"{up.otlp_http}/v1/{path}"
            statuses.add(httpx.post(url, content=body, headers=headers, timeout=60).status_code)
        grown.append(peak_bytes(up.process.pid) - before)

    assert {413} == statuses
    assert min(grown) < 2 * LIMIT


def test_a_body_beyond_the_limit_is_not_read(up: Up) -> None:
    """
    A large length is refused before the body, and a body without one as soon as it is too much.
    """
    host, port = up.otlp_http.removeprefix("http://").split(":")
    head = (
        f"POST /v1/logs HTTP/1.1\r\nHost: localhost\r\nContent-Type: {PROTOBUF['Content-Type']}\r\n"
    )
    with socket.create_connection((host, int(port)), timeout=60) as announced:
        announced.sendall(f"{head}Content-Length: {LIMIT + 1}\r\n\r\n".encode())
        early = announced.recv(100)
    sent = 0
    with socket.create_connection((host, int(port)), timeout=60) as endless:
        endless.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        for chunk in _chunks(1 << 20):
            try:
                endless.sendall(chunk)
            except OSError:
                break
            sent += 1

    assert b"413" in early
    assert sent < 64


def _chunks(size: int) -> Iterator[bytes]:
    for _ in range(1000):
        yield f"{size:x}\r\n".encode() + bytes(size) + b"\r\n"


@pytest.mark.parametrize("name", ["http", "otlp_http"])
def test_foreign_hosts_are_refused_at_both_doors(up: Up, name: str) -> None:
    """
    Neither the pages nor the receiver answer to another name.
    """
    answer = httpx.post(f"{getattr(up, name)}/v1/logs", headers={"Host": "evil.example"})

    assert 403 == answer.status_code


def test_a_second_server_on_the_same_folder_is_refused(up: Up) -> None:
    """
    The refusal names the folder and the process that has it; the first serves on.
    """
    status, said = ended(up.data)

    assert 1 == status
    assert f"in use by process {up.process.pid}" in " ".join(said.split())
    assert httpx.get(up.http).is_success


@pytest.mark.parametrize("flag", ["--port", "--otlp-http-port", "--otlp-grpc-port"])
def test_a_taken_port_is_named_with_its_flag(tmp_path: Path, flag: str) -> None:
    """
    A port in use ends the start before anything is written, and says how to choose another.
    """
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, said = ended(tmp_path / "data", flag, str(port))

    assert 1 == status
    assert str(port) in said
    assert flag in said
    assert not (tmp_path / "data").exists()


def test_other_machines_are_not_let_in_by_accident(tmp_path: Path) -> None:
    """
    Listening beyond loopback needs a flag that says what it means.
    """
    status, said = ended(tmp_path / "data", "--host", "0.0.0.0")

    assert 1 == status
    assert "--insecure" in said
    assert "no authentication" in " ".join(said.split())


@pytest.mark.parametrize("host", ["127.0.0.300", "127.0.1", "1.2.3.4.5"])
def test_numbers_that_are_no_address_are_told_as_that(tmp_path: Path, host: str) -> None:
    """
    What looks like an address and is none is not taken for another machine's.
    """
    status, said = ended(tmp_path / "data", "--host", host, "--insecure")

    assert 1 == status
    assert f"--host '{host}' is no address: four numbers from 0 to 255" in said
    assert not (tmp_path / "data").exists()


def test_a_folder_of_somebody_elses_is_left_alone(tmp_path: Path) -> None:
    """
    A folder that holds other things is refused, with a remedy, and nothing is written into it.
    """
    (tmp_path / "thesis.tex").touch()
    status, said = ended(tmp_path)

    assert 1 == status
    assert "holds something else, such as 'thesis.tex': name a new or empty folder" in said
    assert ["thesis.tex"] == [each.name for each in tmp_path.iterdir()]


@contextmanager
def hanging_up(means: signal.Handlers) -> Iterator[None]:
    """
    What SIGHUP means to a process that is started meanwhile, however these tests were started.
    """
    before = signal.signal(signal.SIGHUP, means)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_it_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    """
    It ends before a supervisor would kill it, takes its ready file along and keeps what it has.
    """
    with hanging_up(signal.SIG_DFL):
        up = start(tmp_path / "data")
    with socket.create_connection(up.http.removeprefix("http://").split(":")) as idle:  # type: ignore[arg-type]  # a pair of texts does
        idle.sendall(b"GET / HTTP/1.1\r\n")
        began = time.monotonic()
        os.kill(up.process.pid, number)
        said, _ = up.process.communicate(timeout=180)
        took_s = time.monotonic() - began

    assert 0 == up.process.returncode, said
    assert took_s < 80
    assert not (tmp_path / "data.ready.json").exists()
    assert "Traceback" not in said


def test_it_outlives_its_terminal_where_that_is_wanted(tmp_path: Path) -> None:
    """
    Started with ``nohup``, which has SIGHUP ignored, it goes on serving.
    """
    with hanging_up(signal.SIG_IGN):
        up = start(tmp_path / "data")

    os.kill(up.process.pid, signal.SIGHUP)
    ready = httpx.get(f"{up.http}/-/ready")

    assert 200 == ready.status_code
    assert 0 == stop(up)


def test_a_kill_loses_nothing_acknowledged(tmp_path: Path) -> None:
    """
    After kill -9 under load every acknowledged point is there once, and the folder serves again.
    """
    up = start(tmp_path / "data")
    load = Load()

    outcomes = list(rounds(up, load, 2))

    assert load.acknowledged
    assert all(acknowledged == found for acknowledged, found, _ in outcomes)


def test_the_ready_file_says_where_everything_is(tmp_path: Path) -> None:
    """
    It is JSON with both addresses, gRPC's host and port, the folder and the process.
    """
    with running(tmp_path / "data") as up:
        said = json.loads((tmp_path / "data.ready.json").read_text())

    assert {"http", "otlp_http", "otlp_grpc", "data", "pid"} == set(said)
    assert (str(tmp_path / "data"), up.process.pid) == (said["data"], said["pid"])
    assert 0 == stop(up)
