"""This module checks that OTLP's messages are read from protobuf and JSON, and never half."""

import json
import random
from contextlib import suppress

import pytest
from google.protobuf import json_format
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from tests.load import request

from otel_confidence.errors import InvalidRecord
from otel_confidence.ingest import otlp, values

SPAN = {
    "resourceSpans": [
        {
            "scopeSpans": [
                {
                    "spans": [
                        {
                            "traceId": "5B8EFFF798038103D269B633813FC60C",
                            "spanId": "eee19b7ec3c1b174",
                            "name": "work",
                            "kind": 1,
                            "startTimeUnixNano": "1544712660000000000",
                            "unheardOf": {"x": 1},
                        }
                    ]
                }
            ]
        }
    ]
}


def test_json_has_hexadecimal_ids() -> None:
    """
    Ids are hexadecimal in any case, and fields nobody heard of are passed over.
    """
    message = otlp.parse(json.dumps(SPAN).encode(), otlp.TRACES, "json")

    span = message.resource_spans[0].scope_spans[0].spans[0]
    assert "5b8efff798038103d269b633813fc60c" == span.trace_id.hex()
    assert "eee19b7ec3c1b174" == span.span_id.hex()
    assert (1, 1544712660000000000) == (span.kind, span.start_time_unix_nano)


def test_both_encodings_say_the_same() -> None:
    """
    A message written as JSON is read as the same message.
    """
    body = request(1, 1_000)
    message = otlp.parse(body, otlp.METRICS, "protobuf")

    again = otlp.parse(json_format.MessageToJson(message).encode(), otlp.METRICS, "json")

    assert message == again


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"{", id="cut short"),
        pytest.param(b"[]", id="no object"),
        pytest.param(b"\xff\xfe", id="no text"),
        pytest.param(b'{"resourceMetrics": 1}', id="wrong type"),
        pytest.param(b'{"resourceMetrics": [null]}', id="null in a list"),
        pytest.param(b'{"x":' * 10_000, id="deep and cut short"),
        pytest.param(b'{"x":' * 10_000 + b"1" + b"}" * 10_000, id="deep"),
        pytest.param(b"[" * 100_000, id="deeper"),
        pytest.param(b'{"resourceMetrics": NaN}', id="NaN"),
        pytest.param(b'{"x": -Infinity}', id="Infinity"),
        pytest.param(b'{"x": ' + b"9" * 5_000 + b"}", id="a number of 5,000 digits"),
        pytest.param(
            b'{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"gauge":{"dataPoints":'
            b'[{"timeUnixNano":1e999}]}}]}]}]}',
            id="a time beyond all bounds",
        ),
        pytest.param(
            b'{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"\\ud800"}]}]}]}',
            id="half a character",
        ),
    ],
)
def test_broken_json_is_refused_with_a_reason(body: bytes) -> None:
    """
    Whatever is no request raises the one error that becomes 400.
    """
    with pytest.raises(InvalidRecord, match=r"\w"):
        otlp.parse(body, otlp.METRICS, "json")


def test_ids_that_are_not_hexadecimal_are_refused() -> None:
    """
    A trace id in base64, as plain protobuf JSON would have it, is an error.
    """
    body = json.dumps(SPAN).replace("5B8EFFF798038103D269B633813FC60C", "W47/95gDgQPSabYzgT/GDA==")

    with pytest.raises(InvalidRecord, match="hexadecimal"):
        otlp.parse(body.encode(), otlp.TRACES, "json")


def test_broken_protobuf_raises_nothing_else() -> None:
    """
    Truncated and random bytes are read or refused, never anything else.
    """
    generator = random.Random(5)
    whole = request(1, 1_000)
    bodies = [whole[: generator.randrange(len(whole))] for _ in range(200)]
    bodies += [generator.randbytes(generator.randrange(1, 200)) for _ in range(300)]
    read = 0

    for body in bodies:
        with suppress(InvalidRecord):
            otlp.parse(body, otlp.METRICS, "protobuf")
            read += 1

    assert 0 < read < 200


def field(number: int, content: bytes) -> bytes:
    """A length-delimited field of protobuf's wire format."""
    length, prefix = len(content), bytearray()
    while length > 127:
        prefix.append(length & 127 | 128)
        length >>= 7
    return bytes([number << 3 | 2, *prefix, length]) + content


def test_values_nested_too_deep_are_refused() -> None:
    """
    Attributes nested beyond protobuf's own depth are an error, not a crash.
    """
    value = b""
    for _ in range(10_000):
        value = field(5, field(1, value))
    body = field(1, field(1, field(1, field(2, value))))

    with pytest.raises(InvalidRecord, match="protobuf"):
        otlp.parse(body, otlp.METRICS, "protobuf")


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (0.1, "0.1"), (2.0, "2"), (-0.0, "-0"), (1e20, "100000000000000000000"), (1e21, "1e+21"),
        (1e-6, "0.000001"), (1.5e-7, "1.5e-07"), (float("nan"), "NaN"), (float("-inf"), "-Inf"),
    ],
)  # fmt: skip
def test_numbers_are_written_short_and_exact(number: float, expected: str) -> None:
    """
    A number as text is the shortest that reads back as the same.
    """
    assert expected == values.text(AnyValue(double_value=number))


def test_nested_values_are_compact_json() -> None:
    """
    Arrays and maps are JSON with sorted keys; bytes are base64; nothing is the empty text.
    """
    value = AnyValue()
    inner = value.kvlist_value.values
    inner.add(key="b").value.array_value.values.extend(
        [AnyValue(int_value=1), AnyValue(double_value=2.5), AnyValue(bool_value=True), AnyValue()]
    )
    inner.add(key="a").value.bytes_value = b"\x00\x01"

    assert '{"a":"AAE=","b":[1,2.5,true,null]}' == values.text(value)
    assert "" == values.text(AnyValue())
