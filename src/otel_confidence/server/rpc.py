"""
This module receives OTLP over gRPC.
"""

from typing import Any, Final

import anyio
import grpc
import grpc.aio
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2, status_pb2

from otel_confidence.errors import InvalidRecord, StoreBusy, StoreError
from otel_confidence.ingest import otlp
from otel_confidence.ingest.limits import Refusals
from otel_confidence.ingest.pipeline import Pipeline
from otel_confidence.server.admission import MOST, Admission
from otel_confidence.server.bodies import MAX_BYTES

_OPTIONS: Final = (
    ("grpc.max_receive_message_length", MAX_BYTES),
    ("grpc.so_reuseport", 0),
    ("grpc.max_concurrent_streams", 100),
)
_MOST_CALLS: Final = 2 * MOST
"""Calls beyond are turned away unread; up to there they hear when to come again."""


class _Exporter:
    """
    One service: its requests go through the pipeline.
    """

    def __init__(self, pipeline: Pipeline, kind: otlp.Kind[Any], admission: Admission) -> None:
        self._pipeline = pipeline
        self._kind = kind
        self._admission = admission

    async def export(self, body: bytes, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
        """
        Keep a request and answer once the store has it.
        """
        try:
            with self._admission.admitted():
                refusals = await anyio.to_thread.run_sync(
                    self._keep, body, limiter=self._admission.limiter
                )
        except InvalidRecord as error:
            await self._abort(context, grpc.StatusCode.INVALID_ARGUMENT, str(error))
        except StoreBusy as error:
            await self._abort(context, grpc.StatusCode.RESOURCE_EXHAUSTED, str(error), retry_s=1)
        except StoreError as error:
            await self._abort(context, grpc.StatusCode.UNAVAILABLE, str(error), retry_s=5)
        else:
            return otlp.response(self._kind, refusals)

    def _keep(self, body: bytes) -> Refusals:
        return self._pipeline.accept(self._kind, otlp.read(body, self._kind, "protobuf"))

    async def _abort(
        self,
        context: grpc.aio.ServicerContext[Any, Any],
        code: grpc.StatusCode,
        message: str,
        *,
        retry_s: int = 0,
    ) -> None:
        self._pipeline.ledger.lose(self._kind.signal, f"grpc_{code.name.lower()}")
        status = status_pb2.Status(code=code.value[0], message=message)
        if retry_s:
            # Without this a sender must not try again after RESOURCE_EXHAUSTED (OTLP).
            retry = error_details_pb2.RetryInfo(retry_delay=Duration(seconds=retry_s))
            status.details.add().Pack(retry)
        trailer = (("grpc-status-details-bin", status.SerializeToString()),)
        await context.abort(code, message, trailer)


def grpc_server() -> grpc.aio.Server:
    """
    A server that refuses messages beyond the limit; its services are added before it starts.
    """
    return grpc.aio.server(
        options=_OPTIONS,
        compression=grpc.Compression.NoCompression,
        maximum_concurrent_rpcs=_MOST_CALLS,
    )


def add_services(
    server: grpc.aio.Server, pipeline: Pipeline, admission: Admission | None = None
) -> None:
    """
    Add OTLP's three services.
    """
    admission = admission or Admission()
    for kind in (otlp.METRICS, otlp.TRACES, otlp.LOGS):
        [service] = kind.request.DESCRIPTOR.file.services_by_name.values()
        # Requests come as bytes: reading them is work for a thread.
        export = grpc.unary_unary_rpc_method_handler(
            _Exporter(pipeline, kind, admission).export,
            response_serializer=kind.response.SerializeToString,
        )
        handler = grpc.method_handlers_generic_handler(service.full_name, {"Export": export})
        server.add_generic_rpc_handlers((handler,))
