"""
This module checks what the gateway masks, and what it must not, in the real Collector.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from tests import collecting
from tests.collecting import Collector, attributes
from tests.otlp import event, gauges, number, send, span, text
from tests.running import until
from tests.sdk.benign import benign
from tests.sdk.planted import Maker, planted

from otel_confidence import conventions
from otel_confidence.sdk.redaction.contexts import CONTEXTS
from otel_confidence.sdk.redaction.credentials import CREDENTIALS
from otel_confidence.sdk.redaction.personal import OPTIONAL, PERSONAL

PAGE = Path(__file__).parent.parent / "docs" / "how-to" / "collector.md"
CARD = 4111111111111111
EVE = "eve@example.com"
ORDINARY = [
    "0.4402659539931588", "[0.5511111111111111, 0.37620722979471]", "bearer of bad news since 2019",
    "basic resnet50-imagenet-1k", "eos token: 128001", "token gpt2-medium", "max_tokens=16384000",
    "secretary of state", "the secret of 4096 dimensions", "order 2024-11-30 no. 123-456-7890",
    "AB12 is a model", "run --max-tokens 16384000 --tokenizer gpt2 --eos-token 128001",
    "https://example.com/a@b?page=12345678&sort=key", "key: 12345678",
]  # fmt: skip
"""What looks a little like a secret, or like a card's number behind a point."""
FORMLESS = {"discord_token", "mailchimp_key"}
"""Credentials that begin like any word: looking for them costs more than all the others."""
SECRET = sorted({pattern.kind for pattern in (*CREDENTIALS, *CONTEXTS)} - FORMLESS)
PERSONAL_MASKED = ["credit_card", "email", "iban", "us_ssn"]
LEFT_TO_THE_SDK = sorted(
    FORMLESS | {pattern.kind for pattern in (*PERSONAL, *OPTIONAL)} - set(PERSONAL_MASKED)
)
TELLING = [
    "access_token", "ACCESS_TOKEN", "api.key", "APIKey", "aws.access_key_id", "db.credential",
    "DB_PWD", "http.request.header.authorization", "id-token", "jwt", "passphrase", "passWord",
    "PASSWD", "private_key", "refreshToken", "session_token", "Set-Cookie", "ssl.private-key",
    "ssn", "token", "userToken", "user.password", "x-api-key",
]  # fmt: skip
"""Names whose values are masked, whatever they are."""
COUNTED = [
    "gen_ai.request.max_tokens", "gen_ai.token.type", "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens", "llm.token_count.prompt",
    "llm.usage.total_tokens", "time_per_output_token", "time_to_first_token", "tokenizer",
]  # fmt: skip
"""Names of tokens that open no door."""


@pytest.fixture(name="gateway", scope="module")
def _gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    with collecting.gateway(tmp_path_factory.mktemp("gateway")) as collector:
        yield collector


def events(gateway: Collector, records: list[tuple[str, list[KeyValue]]]) -> list[dict[str, Any]]:
    """
    What left of events with these bodies and attributes, in their order.
    """
    request = ExportLogsServiceRequest()
    mark = os.urandom(8).hex()
    for body, given in records:
        request.MergeFrom(event(body, *given, text("mark", mark)))
    send(gateway, "logs", request.SerializeToString())

    def left() -> list[dict[str, Any]]:
        return [r for r in gateway.logs() if attributes(r).get("mark") == mark]

    until(lambda: len(left()) == len(records))
    return left()


@pytest.mark.parametrize("place", ["body", "attribute"])
def test_every_secret_that_the_sdk_knows_is_masked(gateway: Collector, place: str) -> None:
    """
    Five secrets of each kind, drawn anew, leave neither whole nor with their second half.
    """
    maker = Maker(19)
    drawn = [(kind, *planted(kind, maker)) for kind in (*SECRET, *PERSONAL_MASKED) * 5]
    left = events(
        gateway,
        [
            (around, []) if place == "body" else ("", [text("note", around)])
            for _, around, _ in drawn
        ],
    )
    said = [
        record["body"]["stringValue"] if place == "body" else attributes(record)["note"]
        for record in left
    ]
    leaked = {
        kind
        for (kind, _, secret), found in zip(drawn, said, strict=True)
        if secret in found or secret[len(secret) // 2 :] in found
    }

    assert set() == leaked
    assert len(SECRET) > 60


def test_ordinary_texts_leave_as_they_came(gateway: Collector) -> None:
    """
    None of 3,000 texts of 30 kinds, nor any number of sixteen digits, is changed.
    """
    texts = [*benign(11, 3_000), *ORDINARY]
    left = events(gateway, [(each, []) for each in texts])

    assert texts == [record["body"]["stringValue"] for record in left]


def test_telling_names_hide_their_values(gateway: Collector) -> None:
    """
    What a name calls secret is masked whatever it is; names of the table of signals are none.
    """
    ours = [a.name for a in vars(conventions).values() if isinstance(a, conventions.Attribute)]
    kept = [*COUNTED, *ours]
    records: list[tuple[str, list[KeyValue]]] = [
        ("", [number(name, 17.0)]) for name in (*TELLING, *kept)
    ]
    left = [attributes(record) for record in events(gateway, records)]
    found = [record[name] for record, name in zip(left, (*TELLING, *kept), strict=True)]

    assert ["****"] * len(TELLING) + [17.0] * len(kept) == found


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (text("note", "write to ann@example.com now"), "write to **** now"),
        (text("password", "hunter2"), "****"),
        (text("said", '{"password": "hun\\"ter2", "a": 1}'), '{****, "a": 1}'),
        (KeyValue(key="number", value=AnyValue(int_value=CARD)), "****"),
        (text("said", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIx.abc-_d x"), "**** x"),
        (text("long", "y" * 8_190 + " ann@example.com " + "y" * 9_000), "y" * 8_190 + " *"),
        (text("card", "by 3714 496353 98431 today"), "by**** today"),
        (text("said", "password=hunter2 token=ghp_0123456789abcdefghijklmnopqrstuvwxyz01"),
         "**** token=****"),
        (text("dsn", "postgres://u:p@ss@db/x"), "postgres****db/x"),
        (text("ran", "serve --db-password hunter2 --auth-token a1b2c3d4e5 --port 80"),
         "serve **** **** --port 80"),
        (text("args", '["--api-key","hunter2","--port","80"]'), '["****","--port","80"]'),
    ],
    ids=[
        "an address", "a telling key", "JSON", "a number", "a token", "an address at the cut",
        "an American Express card", "free text", "a source of data",
        "a command line", "a command's arguments",
    ],
)  # fmt: skip
def test_what_the_sdk_was_not_told_about_is_masked(
    gateway: Collector, given: KeyValue, expected: str
) -> None:
    """
    Personal data and secrets leave neither in events nor in spans, also where a value is cut.
    """
    mark = os.urandom(8).hex()
    send(gateway, "logs", event(f"{mark} of bob@example.com", given).SerializeToString())
    send(gateway, "traces", span(f"{mark} bob@example.com", given,
                                 message="no bob@example.com").SerializeToString())  # fmt: skip
    (left,) = until(lambda: [r for r in gateway.logs() if mark in r["body"]["stringValue"]])
    (told,) = until(lambda: [s for s in gateway.spans() if mark in s["name"]])

    assert (expected, expected) == (attributes(left)[given.key], attributes(told)[given.key])
    assert f"{mark} of ****" == left["body"]["stringValue"]
    assert (f"{mark} ****", "no ****") == (told["name"], told["status"]["message"])


def test_names_of_everything_are_masked(gateway: Collector) -> None:
    """
    An address in the name of an event, a scope or a severity, or in a trace's state, is masked.
    """
    record = event("named")
    log = record.resource_logs[0].scope_logs[0]
    log.log_records[0].event_name = f"paid by {EVE}"
    log.log_records[0].severity_text = f"bad for {EVE}"
    trace = span("named")
    spans = trace.resource_spans[0].scope_spans[0]
    spans.spans[0].trace_state = f"k={EVE}"
    spans.spans[0].events.add(name=f"asked {EVE}")
    for scope in (log.scope, spans.scope):
        scope.name, scope.version = f"of {EVE}", f"for {EVE}"
    send(gateway, "logs", record.SerializeToString())
    send(gateway, "traces", trace.SerializeToString())
    (logged,) = until(
        lambda: [
            s
            for r in gateway.left("logs")
            for s in r["scopeLogs"]
            if s["logRecords"][0]["body"]["stringValue"] == "named"
        ]
    )
    (traced,) = until(
        lambda: [
            s
            for r in gateway.left("traces")
            for s in r["scopeSpans"]
            if s["spans"][0]["name"] == "named"
        ]
    )
    left, told = logged["logRecords"][0], traced["spans"][0]

    assert {"name": "of ****", "version": "for ****"} == logged["scope"] == traced["scope"]
    assert ("paid by ****", "bad for ****") == (left["eventName"], left["severityText"])
    assert "paid by ****" == attributes(left)["event.name"]
    assert ("k=****", "asked ****") == (told["traceState"], told["events"][0]["name"])
    assert {"event.name"} == set(attributes(left))
    assert not {"attributes"} & {*told, *told["events"][0]}


def test_a_list_is_masked_as_text(gateway: Collector) -> None:
    """
    What stands in lists and maps is masked too; they leave as JSON text.
    """
    values = KeyValue(key="to")
    values.value.array_value.values.add(string_value="ann@example.com")
    (left,) = events(gateway, [("", [values])])

    assert '["****"]' == attributes(left)["to"]


def test_span_metrics_never_see_what_is_masked(gateway: Collector) -> None:
    """
    A span's name is a label of span metrics, and reaches them redacted.
    """
    send(gateway, "traces", span("GET /users/eve@example.com").SerializeToString())

    def named() -> set[str]:
        points = gateway.metrics().get("traces.span.metrics.calls", {}).get("sum", {})
        return {str(attributes(p).get("span.name")) for p in points.get("dataPoints", [])}

    until(lambda: "GET /users/****" in named())
    every = "".join(map(str, gateway.left("metrics")))

    assert "eve@example.com" not in every


def test_secrets_of_a_resource_become_no_labels(gateway: Collector) -> None:
    """
    Of a resource of metrics, which are not redacted, command lines and telling names go.
    """
    request = gauges(started=[])
    names = ["process.command", "process.command_line", "process.command_args", *TELLING]
    request.resource_metrics[0].resource.attributes.extend(text(name, "serve") for name in names)
    send(gateway, "metrics", request.SerializeToString())

    def resources() -> list[dict[str, Any]]:
        return [attributes(r["resource"]) for r in gateway.left("metrics") if "started" in str(r)]

    until(resources)

    assert [{"process.command": "serve"}] == resources()


def test_the_page_names_what_is_left_to_the_sdk() -> None:
    """
    Each kind that only the SDK finds is named where it is said what the gateway masks.
    """
    masked = PAGE.read_text().partition("## What they mask")[2].partition("\n## ")[0]

    assert [] == [kind for kind in LEFT_TO_THE_SDK if f"`{kind}`" not in masked]
