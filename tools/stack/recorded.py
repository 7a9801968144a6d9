"""
This module keeps OTLP requests in a file and reads them back.

A file holds one frame after the other: which signal, how long, the request as protobuf. A frame
that a kill cut short is left out when reading, as it was never acknowledged.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

FILE: Final = "requests.bin"
ANSWER: Final = "answer"
"""The file that says how a recorder answers."""
_FRAME: Final = struct.Struct(">cI")
HEAD_BYTES: Final = _FRAME.size
"""What stands before each content: its mark and size."""


@dataclass(frozen=True, slots=True)
class Kind:
    """
    One of OTLP's three services.
    """

    signal: str
    path: str
    service: str
    request: Any

    @property
    def mark(self) -> bytes:
        """
        What begins its frames.
        """
        return self.signal[:1].encode()


_COLLECTOR: Final = "opentelemetry.proto.collector"
KINDS: Final[Mapping[str, Kind]] = {
    kind.signal: kind
    for kind in (
        Kind(
            "metrics", "/v1/metrics", f"{_COLLECTOR}.metrics.v1.MetricsService",
            ExportMetricsServiceRequest,
        ),
        Kind(
            "traces", "/v1/traces", f"{_COLLECTOR}.trace.v1.TraceService",
            ExportTraceServiceRequest,
        ),
        Kind("logs", "/v1/logs", f"{_COLLECTOR}.logs.v1.LogsService", ExportLogsServiceRequest),
    )
}  # fmt: skip


def append(folder: Path, kind: Kind, body: bytes) -> None:
    """
    Write one request down; it is the operating system's when this returns.
    """
    with (folder / FILE).open("ab", buffering=0) as file:
        file.write(_FRAME.pack(kind.mark, len(body)) + body)


def mend(folder: Path) -> None:
    """
    Cut off a frame that a kill left unfinished, so that the next one begins where it should.
    """
    file = folder / FILE
    if file.exists():
        whole = sum(HEAD_BYTES + len(body) for _, body in frames(file))
        with file.open("r+b") as opened:
            opened.truncate(whole)


def frames(file: Path, begin: int = 0) -> Iterator[tuple[bytes, bytes]]:
    """
    Mark and content of each whole frame from a byte on; nothing where there is no file.
    """
    if not file.exists():
        return
    with file.open("rb") as opened:
        opened.seek(begin)
        content = memoryview(opened.read())
    while len(content) >= HEAD_BYTES:
        mark, size = _FRAME.unpack_from(content)
        body = content[HEAD_BYTES : HEAD_BYTES + size]
        if len(body) < size:
            return
        yield mark, bytes(body)
        content = content[HEAD_BYTES + size :]


def attributes(pairs: Any) -> dict[str, Any]:
    """
    OTLP's list of attributes as a dictionary of plain values.
    """
    return {pair.key: _plain(pair.value) for pair in pairs}


def _plain(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_plain(each) for each in value.array_value.values]
    if kind == "kvlist_value":
        return attributes(value.kvlist_value.values)
    return getattr(value, kind) if kind else None


@dataclass(frozen=True, slots=True)
class Item:
    """
    A span or a log record, with its resource's attributes.
    """

    resource: dict[str, Any]
    attributes: dict[str, Any]
    message: Any
    """As OTLP has it."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """
    What a recorder kept in a folder, read anew at each call.
    """

    folder: Path

    def requests(self, signal: str) -> Iterator[Any]:
        """
        The requests of a signal (``metrics``, ``traces``, ``logs``), in order of arrival.
        """
        for mark, body in frames(self.folder / FILE):
            if mark == KINDS[signal].mark:
                yield KINDS[signal].request.FromString(body)

    def spans(self, service: str | None = None) -> list[Item]:
        """
        All spans, or those of one ``service.name``.
        """
        return [
            Item(resource, attributes(span.attributes), span)
            for request in self.requests("traces")
            for group in request.resource_spans
            for resource in [attributes(group.resource.attributes)]
            if service in {None, resource.get("service.name")}
            for scope in group.scope_spans
            for span in scope.spans
        ]

    def events(self, service: str | None = None) -> list[Item]:
        """
        All log records, or those of one ``service.name``.
        """
        return [
            Item(resource, attributes(record.attributes), record)
            for request in self.requests("logs")
            for group in request.resource_logs
            for resource in [attributes(group.resource.attributes)]
            if service in {None, resource.get("service.name")}
            for scope in group.scope_logs
            for record in scope.log_records
        ]
