"""This module checks that requests beyond the bound are turned away, whatever door they come to."""

import time
from collections.abc import AsyncIterator

import grpc
import pytest
from google.rpc import error_details_pb2
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2_grpc import MetricsServiceStub
from starlette.applications import Starlette
from starlette.testclient import TestClient
from tests.load import request
from tests.remote import V1, packed, series

from otel_confidence.errors import StoreBusy
from otel_confidence.ingest.pipeline import Pipeline
from otel_confidence.ingest.remote_write import RemoteWriter
from otel_confidence.points import Batch
from otel_confidence.server.admission import Admission
from otel_confidence.server.ports import listen_grpc
from otel_confidence.server.receivers import HttpReceiver
from otel_confidence.server.remote_write import RemoteWriteReceiver
from otel_confidence.server.rpc import add_services, grpc_server

FULL = Admission(most=0)


def unreachable(batch: Batch) -> None:
    raise AssertionError(f"{len(batch)} records came through")


@pytest.fixture
async def stub() -> AsyncIterator[MetricsServiceStub]:
    """A client of a server that has no room."""
    server = grpc_server()
    port = listen_grpc(server, "127.0.0.1", 0)
    add_services(server, Pipeline(unreachable), FULL)
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield MetricsServiceStub(channel)  # type: ignore[no-untyped-call]  # generated
    await server.stop(0)


def test_requests_leave_their_place_however_they_end() -> None:
    """
    As many as allowed are inside at once, and a failed one makes room like any other.
    """
    admission = Admission(most=2)

    with admission.admitted():
        with pytest.raises(ValueError, match="x"), admission.admitted():
            raise ValueError("x")
        with (
            admission.admitted(),
            pytest.raises(StoreBusy, match="2 requests are waiting"),
            admission.admitted(),
        ):
            pass
        with admission.admitted():
            pass


def test_otlp_over_http_says_when_to_come_again() -> None:
    """
    Without room the answer is 429 with Retry-After, counted as refused.
    """
    pipeline = Pipeline(unreachable)
    client = TestClient(Starlette(routes=HttpReceiver(pipeline, FULL).routes()))

    answer = client.post(
        "/v1/metrics",
        content=request(1, time.time_ns() // 1_000_000),
        headers={"Content-Type": "application/x-protobuf"},
    )

    assert 429 == answer.status_code
    assert int(answer.headers["retry-after"]) > 0
    assert {("metric", "http_429"): 1} == dict(pipeline.ledger.snapshot()[1])


def test_remote_write_says_when_to_come_again() -> None:
    """
    Without room the answer is 503, upon which a Prometheus keeps what it has.
    """
    writer = RemoteWriter(unreachable)
    client = TestClient(Starlette(routes=RemoteWriteReceiver(writer, FULL).routes()))

    answer = client.post("/api/v1/write", content=packed(series(())), headers=V1)

    assert 503 == answer.status_code
    assert int(answer.headers["retry-after"]) > 0


async def test_grpc_says_when_to_come_again(stub: MetricsServiceStub) -> None:
    """
    Without room the status has RetryInfo, without which a sender drops what it has.
    """
    message = ExportMetricsServiceRequest.FromString(request(1, time.time_ns() // 1_000_000))

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.Export(message)

    assert grpc.StatusCode.RESOURCE_EXHAUSTED == caught.value.code()
    trailer = dict(caught.value.trailing_metadata() or ())["grpc-status-details-bin"]
    [detail] = Status.FromString(bytes(trailer)).details
    retry = error_details_pb2.RetryInfo()
    assert detail.Unpack(retry)
    assert retry.retry_delay.seconds > 0
