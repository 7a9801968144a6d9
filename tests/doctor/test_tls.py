"""This module checks what the doctor says of certificates and of TLS where none is expected."""

import os
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import certifi
import pytest
from tests.answering import answering
from tests.certificates import expired, self_signed
from tests.sdk.collector import collector

from otel_confidence.doctor import endpoints, probes, refusals
from otel_confidence.doctor.checks import Cause, Check
from otel_confidence.doctor.doors import Door
from otel_confidence.doctor.services import SERVICES, Addresses, look

CERTIFICATE = "OTEL_EXPORTER_OTLP_CERTIFICATE"


class Taking(BaseHTTPRequestHandler):
    """Takes whatever comes."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"] or 0))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        self.do_POST()

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture(name="certificate", scope="module")
def _certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return self_signed(tmp_path_factory.mktemp("tls"), "localhost", "IP:127.0.0.1")


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [*os.environ]:
        if name.endswith("_CA_BUNDLE"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "60")


@pytest.fixture(name="secure")
def _secure(certificate: Path) -> Iterator[str]:
    """A server that speaks TLS, with a certificate that nobody knows."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, certificate.with_name("key.pem"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), Taking)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # of those who hang up
    server.socket = context.wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"https://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def sent(gateway: str) -> Cause | None:
    """Why a span is not taken."""
    answer = probes.send(probes.make(time.time()), "trace", gateway, timeout_s=60)
    return None if answer.accepted else refusals.cause(answer, gateway)


def knocked(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Check:
    """What is said of the user's own endpoint."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
    return endpoints.knock("traces", {})[0]


def test_a_certificate_that_is_not_trusted_is_named(
    secure: str, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Both sides name the variable of the certificate, and are well with it.
    """
    refused, knock = sent(secure), knocked(secure, monkeypatch)
    monkeypatch.setenv(CERTIFICATE, str(certificate))

    assert refused is not None
    assert refused.why.endswith("its certificate is not trusted")
    assert CERTIFICATE in refused.remedy
    assert ("failed", True) == (knock.status, CERTIFICATE in knock.remedy)
    assert (None, "ok") == (sent(secure), knocked(secure, monkeypatch).status)


def test_a_variable_that_goes_before_the_certificate_is_named(
    secure: str, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Where the HTTP library's own variable hides the certificate, it is that one which is named.
    """
    monkeypatch.setenv(CERTIFICATE, str(certificate))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", certifi.where())

    refused = sent(secure)

    assert refused is not None
    assert "unset REQUESTS_CA_BUNDLE" in refused.remedy


def test_a_variable_that_names_no_file_is_named(
    secure: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A file of certificates that is not there is said with its variable, of probes and of services.
    """
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/other.pem")
    refused = sent(secure)
    service = look(SERVICES[1], Addresses(prometheus=secure))
    knock = knocked(secure, monkeypatch)

    assert refused is not None
    assert refused.why.endswith(
        "REQUESTS_CA_BUNDLE names no file of certificates: '/nowhere/ca.pem'"
    )
    assert "SSL_CERT_FILE names no file of certificates: '/nowhere/other.pem'" in service.found
    assert "REQUESTS_CA_BUNDLE names no file" in knock.found
    assert ["or unset the variable"] * 3 == [
        said[-len("or unset the variable") :]
        for said in (refused.remedy, service.remedy, knock.remedy)
    ]


def test_a_variable_of_certificates_is_nothing_to_plain_http(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """
    Where no TLS is spoken, a file of certificates that is not there keeps nobody from asking.
    """
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/ca.pem")
    with collector() as plain:
        check = look(SERVICES[1], Addresses(prometheus=plain.url))

    assert "SSL_CERT_FILE" not in check.found
    assert "answers 501" in check.found


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_what_is_on_this_host_is_asked_past_a_proxy(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A proxy of the environment, here one that nobody serves, does not stand before loopback.
    """
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, "http://127.0.0.1:9")
    with collector() as plain:
        refused = sent(plain.url)
        reply = Door(plain.url, {}).get("/")

    assert (None, 501) == (refused, reply.status)


def test_a_service_that_is_not_trusted_is_named(secure: str) -> None:
    """
    For what is asked over HTTP the variable is another one.
    """
    check = look(SERVICES[1], Addresses(prometheus=secure))

    assert "its certificate is not trusted" in check.found
    assert "SSL_CERT_FILE" in check.remedy


def test_tls_where_none_is_spoken_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A server without TLS is to be named with http://.
    """
    with collector() as plain:
        endpoint = plain.url.replace("http:", "https:")
        refused, knock = sent(endpoint), knocked(endpoint, monkeypatch)
        service = look(SERVICES[1], Addresses(prometheus=endpoint))

    assert refused is not None
    assert "http:// in --gateway" in refused.remedy
    assert "http:// in OTEL_EXPORTER_OTLP_ENDPOINT" in knock.remedy
    assert "http:// in --prometheus" in service.remedy


def expire(folder: Path) -> Path:
    return expired(folder, "localhost", "IP:127.0.0.1")


def other(folder: Path) -> Path:
    return self_signed(folder, "elsewhere", "DNS:elsewhere")


@pytest.mark.parametrize(
    ("make", "why", "remedy"),
    [
        pytest.param(expire, "its certificate has expired", "renew it", id="it has expired"),
        pytest.param(other, "its certificate is for another name", "give it one", id="not its own"),
    ],
)
def test_a_certificate_that_is_wrong_is_named(
    make: Callable[[Path], Path], why: str, remedy: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """
    A certificate that is known, but too old or another server's, is not called untrusted.
    """
    certificate = make(tmp_path)
    monkeypatch.setenv(CERTIFICATE, str(certificate))
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with answering(certificate) as receiver:
        refused, knock = sent(receiver.http), knocked(receiver.http, monkeypatch)
        service = look(SERVICES[1], Addresses(prometheus=receiver.http))

    assert refused is not None
    assert all(why in said for said in (refused.why, knock.found, service.found))
    assert all(remedy in said for said in (refused.remedy, knock.remedy, service.remedy))


def test_a_name_that_is_not_known_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A host that nobody knows is told apart from one where nobody listens.
    """
    nowhere = "http://nowhere.invalid:4318"
    refused, knock = sent(nowhere), knocked(nowhere, monkeypatch)
    service = look(SERVICES[1], Addresses(prometheus=nowhere))

    assert refused is not None
    assert all(
        "its name is not known" in said for said in (refused.why, knock.found, service.found)
    )
    assert all("spelled right" in said for said in (refused.remedy, knock.remedy, service.remedy))


@pytest.mark.parametrize(
    ("status", "remedy"), [(429, "asked for too much"), (503, "memory limiter refuses")]
)
def test_a_receiver_that_wants_patience_is_named(
    status: int, remedy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A receiver that is there and asks to come back is not called absent.
    """
    with answering() as receiver:
        receiver.answer(status, retry_after_s=3600)
        knock = knocked(receiver.http, monkeypatch)

    assert f"(answered {status})" in knock.found
    assert remedy in knock.remedy


def test_a_page_is_told_from_a_receiver(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    What answers 200 with a page, as a login does, takes no telemetry.
    """
    with answering() as receiver:
        receiver.answer(page=True)
        knock = knocked(receiver.http, monkeypatch)

    assert "(answered 200 with a page)" in knock.found
    assert "leads elsewhere" in knock.remedy
