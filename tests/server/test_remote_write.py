"""This module checks remote write over HTTP against a sink that can fail."""

import time
from collections.abc import Callable

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient
from tests.remote import V1, V2, Symbols, exemplar, field, packed, sample, series, varint

from otel_confidence.errors import StoreBusy, StoreError
from otel_confidence.ingest.remote_write import RemoteWriter
from otel_confidence.points import Batch
from otel_confidence.server.remote_write import RemoteWriteReceiver

PATH = "/api/v1/write"
UP = (("__name__", "up"),)
WRITTEN = [
    f"x-prometheus-remote-write-{kind}-written" for kind in ("samples", "histograms", "exemplars")
]


def client(sink: Callable[[Batch], None] = lambda _: None) -> TestClient:
    """A client of a receiver in front of a sink."""
    return TestClient(Starlette(routes=RemoteWriteReceiver(RemoteWriter(sink)).routes()))


def now_ms() -> int:
    """The present, which samples must be near to."""
    return time.time_ns() // 1_000_000


def request_1() -> bytes:
    """A request of 1.0 with two samples and an exemplar."""
    link = exemplar((("trace_id", "t"),), now_ms(), 0.5)
    return packed(series(UP, [(now_ms(), 1.0), (now_ms() - 1, 2.0)], link))


def request_2() -> bytes:
    """A request of 2.0 with one sample."""
    symbols = Symbols()
    content = symbols.refs("__name__", "up") + field(2, sample(now_ms(), 1.0))
    return packed(bytes(symbols) + field(5, content))


@pytest.mark.parametrize(
    ("headers", "make", "counts"),
    [
        pytest.param(V1, request_1, ["2", "0", "1"], id="1.0"),
        pytest.param(
            {**V1, "Content-Type": 'application/x-protobuf; proto="prometheus.WriteRequest"'},
            request_1,
            ["2", "0", "1"],
            id="1.0 by name",
        ),
        pytest.param(V2, request_2, ["1", "0", "0"], id="2.0"),
    ],
)
def test_what_was_written_is_counted_in_headers(
    headers: dict[str, str], make: Callable[[], bytes], counts: list[str]
) -> None:
    """
    The answer comes after the sink has it, is empty and counts samples, histograms, exemplars.
    """
    batches: list[Batch] = []

    answer = client(batches.append).post(PATH, content=make(), headers=headers)

    assert (204, b"") == (answer.status_code, answer.content)
    assert counts == [answer.headers[name] for name in WRITTEN]
    assert counts[0] == str(len(batches[0].samples))


def test_a_part_refused_is_400_with_what_was_kept() -> None:
    """
    The sender hears which series was refused and why, and how many samples were kept.
    """
    body = series(UP, [(now_ms(), 1.0)]) + series((("a", "1"),), [(now_ms(), 1.0)])

    answer = client().post(PATH, content=packed(body), headers=V1)

    assert 400 == answer.status_code
    assert "1" == answer.headers[WRITTEN[0]]
    assert "1 samples were kept" in answer.text
    assert "series 1: the metric has no name" in answer.text


@pytest.mark.parametrize(
    ("headers", "content", "status"),
    [
        pytest.param({**V1, "Content-Type": "text/plain"}, b"", 415, id="wrong type"),
        pytest.param({**V1, "Content-Type": "application/x-protobuf;proto=x"}, b"", 415, id="odd"),
        pytest.param({**V1, "Content-Encoding": "gzip"}, b"", 415, id="wrong encoding"),
        pytest.param(V1, b"", 400, id="no block"),
        pytest.param(V1, packed(b"\x0a\xff"), 400, id="no message"),
        pytest.param(V2, packed(series(UP)), 400, id="1.0 said to be 2.0"),
        pytest.param(V1, varint(1 << 30) + b"x", 400, id="bomb"),
        pytest.param(V1, packed(series(UP) * 100)[:-1], 400, id="truncated block"),
        pytest.param(V1, bytes((20 << 20) + 1), 413, id="large body"),
    ],
)
def test_a_bad_request_is_told_why(headers: dict[str, str], content: bytes, status: int) -> None:
    """
    The answer is a sentence, and its headers say that nothing was written.
    """
    answer = client().post(PATH, content=content, headers=headers)

    assert status == answer.status_code
    assert answer.text.strip()
    assert ["0"] * 3 == [answer.headers[name] for name in WRITTEN]


@pytest.mark.parametrize(
    ("labels", "named"),
    [
        pytest.param((("__name__", "x"), ("a", "")), "label 'a' is empty", id="empty label"),
        pytest.param((("b", "1"), ("__name__", "x")), "not sorted", id="wrong order"),
        pytest.param((("__name__", "x"), ("a", "v" * 10_000_000)), "bytes", id="10 MB label"),
    ],
)
def test_a_bad_series_is_named_and_the_others_kept(
    labels: tuple[tuple[str, str], ...], named: str
) -> None:
    """
    The answer is 400 with the place and the reason, and the good series reached the sink.
    """
    batches: list[Batch] = []
    body = series(labels, [(now_ms(), 1.0)]) + series(UP, [(now_ms(), 2.0)])

    answer = client(batches.append).post(PATH, content=packed(body), headers=V1)

    assert (400, "1") == (answer.status_code, answer.headers[WRITTEN[0]])
    assert "series 0" in answer.text
    assert named in answer.text
    assert [2.0] == batches[0].samples.values.tolist()


@pytest.mark.parametrize("error", [StoreBusy("full"), StoreError("disk full")])
def test_a_failing_store_asks_to_come_again(error: StoreError) -> None:
    """
    Busy or broken, the answer is 503: a Prometheus drops what is answered by 429.
    """

    def sink(_: Batch) -> None:
        raise error

    answer = client(sink).post(PATH, content=request_1(), headers=V1)

    assert 503 == answer.status_code
    assert int(answer.headers["retry-after"]) > 0
    assert "0" == answer.headers[WRITTEN[0]]
    assert str(error) in answer.text
