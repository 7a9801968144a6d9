"""
This module reads and writes OTLP's messages, in protobuf and in JSON.

OTLP's JSON is protobuf's with two differences: trace and span ids are hexadecimal, and enumerations
are numbers.
"""

import base64
import json
from dataclasses import dataclass
from typing import Any, Final, Generic, Literal, TypeVar

from google.protobuf import json_format
from google.protobuf.message import DecodeError, Message
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from otel_confidence.errors import InvalidRecord
from otel_confidence.ingest import otlp_shallow
from otel_confidence.ingest.limits import Refusals

Encoding = Literal["protobuf", "json"]
Request = ExportMetricsServiceRequest | ExportTraceServiceRequest | ExportLogsServiceRequest
Response = ExportMetricsServiceResponse | ExportTraceServiceResponse | ExportLogsServiceResponse
_R = TypeVar("_R", bound=Request)

_ID_KEYS: Final = frozenset(
    {"traceId", "spanId", "parentSpanId", "trace_id", "span_id", "parent_span_id"}
)
_MAX_DEPTH: Final = 100


@dataclass(frozen=True, slots=True)
class Kind(Generic[_R]):
    """
    One of OTLP's three services.
    """

    signal: str
    """As in ``otel_confidence.signal``."""
    path: str
    request: type[_R]
    response: type[Message]
    rejected: str
    """The field of a partial success that counts."""


METRICS: Final = Kind(
    "metric", "/v1/metrics", ExportMetricsServiceRequest, ExportMetricsServiceResponse,
    "rejected_data_points",
)  # fmt: skip
TRACES: Final = Kind(
    "span", "/v1/traces", ExportTraceServiceRequest, ExportTraceServiceResponse, "rejected_spans"
)
LOGS: Final = Kind(
    "event", "/v1/logs", ExportLogsServiceRequest, ExportLogsServiceResponse,
    "rejected_log_records",
)  # fmt: skip


def read(body: bytes, kind: Kind[Any], encoding: Encoding) -> Any:
    """
    Read a request as the pipeline takes it soonest: metrics with their attributes unread.

    Raises:
        InvalidRecord: The body is not one, with what is wrong.
    """
    if kind is METRICS and encoding == "protobuf":
        return _parsed(body, otlp_shallow.request(), kind)
    return parse(body, kind, encoding)


def parse(body: bytes, kind: Kind[_R], encoding: Encoding) -> _R:
    """
    Read a request.

    Raises:
        InvalidRecord: The body is not one, with what is wrong.
    """
    if encoding == "json":
        return _parse_json(body, kind.request())
    parsed: _R = _parsed(body, kind.request, kind)
    return parsed


def response(kind: Kind[Any], refusals: Refusals) -> Message:
    """
    The answer to a request, with what of it was not kept.
    """
    answer = kind.response()
    if refusals.total:
        partial = answer.partial_success  # type: ignore[attr-defined]  # each of the three has it
        setattr(partial, kind.rejected, refusals.total)
        partial.error_message = refusals.message
    return answer


def status(message: str, code: int) -> Status:
    """
    A refusal as ``google.rpc.Status``.
    """
    return Status(code=code, message=message)


def written(message: Message, encoding: Encoding) -> bytes:
    """
    A message in the encoding asked for.
    """
    if encoding == "protobuf":
        return message.SerializeToString()
    return json_format.MessageToJson(message, indent=None).encode()


def _parsed(body: bytes, made: Any, kind: Kind[Any]) -> Any:
    try:
        return made.FromString(body)
    except DecodeError as error:
        raise InvalidRecord(f"not a protobuf {kind.request.__name__}: {error}") from None


def _parse_json(body: bytes, request: _R) -> _R:
    try:
        tree = json.loads(body, parse_constant=_no_constant)
        if not isinstance(tree, dict):
            raise InvalidRecord(f"not a JSON object but {type(tree).__name__}")
        _ids(tree)
        json_format.ParseDict(
            tree, request, ignore_unknown_fields=True, max_recursion_depth=_MAX_DEPTH
        )
    except RecursionError:
        raise InvalidRecord("the JSON is nested too deep") from None
    # ParseError says which field; the others are what the parser lets through of a broken value.
    except (json_format.ParseError, ValueError, TypeError, AttributeError, OverflowError) as error:
        raise InvalidRecord(f"not OTLP's JSON: {str(error)[:500]}") from None
    return request


def _ids(tree: Any) -> None:
    branches = [tree]
    while branches:
        branch = branches.pop()
        if isinstance(branch, list):
            branches.extend(branch)
        elif isinstance(branch, dict):
            for name, value in branch.items():
                if name in _ID_KEYS and isinstance(value, str):
                    branch[name] = base64.b64encode(bytes.fromhex(value)).decode()
                elif isinstance(value, (dict, list)):
                    branches.append(value)


def _no_constant(name: str) -> None:
    raise InvalidRecord(f'{name} is no JSON; OTLP writes "{name}" in quotes')
