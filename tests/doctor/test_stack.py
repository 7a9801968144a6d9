"""This module checks that the doctor finds the first place where a signal is missing, and why."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from google.rpc import status_pb2
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from tests.doctor.pretending import Stack, pretending
from tests.ports import free_port

from otel_confidence.doctor.checks import Check
from otel_confidence.doctor.services import Addresses
from otel_confidence.doctor.stack import Pace, examine

WELL = [
    ("gateway", "answers"), ("Prometheus", "answers"), ("Tempo", "answers"), ("Loki", "answers"),
    ("Alertmanager", "answers"), ("Grafana", "answers"), ("gateway", "tells of itself"),
    ("metric", "taken by the gateway"), ("metric", "sent on by the gateway"),
    ("metric", "in Prometheus"),
    ("trace", "taken by the gateway"), ("trace", "sent on by the gateway"), ("trace", "in Tempo"),
    ("event", "taken by the gateway"), ("event", "sent on by the gateway"), ("event", "in Loki"),
    ("Prometheus", "reaches what it scrapes"),
    ("alert", "its rule is loaded by Prometheus"), ("alert", "Watchdog fires"),
    ("alert", "Prometheus knows an Alertmanager"), ("alert", "in Alertmanager"),
    ("Grafana", "reaches its source Prometheus"), ("Grafana", "reaches its source Tempo"),
    ("Grafana", "reaches its source Loki"), ("Grafana", "reaches its source Alertmanager"),
]  # fmt: skip
SOURCE = "/grafana/api/datasources/proxy/uid"
Change = Callable[[Stack], object]


class Clock:
    """
    Time that passes by sleeping alone.
    """

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


@pytest.fixture(name="stack")
def _stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    for name in ("OTEL_SDK_DISABLED", "OTEL_TRACES_SAMPLER", "OTEL_EXPORTER_OTLP_HEADERS"):
        monkeypatch.delenv(name, raising=False)
    with pretending() as stack:
        yield stack


def closed() -> str:
    """An address where nobody listens."""
    return f"http://127.0.0.1:{free_port()}"


def look(addresses: Addresses) -> list[Check]:
    """Every check, without waiting."""
    clock = Clock()
    return list(examine(addresses, pace=Pace(0.5, clock=clock, sleep=clock.sleep)))


def fate(unit: str, becomes: str) -> Change:
    """What becomes of a signal in the gateway."""
    return lambda stack: stack.fate.update({unit: becomes})


def answers(path: str, status: int, body: Any = "") -> Change:
    """What a path answers instead."""
    return lambda stack: stack.answers.update({path: (status, body)})


def told(path: str, **data: Any) -> Change:
    """What Prometheus tells instead."""
    return answers(f"/prometheus/api/v1/{path}", 200, {"status": "success", "data": data})


def both(*changes: Change) -> Change:
    """Several changes."""
    return lambda stack: [change(stack) for change in changes]


def is_so(name: str, value: Any) -> Change:
    """How the stack is."""
    return lambda stack: setattr(stack, name, value)


def refusing(message: str) -> bytes:
    """A refusal as OTLP encodes it."""
    return bytes(status_pb2.Status(message=message).SerializeToString())


def partly(message: str) -> bytes:
    """An answer that takes all but one record."""
    answer = ExportLogsServiceResponse()
    answer.partial_success.rejected_log_records = 1
    answer.partial_success.error_message = message
    return answer.SerializeToString()


FAULTS = {
    "the token is missing": (
        answers("/gateway/v1/traces", 401, refusing("no auth")),
        ("trace", "taken by the gateway"), "it asks who is calling (no auth)", "HEADERS",
    ),
    "the token is not allowed": (
        answers("/gateway/v1/traces", 403), ("trace", "taken by the gateway"), "not allowed",
        "authenticator",
    ),
    "there is no pipeline": (
        answers("/gateway/v1/logs", 404), ("event", "taken by the gateway"), "no OTLP of this kind",
        "is there a pipeline",
    ),
    "a login page stands in front": (
        answers("/gateway/v1/logs", 302), ("event", "taken by the gateway"), "leads elsewhere",
        "proxy",
    ),
    "a page answers instead": (
        answers("/gateway/v1/metrics", 200, "<html>hello</html>"),
        ("metric", "taken by the gateway"), "not OTLP", "--gateway",
    ),
    "the memory limiter refuses": (
        answers("/gateway/v1/metrics", 503, refusing("data refused due to high memory usage")),
        ("metric", "taken by the gateway"), "memory limiter", "mem_limit",
    ),
    "the gateway speaks TLS": (
        answers("/gateway/v1/metrics", 400, "Client sent an HTTP request to an HTTPS server."),
        ("metric", "taken by the gateway"), "speaks TLS only", "https:// in --gateway",
    ),
    "a part is rejected": (
        answers("/gateway/v1/logs", 200, partly("too\nlong")),
        ("event", "taken by the gateway"), "rejects 1: too", "docker compose logs otel-gateway",
    ),
    "the gateway gives up": (
        fate("metric_points", "lost"), ("metric", "sent on by the gateway"),
        "otlp/prometheus gave up on 1", "docker compose logs",
    ),
    "Prometheus takes no OTLP": (
        both(fate("metric_points", "lost"),
             told("status/flags", **{"web.enable-otlp-receiver": "false"})),
        ("metric", "sent on by the gateway"), "gave up on 1: ", "--web.enable-otlp-receiver",
    ),
    "Tempo is down": (
        both(fate("spans", "waiting"), answers("/tempo/ready", 503, "starting")),
        ("trace", "sent on by the gateway"), "1 wait in the queue of otlp/tempo: ",
        "docker compose logs tempo",
    ),
    "sampling leaves it out": (
        fate("spans", "left_out"), ("trace", "sent on by the gateway"), "tail sampling leaves",
        "low-confidence",
    ),
    "sampling waits": (
        fate("spans", "kept"), ("trace", "sent on by the gateway"), "may still wait", "--wait 60",
    ),
    "the pipeline has no exporter": (
        fate("log_records", "kept"), ("event", "sent on by the gateway"), "no exporter sends it",
        "service.pipelines",
    ),
    "the metrics are another gateway's": (
        answers("/own/metrics", 200, "otelcol_process_uptime 1\n"),
        ("metric", "sent on by the gateway"), "they are another gateway's", "--gateway-metrics",
    ),
    "the metrics are no Collector's": (
        answers("/own/metrics", 200, "go_goroutines 1\n"), ("gateway", "tells of itself"),
        "no metric of a Collector", "--gateway-metrics",
    ),
    "names are spelled otherwise": (
        is_so("spelled", "otel_confidence_doctor_probe_time"),
        ("metric", "in Prometheus"), "it is there as otel_confidence_doctor_probe_time instead",
        "translation_strategy",
    ),
    "another Prometheus is asked": (
        is_so("lacking", {"prometheus"}), ("metric", "in Prometheus"),
        "although the gateway sent to prometheus:9", "--prometheus",
    ),
    "another Tempo is asked": (
        is_so("lacking", {"tempo"}), ("trace", "in Tempo"),
        "although the gateway sent to tempo:9", "--tempo",
    ),
    "a backend takes only a part, or a proxy answers": (
        is_so("lacking", {"loki"}), ("event", "in Loki"), "although the gateway sent to loki:9",
        "proxy in between leads elsewhere or answers itself, or the backend took only a part",
    ),
    "the clocks differ": (
        is_so("skew_s", -600), ("gateway", "answers"), "s behind this one", "NTP",
    ),
    "Loki takes no structured metadata": (
        both(fate("log_records", "lost"),
             answers("/loki/config", 200, "  allow_structured_metadata: false\n")),
        ("event", "sent on by the gateway"), "takes no structured metadata", "loki.yaml",
    ),
    "Loki keeps the line alone": (
        is_so("keeping", ()), ("event", "in Loki"), "without its attributes", "/otlp",
    ),
    "the event has lost its name": (
        is_so("keeping", ("trace_id",)), ("event", "in Loki"), "without event.name",
        "transform/event_name",
    ),
    "a program is not scraped": (
        told("targets", activeTargets=[
            {"health": "up"}, {"health": "down", "scrapePool": "otel-gateway", "lastError": "EOF"},
        ]),
        ("Prometheus", "reaches what it scrapes"), "1 of 2 do not answer; otel-gateway: EOF",
        "scrape_configs",
    ),
    "PromQL is asked of another program": (
        answers("/prometheus/api/v1/query", 200, {"status": "success", "data": []}),
        ("metric", "in Prometheus"), "does not answer as the Prometheus HTTP API does",
        "--prometheus",
    ),
    "targets are asked of another program": (
        answers("/prometheus/api/v1/targets", 200, []), ("Prometheus", "reaches what it scrapes"),
        "does not answer as Prometheus does, to /api/v1/targets", "--prometheus",
    ),
    "rules are asked of another program": (
        told("rules", groups="x"), ("alert", "its rule is loaded by Prometheus"),
        "does not answer as Prometheus does, to /api/v1/rules", "--prometheus",
    ),
    "alerts are asked of a page": (
        answers("/prometheus/api/v1/alerts", 200, "<html>"), ("alert", "Watchdog fires"),
        "does not answer as Prometheus does, to /api/v1/alerts", "--prometheus",
    ),
    "Alertmanager is another program": (
        answers("/alertmanager/api/v2/alerts", 200, {"alerts": []}), ("alert", "in Alertmanager"),
        "does not answer as Alertmanager does, to /api/v2/alerts", "--alertmanager",
    ),
    "no group of rules at all": (
        told("rules", groups=None), ("alert", "its rule is loaded by Prometheus"),
        "no rule is loaded", "rule_files",
    ),
    "no rule is loaded": (
        told("rules", groups=[]), ("alert", "its rule is loaded by Prometheus"),
        "no rule is loaded", "rule_files",
    ),
    "other rules are loaded": (
        told("rules", groups=[{"rules": [{"name": "Other"}]}]),
        ("alert", "its rule is loaded by Prometheus"), "1 other rules", "prometheus/rules",
    ),
    "the alert does not fire": (
        told("alerts", alerts=[]), ("alert", "Watchdog fires"), "does not fire", "/rules",
    ),
    "Prometheus has no Alertmanager": (
        told("alertmanagers", activeAlertmanagers=[]),
        ("alert", "Prometheus knows an Alertmanager"), "no Alertmanager is configured",
        "alerting.alertmanagers",
    ),
    "Alertmanager has no alert": (
        answers("/alertmanager/api/v2/alerts", 200, []), ("alert", "in Alertmanager"),
        "has no Watchdog", "docker compose logs prometheus",
    ),
    "Alertmanager is no longer told": (
        is_so("told_ago_s", 200.0), ("alert", "in Alertmanager"), "not heard of Watchdog for 20",
        "docker compose logs prometheus",
    ),
    "Grafana lacks a source": (
        answers(f"{SOURCE}/loki/loki/api/v1/labels", 404, {"message": "Unable to find datasource"}),
        ("Grafana", "reaches its source Loki"), "no source of uid loki", "grafana/provisioning",
    ),
    "Grafana does not reach a source": (
        answers(f"{SOURCE}/tempo/api/echo", 502),
        ("Grafana", "reaches its source Tempo"), "does not reach it (502)",
        "provisioning/datasources",
    ),
    "a source of Grafana is something else": (
        answers(f"{SOURCE}/prometheus/api/v1/status/buildinfo", 404, "404 page not found"),
        ("Grafana", "reaches its source Prometheus"), "(404 404 page not found)",
        "provisioning/datasources",
    ),
    "Grafana may not be asked": (
        answers(f"{SOURCE}/alertmanager/api/v2/status", 403),
        ("Grafana", "reaches its source Alertmanager"), "not allowed to ask (403)", "Bearer",
    ),
}  # fmt: skip


def test_everything_arrives(stack: Stack) -> None:
    """
    A stack that works has a check for each service and each place of each signal, all of them well.
    """
    found = look(stack.addresses())

    assert [] == [check for check in found if check.status != "ok"]
    assert WELL == [(check.subject, check.place) for check in found]


@pytest.mark.parametrize(("change", "where", "why", "remedy"), FAULTS.values(), ids=FAULTS)
def test_the_first_place_is_named(
    stack: Stack, change: Change, where: tuple[str, str], why: str, remedy: str
) -> None:
    """
    The first place where a signal is missing is named, with its cause and a remedy.
    """
    change(stack)

    found = look(stack.addresses())

    wrong = [check for check in found if check.status in {"failed", "warning"}]
    first = next(check for check in wrong if check.subject == where[0])
    assert where == (first.subject, first.place)
    assert why in first.found
    assert remedy in first.remedy


def test_a_gateway_may_answer_in_json(stack: Stack) -> None:
    """
    A receiver that answers with JSON takes what it is sent; the library judges it alike.
    """
    stack.json = True

    assert [] == [check for check in look(stack.addresses()) if check.status != "ok"]


def test_nothing_is_said_behind_the_first_place(stack: Stack) -> None:
    """
    Behind the place where a signal is missing no other is reported, and other signals go on.
    """
    stack.fate["metric_points"] = "lost"

    found = look(stack.addresses())

    places = [check.place for check in found if check.subject == "metric"]
    assert ["taken by the gateway", "sent on by the gateway"] == places
    assert ("trace", "in Tempo") in {(c.subject, c.place) for c in found if c.status == "ok"}


def test_a_prometheus_that_just_started_is_given_time(stack: Stack) -> None:
    """
    It tells an alert a minute later where it did not know its Alertmanager at first.
    """
    started = {"startTime": "2026-01-01T00:00:00.5Z", "serverTime": "2026-01-01T00:00:09Z"}
    told("status/runtimeinfo", **started)(stack)
    answers("/alertmanager/api/v2/alerts", 200, [])(stack)

    def tell(path: str, _: object) -> None:
        asked = stack.asked.count("/alertmanager/api/v2/alerts")
        if asked == 20 and path.startswith("/alertmanager"):
            stack.answers.pop("/alertmanager/api/v2/alerts")

    stack.told = tell
    found = look(stack.addresses())

    assert [] == [check for check in found if check.status != "ok"]


def test_a_gateway_that_is_down_is_named(stack: Stack) -> None:
    """
    Where nobody listens for OTLP each signal says so, and what starts it.
    """
    found = look(stack.addresses(gateway=closed()))

    wrong = [check for check in found if check.status == "failed"]
    assert {(s, "taken by the gateway") for s in ("metric", "trace", "event")} == {
        (check.subject, check.place) for check in wrong
    }
    assert all("connection refused" in check.found for check in wrong)
    assert all("docker compose up --detach otel-gateway" in check.remedy for check in wrong)


def test_what_is_left_out_is_skipped(stack: Stack) -> None:
    """
    Services without an address are neither asked nor missed.
    """
    left_out = dict.fromkeys(("tempo", "loki", "alertmanager", "grafana", "gateway_metrics"), "")

    found = look(stack.addresses(**left_out))

    skipped = {(check.subject, check.place) for check in found if check.status == "skipped"}
    assert {"ok", "skipped"} == {check.status for check in found}
    assert {("trace", "in Tempo"), ("event", "in Loki"), ("alert", "in Alertmanager")} <= skipped
    assert [] == [p for p in stack.asked if p.split("/")[1] in {"tempo", "loki", "grafana", "own"}]


def test_a_probe_leaves_one_series_behind(stack: Stack) -> None:
    """
    Two probes are one series: no attribute of the gauge or its resource tells them apart.
    """
    series = []
    for _ in range(2):
        look(stack.addresses())
        [resource] = stack.received["metric_points"].resource_metrics
        [metric] = resource.scope_metrics[0].metrics
        [point] = metric.gauge.data_points
        named = [(a.key, a.value.string_value) for a in resource.resource.attributes]
        series.append((metric.name, metric.unit, named, list(point.attributes)))

    name = "otel_confidence.doctor.probe.time"
    assert [(name, "s", [("service.name", "otel-confidence-doctor")], [])] * 2 == series


def test_a_switched_off_sdk_is_named(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Where OpenTelemetry is switched off no probe is made, and the variable is named.
    """
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")

    [failed] = [check for check in look(stack.addresses()) if check.status == "failed"]

    assert ("probe", "unset it") == (failed.subject, failed.remedy)
    assert {} == stack.received


def test_a_password_in_an_address_is_not_printed(stack: Stack) -> None:
    """
    Checks name addresses without user and password.
    """
    hidden = stack.addresses().tempo.replace("//", "//me:secret@")

    found = look(stack.addresses(tempo=hidden))

    assert [] == [check for check in found if "secret" in f"{check.found} {check.remedy}"]
    assert ("Tempo", "ok", stack.addresses().tempo) in {
        (check.subject, check.status, check.found) for check in found
    }
