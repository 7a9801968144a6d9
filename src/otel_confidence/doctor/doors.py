"""
This module asks HTTP servers, and says why one does not answer as it should.
"""

import json
import os
import re
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import cache
from http import HTTPStatus
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from otel_confidence.doctor.checks import Cause
from otel_confidence.text import clean

_CALLER: Final = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
_CERTIFICATE: Final = "OTEL_EXPORTER_OTLP_CERTIFICATE"
_BUNDLES: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""Variables of the HTTP library that go before what an exporter is told."""
_TRUST: Final = "SSL_CERT_FILE"
_NO_FILE: Final = "names no file of certificates"
_RENAME: Final = "name a file that is there and holds certificates, or unset the variable"
_HTTPS: Final = "https"
UNTRUSTED: Final = "its certificate is not trusted"
EXPIRED: Final = "its certificate has expired"
FOREIGN: Final = "its certificate is for another name"
NAMELESS: Final = "its name is not known"
PLAIN: Final = "it speaks no TLS"
OTHER_PROTOCOL: Final = "it does not speak HTTP/1.1"
PLAIN_TO_TLS: Final = "HTTP request to an HTTPS server"
"""What programs in Go answer to HTTP where they speak TLS."""
WRONG: Final[Mapping[str, str]] = {
    EXPIRED: "renew it there; a gateway of collector/secure.yaml reads the new one within an hour",
    FOREIGN: "name that server as its certificate does, or give it one for this name",
    NAMELESS: "is it spelled right, and known in this network? Compare with what resolves there",
}
"""What mends a name or certificate, whoever asks."""
_EXCERPT: Final = 160
_BODY: Final = 4096


@dataclass(frozen=True, slots=True)
class Reply:
    """
    What a server answered; status 0 when it did not.
    """

    status: int
    text: str
    unreachable: str = ""
    """Why there is no answer."""
    skew_s: float | None = None
    """How far the server's clock is ahead, seconds; None when it does not say."""

    @property
    def well(self) -> bool:
        """
        Whether it is a success.
        """
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    def json(self) -> Any:
        """
        The body, where it is JSON; None where it is not.
        """
        try:
            return json.loads(self.text)
        except (ValueError, RecursionError):
            return None


@dataclass(frozen=True, slots=True)
class Door:
    """
    An HTTP server that is asked one thing after the other.
    """

    url: str
    headers: Mapping[str, str]
    timeout_s: float = 5.0
    now: Callable[[], float] = time.time

    def get(self, path: str, **parameters: str) -> Reply:
        """
        What it answers; never a redirect's target, and past any proxy where it is on this host.
        """
        try:
            trusted = _trusted(self.url, os.environ.get(_TRUST, ""))
        except OSError:
            return Reply(0, "", _nameless(_TRUST, os.environ))
        try:
            response = httpx.get(
                f"{self.url.rstrip('/')}{path}", params=parameters or None,
                headers=dict(self.headers), timeout=self.timeout_s, verify=trusted,
                trust_env=not is_here(self.url),
            )  # fmt: skip
        except httpx.TimeoutException:
            return Reply(0, "", f"no answer within {self.timeout_s:g} s")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return Reply(0, "", unreachable(error))
        skew_s = _skew(response.headers.get("date", ""), self.now())
        return Reply(response.status_code, response.text, skew_s=skew_s)


def unreachable(error: Exception) -> str:
    """
    Why a server cannot be reached, in few words.
    """
    text = str(error)
    words = {
        r"refused": "connection refused",
        r"Name or service not known|resolution|nodename|No address": NAMELESS,
        r"timed out": "no answer in time",
        r"certificate has expired": EXPIRED,
        r"(?i)(hostname|IP address) mismatch": FOREIGN,
        r"certificate verify failed": UNTRUSTED,
        r"(?i)wrong version number": PLAIN,
        r"BadStatusLine|malformed|illegal": OTHER_PROTOCOL,
    }
    return next((said for pattern, said in words.items() if re.search(pattern, text)), "") or (
        excerpt(text) or type(error).__name__
    )


def untrusted(environ: Mapping[str, str]) -> str:
    """
    What makes OpenTelemetry's exporters trust a certificate.
    """
    bundle = next((name for name in _BUNDLES if environ.get(name)), "")
    if bundle and environ.get(_CERTIFICATE):
        return f"unset {bundle}: the exporters read it instead of {_CERTIFICATE}"
    return f"name the file of its certificate, or of who signed it, in {_CERTIFICATE}"


def misnamed(environ: Mapping[str, str]) -> str:
    """
    Which variable of an exporter's certificates names what is not there; empty when none does.
    """
    given = (name for name in (*_BUNDLES, _CERTIFICATE) if environ.get(name))
    wrong = (name for name in given if not Path(environ[name]).exists())
    return next((_nameless(name, environ) for name in wrong), "")


def _nameless(name: str, environ: Mapping[str, str]) -> str:
    return f"{name} {_NO_FILE}: {environ.get(name, '')!r}"


def renamed(why: str) -> str:
    """
    What to do where a variable names no file of certificates; empty where that is not why.
    """
    return _RENAME if _NO_FILE in why else ""


def is_here(url: str) -> bool:
    """
    Whether an address is one of this host's loopback, to which no proxy leads.
    """
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def excerpt(text: str) -> str:
    """
    The first line of what a server said, safe to print.
    """
    lines = text[:_BODY].strip().splitlines()
    return clean(lines[0], _EXCERPT) if lines else ""


def shown(url: str) -> str:
    """
    An address without the password in it.
    """
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def fault(reply: Reply, url: str, *, option: str, service: str) -> Cause | None:
    """
    Why a server did not answer with success; None when it did.

    Args:
        reply: what it answered.
        url: where it was asked.
        option: the command line's option that names its address.
        service: its name in docker-compose.yml.
    """
    if reply.well:
        return None
    if not reply.status:
        return _silent(reply, url, option=option, service=service)
    said = f"{shown(url)} answers {reply.status}"
    if reply.status in _CALLER:
        return Cause(
            f"{said}: it asks who is calling",
            "give what it asks for with --header 'Authorization: Bearer ...', "
            "or user and password in its address",
        )
    if reply.status == HTTPStatus.NOT_FOUND:
        return Cause(f"{said}: something else listens there", f"name its address with {option}")
    return Cause(
        f"{said}: {excerpt(reply.text) or 'without a word'}",
        f"it may still be starting; what it says itself: docker compose logs {service}",
    )


def _silent(reply: Reply, url: str, *, option: str, service: str) -> Cause:
    remedies = {
        **WRONG,
        UNTRUSTED: "name the file of its certificate, or of who signed it, in SSL_CERT_FILE",
        PLAIN: f"name it with http:// in {option}",
    }
    start = f"start it (docker compose up --detach {service}), or name its address with {option}"
    why = f"{shown(url)} does not answer ({reply.unreachable})"
    return Cause(why, renamed(why) or remedies.get(reply.unreachable, start))


def _trusted(url: str, file: str) -> ssl.SSLContext:
    """
    Whom TLS trusts; nobody where none is spoken.

    Raises:
        OSError: the file that names them cannot be read.
    """
    if urlsplit(url).scheme != _HTTPS:
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return _trusting(file)


@cache
def _trusting(_: str) -> ssl.SSLContext:
    """
    One for all questions and each value of the variable: making it takes longer than most answers.
    """
    return httpx.create_ssl_context()


def _skew(date: str, now_s: float) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp() - now_s
    except (ValueError, OverflowError):  # no date, or none that this host's clock knows
        return None
