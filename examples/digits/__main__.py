"""
This module runs the demo: the server, the service and its traffic, each in its own process.

``DEMO_SECONDS=60`` ends it by itself after one round of the phases. Ctrl-C ends it earlier: the
traffic first, of which all complete phases are compared, then the wait for the end of alerts.
"""

import json
import math
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console

from examples.digits.alarms import PATIENCE_S, Alarms, alarms

PORT = 8050
STARTUP_S = 180.0
END_S = 60.0
"""How long a program may take to end, seconds."""
LEAST_S = 15.0
"""A round has three phases, and each pauses for the last four seconds."""
console = Console(soft_wrap=True)


def main() -> int:
    """
    Start everything, wait for the traffic to end, stop everything; the exit status.
    """
    seconds = _seconds(os.environ.get("DEMO_SECONDS", ""))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="otel-confidence-")))
        console.print("Starting otel-confidence over an embedded ClickHouse ...")
        heard = stack.enter_context(alarms(folder))
        server = stack.enter_context(_server(folder, heard.options()))
        console.print("Training a classifier on scikit-learn's handwritten digits ...")
        service, accuracy = stack.enter_context(_service(server["otlp_http"]))
        _introduce(server["http"], accuracy)
        traffic = [sys.executable, "-m", "examples.digits.traffic"]
        traffic += ["--service", service, "--prometheus", server["http"]]
        status = _foreground([*traffic, "--seconds", str(seconds)])
        _tell(heard)
        console.print("Ending the service and the server ...")
    _farewell(status)
    return status


def _seconds(text: str) -> float:
    try:
        seconds = float(text or "0")
    except ValueError:
        seconds = -1.0
    if seconds == 0 or LEAST_S <= seconds < math.inf:
        return seconds
    sys.exit(
        f"DEMO_SECONDS must be a number of seconds from {LEAST_S:.0f}, or 0 to go on until Ctrl-C, "
        f"got {text!r}"
    )


def _tell(heard: Alarms) -> None:
    """
    Wait for the end of alerts, unless Ctrl-C says that this is too long, and show them.
    """
    if not heard.ended():
        console.print(
            f"Waiting up to {PATIENCE_S:.0f} s for the alerts to end. Ctrl-C leaves at once."
        )
    with _interrupted() as signals:
        heard.wait(lambda: bool(signals))
    console.print(heard.table() if heard.bodies else "No alert fired.")


def _introduce(page: str, accuracy: float) -> None:
    console.print(f"""
  It recognizes {accuracy:.0%} of images it never saw. Open [bold]{page}[/]:

  1. [bold]healthy[/]    mean confidence and accuracy lie on each other
  2. [bold]corrupted[/]  a camera loses the lower half of each image: the model stays
                sure and is wrong; accuracy falls below confidence, ECE rises
  3. [bold]recovered[/]  both come together again

  In [bold]{page}/alerts[/]  four alerts fire with the second and end
  with the third; a webhook and a file are told of each.

  Ctrl-C ends it.
""")


def _farewell(status: int) -> None:
    if status:
        console.print(
            "[red]Something was lost or went wrong on the way; what is above says what.[/]"
        )
    console.print("Next: 'make test' runs every test; README.md has the lines for your model.")


@contextmanager
def _server(folder: Path, options: list[str]) -> Iterator[dict[str, Any]]:
    ready = folder / "ready.json"
    command = [sys.executable, "-m", "otel_confidence", "up", "--data", str(folder / "data")]
    command += [*options, "--ready-file", str(ready)]
    command += ["--otlp-grpc-port", "0", "--otlp-http-port", "0", "--port"]
    with ExitStack() as stack:
        process = stack.enter_context(_running([*command, str(_free_or_any(PORT))]))
        if not _met(process, ready.exists) and process.returncode:
            console.print("Once more, at any port: another program may have taken the usual one.")
            process = stack.enter_context(_running([*command, "0"]))
        _wait(process, ready.exists)
        yield json.loads(ready.read_text())


@contextmanager
def _service(otlp: str) -> Iterator[tuple[str, float]]:
    # The socket is bound here and handed over, so that its port is known and nobody takes it.
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = "http://{}:{}".format(*listener.getsockname())
        command = [
            sys.executable,
            "-m",
            "uvicorn",
            "--factory",
            "examples.digits.service:create_app",
        ]
        command += ["--log-level", "warning", "--fd", str(listener.fileno())]
        often = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": otlp,
            "OTEL_METRIC_EXPORT_INTERVAL": "1000",
            "OTEL_BSP_SCHEDULE_DELAY": "1000",
            "OTEL_BLRP_SCHEDULE_DELAY": "1000",
        }
        with _running(command, often, (listener.fileno(),)) as process:
            answer = _wait(process, lambda: _answer(f"{url}/ready"))
            yield url, answer["accuracy"]


@contextmanager
def _running(
    command: list[str], variables: dict[str, str] | None = None, files: tuple[int, ...] = ()
) -> Iterator[subprocess.Popen[bytes]]:
    # A session of its own: Ctrl-C reaches the traffic first, and the rest is stopped in order.
    process = subprocess.Popen(  # noqa: S603  our own programs
        command,
        env={**os.environ, **(variables or {})},
        pass_fds=files,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=END_S)


def _foreground(command: list[str]) -> int:
    process = subprocess.Popen(command, start_new_session=True)  # noqa: S603  our own program
    with _interrupted(lambda: process.send_signal(signal.SIGINT)):
        return process.wait()


@contextmanager
def _interrupted(then: Callable[[], object] = lambda: None) -> Iterator[list[int]]:
    """
    The signals to end that came within the block, each answered by what is given.
    """
    came: list[int] = []

    def answer(number: int, _: object) -> None:
        came.append(number)
        then()

    before = {number: signal.signal(number, answer) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield came
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _wait(process: subprocess.Popen[bytes], condition: Callable[[], Any]) -> Any:
    if met := _met(process, condition):
        return met
    sys.exit("The demo could not start; what is above says why.")


def _met(process: subprocess.Popen[bytes], condition: Callable[[], Any]) -> Any:
    """
    What the condition became, or something false if the process ended or time ran out before.
    """
    deadline = time.monotonic() + STARTUP_S
    while not (met := condition()):
        if process.poll() is not None or time.monotonic() > deadline:
            break
        time.sleep(0.1)
    return met


def _answer(url: str) -> Any:
    try:
        return httpx.get(url).json()
    except httpx.TransportError:
        return None


def _free_or_any(port: int) -> int:
    with socket.socket() as probe:
        return port if probe.connect_ex(("127.0.0.1", port)) else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        console.print("Stopped.")
