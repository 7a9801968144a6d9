"""
This module describes the messages of Prometheus's remote write, 1.0 and 2.0.

Field numbers are those of the public specifications (prometheus.io/docs/specs/prw). Texts are
declared as bytes, which are the same on the wire, so that a text that is no UTF-8 costs its series
and not the request. The descriptors are made here rather than generated: the messages are few, no
compiler is needed, and a pool of their own keeps them apart from other copies in the process.
"""

from functools import cache
from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_PACKAGE: Final = "otel_confidence.remote_write"
_Field = descriptor_pb2.FieldDescriptorProto
_TYPES: Final = {
    "bytes": _Field.TYPE_BYTES,
    "double": _Field.TYPE_DOUBLE,
    "int64": _Field.TYPE_INT64,
    "uint32": _Field.TYPE_UINT32,
    "int32": _Field.TYPE_INT32,
}
_MESSAGES: Final[dict[str, str]] = {
    "Label": "bytes name 1, bytes value 2",
    "Sample": "double value 1, int64 timestamp 2",
    "Sample2": "double value 1, int64 timestamp 2, int64 start_timestamp 3",
    "Exemplar": "repeated bytes labels 1, double value 2, int64 timestamp 3",
    "TimeSeries": (
        "repeated bytes labels 1, repeated Sample samples 2, repeated Exemplar exemplars 3, "
        "repeated bytes histograms 4"
    ),
    "MetricMetadata": "int32 type 1, bytes metric_family_name 2, bytes help 4, bytes unit 5",
    "Exemplar2": "repeated uint32 labels_refs 1, double value 2, int64 timestamp 3",
    "Metadata2": "int32 type 1, uint32 help_ref 3, uint32 unit_ref 4",
    "TimeSeries2": (
        "repeated uint32 labels_refs 1, repeated Sample2 samples 2, repeated bytes histograms 3, "
        "repeated Exemplar2 exemplars 4, Metadata2 metadata 5, int64 created_timestamp 6"
    ),
}
"""
Fields as type, name and number. A native histogram is only counted and stays unread; labels are the
same each time, and are read only where they are new.
"""


@cache
def message(name: str) -> Any:
    """
    The class of a message by its name.
    """
    return message_factory.GetMessageClass(_pool().FindMessageTypeByName(f"{_PACKAGE}.{name}"))


@cache
def _pool() -> Any:
    file = descriptor_pb2.FileDescriptorProto(
        name=f"{_PACKAGE}.proto", package=_PACKAGE, syntax="proto3"
    )
    for name, described in _MESSAGES.items():
        made = file.message_type.add(name=name)
        for field in described.split(", "):
            _describe(made.field.add(), field.split())
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return pool


def _describe(field: _Field, words: list[str]) -> None:
    repeated = words[0] == "repeated"
    kind, field.name, number = words[repeated:]
    field.number = int(number)
    field.label = _Field.LABEL_REPEATED if repeated else _Field.LABEL_OPTIONAL
    field.type = _TYPES.get(kind, _Field.TYPE_MESSAGE)
    if field.type == _Field.TYPE_MESSAGE:
        field.type_name = f".{_PACKAGE}.{kind}"
