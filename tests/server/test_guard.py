"""This module checks that foreign hosts and origins are kept out."""

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from otel_confidence.server.guard import Guard

METHODS = ["GET", "POST", "PUT", "DELETE", "OPTIONS"]


async def talk(socket: WebSocket) -> None:
    """
    Tell the secret to whoever connects.
    """
    await socket.accept()
    await socket.send_text("secret")
    await socket.close()


APP = Starlette(
    routes=[
        Route("/", PlainTextResponse("secret"), methods=METHODS),
        WebSocketRoute("/live", talk),
    ]
)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Host": "evil.example"}, id="foreign host"),
        pytest.param({"Host": "evil.example:8050"}, id="foreign host with the port"),
        pytest.param({"Host": "localhost.evil.example"}, id="host that begins alike"),
        pytest.param({"Host": "[::1"}, id="broken host"),
        pytest.param({"Host": ""}, id="no host"),
        pytest.param({"Host": "localhost", "Origin": "https://evil.example"}, id="foreign origin"),
        pytest.param({"Host": "localhost", "Origin": "null"}, id="opaque origin"),
    ],
)
def test_what_is_foreign_is_refused(method: str, headers: dict[str, str]) -> None:
    """
    A foreign Host or Origin gets 403 on every method, and no hint for cross-origin reading.
    """
    answer = TestClient(Guard(APP)).request(method, "/", headers=headers)

    assert 403 == answer.status_code
    assert "secret" not in answer.text
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "localhost:8050"},
        {"Host": "127.0.0.1"},
        {"Host": "[::1]:8050"},
        {"Host": "LOCALHOST", "Origin": "http://localhost:8050"},
    ],
)
def test_what_is_ours_is_answered_with_security_headers(headers: dict[str, str]) -> None:
    """
    Loopback names are answered; every answer forbids scripts, frames and guessing of types.
    """
    answer = TestClient(Guard(APP)).get("/", headers=headers)

    assert "secret" == answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "nosniff" == answer.headers["x-content-type-options"]


def test_an_open_server_still_refuses_foreign_pages() -> None:
    """
    Where every host is served, a page from elsewhere is still refused.
    """
    client = TestClient(Guard(APP, hosts=None))

    assert 200 == client.get("/", headers={"Host": "box.lan"}).status_code
    same = {"Host": "box.lan:8050", "Origin": "http://box.lan:8050"}
    assert 200 == client.get("/", headers=same).status_code
    foreign = {"Host": "box.lan", "Origin": "http://evil.example"}
    assert 403 == client.get("/", headers=foreign).status_code


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Host": "evil.example"}, id="foreign host"),
        pytest.param({"Host": "localhost", "Origin": "https://evil.example"}, id="foreign origin"),
    ],
)
def test_a_foreign_web_socket_is_closed_before_it_opens(headers: dict[str, str]) -> None:
    """
    A page elsewhere can open a WebSocket without asking first; it is refused like its requests.
    """
    client = TestClient(Guard(APP))

    with (
        pytest.raises(WebSocketDisconnect) as refused,
        client.websocket_connect("/live", headers=headers),
    ):
        pass

    assert 1008 == refused.value.code


def test_our_own_web_socket_is_opened() -> None:
    """
    A page of this server may talk to it.
    """
    headers = {"Host": "localhost:8050", "Origin": "http://localhost:8050"}

    with TestClient(Guard(APP)).websocket_connect("/live", headers=headers) as socket:
        said = socket.receive_text()

    assert "secret" == said
