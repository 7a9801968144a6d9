"""This module checks the native runner with services that recorders stand in for."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import httpx
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub
from tests.running import until
from tools.stack import Stack, StackError, addresses, compose, programs
from tools.stack.plan import COMPOSE as COMPOSE_FILE
from tools.stack.plan import ROOT, Wishes
from tools.stack.refusals import refusal

COMPOSE = """
services:
  loki:
    image: grafana/loki:1.0.0
    ports: ["127.0.0.1:3100:3100"]
    healthcheck: {test: [CMD, wget, "http://localhost:3100/ready"]}
  tempo: {image: "grafana/tempo:1.0.0", expose: ["4317"]}
  grafana: {image: "grafana/grafana:1.0.0", ports: ["127.0.0.1:3000:3000"]}
"""


@pytest.fixture(autouse=True)
def _no_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))


@pytest.fixture
def wishes(tmp_path: Path) -> Wishes:
    path = tmp_path / "docker-compose.yml"
    path.write_text(COMPOSE)
    return Wishes(files=[path])


@pytest.fixture
def stack(tmp_path: Path, wishes: Wishes) -> Iterator[Stack]:
    with Stack.started(tmp_path / "run", wishes) as started:
        yield started


def logs(body: str) -> bytes:
    request = ExportLogsServiceRequest()
    record = request.resource_logs.add().scope_logs.add().log_records.add()
    record.body.string_value = body
    return request.SerializeToString()


def bodies(stack: Stack) -> list[str]:
    return [item.message.body.string_value for item in stack.recorded("loki").events()]


def send(stack: Stack, body: str) -> int:
    url = f"{stack.url('loki', 3100)}/otlp/v1/logs"
    return httpx.post(url, content=logs(body)).status_code


def test_what_arrives_is_kept_over_a_kill(stack: Stack) -> None:
    """
    What a recorder acknowledged is there after it was killed, and what comes later follows it.
    """
    send(stack, "first")
    stack.kill("loki")
    with stack.plan.starts["loki"].records.joinpath("requests.bin").open("ab") as file:
        file.write(b"l\x00\x00")  # a frame that a kill cut short
    stack.restart("loki")
    send(stack, "second")

    assert ["first", "second"] == bodies(stack)
    assert [] == stack.fallen


def test_traces_are_taken_by_grpc(stack: Stack) -> None:
    """
    A port that OTLP's gRPC is registered for takes it.
    """
    request = ExportTraceServiceRequest()
    request.resource_spans.add().scope_spans.add().spans.add().name = "predict m"
    with grpc.insecure_channel(stack.address("tempo", 4317)) as channel:
        export = TraceServiceStub(channel).Export  # type: ignore[no-untyped-call]
        export(request, timeout=120)

    assert ["predict m"] == [span.message.name for span in stack.recorded("tempo").spans()]


def test_a_recorder_refuses_when_told_to(stack: Stack) -> None:
    """
    What a recorder answers can be chosen, and what it refuses is not kept.
    """
    stack.answer("loki", 503)
    refused = send(stack, "refused")
    stack.answer("loki", None)
    taken = send(stack, "taken")

    assert (503, 200) == (refused, taken)
    assert ["taken"] == bodies(stack)


@pytest.mark.parametrize(
    ("given", "line", "refused"),
    [
        ({f"k{n}": "v" for n in range(128)}, "l", False),
        ({f"k{n}": "v" for n in range(129)}, "l", True),
        ({"k": "v" * 65_535}, "l", False),
        ({"k": "v" * 65_536}, "l", True),
        ({}, "l" * 262_144, False),
        ({}, "l" * 262_145, True),
    ],
    ids=[
        "entries",
        "an entry too many",
        "metadata",
        "a byte too many",
        "a line",
        "a line too long",
    ],
)
def test_it_is_known_what_loki_refuses(given: dict[str, str], line: str, refused: bool) -> None:
    """
    One record with more metadata or a longer line than Loki takes costs its request.
    """
    request = ExportLogsServiceRequest.FromString(logs("beside"))
    record = request.resource_logs[0].scope_logs[0].log_records.add()
    record.body.string_value = line
    for key, value in given.items():
        record.attributes.add(key=key).value.string_value = value

    assert refused == bool(refusal(request))


def test_a_recorder_refuses_what_loki_refuses(stack: Stack) -> None:
    """
    A request that Loki would not take is not kept.
    """
    statuses = [send(stack, body) for body in ("l" * 262_145, "taken")]

    assert [400, 200] == statuses
    assert ["taken"] == bodies(stack)


def test_a_service_that_falls_is_said(tmp_path: Path, wishes: Wishes) -> None:
    """
    A child that ends without anybody's wish is told of by name, with its status.
    """
    said: list[str] = []
    with Stack.started(tmp_path / "run", wishes, say=said.append) as stack:
        os.kill(stack.pid("loki"), signal.SIGKILL)
        until(lambda: said)

        assert said[0].startswith("loki ended by itself with status -9")
        assert said == stack.fallen


def test_two_stacks_live_side_by_side(tmp_path: Path, wishes: Wishes, stack: Stack) -> None:
    """
    A second stack has addresses of its own.
    """
    with Stack.started(tmp_path / "other", wishes) as other:
        send(stack, "one")
        send(other, "two")

        assert (["one"], ["two"]) == (bodies(stack), bodies(other))


def test_what_is_left_out_is_said(stack: Stack) -> None:
    """
    A service that nothing stands in for is named.
    """
    assert {"grafana": "grafana not on PATH"} == stack.plan.absent


def test_stand_ins_stand_in_for_what_is_on_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Where stand-ins are asked for, programs on PATH are left alone.
    """
    for name in ("tempo", "loki", "grafana"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    path = tmp_path / "docker-compose.yml"
    path.write_text(COMPOSE)
    services = compose.read([path], {}).services
    found = {
        wanted: {n: programs.find(s, stand_ins=wanted).standing for n, s in services.items()}
        for wanted in (False, True)
    }

    assert {"loki": "program", "tempo": "program", "grafana": "program"} == found[False]
    assert {"loki": "recorder", "tempo": "recorder", "grafana": "absent"} == found[True]


def test_a_port_in_use_everywhere_is_said_before_anything_starts(tmp_path: Path) -> None:
    """
    A program that listens where a service should keeps the stack from starting, with a remedy.
    """
    path = tmp_path / "docker-compose.yml"
    with socket.create_server(("127.0.249.2", 0)) as listening:
        port = listening.getsockname()[1]
        path.write_text(COMPOSE.replace("3100", str(port)))
        services = list(compose.read([path], {}).services.values())
        with pytest.raises(StackError) as raised:
            addresses.choose(services, runs=[249])

    assert f"Port {port} of loki is in use at 127.0.249.2" in str(raised.value)
    assert f"ss -anp | grep :{port}" in str(raised.value)


@contextmanager
def runner(folder: Path, **variables: str) -> Iterator[subprocess.Popen[str]]:
    """
    A process that starts the stack, prints Loki's address and waits for the end of its input.
    """
    path = folder / "docker-compose.yml"
    path.write_text(COMPOSE)
    program = (
        "import sys; from pathlib import Path; from tools.stack import Stack;"
        "from tools.stack.plan import Wishes; sys.stdout.reconfigure(line_buffering=True)\n"
        f"with Stack.started(Path({str(folder / 'run')!r}), Wishes([Path({str(path)!r})])) as s:"
        "\n print(s.url('loki', 3100)); sys.stdin.read()"
    )
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}", **variables}
    with subprocess.Popen(
        [sys.executable, "-c", program], env=environment, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.kill()


def test_everything_ends_with_the_runner(tmp_path: Path) -> None:
    """
    No child outlives a runner that is killed.
    """
    with runner(tmp_path) as process:
        assert process.stdout
        url = process.stdout.readline().strip()
        alive = httpx.get(url, trust_env=False).status_code
        process.kill()

        assert 200 == alive
        assert until(lambda: _refuses(url))


def test_services_are_asked_past_a_proxy(tmp_path: Path) -> None:
    """
    A proxy of the environment, here one that nobody serves, does not stand before loopback.
    """
    with runner(tmp_path, HTTP_PROXY="http://127.0.0.1:9", NO_PROXY="", no_proxy="") as process:
        said, complaint = process.communicate("")

    assert (0, "") == (process.returncode, complaint)
    assert said.startswith("http://127.0.")


def _refuses(url: str) -> bool:
    try:
        httpx.get(url)
    except httpx.ConnectError:
        return True
    except httpx.TransportError:
        return False  # it took the connection, and died before it answered
    return False


def test_what_lives_in_a_container_only_is_left_out() -> None:
    """
    Services that need their image's own shell, or that no program is known of, say so.
    """
    services = compose.read([COMPOSE_FILE], {}, ["scale"]).services
    whys = {name: programs.find(services[name]).why for name in ("clickhouse", "s3", "s3-bucket")}

    assert {"it runs in its container only"} == set(whys.values())
