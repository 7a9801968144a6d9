"""
This module sends telemetry, good and hostile, through the real Collector with the project's files.
"""

import json
import os
import re
import shutil
import signal
import socket
import ssl
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import SeverityNumber
from tests import collecting
from tests.certificates import self_signed
from tests.collecting import Collector, attributes, quick, running
from tests.otlp import event, gauges, nested, number, send, span, text
from tests.running import until
from tools.stack.refusals import refusal

from otel_confidence.conventions import (
    CONFIDENCE,
    CONFIDENCE_EDGES,
    CONFIDENCE_MIN,
    EVENT_NAME,
    THRESHOLD,
)
from otel_confidence.ingest.limits import Limits

MEGABYTES = "x" * 10_000_000
SURROGATE = b"\xed\xa0\x80"
"""A lone surrogate as a careless encoder writes it, which is no UTF-8."""
PLACE = "@@@"
"""What stands where the surrogate comes: as many bytes."""


def arrived(collector: Collector, *names: str) -> dict[str, dict[str, Any]]:
    """
    The metrics that left, once these are among them.
    """
    until(lambda: set(names) <= set(collector.metrics()))
    return collector.metrics()


def spoiled(request: bytes) -> bytes:
    """
    A request with lone surrogates in it.
    """
    return request.replace(PLACE.encode(), SURROGATE)


@pytest.fixture(name="gateway", scope="module")
def _gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    with collecting.gateway(tmp_path_factory.mktemp("gateway")) as collector:
        yield collector


@pytest.mark.parametrize(
    "given",
    [
        pytest.param([text("big", MEGABYTES)], id="a value of ten megabytes"),
        pytest.param([text(f"k{n}", "v" * 1000) for n in range(10_000)], id="10,000 keys"),
        pytest.param([nested("deep", 10_000)], id="a map of 10,000 keys"),
        pytest.param([text("k" * 100_000, "v")], id="a key of 100,000 characters"),
    ],
)
def test_a_hostile_event_leaves_small_enough_for_loki(
    gateway: Collector, given: list[KeyValue]
) -> None:
    """
    Whatever an event carries, it leaves with its name, below what Loki takes in one line.
    """
    mark = os.urandom(8).hex()
    request = event(f"{mark} {MEGABYTES}", *given, text("event.name", "mine"))
    status = send(gateway, "logs", request.SerializeToString())
    (left,) = until(lambda: [r for r in gateway.logs() if mark in r["body"]["stringValue"]])
    found = attributes(left)
    metadata = sum(len(key) + len(str(value)) for key, value in found.items())

    assert 200 == status
    assert "mine" == found[EVENT_NAME.name]
    assert len(found) <= 64
    assert metadata < 64 * 1024
    assert Limits().attribute_bytes == len(left["body"]["stringValue"])


def test_the_largest_event_is_what_loki_takes(gateway: Collector) -> None:
    """
    A record with too much of everything leaves with no more than Loki makes entries of.
    """
    request = event("largest", *(text(f"k{n}", "v" * 1_000) for n in range(1_000)))
    group = request.resource_logs[0]
    group.resource.attributes.extend(text(f"r{n}", "v" * 1_000) for n in range(1_000))
    scope = group.scope_logs[0].scope
    scope.name, scope.version, scope.dropped_attributes_count = "s", "1", 1
    scope.attributes.extend(text(f"s{n}", "v" * 1_000) for n in range(1_000))
    record = group.scope_logs[0].log_records[0]
    record.severity_number = SeverityNumber.SEVERITY_NUMBER_INFO
    record.severity_text, record.flags = "INFO", 1
    record.trace_id, record.span_id = os.urandom(16), os.urandom(8)
    record.observed_time_unix_nano = record.time_unix_nano
    send(gateway, "logs", request.SerializeToString())
    (left,) = until(lambda: [r for r in gateway.left("logs") if '"largest"' in json.dumps(r)])
    arrived = json_format.ParseDict({"resourceLogs": [left]}, ExportLogsServiceRequest())

    assert "" == refusal(arrived)
    assert 64 == len(arrived.resource_logs[0].scope_logs[0].log_records[0].attributes)


def test_a_hostile_span_leaves_and_says_what_it_lost(gateway: Collector) -> None:
    """
    A span with 10,000 keys keeps those that matter and counts the others as dropped.
    """
    given = [text(f"k{n}", "v" * 1000) for n in range(10_000)]
    send(
        gateway, "traces",
        span("many", *given, text("ml.prediction.id", "the-one")).SerializeToString(),
    )  # fmt: skip
    (left,) = until(lambda: [s for s in gateway.spans() if s["name"] == "many"])
    found = attributes(left)

    assert "the-one" == found["ml.prediction.id"]
    assert (128, 10_001 - 128) == (len(found), left["droppedAttributesCount"])
    assert sum(len(str(value)) for value in found.values()) < 128 * 1024


def failing(name: str, count: int, *, links: int = 0) -> ExportTraceServiceRequest:
    """
    A span with that many events, each of which holds an address, the last one megabytes.
    """
    request = span(name)
    made = request.resource_spans[0].scope_spans[0].spans[0]
    for _ in range(count):
        message = text("exception.message", "no ann@example.com")
        made.events.add(name="exception", attributes=[message])
    if count:
        made.events[-1].attributes.append(text("big", MEGABYTES))
    for _ in range(links):
        made.links.add(trace_id=os.urandom(16), span_id=os.urandom(8))
    return request


def test_events_and_links_of_a_span_are_bounded(gateway: Collector) -> None:
    """
    A span keeps 128 events, redacted and cut, or none of more; with more links it goes as a whole.
    """
    together = failing("linked", 0, links=129)
    together.MergeFrom(failing("full", 128))
    together.MergeFrom(failing("overfull", 129))
    send(gateway, "traces", together.SerializeToString())
    until(lambda: "overfull" in {each["name"] for each in gateway.spans()})
    left = {each["name"]: each.get("events", []) for each in gateway.spans()}
    first, last = attributes(left["full"][0]), attributes(left["full"][-1])

    assert {"full": 128, "overfull": 0} == {
        name: len(left[name]) for name in ("linked", "full", "overfull") if name in left
    }
    assert {"exception.message": "no ****"} == first
    assert ("no ****", 8_192) == (last["exception.message"], len(last["big"]))


def test_texts_that_are_no_attributes_are_bounded(gateway: Collector) -> None:
    """
    Names, a state, a severity and addresses of schemas without end leave short; the record stays.
    """
    record = event("endless texts")
    log = record.resource_logs[0].scope_logs[0].log_records[0]
    log.severity_text, log.event_name = MEGABYTES[:3_000_000], MEGABYTES[:3_000_000]
    trace = span("endless texts")
    made = trace.resource_spans[0].scope_spans[0].spans[0]
    made.trace_state = f"k={MEGABYTES[:5_000_000]}"
    made.events.add(name=MEGABYTES[:3_000_000])
    for group in (record.resource_logs[0], trace.resource_spans[0]):
        group.schema_url = MEGABYTES[:1_000_000]
    for scope in (record.resource_logs[0].scope_logs[0], trace.resource_spans[0].scope_spans[0]):
        scope.schema_url = scope.scope.name = scope.scope.version = MEGABYTES[:1_000_000]
    send(gateway, "logs", record.SerializeToString())
    send(gateway, "traces", trace.SerializeToString())
    (left,) = until(
        lambda: [r for r in gateway.logs() if r["body"]["stringValue"] == "endless texts"]
    )
    (kept,) = until(lambda: [s for s in gateway.spans() if s["name"] == "endless texts"])
    groups = [*gateway.left("logs"), *gateway.left("traces")]
    scopes = [s for g in groups for s in (*g.get("scopeLogs", ()), *g.get("scopeSpans", ()))]

    assert (64, 256) == (len(left["severityText"]), len(left["eventName"]))
    assert ("", 256) == (kept.get("traceState", ""), len(kept["events"][0]["name"]))
    assert 256 == max(len(g.get("schemaUrl", "")) for g in (*groups, *scopes))
    assert {256} == {
        max(len(s.get("scope", {}).get(what, "")) for s in scopes) for what in ("name", "version")
    }


def test_attributes_of_others_stay_what_they_are(gateway: Collector) -> None:
    """
    Names with an underscore before them, as GELF has them, are nobody's status, state or severity.
    """
    given = {f"_{n}": n for n in ("name", "version", "status", "state", "event", "severity")}
    given["_large"] = "x" * 300
    attached = [text(name, value) for name, value in given.items()]
    record, trace = event("of others", *attached), span("of others", *attached)
    trace.resource_spans[0].scope_spans[0].spans[0].events.add(name="e", attributes=attached)
    for scope in (record.resource_logs[0].scope_logs[0], trace.resource_spans[0].scope_spans[0]):
        scope.scope.attributes.extend(attached[:2])
    send(gateway, "logs", record.SerializeToString())
    send(gateway, "traces", trace.SerializeToString())
    (left,) = until(lambda: [r for r in gateway.logs() if r["body"]["stringValue"] == "of others"])
    (kept,) = until(lambda: [s for s in gateway.spans() if s["name"] == "of others"])
    (scope_left,) = [
        s["scope"] for g in gateway.left("traces") for s in g["scopeSpans"] if s["spans"][0] == kept
    ]

    assert given == attributes(kept) == attributes(kept["events"][0])
    assert {**given, EVENT_NAME.name: "ml.prediction.result"} == attributes(left)
    assert ("ml.prediction.result", "") == (left["eventName"], left.get("severityText", ""))
    assert ("e", "", "") == (
        kept["events"][0]["name"], kept["status"].get("message", ""), kept.get("traceState", "")
    )  # fmt: skip
    assert {"attributes"} == set(scope_left)


def test_lone_surrogates_become_replacement_characters(gateway: Collector) -> None:
    """
    Bytes that are no UTF-8 leave as U+FFFD, in every signal, and their neighbors unchanged.
    """
    requests = {
        "traces": span(f"raw {PLACE}", text("a", PLACE), text("b", "é"), message=f"m {PLACE}"),
        "logs": event(f"raw {PLACE}", text("a", PLACE), text("b", "é")),
        "metrics": gauges(raw=[text("a", PLACE), text("b", "é")]),
    }
    for path, request in requests.items():
        send(gateway, path, spoiled(request.SerializeToString()))
    three = "\N{REPLACEMENT CHARACTER}" * 3
    (left_span,) = until(lambda: [s for s in gateway.spans() if s["name"].startswith("raw")])
    (left_event,) = until(
        lambda: [r for r in gateway.logs() if r["body"]["stringValue"] == f"raw {three}"]
    )
    (point,) = arrived(gateway, "raw")["raw"]["gauge"]["dataPoints"]

    assert (f"raw {three}", f"m {three}") == (left_span["name"], left_span["status"]["message"])
    assert {"a": three, "b": "é"} == attributes(left_span) == attributes(point)
    assert {"a": three, "b": "é", EVENT_NAME.name: "ml.prediction.result"} == attributes(left_event)


def test_what_is_said_of_a_metric_is_bounded(gateway: Collector) -> None:
    """
    A metric's description and unit are cut, and bytes in them that are no UTF-8 leave as U+FFFD.
    """
    request = gauges(told=[])
    metric = request.resource_metrics[0].scope_metrics[0].metrics[0]
    metric.description, metric.unit = PLACE + MEGABYTES, PLACE
    send(gateway, "metrics", spoiled(request.SerializeToString()))
    left = arrived(gateway, "told")["told"]
    three = "\N{REPLACEMENT CHARACTER}" * 3

    assert (three, f"{three}{MEGABYTES[: 1024 - 3]}") == (left["unit"], left["description"])


def test_points_with_too_many_labels_are_counted_and_the_others_leave(gateway: Collector) -> None:
    """
    Points with 10,000 labels, or with a name without end, are dropped and counted, no others.
    """
    counter = "otelcol_processor_filter_datapoints_filtered"
    before = gateway.counted(counter)
    many = [text(f"k{n}", "v") for n in range(10_000)]
    endless = {"n" * 1_000: list[KeyValue]()}
    request = gauges(first=[], many=many, long=[text("a", MEGABYTES)], **endless, last=[])
    status = send(gateway, "metrics", request.SerializeToString())
    found = arrived(gateway, "last")
    (long,) = found["long"]["gauge"]["dataPoints"]

    assert 200 == status
    assert {"first", "long", "last"} == {"first", "many", *endless, "long", "last"} & set(found)
    assert Limits().label_value_bytes == len(attributes(long)["a"])
    assert 2 == until(lambda: gateway.counted(counter) - before)


def test_statsd_becomes_what_prometheus_takes(gateway: Collector) -> None:
    """
    Counts are cumulative, histograms of ours have the SDK's edges, and bad lines cost themselves.
    """
    lines = (
        "ml.predictions:3|c|#ml.model.name:m", "ml.predictions:x|c", ":|:#", "\x00", "nothing",
        "ml.prediction.confidence:0.55|h|#ml.model.name:m", "shop.checkout:12|ms",
        "ml.predictions:2|c|#ml.model.name:m", "shop.size:7|d", "y" * 60_000,
    )  # fmt: skip
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto("\n".join(lines[:-1]).encode(), gateway.statsd)
        sender.sendto(lines[-1].encode(), gateway.statsd)
    wanted = ("ml.predictions", "ml.prediction.confidence", "shop.checkout", "shop.size")
    arrived(gateway, *wanted)
    # An interval may have ended between its two lines.
    until(lambda: "5" == gateway.metrics()["ml.predictions"]["sum"]["dataPoints"][0]["asInt"])
    found = gateway.metrics()
    total = found["ml.predictions"]["sum"]
    (point,) = found["ml.prediction.confidence"]["histogram"]["dataPoints"]

    assert (2, True, "5") == (
        total["aggregationTemporality"], total["isMonotonic"], total["dataPoints"][0]["asInt"]
    )  # fmt: skip
    assert list(CONFIDENCE_EDGES) == point["explicitBounds"]
    assert all("histogram" in found[name] for name in wanted[1:])


LARGE = [text(f"k{n}", "v" * 8_000) for n in range(12)]
"""Beside these everything else of a span becomes text, and is cut."""


def speaking(more: Sequence[KeyValue] = (), mark: str = "") -> list[ExportTraceServiceRequest]:
    """
    A span for each reason to keep a trace.
    """
    sure, batch, own = CONFIDENCE.name, CONFIDENCE_MIN.name, THRESHOLD.name
    return [
        span(f"{mark}failed", *more),
        span(f"{mark}slow", *more, failed=False, took_s=1.5),
        span(f"{mark}unsure", number(sure, 0.59), *more, failed=False),
        # Sixteen digits like those of a payment card.
        span(f"{mark}precise", number(sure, 0.4402659539931588), *more, failed=False),
        span(f"{mark}batch", number(sure, 0.9), number(batch, 1e-7), *more, failed=False),
        span(f"{mark}own", number(sure, 0.8), number(own, 0.85), *more, failed=False),
    ]


def test_sampling_keeps_what_matters_and_a_tenth_of_the_rest(gateway: Collector) -> None:
    """
    Errors, slow spans and unsure predictions are kept, alone, in a batch or by their own threshold.

    So they are where a span is so large that its attributes become text: these stay numbers.
    """
    # Five of each: one alone could be among the tenth that is kept in any case.
    matter = [each for _ in range(5) for each in (*speaking(), *speaking(LARGE, "large "))]
    usual = [span("usual", number(CONFIDENCE.name, 0.6), failed=False) for _ in range(200)]
    together = ExportTraceServiceRequest()
    for request in (*matter, *usual):
        together.MergeFrom(request)
    send(gateway, "traces", together.SerializeToString())
    # What was sent before it and is kept leaves before it.
    send(gateway, "traces", span("sampled last").SerializeToString())

    def left() -> Counter[str]:
        return Counter(each["name"] for each in gateway.spans("sampled"))

    until(lambda: left()["sampled last"])
    kept = left()
    numbers = {CONFIDENCE.name, CONFIDENCE_MIN.name, THRESHOLD.name}

    kinds = [request.resource_spans[0].scope_spans[0].spans[0].name for request in matter]

    assert Counter(kinds) == {kind: kept[kind] for kind in kinds}
    # 20 of 200 are expected: fewer than 3 come once in five million runs, 60 are nine deviations.
    assert 3 <= kept["usual"] < 60
    assert {"doubleValue"} == {
        next(iter(attribute["value"]))
        for each in gateway.spans("sampled")
        for attribute in each.get("attributes", [])
        if attribute["key"] in numbers
    }


def test_a_trace_that_is_kept_is_kept_whole(gateway: Collector) -> None:
    """
    Spans that come before the one that speaks for a trace, and those that come after it, are kept.
    """
    parts = ("early", "reason", "late")

    def kept_whole() -> bool:
        # Five traces, as one alone is kept in one of ten cases; anew where this machine slept for
        # longer than a trace is waited for.
        run = os.urandom(4).hex()
        traces = [os.urandom(16) for _ in range(5)]
        for part in parts:
            together = ExportTraceServiceRequest()
            for trace in traces:
                request = span(f"{part} {run}", failed=part == "reason")
                request.resource_spans[0].scope_spans[0].spans[0].trace_id = trace
                together.MergeFrom(request)
            send(gateway, "traces", together.SerializeToString())

        def left() -> Counter[str]:
            return Counter(each["name"] for each in gateway.spans("sampled"))

        with suppress(AssertionError):
            until(lambda: left()[f"late {run}"] == 5, patience_s=20)
        return [5] * 3 == [left()[f"{part} {run}"] for part in parts]

    assert until(kept_whole)


@pytest.fixture(name="certificates", scope="module")
def _certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """
    A certificate for the name ``otel-gateway`` and a token, as secure.yaml wants them.
    """
    folder = tmp_path_factory.mktemp("certificates")
    signed = self_signed(folder, "otel-gateway", "DNS:otel-gateway,DNS:localhost")
    shutil.copy(signed, folder / "ca.pem")
    (folder / "tokens").write_text("the-former\nthe-token\n")
    (folder / "token").write_text("the-token\n")
    return folder


def test_a_secure_gateway_takes_from_a_secure_agent_only(
    tmp_path: Path, certificates: Path
) -> None:
    """
    What an agent gets arrives encrypted and with the token; without either nothing comes in.
    """
    folder, paths = tmp_path / "gateway", {"CERTIFICATES": str(certificates)}
    overlay = quick(folder)
    (tmp_path / "app.jsonl").write_text("")
    with running(folder, ("gateway", "secure"), overlay, **paths) as gateway:
        port = gateway.grpc.rpartition(":")[2]
        to_gateway = {
            "exporters": {
                "otlp_grpc/gateway": {"endpoint": gateway.grpc},
                "load_balancing/traces": {
                    "resolver": {"dns": {"hostname": "127.0.0.1", "port": port}}
                },
            },
            "receivers": {"file_log": {"start_at": "beginning"}},
        }
        # A certificate is for a name, and here are only addresses.
        named = {**paths, "GATEWAY": "otel-gateway", "LOG_FILES": str(tmp_path / "app.jsonl")}
        with running(tmp_path / "agent", ("agent", "agent-secure"), to_gateway, **named) as agent:
            (tmp_path / "app.jsonl").write_text(
                '{"level": "error", "msg": "disk full", "trace_id": "' + "a" * 32 + '"}\n'
            )
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                sender.sendto(b"shop.orders:2|c", agent.statsd)
            statuses = [
                send(agent, "traces", span("through an agent").SerializeToString()),
                send(agent, "logs", event("through an agent").SerializeToString()),
            ]
            until(lambda: [s for s in gateway.spans() if s["name"] == "through an agent"])
            until(lambda: "shop.orders" in gateway.metrics())
            until(lambda: any(n.startswith("system.cpu") for n in gateway.metrics()))
            (line,) = until(lambda: [r for r in gateway.logs() if "disk full" in str(r)])
        url = f"https://localhost:{gateway.http.rpartition(':')[2]}/v1/logs"
        answers = [
            httpx.post(
                url, content=b"", verify=_trusting(certificates),
                headers={"Content-Type": "application/x-protobuf", "Authorization": said},
            ).status_code
            for said in ("", "Bearer wrong", "Bearer the-former", "Bearer the-token")
        ]  # fmt: skip
        plain = send(gateway, "logs", b"")

    assert [200, 200] == statuses
    assert ("a" * 32, 17) == (line["traceId"], line["severityNumber"])
    assert [401, 401, 200, 200] == answers
    assert 400 == plain


def _trusting(certificates: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificates / "ca.pem"))


def test_a_sender_knows_best_where_it_is(tmp_path: Path) -> None:
    """
    The gateway's own environment is added where a sender says nothing, and replaces nothing.
    """
    place = "deployment.environment.name"
    silent, told = span("silent"), span("told")
    told.resource_spans[0].resource.attributes.append(text(place, "staging"))
    own = {"OTEL_RESOURCE_ATTRIBUTES": f"{place}=production"}
    with running(tmp_path / "run", ("gateway",), quick(tmp_path), **own) as collector:
        for request in (silent, told):
            send(collector, "traces", request.SerializeToString())
        path = tmp_path / "traces.jsonl"
        until(lambda: path.exists() and len(path.read_bytes().splitlines()) == 2)
    lines = [json.loads(line)["resourceSpans"][0] for line in path.read_text().splitlines()]

    assert {"silent": "production", "told": "staging"} == {
        group["scopeSpans"][0]["spans"][0]["name"]: attributes(group["resource"])[place]
        for group in lines
    }


def test_a_collector_reads_its_files_anew_and_ends_at_one_it_cannot_read(tmp_path: Path) -> None:
    """
    SIGHUP lets it go on with what changed, and ends it where a file is broken.
    """

    def taken(body: str) -> bool:
        with suppress(httpx.TransportError):
            return send(collector, "logs", event(body).SerializeToString()) == 200
        return False

    def bodies() -> set[str]:
        return {r["body"]["stringValue"] for r in collector.logs()}

    changed = quick(tmp_path)
    add = 'set(log.attributes["changed"], true)'
    changed["processors"] = {"transform/event_name": {"log_statements": [add]}}
    with running(tmp_path, ("gateway",), quick(tmp_path)) as collector:
        taken("before")
        until(lambda: "before" in bodies())
        (tmp_path / "overlay.yaml").write_text(yaml.safe_dump(changed))
        collector.process.send_signal(signal.SIGHUP)
        until(lambda: taken("after") and any("changed" in attributes(r) for r in collector.logs()))
        (tmp_path / "overlay.yaml").write_text("processors: [")
        collector.process.send_signal(signal.SIGHUP)
        ended = collector.process.wait(timeout=180)

    assert 1 == ended
    assert {"before", "after"} == bodies()


def test_a_wrong_variable_keeps_the_collector_from_starting(tmp_path: Path) -> None:
    """
    What the check of configurations calls an error is one: the real Collector ends at once.
    """
    overlay = {"exporters": {"otlp_grpc/tempo": {"endpoint": "${env:NOT_SET_ANYWHERE}"}}}

    with (
        pytest.raises(AssertionError, match=re.escape('requires a non-empty "endpoint"')),
        running(tmp_path / "run", ("gateway",), overlay),
    ):
        pass
