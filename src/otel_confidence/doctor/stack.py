"""
This module follows a probe of each kind through the Collector to every backend.

Each place gives a check; the first that failed is where the signal is missing, and nothing further
is said about it.
"""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final

from otel_confidence.doctor import dashboards, refusals, scrapes
from otel_confidence.doctor.alerts import AlertPath
from otel_confidence.doctor.backends import Backend, Loki, Prometheus, Tempo
from otel_confidence.doctor.checks import Cause, Check
from otel_confidence.doctor.doors import fault, shown
from otel_confidence.doctor.gateways import Counts, Flow
from otel_confidence.doctor.probes import SIGNALS, Answer, Probe, make, send
from otel_confidence.doctor.services import METRICS, SERVICES, WAIT_S, Addresses, look
from otel_confidence.query.prometheus import PrometheusClient

_PAUSE_S: Final = 0.25
_SETTLE_S: Final = 3.0
"""How long a gateway may take to show what is refused behind it, where nothing waits."""
_SEND_S: Final = 10.0
_TAKEN: Final = "taken by the gateway"
_SENT: Final = "sent on by the gateway"
_LOGS: Final = "what it says itself: docker compose logs otel-gateway"


@dataclass(frozen=True, slots=True)
class Pace:
    """
    How long is waited, and by which clocks.
    """

    wait_s: float = WAIT_S
    now: Callable[[], float] = time.time
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], object] = time.sleep

    def until(self, found: Callable[[], Any], wait_s: float) -> Any:
        """
        Ask again until the answer is true or the time is over; the last answer.
        """
        deadline = self.clock() + wait_s
        while not (value := found()) and self.clock() < deadline:
            self.sleep(_PAUSE_S)
        return value


def examine(
    addresses: Addresses,
    *,
    pace: Pace | None = None,
    say: Callable[[str], object] = lambda _: None,
) -> Iterator[Check]:
    """
    Every check of the stack, as soon as it is made.

    Args:
        addresses: where the services are.
        pace: how long is waited.
        say: told what is under way.
    """
    yield from _Examination(addresses, pace or Pace(), say).run()


class _Examination:
    """
    One look at the stack.
    """

    def __init__(self, addresses: Addresses, pace: Pace, say: Callable[[str], object]) -> None:
        self._addresses = addresses
        self._pace = pace
        self._say = say
        self._down: dict[str, Check] = {}
        self._before: Counts | None = None
        self._deadline = 0.0

    def run(self) -> Iterator[Check]:
        for service in SERVICES:
            self._say(f"asking {service.name}")
            yield self._noted(look(service, self._addresses))
        yield self._counted()
        if os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
            off = Cause("OTEL_SDK_DISABLED is true: no probe can be made", "unset it")
            yield Check.failing("probe", "is made", off)
        else:
            yield from self._probed()
        yield from self._alerted()
        if self._reached("Grafana", self._addresses.grafana):
            self._say("asking Grafana for its data sources")
            yield from dashboards.look(self._addresses.door("grafana"))

    def _noted(self, check: Check) -> Check:
        if check.status == "failed":
            self._down[check.subject] = check
        return check

    def _reached(self, name: str, url: str) -> bool:
        return bool(url) and name not in self._down

    def _counted(self) -> Check:
        place = "tells of itself"
        if not self._addresses.gateway_metrics:
            return Check("gateway", place, "skipped", "left out")
        door = self._addresses.door(METRICS.field)
        reply = door.get(METRICS.path)
        cause = fault(reply, door.url, option=METRICS.option, service=METRICS.compose)
        counts = Counts(reply.text)
        if cause is None and counts:
            self._before = counts
            return Check("gateway", place, "ok", f"{shown(door.url)}{METRICS.path}")
        foreign = Cause(
            f"{shown(door.url)}{METRICS.path} has no metric of a Collector",
            f"name the address of its own metrics with {METRICS.option}",
        )
        return Check.doubtful("gateway", place, cause or foreign)

    def _probed(self) -> Iterator[Check]:
        self._say("sending a metric, a trace and an event")
        probe, url = make(self._pace.now()), self._addresses.gateway
        timeout_s = min(self._pace.wait_s, _SEND_S)
        answers = {signal: send(probe, signal, url, timeout_s=timeout_s) for signal in SIGNALS}
        self._deadline = self._pace.clock() + self._pace.wait_s
        door = self._addresses.door
        asked = door("prometheus")
        client = PrometheusClient(asked.url, headers=asked.headers, timeout_s=asked.timeout_s)
        backends: Mapping[str, Backend] = {
            "metric": Prometheus(asked, client),
            "trace": Tempo(door("tempo")),
            "event": Loki(door("loki")),
        }
        with closing(client):
            for signal, answer in answers.items():
                yield from self._followed(probe, signal, answer, backends[signal])

    def _followed(
        self, probe: Probe, signal: str, answer: Answer, backend: Backend
    ) -> Iterator[Check]:
        gateway = self._addresses.gateway
        if not answer.accepted:
            yield Check.failing(signal, _TAKEN, refusals.cause(answer, gateway))
            return
        yield Check(signal, _TAKEN, "ok", shown(gateway))
        if not backend.door.url:
            yield Check(signal, f"in {backend.name}", "skipped", "left out")
            return
        found = self._found(probe, signal, backend)
        took_s = self._pace.clock() - self._deadline + self._pace.wait_s
        flow = self._flow(signal)
        cause = None if found else self._why(probe, backend)
        passed = _passed(signal, flow, cause, arrived=bool(found))
        yield passed
        if found:
            yield Check(signal, f"in {backend.name}", "ok", f"within {took_s:.1f} s as {found}")
        elif passed.status != "failed":
            lost = cause or _astray(backend, flow, self._pace.wait_s)
            yield Check.failing(signal, f"in {backend.name}", lost)

    def _found(self, probe: Probe, signal: str, backend: Backend) -> str:
        """
        As what the probe arrived; empty when it did not in time.
        """
        self._say(f"waiting for the {signal} in {backend.name}")
        left_s = max(self._deadline - self._pace.clock(), 0.0)
        soon_s = min(left_s, _SETTLE_S)
        if backend.name in self._down:
            # It cannot be found there; but what became of it the gateway shows only later.
            self._pace.until(lambda: _settled(self._flow(signal)), left_s)
            return ""
        if found := self._pace.until(lambda: backend.find(probe), soon_s):
            return str(found)
        # What is refused for good will not arrive however long is waited.
        self._pace.until(
            lambda: backend.find(probe) or _refused(self._flow(signal)), left_s - soon_s
        )
        return backend.find(probe)

    def _flow(self, signal: str) -> Flow | None:
        if self._before is None:
            return None
        after = Counts(self._addresses.door(METRICS.field).get(METRICS.path).text)
        return after.since(self._before, signal)

    def _why(self, probe: Probe, backend: Backend) -> Cause | None:
        down = self._down.get(backend.name)
        return Cause(down.found, down.remedy) if down else backend.why(probe)

    def _alerted(self) -> Iterator[Check]:
        if not self._reached("Prometheus", self._addresses.prometheus):
            return
        self._say("following an alert")
        yield scrapes.look(self._addresses.door("prometheus"))
        reached = self._reached("Alertmanager", self._addresses.alertmanager)
        wait_s = self._pace.wait_s if reached else 0.0
        yield from AlertPath(
            self._addresses.door("prometheus"),
            self._addresses.door("alertmanager"),
            lambda found, least_s: self._pace.until(found, max(wait_s, least_s)),
        ).follow()


def _settled(flow: Flow | None) -> bool:
    return flow is None or bool(flow.sent or flow.lost or flow.waiting)


def _refused(flow: Flow | None) -> bool:
    return flow is not None and bool(flow.lost) and not flow.sent


def _passed(signal: str, flow: Flow | None, cause: Cause | None, *, arrived: bool) -> Check:
    """
    Whether the gateway sent a signal on, as far as its own metrics tell.
    """
    if flow is None:
        return Check(signal, _SENT, "skipped", "its own metrics cannot be read")
    trouble = _trouble(signal, flow, cause)
    if trouble is None:
        return _sent(signal, flow)
    if arrived and flow.accepted and not flow.lost:
        return _sent(signal, flow)
    return (Check.doubtful if arrived else Check.failing)(signal, _SENT, trouble)


def _sent(signal: str, flow: Flow) -> Check:
    return Check(signal, _SENT, "ok", f"{flow.sent:g} left it, the probe's and others'")


def _trouble(signal: str, flow: Flow, cause: Cause | None) -> Cause | None:
    """
    What keeps a signal in the gateway, or ends it there; None when it left.
    """
    because = f": {cause.why}" if cause else ""
    remedy = cause.remedy if cause else _LOGS
    if not flow.accepted:
        return Cause(
            "its own metrics count nothing that came in: they are another gateway's",
            f"let --gateway and {METRICS.option} name the same one",
        )
    if flow.lost:
        name, number = max(flow.lost.items(), key=lambda item: item[1])
        return Cause(f"{name} gave up on {number:g}{because}", remedy)
    if flow.waiting and not flow.sent:
        name, number = max(flow.waiting.items(), key=lambda item: item[1])
        return Cause(f"{number:g} wait in the queue of {name}{because}", remedy)
    return None if flow.sent else _kept(signal, flow)


def _kept(signal: str, flow: Flow) -> Cause:
    if signal != "trace":
        return Cause(
            f"it came in, and no exporter sends it: the pipeline filters or lacks {signal}s",
            "see service.pipelines of the gateway's configuration",
        )
    if flow.left_out:
        return Cause(
            "tail sampling leaves it out, although its confidence is 0",
            "keep the policy low-confidence of collector/gateway.yaml",
        )
    return Cause(
        "it came in, and neither left nor was sampled away: tail sampling may still wait for it",
        "set sampling_strategy: span-ingest, or wait longer than its decision_wait, with "
        "--wait 60; is an exporter in its pipeline?",
    )


def _astray(backend: Backend, flow: Flow | None, wait_s: float) -> Cause:
    url = shown(backend.door.url)
    went = f"the gateway sent to {' and '.join(flow.to)}" if flow and flow.to else "it left"
    return Cause(
        f"not there within {wait_s:g} s, although {went}",
        f"is that {url}? Compare its exporter's endpoint with --{backend.name.lower()}. Else a "
        "proxy in between leads elsewhere or answers itself, or the backend took only a part: then "
        "the gateway's log has Partial success response",
    )
