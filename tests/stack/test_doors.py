"""This module shows what the SDK makes of the real Collector's door where it does not take."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.certificates import expired
from tests.collecting import Collector, running
from tests.otlp import event, send
from tests.running import until
from tests.sdk.sending import Sent, forget

pytestmark = pytest.mark.xdist_group("backends")
QUIET = {"receivers": {"prometheus": {"config": {"scrape_configs": [{"job_name": "none"}]}}}}
TRUST = "OTEL_EXPORTER_OTLP_CERTIFICATE"


@pytest.fixture(name="old", scope="module")
def _old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of a day in 2020."""
    return expired(tmp_path_factory.mktemp("old"), "localhost", "DNS:localhost,IP:127.0.0.1")


@pytest.fixture(name="secure", scope="module")
def _secure(
    old: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Collector, Path]]:
    """A gateway of secure.yaml with that certificate, and the certificate."""
    old.with_name("tokens").write_text("the-token\n")
    place, given = tmp_path_factory.mktemp("secure"), str(old.parent)
    with running(place, ("gateway", "secure"), QUIET, CERTIFICATES=given) as gateway:
        yield gateway, old


@pytest.fixture(name="crowded", scope="module")
def _crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    """A gateway that refuses all, as it needs more memory than it may have to begin with."""
    limiter = {"check_interval": "1s", "limit_mib": 2, "spike_limit_mib": 1}
    # Percentages go before.
    limiter |= {"limit_percentage": 0, "spike_limit_percentage": 0}
    overlay = {**QUIET, "processors": {"memory_limiter": limiter}}
    with running(tmp_path_factory.mktemp("crowded"), ("gateway",), overlay) as gateway:
        until(lambda: send(gateway, "logs", event("full?").SerializeToString()) == 503)
        yield gateway


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    forget(monkeypatch)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "2")


def sent(monkeypatch: pytest.MonkeyPatch, place: str, protocol: str) -> Sent:
    """Three spans that were sent to a place."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", place)
    return Sent(3, impatient=True)


HTTP, GRPC = "http/protobuf", "grpc"
UNTRUSTED, EXPIRED = {"certificate verify failed"}, {"certificate has expired"}
# The Collector answers 400 and hangs up with the request still on its way; the reset that follows
# may overtake the answer.
PLAIN = {"answered 400", "no answer"}
SECURE = {
    "nobody trusts it": ("https", False, (UNTRUSTED, UNTRUSTED)),
    "it has expired": ("https", True, (EXPIRED, EXPIRED)),
    "no TLS is spoken": ("http", False, (PLAIN, {"unavailable"})),
}


@pytest.mark.parametrize(("scheme", "trusted", "why"), SECURE.values(), ids=SECURE)
def test_a_secure_gateway_that_cannot_be_spoken_with_is_said(
    secure: tuple[Collector, Path], scheme: str, trusted: bool, why: tuple[set[str], set[str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """
    A certificate that is wrong, and no TLS where it is asked for, are said; spans are counted.
    """
    gateway, certificate = secure
    if trusted:
        monkeypatch.setenv(TRUST, str(certificate))
    found = [
        sent(monkeypatch, f"{scheme}://{place}", protocol)
        for protocol, place in ((HTTP, gateway.http), (GRPC, gateway.grpc))
    ]

    assert all(each.why[0] in reasons for each, reasons in zip(found, why, strict=True))
    assert [{"export_failed": 3}] * 2 == [each.lost for each in found]
    assert 0 == gateway.counted("otelcol_receiver_accepted_spans")


def test_no_tls_between_two_collectors_is_final(
    secure: tuple[Collector, Path], tmp_path: Path
) -> None:
    """
    What a gateway sends unencrypted to a door with TLS is answered 400: given up and counted.
    """
    overlay = {**QUIET, "exporters": {"otlp_http/loki": {"endpoint": f"http://{secure[0].http}"}}}
    with running(tmp_path / "plain", ("gateway",), overlay) as gateway:
        status = send(gateway, "logs", event("unencrypted").SerializeToString())
        lost = until(lambda: gateway.counted("otelcol_exporter_send_failed_log_records"))

    assert (200, 1) == (status, lost)


@pytest.mark.parametrize(("protocol", "why"), [(HTTP, "answered 503"), (GRPC, "unavailable")])
def test_a_gateway_without_memory_is_said(
    crowded: Collector, protocol: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A gateway that its memory limiter lets take nothing refuses; the spans are counted.
    """
    place = crowded.grpc if protocol == GRPC else crowded.http
    found = sent(monkeypatch, f"http://{place}", protocol)

    assert why == found.why[0]
    assert {"export_failed": 3} == found.lost
