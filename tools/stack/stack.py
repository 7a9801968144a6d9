"""
This module runs a planned stack: starts, watches, kills, restarts and ends its processes.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tools.stack.errors import StackError
from tools.stack.plan import ROOT, Plan, Start, Wishes, make
from tools.stack.recorded import ANSWER, Recorded

_LEASH: Final = Path(__file__).with_name("leash.py")
_PATIENCE_S: Final = 240.0
_END_S: Final = 60.0
"""How long a service may take to end before it is killed, seconds."""
_POLL_S: Final = 0.05
_DIRECT: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Past any proxy of the environment: services are at loopback addresses, to which none leads."""


@dataclass(slots=True)
class _Running:
    process: subprocess.Popen[bytes]
    wanted: bool = True
    """Whether its end is nobody's wish."""


class Stack:
    """
    The services of a plan, running.
    """

    def __init__(self, plan: Plan, say: Callable[[str], None]) -> None:
        self.plan = plan
        self.fallen: list[str] = []
        """What ended by itself, in words."""
        self._say = say
        self._running: dict[str, _Running] = {}
        # Linux ends a child with the thread that started it: one thread starts them all.
        self._starter = ThreadPoolExecutor(1, "stack")

    @classmethod
    @contextmanager
    def started(
        cls,
        folder: Path,
        wishes: Wishes | None = None,
        *,
        check: bool = True,
        say: Callable[[str], None] = lambda _: None,
    ) -> Iterator["Stack"]:
        """
        A stack whose services are ready, its files and logs in a folder; ended with the block.

        Raises:
            StackError: a configuration is refused, or a service does not become ready.
        """
        plan = make(folder, wishes or Wishes())
        stack = cls(plan, say)
        try:
            if check:
                stack.check()
            for name in plan.starts:
                stack.start(name)
            stack.wait()
            yield stack
        finally:
            stack.close()

    def check(self) -> None:
        """
        Let the services' own programs read their configuration.

        Raises:
            StackError: one is refused, with what its program says.
        """
        for name, start in self.plan.starts.items():
            if not start.check:
                continue
            run = subprocess.run(  # noqa: S603  the stack's own programs
                start.check, env=start.environment, capture_output=True, text=True, check=False
            )
            if run.returncode:
                raise StackError(
                    f"the configuration of {name} is refused, nothing was started:\n"
                    f"{_tail(run.stdout + run.stderr)}"
                )

    def start(self, name: str) -> None:
        """
        Start a service that does not run, once those that it waits for are ready.
        """
        start = self.plan.starts[name]
        for before, condition in start.service.after.items():
            if condition == "service_healthy" and before in self.plan.starts:
                self.wait(before)
        process = self._starter.submit(_spawn, start).result()
        running = _Running(process)
        self._running[name] = running
        threading.Thread(target=self._watch, args=(name, running), daemon=True).start()

    def wait(self, *names: str, patience_s: float = _PATIENCE_S) -> None:
        """
        Wait until services (all by default) are ready.

        Raises:
            StackError: one ended or took too long, with the end of its log.
        """
        deadline = time.monotonic() + patience_s
        for name in names or self.plan.starts:
            start = self.plan.starts[name]
            while not _ready(start):
                ended = self._running[name].process.poll()
                if ended is not None or time.monotonic() > deadline:
                    how = "is not ready" if ended is None else f"ended with status {ended}"
                    raise StackError(f"{name} {how}; the end of {start.log}:\n{self.log_end(name)}")
                time.sleep(_POLL_S)

    def kill(self, name: str) -> None:
        """
        End a service at once (SIGKILL), and not because it fell.
        """
        self._end(name, signal.SIGKILL)

    def stop(self, name: str) -> None:
        """
        Let a service end in its own way (SIGTERM).
        """
        self._end(name, signal.SIGTERM)

    def restart(self, name: str) -> None:
        """
        Start a service again, ending it first where it runs; wait until it is ready.
        """
        if name in self._running and self._running[name].process.poll() is None:
            self.stop(name)
        self.start(name)
        self.wait(name)

    def signal(self, name: str, number: int) -> None:
        """
        Send a signal to a service: SIGHUP to read its files again, SIGSTOP and SIGCONT to pause it.
        """
        self._running[name].process.send_signal(number)

    def pid(self, name: str) -> int:
        """
        The id of a service's process.
        """
        return self._running[name].process.pid

    def address(self, name: str, port: int) -> str:
        """
        ``address:port`` of a service.

        Raises:
            StackError: it offers no such port.
        """
        start = self.plan.starts[name]
        if port not in {each.number for each in start.service.ports}:
            raise StackError(f"{name} offers no port {port}")
        return f"{start.address}:{port}"

    def url(self, name: str, port: int) -> str:
        """
        ``http://address:port`` of a service.
        """
        return f"http://{self.address(name, port)}"

    def recorded(self, name: str) -> Recorded:
        """
        What arrived at a service that a recorder stands in for.
        """
        if self.plan.starts[name].program.standing != "recorder":
            raise StackError(f"{name} is no recorder: its program is on this host")
        return Recorded(self.plan.starts[name].records)

    def answer(self, name: str, status: int | None) -> None:
        """
        Let a recorder refuse with an HTTP status, by gRPC UNAVAILABLE; None: take everything again.
        """
        path = self.recorded(name).folder / ANSWER
        if status is None:
            path.unlink(missing_ok=True)
            return
        fresh = path.with_suffix(".new")
        fresh.write_text(str(status))
        fresh.replace(path)

    def file(self, name: str, inside: str) -> Path:
        """
        Where a path of a service's container lies.
        """
        return self.plan.starts[name].folder / inside.lstrip("/")

    def log_end(self, name: str) -> str:
        """
        The last lines that a service wrote.
        """
        return _tail(self.plan.starts[name].log.read_text(errors="replace"))

    def close(self) -> None:
        """
        End everything, the last started first.
        """
        names = [n for n in reversed(self._running) if self._running[n].process.poll() is None]
        for name in names:
            self._ask(name, signal.SIGTERM)
        for name in names:
            self._await_end(name)
        self._starter.shutdown()
        self.plan.addresses.release()

    def _end(self, name: str, number: int) -> None:
        self._ask(name, number)
        self._await_end(name)

    def _ask(self, name: str, number: int) -> None:
        self._running[name].wanted = False
        self._running[name].process.send_signal(number)

    def _await_end(self, name: str) -> None:
        process = self._running[name].process
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._say(f"{name} did not end within {_END_S:.0f} s and is killed")
            process.kill()
            process.wait()

    def _watch(self, name: str, running: _Running) -> None:
        status = running.process.wait()
        if running.wanted:
            said = f"{name} ended by itself with status {status}:\n{self.log_end(name)}"
            self.fallen.append(said)
            self._say(said)


def _spawn(start: Start) -> subprocess.Popen[bytes]:
    in_this_package = start.program.standing == "recorder" or not start.service.image
    paths = {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"} if in_this_package else {}
    with start.log.open("ab") as log:
        return subprocess.Popen(  # noqa: S603  the stack's own programs
            [sys.executable, "-I", "-S", str(_LEASH), str(os.getpid()), *start.command],
            cwd=start.working_folder,
            env={**start.environment, **paths},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            # Ctrl-C in a terminal is for the runner, which ends the services in order.
            start_new_session=True,
        )


def _ready(start: Start) -> bool:
    return all(_listens(start.address, port) for port in start.service.tcp_ports) and (
        not start.health_url or _healthy(start.health_url)
    )


def _listens(address: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((address, port)) == 0


def _healthy(url: str) -> bool:
    try:
        with _DIRECT.open(url, timeout=2) as answer:
            return bool(answer.status < 300)  # noqa: PLR2004  HTTP's success
    except (urllib.error.URLError, OSError):
        return False


def _tail(text: str, lines: int = 12) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines()[-lines:])
