"""
This module runs the whole stack with its own files and a steady load, for one fault at a time.

Nothing of the stack is shortened: intervals, waits and the time an alert takes to fire are those of
its files. Notifications go to a program of ours.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import httpx
from tests.campaigns.stack_faults import load
from tests.campaigns.stack_faults.arrivals import Watch
from tests.campaigns.stack_faults.rows import Row, Told, rows
from tests.running import until
from tests.stack import hooks
from tests.stack.world import secrets
from tools.stack import Stack
from tools.stack.plan import COMPOSE, ROOT, Wishes, make

PROGRAMS: Final = 3
RATE: Final = 30.0
"""Predictions a second of each program."""
INTERVAL_MS: Final = 2_000
"""How often the load's metrics are sent: a fifth of the default, so that a gap is seen."""
BEFORE_S: Final = 30.0
AFTER_S: Final = 15.0
DRAIN_S: Final = 60.0
"""After how long without anything new all is taken to have arrived: retries pause up to 45 s."""
GATEWAY: Final = "otel-gateway"
_HERE: Final = Path(__file__).parent
_FILES: Final = (COMPOSE, ROOT / "docker-compose.notify.yml", _HERE / "compose.yml")
_ALERTMANAGER: Final = {
    "+global.pagerduty_url": f"http://hooks:{hooks.PORT}/pagerduty",
    # No mail server is here.
    "receivers.*.email_configs": [],
}


@dataclass(frozen=True, slots=True)
class Setting:
    """What a fault needs otherwise than the compose files say."""

    gateway: Mapping[str, Any] = field(default_factory=dict)
    """Settings of gateway.yaml."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables of the gateway."""
    files: Sequence[Path] = ()
    names: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Names that services see, each with the services behind it."""
    under: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """By service, what it is started by."""
    door: str = GATEWAY
    """The service that programs send to."""
    collectors: Sequence[str] = (GATEWAY,)
    programs: int = PROGRAMS
    rate: float = RATE
    variables: Mapping[str, str] = field(default_factory=dict)
    """Of the programs that send, over those of all."""
    notified: bool = True
    """Whether alerts are waited for: Prometheus takes seconds to find Alertmanager."""


@dataclass(slots=True)
class Run:
    """A stack with a load on it."""

    name: str
    stack: Stack
    watch: Watch
    folder: Path
    setting: Setting
    load: list[subprocess.Popen[bytes]] = field(default_factory=list)
    began: float = 0.0
    broken: float = 0.0
    healed: float = 0.0

    def begin(self, *models: str, before_s: float = BEFORE_S) -> None:
        """Start the load and let it run for a while."""
        self.began = time.time()
        names = models or ("steady",) * self.setting.programs
        self.load = [self._program(n, model) for n, model in enumerate(names)]
        self.wait(before_s)

    def _program(self, number: int, model: str) -> subprocess.Popen[bytes]:
        variables = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.stack.url(self.setting.door, 4318),
            "OTEL_METRIC_EXPORT_INTERVAL": str(INTERVAL_MS),
            "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}",
        }
        command = [sys.executable, "-m", load.__name__, str(self.folder), str(number)]
        with (self.folder / f"{number}.log").open("wb") as log:
            return subprocess.Popen(
                [*command, str(self.setting.rate), model],
                env={**os.environ, **variables, **self.setting.variables}, stdout=log, stderr=log,
            )  # fmt: skip

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        time.sleep(seconds)

    def breaks(self) -> None:
        """The fault begins now."""
        self.broken = time.time()

    def heals(self) -> None:
        """The fault ends now; the load goes on for a while."""
        self.healed = time.time()
        self.wait(AFTER_S)

    def end(self, *, spans_too: bool = True) -> Told:
        """Stop the load and wait until nothing more arrives; what the load said."""
        (self.folder / load.STOP).touch()
        for program in self.load:
            program.wait(timeout=load.PATIENCE_S + 60)
        told = Told.of(load.read(self.folder))
        expected = len(told.made)
        spans, events = (sum(told.by_sdk(s).values()) for s in ("span", "event"))

        def arrived() -> bool:
            stored = self.watch.stored[-1][1] if self.watch.stored else 0
            return (
                stored >= expected
                and (not spans_too or len(self.watch.spans.first) >= expected - spans)
                and len(self.watch.events.first) >= expected - events
            )

        self._drain(arrived)
        return told

    def _drain(self, arrived: Callable[[], bool]) -> None:
        """Wait until all is there, or nothing new has come for a while."""
        last, since = (0, 0), time.monotonic()
        while not arrived() and time.monotonic() - since < DRAIN_S:
            now = (len(self.watch.spans.first), len(self.watch.events.first))
            last, since = (now, time.monotonic()) if now != last else (last, since)
            time.sleep(0.5)

    def rows(self, told: Told) -> list[Row]:
        """What the fault did, with the alerts that noticed it."""
        found = rows(self.name, told, self.watch, self.healed)
        found[0].noticed = self.noticed()
        return found

    def noticed(self) -> str:
        """Alerts since the fault began, and after how long each was pending, firing and told."""
        said = []
        for name in sorted({name for name, _ in self.watch.alerts} - {"Watchdog"}):
            times = [
                f"{state} after {when - self.broken:.0f} s"
                for (alert, state), when in self.watch.alerts.items()
                if alert == name and when >= self.broken
            ]
            posts = [p["time"] for p in self.told() if name in _names(p) and self.broken]
            times += [f"told after {posts[0] - self.broken:.0f} s"] if posts else []
            said += [f"{name} {', '.join(times)}"] if times else []
        return "; ".join(said) or "nobody"

    def told(self) -> list[Any]:
        """What the webhook was told, heartbeats left out."""
        return hooks.told(self.stack.plan.starts["hooks"].folder, "/webhook")


def _names(post: Any) -> set[str]:
    return {alert["labels"]["alertname"] for alert in post["body"]["alerts"]}


@contextmanager
def running(name: str, folder: Path, setting: Setting) -> Iterator[Run]:
    """The stack, ready; ended with the block."""
    overrides: dict[str, Any] = {
        "alertmanager": {"/etc/alertmanager/notify.yml": _ALERTMANAGER},
    }
    if setting.gateway:
        overrides[GATEWAY] = {"/etc/otelcol/gateway.yaml": setting.gateway}
    wishes = Wishes(
        files=[*_FILES, *setting.files], overrides=overrides, secrets=secrets(),
        environment={GATEWAY: setting.environment}, stand_ins=True,
    )  # fmt: skip
    with _started(folder / "stack", wishes, setting) as stack:
        programs = folder / "load"
        programs.mkdir()
        watch = Watch(stack, list(setting.collectors))
        run = Run(name, stack, watch, programs, setting)
        try:
            known = "prometheus_notifications_alertmanagers_discovered 1"
            until(lambda: not setting.notified or known in _page(stack))
            yield run
        finally:
            for program in run.load:
                program.kill()
                program.wait()
            watch.close()


def _page(stack: Stack) -> str:
    return httpx.get(f"{stack.url('prometheus', 9090)}/metrics").text


@contextmanager
def _started(folder: Path, wishes: Wishes, setting: Setting) -> Iterator[Stack]:
    plan = make(folder, wishes)
    starts: dict[str, Any] = dict(plan.starts)
    hosts = folder / "hosts"
    lines = [
        f"{plan.addresses[service]} {name}\n"
        for name, services in setting.names.items()
        for service in services
    ]
    hosts.write_text(f"127.0.0.1 localhost\n{''.join(lines)}")
    for name, before in setting.under.items():
        words = [word.replace("{hosts}", str(hosts)) for word in before]
        starts[name] = replace(starts[name], command=(*words, *starts[name].command))
    stack = Stack(replace(plan, starts=starts), _say)
    try:
        for name in starts:
            stack.start(name)
        stack.wait()
        yield stack
    finally:
        stack.close()


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
