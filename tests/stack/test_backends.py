"""This module shows what the gateway makes of the answers of backends, and of backends without."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from tests.answering import MESSAGE, Answering, answering
from tests.certificates import expired, self_signed
from tests.collecting import Collector, running
from tests.otlp import event, gauges, send, span
from tests.running import until
from tools.stack.plan import ROOT

pytestmark = pytest.mark.xdist_group("backends")
NAMES = "DNS:localhost,IP:127.0.0.1"
SIGNALS = ("metrics", "traces", "logs")
UNITS = {"metrics": "metric_points", "traces": "spans", "logs": "log_records"}
SOON = {"initial_interval": "100ms", "max_interval": "500ms", "max_elapsed_time": "0s"}
QUIET = {"receivers": {"prometheus": {"config": {"scrape_configs": [{"job_name": "none"}]}}}}


def soon(endpoint: str, **others: Any) -> dict[str, Any]:
    """An exporter that does not pause for long."""
    queue = {"batch": {"flush_timeout": "50ms"}}
    return {"endpoint": endpoint, "retry_on_failure": SOON, "sending_queue": queue, **others}


@pytest.fixture(name="backend", scope="module")
def _backend() -> Iterator[Answering]:
    with answering() as backend:
        yield backend


@pytest.fixture(name="gateway", scope="module")
def _gateway(backend: Answering, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    exporters = {
        "otlp_http/prometheus": soon(backend.http),
        "otlp_grpc/tempo": soon(backend.grpc),
        "otlp_http/loki": soon(backend.http),
    }
    # Metrics about spans would come in between.
    overlay = {
        **QUIET,
        "exporters": exporters,
        "connectors": {"span_metrics": {"metrics_flush_interval": "10m"}},
    }
    folder = tmp_path_factory.mktemp("gateway")
    with running(folder, ("gateway",), overlay) as collector:
        yield collector


@dataclass(slots=True)
class Round:
    """One point, one span and one event that were sent, and the gateway's own counts since."""

    gateway: Collector
    backend: Answering
    before: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.backend.asked.clear()
        self.backend.taken.clear()
        self.before = self._counts()
        requests = {"metrics": gauges(raw=[]), "traces": span("unsure"), "logs": event("said")}
        for signal, request in requests.items():
            assert 200 == send(self.gateway, signal, request.SerializeToString())

    def _counts(self) -> dict[str, float]:
        return {
            f"{what} {signal}": self.gateway.counted(f"otelcol_exporter_{what}_{unit}")
            for what in ("sent", "send_failed")
            for signal, unit in UNITS.items()
        }

    def since(self) -> dict[str, float]:
        """What was counted, once all three are settled; what stands still is left out."""

        def settled() -> dict[str, float]:
            grown = {name: n - self.before[name] for name, n in self._counts().items()}
            found = {name: n for name, n in grown.items() if n}
            return found if sum(found.values()) >= len(SIGNALS) else {}

        return until(settled)

    def taken(self) -> list[int]:
        """How many requests of each signal the backend took."""
        return [len(self.backend.took(signal)) for signal in SIGNALS]


ALL_SENT = {"sent metrics": 1, "sent traces": 1, "sent logs": 1}


@pytest.mark.parametrize(
    ("status", "retry_after_s"),
    [
        pytest.param(503, None, id="it is overloaded"),
        pytest.param(503, 1, id="it is overloaded for a second"),
        pytest.param(429, 1, id="it was asked for too much, for a second"),
    ],
)
def test_what_is_refused_for_now_is_sent_again(
    gateway: Collector, backend: Answering, status: int, retry_after_s: int | None
) -> None:
    """
    A backend that asks to come again gets everything, once, and nothing is counted as lost.
    """
    backend.answer(status, retry_after_s=retry_after_s, refusals=1)
    sent = Round(gateway, backend)

    assert ALL_SENT == sent.since()
    assert [1, 1, 1] == sent.taken()
    assert [2, 2, 2] == [backend.times(signal) for signal in SIGNALS]


def test_too_much_without_a_time_is_given_up_by_grpc_alone(
    gateway: Collector, backend: Answering
) -> None:
    """
    By HTTP 429 is tried again in any case, by gRPC only where the backend says when, as Tempo does.
    """
    backend.answer(429, refusals=1)
    sent = Round(gateway, backend)

    assert {"sent metrics": 1, "send_failed traces": 1, "sent logs": 1} == sent.since()
    assert [1, 0, 1] == sent.taken()


def test_what_a_backend_rejects_of_a_request_is_in_the_log_alone(
    gateway: Collector, backend: Answering
) -> None:
    """
    The gateway counts a partial success as sent; its log has how much was rejected, and why.
    """
    backend.answer(rejected=1)
    sent = Round(gateway, backend)
    counted = sent.since()
    said = [line for line in lines(gateway) if line["msg"] == "Partial success response"]

    assert ALL_SENT == counted
    assert [1, 1, 1] == [backend.times(signal) for signal in SIGNALS]
    assert {
        ("otlp_http/prometheus", "dropped_data_points"),
        ("otlp_grpc/tempo", "dropped_spans"),
        ("otlp_http/loki", "dropped_log_records"),
    } == {(line["otelcol.component.id"], name) for line in said for name in line if "drop" in name}
    assert {MESSAGE} == {line["message"] for line in said}


def test_alerts_ask_for_what_the_gateway_tells(gateway: Collector, backend: Answering) -> None:
    """
    Every metric that tells of a stalled or filling queue is one of the real Collector's.
    """
    backend.answer()
    Round(gateway, backend).since()
    rules = yaml.safe_load((ROOT / "prometheus" / "rules" / "otel_confidence.yml").read_text())
    asked = {
        name
        for group in rules["groups"]
        for rule in group["rules"]
        if rule.get("alert") in {"CollectorDeliveryStalled", "CollectorQueueFilling"}
        for name in re.findall(r"otelcol_[a-z_]+", rule["expr"])
    }
    page = httpx.get(f"http://{gateway.own}/metrics", trust_env=False).text
    told = {re.split(r"[ {]", line)[0].removesuffix("_total") for line in page.splitlines()}

    assert len(asked) == 5
    assert set() == asked - told


def lines(gateway: Collector) -> list[dict[str, Any]]:
    """What a gateway wrote into its log."""
    text = (gateway.folder / "log").read_text()
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


@contextmanager
def page() -> Iterator[tuple[str, list[str]]]:
    """A login page, which answers 200 to whatever comes; its address, and how it was asked."""
    asked: list[str] = []

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers["content-length"] or 0))
            asked.append(self.command)
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/login", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize(
    ("status", "how"), [(301, "GET"), (302, "GET"), (307, "POST"), (308, "POST")]
)
def test_a_way_elsewhere_is_followed_and_counted_as_sent(
    gateway: Collector, backend: Answering, status: int, how: str
) -> None:
    """
    The Collector follows a redirect, which no setting forbids, and is content with any 200.

    Only a look into the backend tells, as the doctor's: see docs/how-to/stack.md.
    """
    with page() as (place, asked):
        backend.answer(status, to=place)
        backend.taken.clear()
        before = gateway.counted("otelcol_exporter_sent_log_records")
        send(gateway, "logs", event("lost").SerializeToString())
        until(lambda: gateway.counted("otelcol_exporter_sent_log_records") > before)

    assert [how] == asked
    assert [] == backend.took("logs")


UNREACHABLE = {
    "otlp_http/untrusted": "certificate signed by unknown authority",
    "otlp_http/expired": "certificate has expired or is not yet valid",
    "otlp_http/foreign": "doesn't contain any IP SANs",
    "otlp_http/plain": "first record does not look like a TLS handshake",
    "otlp_grpc/plain": "first record does not look like a TLS handshake",
    "otlp_http/nameless": "lookup nowhere.invalid",
    "otlp_grpc/nameless": "no children to pick from",
}


def trusting(certificate: Path) -> dict[str, Any]:
    return {"tls": {"ca_file": str(certificate)}}


def test_a_backend_that_cannot_be_spoken_with_is_waited_for(tmp_path: Path) -> None:
    """
    Wrong certificates, TLS on one side only and unknown names: all waits, and the log says why.
    """
    made = {}
    for name, make, names in (
        ("untrusted", self_signed, NAMES),
        ("expired", expired, NAMES),
        ("foreign", self_signed, "DNS:elsewhere"),
    ):
        (tmp_path / name).mkdir()
        made[name] = make(tmp_path / name, name, names)
    with (
        answering() as plain,
        answering(made["untrusted"]) as untrusted,
        answering(made["expired"]) as old,
        answering(made["foreign"]) as foreign,
    ):
        exporters = {
            "otlp_http/untrusted": {"endpoint": untrusted.http},
            "otlp_http/expired": {"endpoint": old.http, **trusting(made["expired"])},
            "otlp_http/foreign": {"endpoint": foreign.http, **trusting(made["foreign"])},
            "otlp_http/plain": {"endpoint": plain.http.replace("http:", "https:")},
            "otlp_grpc/plain": {"endpoint": plain.grpc},
            "otlp_http/nameless": {"endpoint": "http://nowhere.invalid:4318"},
            "otlp_grpc/nameless": {"endpoint": "nowhere.invalid:4317", "tls": {"insecure": True}},
        }
        pipelines = {"logs": {"exporters": list(exporters)}}
        overlay = {**QUIET, "exporters": exporters, "service": {"pipelines": pipelines}}
        with running(tmp_path / "gateway", ("gateway",), overlay) as gateway:
            status = send(gateway, "logs", event("waits").SerializeToString())

            def said() -> dict[str, str]:
                found = {
                    line["otelcol.component.id"]: line["error"]
                    for line in lines(gateway)
                    if line["msg"].startswith("Exporting failed")
                }
                return found if set(found) == set(exporters) else {}

            why = until(said)
            queues = own(gateway, "otelcol_exporter_queue_size", exporters)
            lost = own(gateway, "otelcol_exporter_send_failed_log_records", exporters)

    assert 200 == status
    assert {} == {name: why[name] for name, text in UNREACHABLE.items() if text not in why[name]}
    assert dict.fromkeys(exporters, 1.0) == queues
    assert dict.fromkeys(exporters, 0.0) == lost
    assert [] == [*plain.asked, *untrusted.asked, *old.asked, *foreign.asked]


def own(gateway: Collector, name: str, exporters: dict[str, Any]) -> dict[str, float]:
    """What a gateway counts under a name, by exporter."""
    text = httpx.get(f"http://{gateway.own}/metrics", trust_env=False).text
    found = dict.fromkeys(exporters, 0.0)
    for line in text.splitlines():
        whose = line.partition('exporter="')[2].partition('"')[0]
        if line.startswith(name) and whose in found:
            found[whose] += float(line.rpartition(" ")[2])
    return found
