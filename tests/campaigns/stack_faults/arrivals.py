"""
This module follows what arrives behind the stack, and when, from files and pages of its programs.
"""

import re
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
from tests.campaigns.stack_faults.load import SERVICE
from tools.stack import Stack
from tools.stack.recorded import FILE, HEAD_BYTES, KINDS, attributes, frames

STEP_S: Final = 0.5
_LINE: Final = re.compile(r"(otelcol_\w+?)(?:_total|__\w+_)?\{([^}]*)\} (\S+)")
_PART: Final = re.compile(r'(?:exporter|receiver)="([^"]+)"')
_TOLD: Final = re.compile(
    r"otelcol_(receiver_refused|receiver_failed|exporter_enqueue_failed|exporter_send_failed)_\w+"
)
_TOPICS: Final = {"pipeline", "telemetry", "traffic"}
"""What an alert may be about to say something of the stack; the load's own model is unsure."""
STORED: Final = f'sum(max_over_time(ml_predictions_total{{job="{SERVICE}"}}[1h]))'


@dataclass(slots=True)
class Door:
    """What a recorder keeps: by span, when it was first there, and how often."""

    path: Any
    offset: int = 0
    first: dict[str, float] = field(default_factory=dict)
    times: Counter[str] = field(default_factory=Counter)

    def look(self) -> None:
        """Take in what was written since the last look."""
        for mark, body in frames(self.path, self.offset):
            self._take(mark, body)
            self.offset += HEAD_BYTES + len(body)

    def _take(self, mark: bytes, body: bytes) -> None:
        now = time.time()
        for span in _spans(mark, body):
            self.times[span] += 1
            self.first.setdefault(span, now)


def _spans(mark: bytes, body: bytes) -> list[str]:
    """The ids of the spans, or of the spans of predictions' events, that the load sent."""
    found = []
    if mark == KINDS["traces"].mark:
        for group in KINDS["traces"].request.FromString(body).resource_spans:
            if attributes(group.resource.attributes).get("service.name") == SERVICE:
                found += [s.span_id.hex() for scope in group.scope_spans for s in scope.spans]
    elif mark == KINDS["logs"].mark:
        for group in KINDS["logs"].request.FromString(body).resource_logs:
            if attributes(group.resource.attributes).get("service.name") == SERVICE:
                records = [r for scope in group.scope_logs for r in scope.log_records]
                found += [r.span_id.hex() for r in records if r.span_id]
    return found


@dataclass(slots=True)
class Own:
    """What one Collector says it refused or lost, over restarts."""

    url: str
    last: dict[str, float] = field(default_factory=dict)
    sums: dict[str, float] = field(default_factory=dict)
    queues: dict[str, float] = field(default_factory=dict)
    """What waits, by exporter."""

    def look(self) -> None:
        """Read its page, if it is there."""
        try:
            page = httpx.get(self.url, timeout=2).text
        except httpx.HTTPError:
            return
        now: dict[str, float] = {}
        queues: dict[str, float] = {}
        for name, labels, value in _LINE.findall(page):
            part = _PART.search(labels)
            whose = part[1] if part else ""
            if name == "otelcol_exporter_queue_size":
                queues[whose] = queues.get(whose, 0) + float(value)
            if _TOLD.fullmatch(name):
                key = f"{name.removeprefix('otelcol_')} {whose}"
                now[key] = now.get(key, 0) + float(value)
        self.queues = queues
        for key, value in now.items():
            before = self.last.get(key, 0)
            more = value - before if value >= before else value
            self.sums[key] = self.sums.get(key, 0) + more
        self.last = now


class Watch:
    """A thread that looks at everything twice a second."""

    def __init__(self, stack: Stack, collectors: list[str]) -> None:
        self.spans = Door(stack.recorded("tempo").folder / FILE)
        self.events = Door(stack.recorded("loki").folder / FILE)
        self.own = [Own(f"{stack.url(name, 8888)}/metrics") for name in collectors]
        self.stored: list[tuple[float, float]] = []
        """Times, and how many predictions Prometheus had counted then."""
        self.alerts: dict[tuple[str, str], float] = {}
        """By name and state, when Prometheus first said so."""
        self._prometheus = httpx.Client(base_url=stack.url("prometheus", 9090), timeout=5)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def close(self) -> None:
        """Look no longer."""
        self._ended.set()
        self._thread.join()
        self._prometheus.close()

    def ask(self, path: str, **params: str) -> Any:
        """What Prometheus answers; None while it does not."""
        try:
            return self._prometheus.get(f"/api/v1/{path}", params=params).json()["data"]
        except (httpx.HTTPError, ValueError, KeyError):
            return None

    def _run(self) -> None:
        while not self._ended.wait(STEP_S):
            self.spans.look()
            self.events.look()
            for own in self.own:
                own.look()
            self._look_at_prometheus()

    def _look_at_prometheus(self) -> None:
        asked = self.ask("query", query=STORED)
        if asked and asked["result"]:
            self.stored.append((time.time(), float(asked["result"][0]["value"][1])))
        for alert in (self.ask("alerts") or {"alerts": []})["alerts"]:
            if alert["labels"]["topic"] in _TOPICS:
                key = alert["labels"]["alertname"], alert["state"]
                self.alerts.setdefault(key, time.time())
