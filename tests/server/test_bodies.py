"""This module checks that bodies are decompressed within bounds and refused with a reason."""

import gzip
import zlib
from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from otel_confidence.server.bodies import BodyError, read_body

LIMIT = 1000


async def measure(request: Request) -> Response:
    try:
        body = await read_body(request, max_bytes=LIMIT)
    except BodyError as error:
        return PlainTextResponse(str(error), error.status)
    return PlainTextResponse(str(len(body)))


@pytest.fixture
def client() -> TestClient:
    return TestClient(Starlette(routes=[Route("/", measure, methods=["POST"])]))


def in_pieces(body: bytes, size: int = 7) -> Iterator[bytes]:
    yield from (body[i : i + size] for i in range(0, len(body), size))


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("identity", b"x" * LIMIT),
        ("gzip", gzip.compress(b"x" * LIMIT)),
        ("GZIP", gzip.compress(b"x" * LIMIT)),
        ("deflate", zlib.compress(b"x" * LIMIT)),
    ],
    ids=["plain", "gzip", "gzip in capitals", "deflate"],
)
def test_a_body_up_to_the_limit_is_read(client: TestClient, encoding: str, body: bytes) -> None:
    """
    Plain and compressed bodies are read whole, in one piece or many.
    """
    headers = {"Content-Encoding": encoding}

    assert str(LIMIT) == client.post("/", content=body, headers=headers).text
    assert str(LIMIT) == client.post("/", content=in_pieces(body), headers=headers).text


@pytest.mark.parametrize(
    ("encoding", "body", "status", "reason"),
    [
        pytest.param("identity", b"x" * (LIMIT + 1), 413, "more than", id="too large"),
        pytest.param("gzip", gzip.compress(b"x" * (LIMIT + 1)), 413, "more than", id="bomb"),
        pytest.param("gzip", gzip.compress(b"x" * 500)[:-9], 400, "cut short", id="cut short"),
        pytest.param("gzip", b"", 400, "cut short", id="nothing"),
        pytest.param("gzip", b"no gzip", 400, "is no gzip", id="no gzip"),
        pytest.param("gzip", gzip.compress(b"x") + b"y", 400, "follows", id="more behind it"),
        pytest.param("zstd", b"x", 415, "not one of deflate, gzip", id="unknown encoding"),
        pytest.param("gzip, gzip", b"x", 415, "not one of", id="twice"),
    ],
)
def test_any_other_body_is_refused(
    client: TestClient, encoding: str, body: bytes, status: int, reason: str
) -> None:
    """
    The status says what kind of refusal, the text why.
    """
    headers = {"Content-Encoding": encoding}

    answer = client.post("/", content=in_pieces(body, 100), headers=headers)

    assert status == answer.status_code
    assert reason in answer.text


def test_a_length_that_is_no_number_is_no_reason_to_fail(client: TestClient) -> None:
    """
    What a header claims decides nothing but an early refusal.
    """
    answer = client.post("/", content=in_pieces(b"x"), headers={"Content-Length": "9" * 30})

    assert 200 == answer.status_code
