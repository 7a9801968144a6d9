"""This module checks that what ingest remembers stays within its bounds."""

import time

import pytest
from tests.load import request

from otel_confidence.ingest import otlp, otlp_shallow
from otel_confidence.ingest.deltas import Deltas
from otel_confidence.ingest.limits import Limits
from otel_confidence.ingest.otlp_metrics import MetricsDecoding
from otel_confidence.ingest.otlp_streams import Streams
from otel_confidence.ingest.recent import Recent


@pytest.mark.parametrize(("size", "size_bytes"), [(10, 1 << 30), (1 << 30, 1_000)])
def test_memory_is_bounded_in_number_and_in_bytes(size: int, size_bytes: int) -> None:
    """
    However many are put, no more than allowed stay, and the last of them do.
    """
    recent: Recent[int, str] = Recent(size=size, size_bytes=size_bytes)

    for number in range(1_000):
        recent.put(number, "x", 100)

    assert 5 <= len(recent) <= 10
    assert ["x"] * 5 == [recent.get(number) for number in range(995, 1_000)]
    assert recent.get(0) is None


def test_what_is_used_stays() -> None:
    """
    An entry asked for again and again survives any number of others.
    """
    recent: Recent[int, str] = Recent(size=10, size_bytes=1 << 30)
    recent.put(-1, "steady", 1)

    for number in range(1_000):
        recent.put(number, "x", 1)

        assert "steady" == recent.get(-1)


def test_what_is_larger_than_the_memory_is_not_kept() -> None:
    """
    One entry beyond all bounds neither stays nor drives the others out.
    """
    recent: Recent[int, str] = Recent(size=10, size_bytes=1_000)
    recent.put(1, "small", 10)

    recent.put(2, "huge", 10_000)

    assert (None, "small") == (recent.get(2), recent.get(1))


@pytest.mark.parametrize(("size", "size_bytes"), [(100, 1 << 30), (1 << 30, 100_000)])
def test_streams_are_forgotten_rather_than_piled_up(size: int, size_bytes: int) -> None:
    """
    New series in every request cost no more memory than allowed, and all are kept.
    """
    limits, now_s = Limits(), time.time()
    streams, kept = Streams(limits, size=size, size_bytes=size_bytes), 0

    for worker in range(10):
        body = request(worker, int(now_s * 1000))
        with Deltas().folding() as folding:
            decoding = MetricsDecoding(limits, streams, folding, now_s=now_s)
            decoding.add(otlp.read(body, otlp.METRICS, "protobuf").resource_metrics)
        kept += len(decoding.batch().samples)

    assert 1_000 == kept
    assert 0 < len(streams) <= 150


def test_metrics_are_the_same_with_attributes_unread() -> None:
    """
    Bytes go through the shallow message unchanged, and its attributes are those of the deep one.
    """
    body = request(3, 1_000, width=5)
    deep = otlp.parse(body, otlp.METRICS, "protobuf")

    shallow = otlp.read(body, otlp.METRICS, "protobuf")

    assert body == shallow.SerializeToString()
    assert list(deep.resource_metrics[0].resource.attributes) == otlp_shallow.attributes(
        shallow.resource_metrics[0].resource.attributes[:]
    )
