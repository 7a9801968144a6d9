"""
This module reads what a receiver answers: a refusal, a way elsewhere, success in part only.

OpenTelemetry's exporters take a redirect for success, do not say which status ended their patience,
never look into an answer of success, where a receiver counts what it did not take, and send eight
copies of a batch to one that takes it and hangs up.
"""

import json
from importlib import import_module
from typing import Any, Final
from urllib.parse import urlsplit

import requests
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from urllib3.exceptions import ProtocolError

from otel_confidence.sdk import outages
from otel_confidence.sdk.bounds import Bounded, Boundless

_REDIRECTS: Final = range(300, 400)
_IMPORTED_LATE: Final = ("netrc", "encodings.idna")
"""What a first request imports: a child forked in the midst of that could import it nevermore."""


def session() -> requests.Session:
    """
    An HTTP session whose answers are bounded and read; what is no answer of OTLP is a failure.
    """
    for name in _IMPORTED_LATE:
        import_module(name)
    made = _Session()
    made.mount("http://", Bounded())
    made.mount("https://", Bounded())
    return made


class _Session(requests.Session):
    """
    A session that reads answers; what it raises as ``RequestException`` itself is not tried again.
    """

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """
        Send, and read the answer.
        """
        try:
            return _read(super().send(request, **kwargs))
        except Boundless as error:
            raise _refused(str(error)) from error
        except requests.ReadTimeout:
            _refused("no answer in time")  # with it the exporter's time is over
            raise
        except requests.ConnectionError as error:
            if not _may_be_sent_again(error):
                raise requests.RequestException(*error.args) from error
            raise


def _read(response: requests.Response) -> requests.Response:
    elsewhere = response.status_code in _REDIRECTS
    host = urlsplit(response.headers.get("location", "")).netloc.rpartition("@")[2]
    said = f"answered {response.status_code}{f', to {host}' if host else ''}"
    if response.ok and not elsewhere:
        try:
            note(*part(response.content, response.headers.get("content-type", "")))
        except ForeignError as error:
            raise _refused(f"{said} with {error}") from error
        return response
    refusal = _refused(said)
    if elsewhere:
        raise refusal
    return response


def _refused(said: str) -> requests.RequestException:
    """
    What ends the tries, once it is noted.
    """
    if (attempt := outages.current()) is not None:
        attempt.refused(said)
    return requests.RequestException(said)


def _may_be_sent_again(error: requests.ConnectionError) -> bool:
    """
    Whether another copy may go out; where no connection was made at all, nothing was sent.
    """
    attempt = outages.current()
    cut_off = isinstance(next(iter(error.args), None), ProtocolError)
    return attempt is None or not cut_off or attempt.may_go_out_again()


class ForeignError(ValueError):
    """
    What answers with success and is no receiver of OTLP.
    """


def part(body: bytes, kind: str) -> tuple[int, str]:
    """
    How much an answer says not to have been taken, and why.

    Some receivers answer protobuf with JSON, against OTLP; they took it all the same.

    Raises:
        ForeignError: it is none of OTLP's.
    """
    if "text/html" in kind.lower():
        raise ForeignError("a page")
    try:
        if "json" in kind.lower():
            return _of_json(json.loads(body or b"{}"))
        return in_part(ExportTraceServiceResponse.FromString(body).partial_success)
    except (DecodeError, ValueError, OverflowError, RecursionError) as error:
        raise ForeignError("what is no answer of OTLP") from error


def in_part(partly: Any) -> tuple[int, str]:
    """
    How much of a request was not taken, and why; the three signals' answers differ in names only.
    """
    number = next((int(n) for field, n in partly.ListFields() if field.number == 1), 0)
    return number, partly.error_message


def _of_json(answer: Any) -> tuple[int, str]:
    partly = answer.get("partialSuccess", {}) if isinstance(answer, dict) else None
    if not isinstance(partly, dict):
        raise ForeignError
    said = (str(n) for name, n in partly.items() if name.startswith("rejected"))
    return int(next(said, "0")), str(partly.get("errorMessage", ""))


def note(number: int, message: str) -> None:
    """
    Take that so much of what is being sent is rejected.
    """
    attempt = outages.current()
    if attempt is not None and number > 0:
        attempt.rejects(number, message)
