"""
This module reads what a receiver answers: a refusal, a way elsewhere, success in part only.

OpenTelemetry's exporters take a redirect for success, do not say which status ended their patience,
and never look into an answer of success, where a receiver counts what it did not take.
"""

from importlib import import_module
from typing import Any, Final
from urllib.parse import urlsplit

import requests
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from otel_confidence.sdk import outages

_REDIRECTS: Final = range(300, 400)
_IMPORTED_LATE: Final = ("netrc", "encodings.idna")
"""What a first request imports: a child forked in the midst of that could import it nevermore."""


def session() -> requests.Session:
    """
    An HTTP session whose answers are read; a redirect or a page is a failure, as it keeps nothing.
    """
    for name in _IMPORTED_LATE:
        import_module(name)
    made = requests.Session()
    made.hooks["response"].append(_read)
    return made


def reading(exporter_class: Any) -> Any:
    """
    A class of exporters by gRPC whose answers are read.
    """

    class Reading(exporter_class):  # type: ignore[misc]  # one of three, none of them imported here
        """
        The same, with its stub wrapped whenever it makes one.
        """

        def _initialize_channel_and_stub(self) -> None:
            super()._initialize_channel_and_stub()
            self.__dict__["_client"] = _Stub(self.__dict__["_client"])

    return Reading


class _Stub:
    """
    A stub of one of OTLP's services that reads what it is answered.
    """

    def __init__(self, stub: Any) -> None:
        self._stub = stub

    def Export(self, **request: Any) -> Any:  # noqa: N802  as OTLP names it
        """
        Send, and read the answer.
        """
        answer = self._stub.Export(**request)
        _note(answer.partial_success)
        return answer


def _read(response: requests.Response, *_: Any, **__: Any) -> requests.Response:
    elsewhere = response.status_code in _REDIRECTS
    page = response.headers.get("content-type", "").startswith("text/html")
    if response.ok and not elsewhere and not page:
        _note(_partly(response.content))
        return response
    host = urlsplit(response.headers.get("location", "")).netloc.rpartition("@")[2]
    said = f"answered {response.status_code}{f', to {host}' if host else ''}"
    said += " with a page" if response.ok and not elsewhere else ""
    if (attempt := outages.current()) is not None:
        attempt.refused(said)
    if response.ok:
        response.close()
        raise requests.RequestException(said)  # which is not tried again
    return response


def _partly(body: bytes) -> Any:
    """
    What an answer says of a part; the three signals' answers differ in names only.
    """
    try:
        return ExportTraceServiceResponse.FromString(body).partial_success
    except DecodeError:
        return ExportTraceServiceResponse().partial_success


def _note(partly: Any) -> None:
    attempt = outages.current()
    number = next((int(n) for field, n in partly.ListFields() if field.number == 1), 0)
    if attempt is not None and number > 0:
        attempt.rejects(number, partly.error_message)
