"""
This module describes OTLP's metrics with attributes left as bytes.

Most of a data point is its attributes, which are the same each time. As bytes they need no object
each and are found in a table at once; they are read only where they are new. The descriptors are
those of OTLP's own package with one kind of field changed, in a pool of their own, so that the same
parser reads the same bytes.
"""

from functools import cache
from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.metrics.v1 import metrics_pb2
from opentelemetry.proto.resource.v1 import resource_pb2

from otel_confidence.ingest.limits import Refused

_FILES: Final = (common_pb2, resource_pb2, metrics_pb2, metrics_service_pb2)
_ATTRIBUTE: Final = ".opentelemetry.proto.common.v1.KeyValue"
_REQUEST: Final = "opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest"


@cache
def request() -> Any:
    """
    The class of a metrics request; ``attributes`` are bytes throughout, and so are filtered ones.
    """
    pool = descriptor_pool.DescriptorPool()
    for file in _FILES:
        described = descriptor_pb2.FileDescriptorProto()
        file.DESCRIPTOR.CopyToProto(described)
        if file is not common_pb2:
            _flatten(described.message_type)
        pool.AddSerializedFile(described.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(_REQUEST))


def attributes(contents: list[bytes]) -> list[KeyValue]:
    """
    Attributes, read.

    Raises:
        Refused: One is none.
    """
    try:
        return [KeyValue.FromString(content) for content in contents]
    except DecodeError as error:
        raise Refused("invalid_attribute", f"not a protobuf KeyValue: {error}") from None


def _flatten(messages: Any) -> None:
    waiting = list(messages)
    while waiting:
        message = waiting.pop()
        waiting.extend(message.nested_type)
        for field in message.field:
            if field.type_name == _ATTRIBUTE:
                field.type = field.TYPE_BYTES
                field.ClearField("type_name")
