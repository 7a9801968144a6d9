"""
This module receives OTLP over gRPC.
"""

from collections.abc import Callable
from typing import Any, Final

import anyio
import grpc
import grpc.aio
from anyio import CapacityLimiter
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2, status_pb2
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2_grpc as logs
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2_grpc as metrics
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as traces

from otel_confidence.errors import StoreBusy, StoreError
from otel_confidence.ingest import otlp
from otel_confidence.ingest.pipeline import Pipeline
from otel_confidence.server.bodies import MAX_BYTES

_WORKERS: Final = 32
_OPTIONS: Final = (
    ("grpc.max_receive_message_length", MAX_BYTES),
    ("grpc.so_reuseport", 0),
    ("grpc.max_concurrent_streams", 100),
)
_SERVICES: Final[tuple[tuple[otlp.Kind[Any], Callable[..., None]], ...]] = (
    (otlp.METRICS, metrics.add_MetricsServiceServicer_to_server),
    (otlp.TRACES, traces.add_TraceServiceServicer_to_server),
    (otlp.LOGS, logs.add_LogsServiceServicer_to_server),
)


class _Exporter:
    """
    One service: its requests go through the pipeline.
    """

    def __init__(self, pipeline: Pipeline, kind: otlp.Kind[Any], limiter: CapacityLimiter) -> None:
        self._pipeline = pipeline
        self._kind = kind
        self._limiter = limiter

    async def Export(self, request: otlp.Request, context: grpc.aio.ServicerContext) -> Any:  # noqa: N802  gRPC's name
        """
        Keep a request and answer once the store has it.
        """
        try:
            refusals = await anyio.to_thread.run_sync(
                self._pipeline.accept, self._kind, request, limiter=self._limiter
            )
        except StoreBusy as error:
            await self._abort(context, grpc.StatusCode.RESOURCE_EXHAUSTED, str(error), retry_s=1)
        except StoreError as error:
            await self._abort(context, grpc.StatusCode.UNAVAILABLE, str(error), retry_s=5)
        else:
            return otlp.response(self._kind, refusals)

    async def _abort(
        self,
        context: grpc.aio.ServicerContext,
        code: grpc.StatusCode,
        message: str,
        *,
        retry_s: int,
    ) -> None:
        self._pipeline.ledger.lose(self._kind.signal, f"grpc_{code.name.lower()}")
        status = status_pb2.Status(code=code.value[0], message=message)
        # Without this a sender must not try again after RESOURCE_EXHAUSTED (OTLP).
        retry = error_details_pb2.RetryInfo(retry_delay=Duration(seconds=retry_s))
        status.details.add().Pack(retry)
        trailer = (("grpc-status-details-bin", status.SerializeToString()),)
        await context.abort(code, message, trailer)


def grpc_server() -> grpc.aio.Server:
    """
    A server that refuses messages beyond the limit; its services are added before it starts.
    """
    return grpc.aio.server(options=_OPTIONS, compression=grpc.Compression.NoCompression)


def add_services(server: grpc.aio.Server, pipeline: Pipeline) -> None:
    """
    Add OTLP's three services.
    """
    limiter = CapacityLimiter(_WORKERS)
    for kind, add in _SERVICES:
        add(_Exporter(pipeline, kind, limiter), server)
