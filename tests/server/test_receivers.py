"""This module checks OTLP over HTTP and gRPC against a pipeline whose sink can fail."""

import gzip
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import grpc
import pytest
from google.protobuf import json_format
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2_grpc import MetricsServiceStub
from starlette.applications import Starlette
from starlette.testclient import TestClient
from tests.load import request

from otel_confidence.errors import StoreBusy, StoreError
from otel_confidence.ingest.pipeline import Pipeline
from otel_confidence.points import Batch
from otel_confidence.server.ports import listen_grpc
from otel_confidence.server.receivers import HttpReceiver
from otel_confidence.server.rpc import add_services, grpc_server

PROTOBUF = {"Content-Type": "application/x-protobuf"}
JSON = {"Content-Type": "application/json; charset=utf-8"}


@dataclass
class Sink:
    """A sink that keeps batches, or fails as told."""

    batches: list[Batch] = field(default_factory=list)
    error: Exception | None = None

    def __call__(self, batch: Batch) -> None:
        if self.error:
            raise self.error
        self.batches.append(batch)


@pytest.fixture
def sink() -> Sink:
    return Sink()


@pytest.fixture
def client(sink: Sink) -> TestClient:
    return TestClient(Starlette(routes=HttpReceiver(Pipeline(sink)).routes()))


def body(width: int = 2) -> bytes:
    return request(1, time.time_ns() // 1_000_000, width=width)


def as_json(message: bytes) -> bytes:
    return json_format.MessageToJson(ExportMetricsServiceRequest.FromString(message)).encode()


@pytest.mark.parametrize(
    ("headers", "encode"),
    [
        pytest.param(PROTOBUF, bytes, id="protobuf"),
        pytest.param(JSON, as_json, id="JSON"),
        pytest.param({**PROTOBUF, "Content-Encoding": "gzip"}, gzip.compress, id="gzip"),
    ],
)
def test_metrics_are_taken_in_every_encoding(
    client: TestClient, sink: Sink, headers: dict[str, str], encode: Callable[[bytes], bytes]
) -> None:
    """
    The points reach the sink before the answer, which is in the request's encoding.
    """
    answer = client.post("/v1/metrics", content=encode(body()), headers=headers)

    assert 200 == answer.status_code
    assert headers["Content-Type"].partition(";")[0] == answer.headers["content-type"]
    assert 2 == len(sink.batches[0].samples)


def test_an_empty_request_is_fine(client: TestClient, sink: Sink) -> None:
    """
    Nothing to keep is no error, and does not touch the sink.
    """
    for path in ("/v1/metrics", "/v1/traces", "/v1/logs"):
        assert 200 == client.post(path, content=b"", headers=PROTOBUF).status_code
    assert [] == sink.batches


def test_what_was_refused_is_said_in_the_answer(client: TestClient, sink: Sink) -> None:
    """
    What cannot be kept is refused by partial success, with its number and the reason.
    """
    message = ExportMetricsServiceRequest.FromString(body())
    metric = message.resource_metrics[0].scope_metrics[0].metrics.add(name="odd")
    metric.sum.data_points.add(time_unix_nano=time.time_ns(), as_int=1)

    answer = client.post("/v1/metrics", content=message.SerializeToString(), headers=PROTOBUF)

    partial = ExportMetricsServiceResponse.FromString(answer.content).partial_success
    assert (200, 1) == (answer.status_code, partial.rejected_data_points)
    assert "temporality is not given" in partial.error_message
    assert 2 == len(sink.batches[0].samples)


@pytest.mark.parametrize(
    ("headers", "content", "status"),
    [
        pytest.param(PROTOBUF, b"\xff\xff", 400, id="broken protobuf"),
        pytest.param(JSON, b"{", 400, id="broken JSON"),
        pytest.param(JSON, b'{"x":' * 10_000, 400, id="deep JSON"),
        pytest.param(JSON, b"[]", 400, id="JSON of another shape"),
        *(
            pytest.param(JSON, b'{"resourceMetrics": [%s]}' % number, 400, id=number[:9].decode())
            for number in (b"NaN", b"-Infinity", b"1e999", b"1" * 5_000)
        ),
        pytest.param({**PROTOBUF, "Content-Encoding": "gzip"}, b"x", 400, id="broken gzip"),
        pytest.param({**JSON, "Content-Encoding": "br"}, b"x", 415, id="unknown compression"),
        pytest.param({"Content-Type": "text/plain"}, b"x", 415, id="wrong type"),
        pytest.param({}, b"x", 415, id="no type"),
    ],
)
def test_a_bad_request_is_told_why(
    client: TestClient, headers: dict[str, str], content: bytes, status: int
) -> None:
    """
    The answer is a google.rpc.Status in the request's encoding, JSON where that is unknown.
    """
    answer = client.post("/v1/metrics", content=content, headers=headers)

    assert status == answer.status_code
    said = Status()
    if answer.headers["content-type"] == "application/x-protobuf":
        said.ParseFromString(answer.content)
    else:
        json_format.Parse(answer.text, said)
    assert 3 == said.code
    assert said.message


@pytest.mark.parametrize(
    ("error", "status"), [(StoreBusy("full"), 429), (StoreError("disk full"), 503)]
)
def test_a_failing_store_is_not_acknowledged(
    client: TestClient, sink: Sink, error: StoreError, status: int
) -> None:
    """
    The sender hears that nothing was kept and when to try again.
    """
    sink.error = error

    answer = client.post("/v1/metrics", content=body(), headers=PROTOBUF)

    assert status == answer.status_code
    assert int(answer.headers["retry-after"]) > 0
    assert str(error) == Status.FromString(answer.content).message


@pytest.fixture
async def stub(sink: Sink) -> AsyncIterator[MetricsServiceStub]:
    server = grpc_server()
    port = listen_grpc(server, "127.0.0.1", 0)
    add_services(server, Pipeline(sink))
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield MetricsServiceStub(channel)  # type: ignore[no-untyped-call]  # generated
    await server.stop(0)


async def export(stub: MetricsServiceStub, message: Message, **more: object) -> Message:
    return await stub.Export(message, **more)  # type: ignore[no-any-return]  # the async twin is untyped


async def test_grpc_takes_metrics_compressed_too(stub: MetricsServiceStub, sink: Sink) -> None:
    """
    A call returns after the sink has the points.
    """
    message = ExportMetricsServiceRequest.FromString(body())

    await export(stub, message)
    await export(stub, message, compression=grpc.Compression.Gzip)

    assert [2, 2] == [len(batch.samples) for batch in sink.batches]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (StoreBusy("full"), grpc.StatusCode.RESOURCE_EXHAUSTED),
        (StoreError("disk full"), grpc.StatusCode.UNAVAILABLE),
    ],
)
async def test_grpc_says_when_to_try_again(
    stub: MetricsServiceStub, sink: Sink, error: StoreError, code: grpc.StatusCode
) -> None:
    """
    A failing store is a status with RetryInfo, without which a sender may not try again.
    """
    sink.error = error

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await export(stub, ExportMetricsServiceRequest.FromString(body()))

    assert code == caught.value.code()
    trailer = dict(caught.value.trailing_metadata() or ())["grpc-status-details-bin"]
    [detail] = Status.FromString(bytes(trailer)).details
    retry = error_details_pb2.RetryInfo()
    assert detail.Unpack(retry)
    assert retry.retry_delay.seconds > 0


@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip])
async def test_grpc_refuses_messages_beyond_the_limit(
    stub: MetricsServiceStub, sink: Sink, compression: grpc.Compression
) -> None:
    """
    A message of more than 20 MiB is refused, also when it travels compressed.
    """
    message = ExportMetricsServiceRequest()
    metric = message.resource_metrics.add().scope_metrics.add().metrics.add()
    metric.description = "x" * (21 << 20)

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await export(stub, message, compression=compression)

    assert grpc.StatusCode.RESOURCE_EXHAUSTED == caught.value.code()
    assert [] == sink.batches


async def test_grpc_says_what_is_no_request(sink: Sink) -> None:
    """
    Bytes that are no message are INVALID_ARGUMENT, which a sender does not try again.
    """
    server = grpc_server()
    port = listen_grpc(server, "127.0.0.1", 0)
    add_services(server, Pipeline(sink))
    await server.start()
    path = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"

    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await channel.unary_unary(path)(b"\xff\xff")
    await server.stop(0)

    assert grpc.StatusCode.INVALID_ARGUMENT == caught.value.code()
    assert "not a protobuf" in str(caught.value.details())
    assert [] == sink.batches
