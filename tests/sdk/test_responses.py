"""This module checks what is made of a receiver's answers, by HTTP, TLS and gRPC."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.answering import MESSAGE, Answering, answering
from tests.certificates import expired, self_signed
from tests.sdk.programs import run
from tests.sdk.sending import Sent, forget

PROTOCOLS = ("http/protobuf", "grpc")
NAMES = "DNS:localhost,IP:127.0.0.1"


@pytest.fixture(name="receiver", scope="module")
def _receiver() -> Iterator[Answering]:
    with answering() as receiver:
        yield receiver


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    forget(monkeypatch)


def leads(
    monkeypatch: pytest.MonkeyPatch, protocol: str, receiver: Answering, address: str = ""
) -> None:
    """Let exporters send to a receiver."""
    place = receiver.http if protocol != "grpc" else f"http://{receiver.grpc}"
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address or place)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(("rejected", "lost"), [(7, 7), (1_000, 10), (0, 0)])
def test_what_a_receiver_rejects_is_lost_and_counted(
    receiver: Answering, protocol: str, rejected: int, lost: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Of ten spans, those that a receiver says not to have taken are counted, never more than ten.
    """
    leads(monkeypatch, protocol, receiver)
    receiver.answer(rejected=rejected)
    sent = Sent(10)

    assert sent.arrived
    assert ({"rejected_by_collector": lost} if lost else {}) == sent.lost
    assert ([MESSAGE] if lost else []) == sent.in_part
    assert [] == sent.why


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_program_says_once_that_a_part_is_rejected(receiver: Answering, protocol: str) -> None:
    """
    A program's ledger has what was rejected of each signal, flush() says so, its log does once.
    """
    receiver.answer(rejected=1)
    place = receiver.http if protocol != "grpc" else receiver.grpc
    told = run(
        """
from otel_confidence import conventions as c
telemetry = oc.configure(service_name="digits")
classify()
flushed = [oc.flush(60), oc.flush(60)]
def rejected(signal):
    return telemetry.sums.value(
        c.DROPPED, otel_confidence_signal=signal, otel_confidence_reason="rejected_by_collector"
    )
tell(flushed=flushed, lost=[rejected(signal) for signal in ("span", "event", "metric")])
""",
        variables={
            "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.http
            if "http" in protocol
            else f"http://{place}",
            "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        },
    )

    assert [False, False] == told["flushed"]
    assert [1, 1] == told["lost"][:2]
    assert told["lost"][2] >= 2  # points are sent anew each time
    assert told["stderr"].startswith(
        f"otel_confidence: {place} takes only a part of what it is sent ({MESSAGE}): "
    )
    assert 1 == told["stderr"].count("\n")


def test_what_is_said_to_be_rejected_is_not_believed_beyond_what_was_sent(
    receiver: Answering,
) -> None:
    """
    A receiver that rejects 2**62 points each time costs no counter of ours its place in a number.
    """
    receiver.answer(rejected=2**62)
    told = run(
        """
from otel_confidence import conventions as c
telemetry = oc.configure(service_name="digits")
classify()
for _ in range(3):
    oc.flush(60)
tell(lost=telemetry.sums.value(
    c.DROPPED, otel_confidence_signal="metric", otel_confidence_reason="rejected_by_collector"
))
""",
        variables={"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.http},
    )

    assert 0 < told["lost"] < 10_000


LATER = {"Retry-After": "3600"}
REFUSALS: dict[str, tuple[int, dict[str, Any], str]] = {
    "moved for good": (301, {"to": "https://me:secret@login.example/p?q"}, ", to login.example"),
    "moved": (302, {"to": "https://login.example/secret", "page": True}, ", to login.example"),
    "moved, with the body": (307, {"to": "https://login.example/secret"}, ", to login.example"),
    "moved for good, with the body": (308, {"to": "/elsewhere"}, ""),
    "too much, an hour from now": (429, {"retry_after_s": 3600}, ""),
    "overloaded for an hour": (503, {"retry_after_s": 3600}, ""),
    "no token": (401, {}, ""),
    "no request as it likes it": (400, {}, ""),
    "a token that may not": (403, {}, ""),
    "no such door": (404, {}, ""),
    "too large": (413, {}, ""),
    "broken": (500, {}, ""),
    "not made for this": (501, {}, ""),
    "a login page": (200, {"page": True}, " with a page"),
}


@pytest.mark.parametrize(("status", "told", "where"), REFUSALS.values(), ids=REFUSALS)
def test_a_refusal_is_no_success_and_has_a_reason(
    receiver: Answering, status: int, told: dict[str, Any], where: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """
    A receiver that refuses, leads elsewhere or asks for an hour's patience took nothing.

    What is said of it is its status, and of where it leads to the host alone. An hour is longer
    than spans wait in memory: they are counted.
    """
    leads(monkeypatch, "http/protobuf", receiver)
    receiver.answer(status, **told)
    receiver.asked.clear()
    sent = Sent(3)

    assert not sent.arrived
    assert [f"answered {status}{where}"] == sent.why
    assert {"export_failed": 3} == sent.lost
    assert 1 == receiver.times("traces")


@pytest.mark.parametrize(
    ("protocol", "status"),
    [*(("http/protobuf", status) for status in (429, 502, 503, 504)), ("grpc", 429), ("grpc", 503)],
)
def test_a_receiver_that_asks_for_patience_gets_it_again(
    receiver: Answering, protocol: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    What is refused for a moment is sent again after the time that was asked for, and arrives.
    """
    leads(monkeypatch, protocol, receiver)
    receiver.asked.clear()
    receiver.taken.clear()
    receiver.answer(status, retry_after_s=0, refusals=1)
    sent = Sent(3)

    assert sent.arrived
    assert {} == sent.lost
    assert (2, 1) == (receiver.times("traces"), len(receiver.took("traces")))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_name_that_is_not_known_is_said(
    receiver: Answering, protocol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A host that nobody knows is said at once, by either protocol.
    """
    leads(monkeypatch, protocol, receiver, "http://nowhere.invalid:4318")
    sent = Sent(3, impatient=True)

    assert sent.why[0] in {"name or service not known", "temporary failure in name resolution"}
    assert {"export_failed": 3} == sent.lost


@pytest.fixture(name="certificates", scope="module")
def _certificates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folders = {name: tmp_path_factory.mktemp(name) for name in ("good", "old", "foreign")}
    return {
        "good": self_signed(folders["good"], "localhost", NAMES),
        "old": expired(folders["old"], "localhost", NAMES),
        "foreign": self_signed(folders["foreign"], "elsewhere", "DNS:elsewhere"),
    }


TLS = {
    "nobody trusts it": ("good", "", "certificate verify failed"),
    "it has expired": ("old", "old", "certificate has expired"),
    "it is for another name": ("foreign", "foreign", "ip address mismatch"),
}


@pytest.mark.parametrize(("shown", "trusted", "why"), TLS.values(), ids=TLS)
def test_a_certificate_that_is_wrong_is_said(
    certificates: dict[str, Path], shown: str, trusted: str, why: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """
    What is wrong with a receiver's certificate is said, and nothing is sent to it.
    """
    if trusted:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", str(certificates[trusted]))
    with answering(certificates[shown]) as receiver:
        leads(monkeypatch, "http/protobuf", receiver)
        sent = Sent(3, impatient=True)

    assert why == sent.why[0]
    assert {"export_failed": 3} == sent.lost
    assert [] == receiver.asked
