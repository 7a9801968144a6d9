"""This module checks how much of a receiver's answer is read, and how often a batch goes out."""

import gzip
import itertools
import socket
import threading
import tracemalloc
import zlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk.metrics.export import MetricsData
from tests.answering import Answering, answering
from tests.relaying import relaying
from tests.sdk.programs import run
from tests.sdk.sending import Sent, forget

from otel_confidence.sdk import exporters
from otel_confidence.sdk.bounds import Bounded
from otel_confidence.sdk.delivery import is_success
from otel_confidence.sdk.outages import Outage

SIGNALS = ("metrics", "traces", "logs")
MIB = 1024**2
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\n"
EXPORT_S = 200.0
"""How long an exporter waits where nobody is to wait for it."""
CONTINUE = b"HTTP/1.1 100 Continue\r\nX: %s\r\n\r\n"
Pieces = Callable[[], Iterable[bytes]]


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    forget(monkeypatch)


@contextmanager
def saying(pieces: Pieces) -> Iterator[str]:
    """
    A server's address; whatever it is asked, it answers with these bytes and hangs up.
    """
    door = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            while True:
                client, _ = door.accept()
                threading.Thread(target=_say, args=(client, pieces), daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{door.getsockname()[1]}"
    finally:
        door.shutdown(socket.SHUT_RDWR)
        door.close()
        thread.join()


def _say(client: socket.socket, pieces: Pieces) -> None:
    with client, suppress(OSError):
        request = client.makefile("rb")
        lines = [line.lower() for line in iter(request.readline, b"\r\n")]
        (length,) = (int(line[15:]) for line in lines if line.startswith(b"content-length:"))
        request.read(length)
        for piece in pieces():
            client.sendall(piece)


def export(signal: str, place: str, monkeypatch: pytest.MonkeyPatch) -> tuple[bool, list[str]]:
    """
    Whether an export of nothing arrives, and what is said of it.
    """
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", place)
    exporter = exporters.otlp(signal)()
    nothing: Any = MetricsData([]) if signal == "metrics" else []
    said: list[str] = []
    with Outage(lambda _, why: said.append(why)).watched(place) as attempt:
        attempt.arrived = is_success(exporter.export(nothing))
    exporter.shutdown()
    return attempt.arrived, said


def whole(body: bytes, head: bytes = HEAD) -> Pieces:
    return lambda: [head + b"Content-Length: %d\r\n\r\n" % len(body) + body]


@cache
def bomb() -> bytes:
    """
    A gzip of 64 MiB.
    """
    packer = zlib.compressobj(1, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    return b"".join([packer.compress(bytes(MIB)) for _ in range(64)] + [packer.flush()])


def packed(status: bytes) -> Pieces:
    """
    A gzip of 64 MiB, which is made only when it is wanted.
    """

    def pieces() -> Iterable[bytes]:
        return whole(bomb(), PACKED.replace(b"200 OK", status))()

    return pieces


PACKED = HEAD + b"Content-Encoding: gzip\r\n"
CHUNK = b"100000\r\n" + bytes(MIB) + b"\r\n"
LONG: dict[str, tuple[Pieces, str]] = {
    "a length of five megabytes": (whole(bytes(5 * MIB)), " 200"),
    "64 MiB in a small gzip": (packed(b"200 OK"), " 200"),
    "a refusal with 64 MiB in a small gzip": (packed(b"400 Bad Request"), " 400"),
    "a redirect with 64 MiB in a small gzip": (packed(b"302 Found\r\nLocation: /x"), " 302"),
    "64 MiB in chunks": (
        lambda: itertools.chain([HEAD + b"Transfer-Encoding: chunked\r\n\r\n"],
                                itertools.repeat(CHUNK, 64)), " 200",
    ),
    "64 MiB without a length": (
        lambda: itertools.chain([HEAD + b"\r\n"], itertools.repeat(CHUNK, 64)), " 200",
    ),
    "asking for patience without an end": (
        lambda: itertools.repeat(CONTINUE % (b"x" * 60_000), 300), "",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("pieces", "status"), LONG.values(), ids=LONG)
def test_of_an_answer_four_megabytes_are_read(
    pieces: Pieces, status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    An answer above 4 MiB, as it comes or unpacked, is no delivery and costs little memory.
    """
    with saying(pieces) as place:
        tracemalloc.start()
        arrived = export("traces", place, monkeypatch)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert (False, [f"answered{status} with more than 4 MiB"]) == arrived
    assert peak < 24 * MIB


def slowly(first: bytes, again: bytes) -> Pieces:
    """
    An answer that goes on for far longer than the exporter has time, a piece at a time.
    """
    pause = threading.Event()

    def pieces() -> Iterator[bytes]:
        yield first
        while True:  # until the exporter hangs up
            pause.wait(0.02)  # no piece takes as long as the exporter's time
            yield again

    return pieces


SLOW = {
    "a body": slowly(HEAD + b"Content-Length: 9999999\r\n\r\n", b"\0"),
    "chunks": slowly(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n\0\r\n"),
    "a header": slowly(HEAD + b"X: ", b"x"),
    "a status": slowly(b"HTTP/1.1 200 ", b"O"),
    "asking for patience": slowly(b"", CONTINUE % b""),
}


@pytest.mark.parametrize("pieces", SLOW.values(), ids=SLOW)
def test_an_answer_that_comes_slowly_is_not_waited_for(
    pieces: Pieces, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    The exporter's time is that of the whole answer, however often a byte of it comes.
    """
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    with saying(pieces) as place:
        arrived = export("traces", place, monkeypatch)

    assert (False, ["no answer in time"]) == arrived


@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize("pieces", [SLOW["a body"], LONG["64 MiB without a length"][0]])
def test_the_bounds_hold_for_every_signal(
    signal: str, pieces: Pieces, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Metrics, spans and events leave by the same session: what has no end delivers none of them.
    """
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    with saying(pieces) as place:
        arrived, said = export(signal, place, monkeypatch)

    assert not arrived
    assert 1 == len(said)


def test_the_bounds_hold_behind_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    What a proxy answers is read no further than what a receiver does.
    """
    with saying(LONG["64 MiB in chunks"][0]) as place:
        for name in ("http_proxy", "HTTP_PROXY"):
            monkeypatch.setenv(name, place)
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        arrived = export("traces", "http://receiver.invalid:4318", monkeypatch)

    assert (False, ["answered 200 with more than 4 MiB"]) == arrived


def test_a_proxy_that_is_asked_again_is_metered_once() -> None:
    """
    Each request asks for the way through the proxy; what it is made of does not grow by that.
    """
    adapter = Bounded()
    classes = [
        adapter.proxy_manager_for("http://127.0.0.1:9").pool_classes_by_scheme for _ in range(3)
    ]

    assert classes[0] == classes[1] == classes[2]


def test_an_answer_that_comes_slowly_holds_nobody_up() -> None:
    """
    Flush and the end of the process keep to their times, whatever the exporter still waits for.
    """
    with saying(SLOW["a body"]) as place:
        told = run(
            """
oc.configure(service_name="digits", shutdown_timeout_s=1.0)
classify()
flushed, took = timed(oc.flush, 0.5)
ended, last = timed(oc.shutdown)
tell(flushed=flushed, ended=ended, took=took, last=last)
""",
            variables={
                "OTEL_EXPORTER_OTLP_ENDPOINT": place,
                "OTEL_EXPORTER_OTLP_TIMEOUT": str(EXPORT_S),
            },
        )

    assert (False, False) == (told["flushed"], told["ended"])
    assert max(told["took"], told["last"]) < EXPORT_S / 2


JSON = HEAD.replace(b"x-protobuf", b"json; charset=utf-8")
FOREIGN: dict[str, tuple[Pieces, str]] = {
    "bytes that are no protobuf": (whole(b"\xff" * 8), "what is no answer of OTLP"),
    "a word": (whole(b"OK", HEAD.replace(b"application/x-protobuf", b"text/plain")),
               "what is no answer of OTLP"),
    "a page": (whole(b"<p>", HEAD.replace(b"application/x-protobuf", b"text/HTML")), "a page"),
    "no JSON": (whole(b"{", JSON), "what is no answer of OTLP"),
    "JSON of another shape": (whole(b"[]", JSON), "what is no answer of OTLP"),
    "a part that is none": (whole(b'{"partialSuccess": [1]}', JSON), "what is no answer of OTLP"),
    "a number that is none": (
        whole(b'{"partialSuccess": {"rejectedSpans": "many"}}', JSON), "what is no answer of OTLP"
    ),
    "JSON too deep": (whole(b"[" * 100_000, JSON), "what is no answer of OTLP"),
    "a gzip that is none": (whole(b"xx", PACKED), ""),
    "a packing unknown": (whole(b"xx", PACKED.replace(b"gzip", b"br")),
                          "a body in an encoding that was not asked for"),
}  # fmt: skip


@pytest.mark.parametrize(("pieces", "what"), FOREIGN.values(), ids=FOREIGN)
def test_success_in_other_words_than_those_of_otlp_is_no_delivery(
    pieces: Pieces, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Who answers 200 with something else is no receiver: nothing counts as delivered.
    """
    with saying(pieces) as place:
        arrived, said = export("traces", place, monkeypatch)

    assert not arrived
    assert said[0].startswith(f"answered 200 with {what}")


REJECTING = ExportTraceServiceResponse()
REJECTING.partial_success.rejected_spans = 2
TAKEN: dict[str, tuple[Pieces, int]] = {
    "nothing": (whole(b""), 0),
    "nothing, and no content": (lambda: [b"HTTP/1.1 204 No Content\r\n\r\n"], 0),
    "accepted": (whole(b"", HEAD.replace(b"200 OK", b"202 Accepted")), 0),
    "JSON": (whole(b"{}", JSON), 0),
    "JSON of a part": (whole(b'{"partialSuccess":{"rejectedSpans":"2"}}', JSON), 2),
    "a gzip unasked": (whole(gzip.compress(REJECTING.SerializeToString()), PACKED), 2),
    "chunks": (lambda: [HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"], 0),
    "no length": (lambda: [HEAD + b"\r\n"], 0),
}


@pytest.mark.parametrize(("pieces", "rejected"), TAKEN.values(), ids=TAKEN)
def test_success_in_any_words_of_a_receiver_is_delivery(
    pieces: Pieces, rejected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A receiver may answer with nothing, JSON, chunks or gzip; what it rejects is read in each.
    """
    with saying(pieces) as place:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", place)
        sent = Sent(3)

    assert sent.arrived
    assert ({"rejected_by_collector": rejected} if rejected else {}) == sent.lost


@contextmanager
def calling(answer: bytes) -> Iterator[tuple[str, list[str]]]:
    """
    A server of gRPC that answers every call with these bytes, packed; and the calls.
    """
    calls: list[str] = []

    class Answers(grpc.GenericRpcHandler):  # type: ignore[misc]  # grpc has no types
        def service(self, details: grpc.HandlerCallDetails) -> Any:
            calls.append(details.method)
            return grpc.unary_unary_rpc_method_handler(lambda *_: answer)

    server = grpc.server(
        ThreadPoolExecutor(2),
        options=[("grpc.max_send_message_length", -1), ("grpc.so_reuseport", 0)],
        compression=grpc.Compression.Gzip,
    )
    server.add_generic_rpc_handlers((Answers(),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"http://127.0.0.1:{port}", calls
    finally:
        server.stop(None).wait()


@pytest.mark.parametrize(
    ("answer", "why", "times"),
    [(bytes(16 * MIB), "resource_exhausted", 2), (b"\xff" * 8, "internal", 1)],
    ids=["16 MiB, packed", "no protobuf"],
)
def test_a_foreign_answer_by_grpc_is_no_delivery(
    answer: bytes, why: str, times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    GRPC itself takes no answer above 4 MiB; a batch that was so answered goes out twice at most.
    """
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    with calling(answer) as (place, calls):
        arrived = export("traces", place, monkeypatch)

    assert (False, [why]) == arrived
    assert times == len(calls)


@contextmanager
def cutting(protocol: str, cuts: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Answering]:
    """
    A receiver whose connections are reset so many times once it has what was sent.
    """
    with answering() as receiver:
        place = receiver.grpc if protocol == "grpc" else receiver.http.removeprefix("http://")
        with relaying(place) as relay:
            relay.cuts = cuts
            receiver.before_answering = relay.cut
            monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
            monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://{relay.address}")
            yield receiver


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
@pytest.mark.parametrize(
    ("cuts", "arrived", "lost"), [(1, True, {}), (20, False, {"export_failed": 3})]
)
def test_a_batch_goes_out_twice_at_most_where_nobody_answers_it(
    protocol: str, cuts: int, arrived: bool, lost: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    A receiver that takes a batch and hangs up gets it once more and no third time.
    """
    with cutting(protocol, cuts, monkeypatch) as receiver:
        sent = Sent(3)

    assert arrived == sent.arrived
    assert lost == sent.lost
    assert 2 == receiver.times("traces")
